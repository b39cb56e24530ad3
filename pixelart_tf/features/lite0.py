"""EfficientNet-Lite0 as a feature network: its ImageNet weights are part of this package, so that it works offline."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from pixelart_tf.layers.resize import Resize

WEIGHTS = Path(__file__).parent / "data" / "efficientnet_lite0.npz"
SIZE = 224                # pixels of a side, that the network was trained on
DIMENSION = 1280
NORM_EPSILON = 1e-3
# expand, channels, repeats, stride of the first, kernel
BLOCKS = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
# The layers whose activations can be asked for: the first, and the blocks from the first to the last.
MAPS = ("stem", *(f"block_{i}" for i in range(sum(repeats for _, _, repeats, _, _ in BLOCKS))))


def read_weights(path: Path = WEIGHTS) -> dict[str, np.ndarray]:
    """The network's weights by their published names; float16 is widened to float32."""
    with np.load(path) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def lite0(*, weights: str | Mapping[str, np.ndarray] = "package") -> keras.Model:
    """EfficientNet-Lite0 without its classifier: no squeeze-excitation, ReLU6, each batch norm folded.

    Pictures of another size than 224x224 are resized: larger sides are averaged (antialiased bilinear), smaller ones
    repeat pixels, so that pixel art stays crisp (32 * 7 = 224). It computes in float32 whatever the global policy.

    Args:
        weights: `"package"`, or arrays by the names of the PyTorch state dict (`_conv_stem.weight` (32, 3, 3, 3), ...);
            a classifier among them is not used.

    Returns:
        A functional `keras.Model` from float32 (B, H, W, 3) in 0..255, of any size, to float32 (B, 1280): the average
        over the last activations.

    Raises:
        ValueError: an array is missing or has another shape.

    Reference: Tan and Le, EfficientNet (2019), https://arxiv.org/abs/1905.11946, and Google's Lite variants; equals
    the package efficientnet-lite-pytorch.
    """
    if isinstance(weights, str) and weights != "package":
        raise ValueError(f"`weights` must be 'package' or a dict of arrays. Received: {weights!r}")
    state = read_weights() if isinstance(weights, str) else weights

    inputs = keras.Input((None, None, 3), dtype="float32", name="images")
    x = Resize(SIZE, SIZE, enlarge="nearest", name="resize")(inputs)   # (B, 224, 224, 3)
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, dtype="float32", name="rescale")(x)
    *_, (_, x) = _activations(x, state)   # (B, 7, 7, 320)
    x = _conv(x, state, "_conv_head", "_bn1", filters=DIMENSION)   # (B, 7, 7, 1280)
    x = keras.layers.ReLU(max_value=6, dtype="float32")(x)
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)   # (B, 1280)
    return keras.Model(inputs, features, name="lite0")


def lite0_maps(layers: Sequence[str]) -> keras.Model:
    """What the same network has after some of its layers, of pictures as they are, without a resize.

    Args:
        layers: names out of `MAPS`.

    Returns:
        A functional `keras.Model` from float32 (B, H, W, 3) in [-1, 1], of any size, to a list of float32
        (B, h, w, channels), in the order of `layers`.
    """
    inputs = keras.Input((None, None, 3), dtype="float32", name="images")
    # [-1, 1] -> 0..255 -> the network's own scale.
    x = keras.layers.Rescaling(127.5 / 128, offset=0.5 / 128, dtype="float32", name="rescale")(inputs)
    last = max(map(MAPS.index, layers))
    found = dict(itertools.islice(_activations(x, read_weights()), last + 1))
    return keras.Model(inputs, [found[name] for name in layers], name="lite0_maps")


def _activations(x, state):
    """The names of the layers up to the last block, and what is there after each."""
    x = _conv(x, state, "_conv_stem", "_bn0", filters=32, kernel=3, stride=2)   # (B, H / 2, W / 2, 32)
    x = keras.layers.ReLU(max_value=6, dtype="float32")(x)
    yield MAPS[0], x
    index = 0
    for expand, channels, repeats, stride, kernel in BLOCKS:
        for repeat in range(repeats):
            x = _block(x, state, f"_blocks.{index}.", expand, channels, stride if repeat == 0 else 1, kernel)
            index += 1
            yield MAPS[index], x


def _block(x, state, block, expand, channels, stride, kernel):
    """Widen, filter each channel, narrow without an activation; around it a shortcut where the shape stays."""
    shortcut, inside = x, expand * x.shape[-1]
    if expand > 1:
        x = _conv(x, state, f"{block}_expand_conv", f"{block}_bn0", filters=inside)   # (B, h, w, inside)
        x = keras.layers.ReLU(max_value=6, dtype="float32")(x)
    x = _conv(x, state, f"{block}_depthwise_conv", f"{block}_bn1", kernel=kernel, stride=stride)
    x = keras.layers.ReLU(max_value=6, dtype="float32")(x)   # (B, h / stride, w / stride, inside)
    x = _conv(x, state, f"{block}_project_conv", f"{block}_bn2", filters=channels)   # (B, h / stride, w / stride, c)
    if stride == 1 and shortcut.shape[-1] == channels:
        x = keras.layers.Add(dtype="float32")([shortcut, x])
    return x


def _conv(x, state, conv, norm, *, filters=None, kernel=1, stride=1):
    """A convolution, of each channel by itself without `filters`, with the batch norm after it folded in."""
    name = conv.replace(".", "").lstrip("_")
    options = {"strides": stride, "padding": "same", "dtype": "float32", "name": name}
    if filters:
        layer = keras.layers.Conv2D(filters, kernel, kernel_initializer="zeros", **options)
        shape = (filters, x.shape[-1], kernel, kernel)
        axes = (2, 3, 1, 0)   # (out, in, h, w) -> (h, w, in, out)
    else:
        layer = keras.layers.DepthwiseConv2D(kernel, depthwise_initializer="zeros", **options)
        shape = (x.shape[-1], 1, kernel, kernel)
        axes = (2, 3, 0, 1)   # (channel, 1, h, w) -> (h, w, channel, 1)
    kernels = _array(state, f"{conv}.weight", shape)
    gamma, beta, mean, variance = (
        _array(state, f"{norm}.{part}", shape[:1]) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + NORM_EPSILON)
    x = layer(x)
    layer.set_weights([np.transpose(kernels * scale[:, None, None, None], axes), beta - mean * scale])
    return x


def _array(state, name, shape):
    received = state[name].shape if name in state else "nothing"
    if received != shape:
        raise ValueError(f"`weights` must hold '{name}' of shape {shape}. Received: {received}")
    return np.asarray(state[name], np.float64)
