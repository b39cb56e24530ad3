"""Patches of feature maps, and how well those of one place are told from those of others: CUT's loss."""

import keras
from keras import ops

TEMPERATURE = 0.07

_cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="patch_nce")


def places(noise, number, height, width):
    """Random places of a map, one in each of `number` x `number` parts of it, or fewer where it is smaller.

    Args:
        noise: float (B, 2n), standard normal, n at least `number` squared.
        number: parts along a side.
        height, width: of the map.

    Returns:
        int32 (B, m): numbers of pixels, row by row, all different; m is the square of `number`, or of what fits.
    """
    number = min(number, height, width)
    shares = 0.5 * (1 + ops.erf(ops.cast(noise, "float32") / 2**0.5))   # uniform in [0, 1]
    half = noise.shape[1] // 2
    parts = ops.arange(number**2, dtype="int32")
    found = []
    for part, share, side in ((parts // number, shares[:, :half], height), (parts % number, shares[:, half:], width)):
        first, last = part * side // number, (part + 1) * side // number - 1
        spread = ops.cast(share[:, : number**2] * ops.cast(last - first + 1, "float32"), "int32")
        found.append(ops.minimum(first + spread, last))   # (B, m)
    return found[0] * width + found[1]


def patches(features, chosen):
    """float (B, h, w, C) at int32 (B, m) places -> (B, m, C)."""
    flat = ops.reshape(features, (-1, features.shape[1] * features.shape[2], features.shape[3]))
    return ops.take_along_axis(flat, chosen[..., None], axis=1)


def patch_nce(queries, keys):
    """The cross-entropy of finding, for each query, the key of the same place among all keys of its picture.

    Args:
        queries, keys: float32 (B, n, d), of length 1. Gradients flow into `queries` alone.

    Returns:
        A scalar, in nats.

    Reference: Park et al. (2020), equations 2 and 3, https://arxiv.org/abs/2007.15651, with the keys as they are, as in
    its published code
    """
    logits = ops.matmul(queries, ops.transpose(ops.stop_gradient(keys), (0, 2, 1))) / TEMPERATURE   # (B, n, n)
    right = ops.broadcast_to(ops.arange(queries.shape[1], dtype="int32"), ops.shape(logits)[:2])
    return _cross_entropy(right, logits)
