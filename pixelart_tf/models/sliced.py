"""How differently small patches of pixel art are drawn: what `scores.pixel_art.style` measures, as a loss."""

import numpy as np
from keras import ops

from pixelart_tf.models.losses import mean_of_pictures

PATCH = 5            # cells a side
FLAT = 0.08          # of luminance in [-1, 1]: patches that deviate less show nothing
STEP = 2 * 8 / 255   # a smaller step does not show
NUM_QUANTILES = 512
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
BEYOND = 1e3         # where what does not show is sorted to, after all else


def quantiles(images, directions, where=None):
    """The distribution of a batch's patches in some directions.

    Patches of 5x5 cells whose luminance deviates by more than 0.08 are brought to mean 0 and deviation 1, then
    projected.

    Args:
        images: float (B, H, W, 1 or 3) in [-1, 1], a pixel a cell.
        directions: float32 (25, d), each of any length but 0.
        where: bool (B, H, W, 1), the cells around which patches count; None is all.

    Returns:
        float32 (d, 512), the quantiles in each direction; and whether there is any such patch, float32 1 or 0.
    """
    x = _luminance(images)
    found = ops.image.extract_patches(x, PATCH, strides=1, padding="valid", data_format="channels_last")
    found = ops.reshape(found, (-1, PATCH**2))                                  # (n, 25)
    found -= ops.mean(found, axis=1, keepdims=True)
    deviations = ops.sqrt(ops.mean(ops.square(found), axis=1) + 1e-6)   # the root's slope at 0 has no end
    directions /= ops.sqrt(ops.sum(ops.square(directions), axis=0))
    projected = ops.matmul(found / deviations[:, None], directions)            # (n, d)
    seen = deviations > FLAT
    if where is not None:
        edge = PATCH // 2
        seen = ops.logical_and(seen, ops.reshape(where[:, edge:-edge, edge:-edge], (-1,)))
    return _quantiles(ops.transpose(projected), seen)


def steps(images):
    """The distribution of a batch's steps of luminance from a cell to the next, across and down, above 8 levels of 255.

    Args:
        images: as of `quantiles`.

    Returns:
        Likewise, with d = 1.
    """
    x = _luminance(images)
    found = [ops.reshape(ops.abs(each), (1, -1)) for each in (x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1])]
    found = ops.concatenate(found, axis=1)
    return _quantiles(found, found[0] > STEP)


def _luminance(images):
    images = ops.cast(images, "float32")
    return images if images.shape[-1] == 1 else ops.sum(images * LUMA, axis=-1, keepdims=True)


def _quantiles(values, seen):
    """Of float (d, n) those that are seen, bool (n,): float32 (d, 512); and whether any is."""
    values = ops.sort(ops.where(seen, values, BEYOND), axis=1)
    number = ops.sum(ops.cast(seen, "float32"))
    shares = (np.arange(NUM_QUANTILES, dtype=np.float32) + 0.5) / NUM_QUANTILES
    places = ops.cast(shares * ops.maximum(number, 1.0), "int32")
    return ops.take(values, places, axis=1), ops.minimum(number, 1.0)


def sliced_wasserstein(made, real):
    """The mean distance of two distributions, as `quantiles` or `steps` give them: a scalar; 0 where one has none.

    Reference: Rabin et al., Wasserstein barycenter and its application to texture mixing (2011); as a loss of patches
    Elnekave and Weiss, Generating natural images with direct patch distributions matching (2022),
    https://arxiv.org/abs/2203.11862
    """
    (of_made, any_made), (of_real, any_real) = made, real
    distance = ops.mean(ops.abs(of_made - ops.stop_gradient(of_real)))
    return mean_of_pictures(ops.reshape(any_made * any_real * distance, (1,)))
