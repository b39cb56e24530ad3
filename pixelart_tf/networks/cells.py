"""The generator of pixel art at its native size: some input pixels a cell, one output pixel a cell, and no norm."""

import keras

from pixelart_tf.base.checks import check_counts, check_rates
from pixelart_tf.networks.blocks import NHWC, check_image_size, check_weights, in_float32, reflect, with_l2

LARGEST = 16   # pixels a cell


def cells(
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    output_channels: int = 3,
    scale: float = 0.25,
    base_width: int = 32,
    num_blocks: int = 4,
    slope: float = 0.1,
    l2: float = 0.0,
    name: str = "cells",
) -> keras.Model:
    """A network that turns pictures into cells, or cells into pictures, of any size.

    Its residual blocks work at the cells' resolution. What it adds to is the input itself: the box means on the way to
    the cells, the enlarged cells on the way back, so that colors need not be learnt. Without norms a picture gives the
    same in tiles as in one piece, and what was trained at 32x32 cells works at 96x54. The sum is clipped at the very
    end; training compares it before (see `models.parts.before_clip`), as a clipped pixel has no gradient.

    Args:
        image_size: pixels of a side, or (height, width), which must be multiples of the pixels a cell; None for any.
        channels: of the input.
        output_channels: of the output.
        scale: output pixels for an input pixel: 1/4 makes a cell of 4x4 pixels, 4 the way back; 1 keeps the size.
        base_width: channels of the residual blocks.
        num_blocks: residual blocks.
        slope: of the leaky ReLUs below zero.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 (B, H * scale, W * scale,
        output_channels) in [-1, 1]. A layer `to_cells` tells the pixels a cell.

    Raises:
        ValueError: if an argument is out of its range.

    Of no paper. Initialised after He et al. (2015), https://arxiv.org/abs/1502.01852, with residual branches that start
    small, after Zhang et al., Fixup (2019), https://arxiv.org/abs/1901.09321
    """
    check_counts(channels=channels, output_channels=output_channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=64, num_blocks=num_blocks)
    check_rates(slope=slope)
    down, up = _halvings(1 / scale), _halvings(scale)
    if down is None and up is None:
        raise ValueError(f"`scale` must be a power of two from 1/{LARGEST} to {LARGEST}. Received: {scale}")
    if channels != output_channels:
        raise ValueError(
            f"`channels` must equal `output_channels`, as what comes out is a change of what goes in. "
            f"Received: {channels} and {output_channels}"
        )
    check_weights((18 * num_blocks + 18) * base_width**2, base_width=base_width)
    cell = 2 ** (down or 0)
    height, width = check_image_size(image_size, multiple=cell, minimum=4 * cell)

    def convolve(x, filters, size, name, *, strides=1, gain=2.0):
        init = keras.initializers.VarianceScaling(gain, "fan_in", "truncated_normal")
        layer = keras.layers.Conv2D(filters, size, strides=strides, kernel_initializer=init, name=name, **NHWC)
        return layer(reflect(x, size // 2))

    def relu(x, name):
        return keras.layers.LeakyReLU(negative_slope=slope, name=f"{name}_relu")(x)

    inputs = base = x = keras.Input((height, width, channels), name="images")
    if down:
        base = keras.layers.AveragePooling2D(cell, name="to_cells", dtype="float32", **NHWC)(inputs)
        for i in range(down):
            filters = max(4, base_width // 2 ** (down - 1 - i))
            x = relu(convolve(x, filters, 3 if i else 7, f"down_{i}", strides=2), f"down_{i}")
    else:
        x = relu(convolve(x, base_width, 7, "stem"), "stem")
    for i in range(num_blocks):   # (B, rows, columns, base_width)
        change = relu(convolve(x, base_width, 3, f"block_{i}_0"), f"block_{i}")
        x = keras.layers.Add(name=f"block_{i}_add")([x, convolve(change, base_width, 3, f"block_{i}_1", gain=0.02)])
    for i in range(up or 0):
        x = keras.layers.UpSampling2D(2, name=f"up_{i}_resize", **NHWC)(x)
        x = relu(convolve(x, max(4, base_width // 2 ** (i + 1)), 3, f"up_{i}"), f"up_{i}")
    if up:
        base = keras.layers.UpSampling2D(2**up, name="from_cells", dtype="float32", **NHWC)(inputs)
    x = convolve(x, output_channels, 5, "to_change", gain=0.05)
    x = keras.layers.Add(name="unclipped", dtype="float32")([x, base])   # (B, H * scale, W * scale, output_channels)
    return with_l2(keras.Model(inputs, in_float32(x, activation="hard_tanh", name="pixels"), name=name), l2)


def scale_between(size: tuple[int, int], output_size: tuple[int, int]) -> float:
    """The `scale` from one (height, width) to another. Raises ValueError where there is none."""
    height, width = (out / side for side, out in zip(size, output_size, strict=True))
    if height != width or (_halvings(height) is None and _halvings(1 / height) is None):
        times = ", ".join(str(2**i) for i in range(LARGEST.bit_length() - 1))
        raise ValueError(
            f"`generator.name` cells needs sizes of which one is {times} or {LARGEST} times the other. "
            f"Received: {size} and {output_size}"
        )
    return height


def _halvings(ratio: float) -> int | None:
    """The power of two that `ratio` is: 4.0 -> 2; None where it is none, below 1 or too large."""
    exponents = {float(2**i): i for i in range(LARGEST.bit_length())}
    return exponents.get(float(ratio))
