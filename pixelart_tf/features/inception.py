"""The Inception network that FID, KID and MiFID are defined by: the one of 5 December 2015, up to its last pool."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from pixelart_tf.formats.torch_file import WeightsError

IMAGE_SIZE = 299
NUM_FEATURES = 2048
EPSILON = 1e-3   # of every batch norm
RESIZES = ("tf1", "half_pixel")


class Unit(NamedTuple):
    """A convolution without bias, its batch norm and a ReLU; `name` is that of the PyTorch state dict."""

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    strides: int = 1
    padding: str = "same"


# A network is a list of steps, done one after the other: a unit, a pool by its name, or a list of branches, each again
# a list of steps, whose outputs are concatenated.
def _mixed_35(name: str, pool_channels: int) -> list:
    return [
        [Unit(f"{name}.branch1x1", 64)],
        [Unit(f"{name}.branch5x5_1", 48), Unit(f"{name}.branch5x5_2", 64, (5, 5))],
        [
            Unit(f"{name}.branch3x3dbl_1", 64),
            Unit(f"{name}.branch3x3dbl_2", 96, (3, 3)),
            Unit(f"{name}.branch3x3dbl_3", 96, (3, 3)),
        ],
        ["average", Unit(f"{name}.branch_pool", pool_channels)],
    ]


def _mixed_17(name: str, width: int) -> list:
    return [
        [Unit(f"{name}.branch1x1", 192)],
        [
            Unit(f"{name}.branch7x7_1", width),
            Unit(f"{name}.branch7x7_2", width, (1, 7)),
            Unit(f"{name}.branch7x7_3", 192, (7, 1)),
        ],
        [
            Unit(f"{name}.branch7x7dbl_1", width),
            Unit(f"{name}.branch7x7dbl_2", width, (7, 1)),
            Unit(f"{name}.branch7x7dbl_3", width, (1, 7)),
            Unit(f"{name}.branch7x7dbl_4", width, (7, 1)),
            Unit(f"{name}.branch7x7dbl_5", 192, (1, 7)),
        ],
        ["average", Unit(f"{name}.branch_pool", 192)],
    ]


def _mixed_8(name: str, pool: str) -> list:
    return [
        [Unit(f"{name}.branch1x1", 320)],
        [
            Unit(f"{name}.branch3x3_1", 384),
            [[Unit(f"{name}.branch3x3_2a", 384, (1, 3))], [Unit(f"{name}.branch3x3_2b", 384, (3, 1))]],
        ],
        [
            Unit(f"{name}.branch3x3dbl_1", 448),
            Unit(f"{name}.branch3x3dbl_2", 384, (3, 3)),
            [[Unit(f"{name}.branch3x3dbl_3a", 384, (1, 3))], [Unit(f"{name}.branch3x3dbl_3b", 384, (3, 1))]],
        ],
        [pool, Unit(f"{name}.branch_pool", 192)],
    ]


NETWORK = [
    Unit("Conv2d_1a_3x3", 32, (3, 3), strides=2, padding="valid"),   # (B, 149, 149, 32)
    Unit("Conv2d_2a_3x3", 32, (3, 3), padding="valid"),
    Unit("Conv2d_2b_3x3", 64, (3, 3)),   # (B, 147, 147, 64)
    "halve",
    Unit("Conv2d_3b_1x1", 80, padding="valid"),
    Unit("Conv2d_4a_3x3", 192, (3, 3), padding="valid"),   # (B, 71, 71, 192)
    "halve",
    _mixed_35("Mixed_5b", 32),   # (B, 35, 35, 256)
    _mixed_35("Mixed_5c", 64),
    _mixed_35("Mixed_5d", 64),   # (B, 35, 35, 288)
    [
        [Unit("Mixed_6a.branch3x3", 384, (3, 3), strides=2, padding="valid")],
        [
            Unit("Mixed_6a.branch3x3dbl_1", 64),
            Unit("Mixed_6a.branch3x3dbl_2", 96, (3, 3)),
            Unit("Mixed_6a.branch3x3dbl_3", 96, (3, 3), strides=2, padding="valid"),
        ],
        ["halve"],
    ],   # (B, 17, 17, 768)
    _mixed_17("Mixed_6b", 128),
    _mixed_17("Mixed_6c", 160),
    _mixed_17("Mixed_6d", 160),
    _mixed_17("Mixed_6e", 192),
    [
        [
            Unit("Mixed_7a.branch3x3_1", 192),
            Unit("Mixed_7a.branch3x3_2", 320, (3, 3), strides=2, padding="valid"),
        ],
        [
            Unit("Mixed_7a.branch7x7x3_1", 192),
            Unit("Mixed_7a.branch7x7x3_2", 192, (1, 7)),
            Unit("Mixed_7a.branch7x7x3_3", 192, (7, 1)),
            Unit("Mixed_7a.branch7x7x3_4", 192, (3, 3), strides=2, padding="valid"),
        ],
        ["halve"],
    ],   # (B, 8, 8, 1280)
    _mixed_8("Mixed_7b", "average"),
    _mixed_8("Mixed_7c", "max"),   # a slip of 2015 that every FID since has kept
]


def inception(state: Mapping[str, np.ndarray], *, resize: str = "tf1") -> keras.Model:
    """The FID Inception: pictures of any size to the 2048 features of its `pool3`.

    Each batch norm is folded into the convolution before it.

    Args:
        state: name -> array as in pytorch-fid's state dict; see `features.weights.read_inception`. The classifier
            (`fc.*`) and `num_batches_tracked` are not needed.
        resize: how pictures become 299x299. `"tf1"`: as the graph of 2015 does, bilinear with output pixel i taken from
            position i * size / 299; then (x - 128) / 128. `"half_pixel"`: as pytorch-fid does, from position
            (i + 0.5) * size / 299 - 0.5; then 2 x / 255 - 1. Neither averages over pixels that it leaves out.

    Returns:
        A functional `keras.Model` from float32 (B, H, W, 3) in 0..255 to float32 (B, 2048).

    Raises:
        WeightsError: the weights are of another network or not finite.

    Reference: `classify_image_graph_def.pb` of 2015-12-05 from `ExpandDims:0` to `pool_3:0`; Szegedy et al.,
    Rethinking the Inception Architecture (2015), https://arxiv.org/abs/1512.00567; pytorch-fid 0.3.0's
    `fid_inception_v3`, whose features it matches.
    """
    if resize not in RESIZES:
        raise ValueError(f"`resize` must be one of {', '.join(RESIZES)}. Received: {resize!r}")
    check_state(state)
    inputs = keras.Input((None, None, 3), name="images", dtype="float32")
    x = resize_bilinear(inputs, half_pixel=resize == "half_pixel")   # (B, 299, 299, 3)
    x = (x - 128) / 128 if resize == "tf1" else 2 * (x / 255) - 1
    x = _follow(x, NETWORK)   # (B, 8, 8, 2048)
    x = keras.layers.GlobalAveragePooling2D(name="pool3", dtype="float32")(x)
    model = keras.Model(inputs, x, name="inception")
    for unit, _ in units(NETWORK):
        model.get_layer(unit.name).set_weights(_folded(state, unit.name))
    return model


def resize_bilinear(images, *, half_pixel: bool):
    """(B, H, W, C) -> (B, 299, 299, C), without antialiasing."""
    x = ops.transpose(images, (0, 3, 1, 2))   # (B, C, H, W)
    rows = _interpolation(x[0, 0, :, 0], half_pixel)   # (299, H)
    columns = _interpolation(x[0, 0, 0, :], half_pixel)   # (299, W)
    x = ops.matmul(ops.matmul(rows, x), ops.transpose(columns))
    return ops.transpose(x, (0, 2, 3, 1))


def _interpolation(line, half_pixel: bool):
    """The matrix (299, size) that interpolates a line of `size` pixels; only its length is looked at."""
    one = ops.ones_like(line)   # the length as a tensor, as a functional model knows no other
    size, pixel = ops.sum(one), ops.cumsum(one) - 1
    centre = 0.5 if half_pixel else 0.0
    position = size / IMAGE_SIZE * (np.arange(IMAGE_SIZE, dtype="float32") + centre) - centre
    position = ops.minimum(ops.relu(position), size - 1)
    return ops.relu(1 - ops.abs(position[:, None] - pixel))


def _follow(x, steps: list):
    for step in steps:
        if isinstance(step, Unit):
            x = keras.layers.Conv2D(
                step.channels,
                step.kernel,
                strides=step.strides,
                padding=step.padding,
                activation="relu",
                kernel_initializer="zeros",
                name=step.name,
                dtype="float32",
            )(x)
        elif step == "halve":
            x = keras.layers.MaxPooling2D(3, strides=2, dtype="float32")(x)
        elif step == "max":
            x = keras.layers.MaxPooling2D(3, strides=1, padding="same", dtype="float32")(x)
        elif step == "average":   # over what is inside the picture: the padding does not count
            x = keras.layers.AveragePooling2D(3, strides=1, padding="same", dtype="float32")(x)
        else:
            x = keras.layers.Concatenate(dtype="float32")([_follow(x, branch) for branch in step])
    return x


def units(steps: list, channels: int = 3) -> Iterator[tuple[Unit, int]]:
    """Every unit with the number of its input channels, in order; the generator's value is the output channels."""
    for step in steps:
        if isinstance(step, Unit):
            yield step, channels
            channels = step.channels
        elif isinstance(step, list):
            widths = []
            for branch in step:
                widths.append((yield from units(branch, channels)))
            channels = sum(widths)
    return channels


def shapes() -> dict[str, tuple[int, ...]]:
    """The arrays of `state` that are needed, by their PyTorch names: kernels are (out, in, height, width)."""
    needed = {}
    for unit, channels in units(NETWORK):
        needed[f"{unit.name}.conv.weight"] = (unit.channels, channels, *unit.kernel)
        for name in ("weight", "bias", "running_mean", "running_var"):
            needed[f"{unit.name}.bn.{name}"] = (unit.channels,)
    return needed


def check_state(state: Mapping[str, np.ndarray]) -> None:
    """Refuses weights that are not the FID Inception's.

    Raises:
        WeightsError: arrays are missing, of other shapes, not finite, or those of torchvision's Inception, which has
            the same convolutions but was trained anew.
    """
    needed = shapes()
    if any(name.startswith("AuxLogits.") for name in state) or np.shape(state.get("fc.bias", ())) == (1000,):
        raise WeightsError("torchvision's Inception, another network than FID's (pt_inception-2015-12-05-6726825d.pth)")
    if missing := [name for name in needed if name not in state]:
        raise WeightsError(f"not the FID Inception: {len(missing)} of {len(needed)} arrays missing ({_some(missing)})")
    if wrong := [name for name, shape in needed.items() if np.shape(state[name]) != shape]:
        first = f"{wrong[0]} is {np.shape(state[wrong[0]])}, not {needed[wrong[0]]}"
        raise WeightsError(f"not the FID Inception: {len(wrong)} of {len(needed)} arrays of other shapes ({first})")
    if bad := [name for name in needed if np.asarray(state[name]).dtype.kind != "f"]:
        raise WeightsError(f"{len(bad)} of {len(needed)} arrays are not of floats ({_some(bad)})")
    if bad := [name for name in needed if not np.isfinite(state[name]).all()]:
        raise WeightsError(f"{len(bad)} of {len(needed)} arrays are not finite ({_some(bad)})")
    if bad := [name for name in needed if name.endswith("running_var") and np.min(state[name]) < 0]:
        raise WeightsError(f"{len(bad)} variances are negative ({_some(bad)})")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _folded(state: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    """A unit's kernel (height, width, in, out) and bias with its batch norm in them."""
    kernel = np.asarray(state[f"{name}.conv.weight"], np.float64)
    gamma, beta, mean, variance = (
        np.asarray(state[f"{name}.bn.{part}"], np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    return [kernel.transpose(2, 3, 1, 0) * scale, beta - mean * scale]
