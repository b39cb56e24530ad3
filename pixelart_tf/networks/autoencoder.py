"""An autoencoder: down to a bottleneck, and up again with nothing that leads around it."""

import itertools

import keras

from pixelart_tf.base.checks import check_at_least, check_counts, check_rates
from pixelart_tf.networks.blocks import NHWC, check_image_size, check_weights, in_float32, with_l2

SMALLEST = 4   # pixels of a side of the grid at the bottleneck, unless `num_downsamplings` asks for another


def autoencoder(
    *,
    image_size: int | tuple[int, int] = 256,
    channels: int = 3,
    output_channels: int = 3,
    base_width: int = 32,
    num_downsamplings: int | None = None,
    latent_size: int = 128,
    bottleneck_channels: int = 8,
    slope: float = 0.2,
    l2: float = 0.0,
    name: str = "autoencoder",
) -> keras.Model:
    """A network that squeezes a picture into a few numbers, and makes a picture of the same size of them.

    4x4 convolutions of stride 2 down to the bottleneck, and back up each pixel doubled and a 3x3 convolution, with
    leaky ReLUs and without norms, which would take a picture's brightness and contrast from it. Channels are
    `base_width` * 1, 2, 4, 8, 8, ...

    Args:
        image_size: pixels of a side, or (height, width); a multiple of 2 ** `num_downsamplings`.
        channels: of the input.
        output_channels: of the output.
        base_width: channels of the first convolution.
        num_downsamplings: convolutions of stride 2; None for as many as leave 4 pixels a side.
        latent_size: numbers that a picture becomes, one vector. 0: it becomes a grid of `bottleneck_channels`.
        bottleneck_channels: of the grid; not used with a `latent_size`.
        slope: of the leaky ReLUs below zero.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 (B, H, W, output_channels) in [-1, 1].
        What its layer `latent` gives is the bottleneck.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks (2006), with
    convolutions, trained at once instead of layer by layer; initialised after He et al. (2015)
    """
    check_counts(channels=channels, output_channels=output_channels, bottleneck_channels=bottleneck_channels)
    check_widths(base_width=base_width, latent_size=latent_size, slope=slope)
    (height, width), num_downsamplings = check_downsamplings(image_size, num_downsamplings)
    widths = [base_width * min(2**i, 8) for i in range(num_downsamplings)]
    grid = height >> num_downsamplings, width >> num_downsamplings, widths[-1]
    squeezed = 2 * latent_size * grid[0] * grid[1] * grid[2]
    check_weights(25 * sum(a * b for a, b in itertools.pairwise(widths)) + squeezed, base_width=base_width)

    inputs = x = keras.Input((height, width, channels), name="images")
    x = down(x, widths, slope)   # (B, *grid)
    if latent_size:
        x = keras.layers.Flatten(name="flat", **NHWC)(x)
        x = keras.layers.Dense(latent_size, name="latent")(x)   # (B, latent_size)
        x = keras.layers.Dense(grid[0] * grid[1] * grid[2], name="from_latent")(x)
        x = relu(keras.layers.Reshape(grid, name="grid")(x), slope, "from_latent")
    else:
        x = convolve(x, bottleneck_channels, 1, "latent")   # (B, *grid, bottleneck_channels)
        x = relu(convolve(x, grid[2], 1, "from_latent"), slope, "from_latent")
    x = up(x, widths, output_channels, slope)   # (B, H, W, output_channels)
    return with_l2(keras.Model(inputs, in_float32(x, activation="tanh", name="pixels"), name=name), l2)


def down(x, widths, slope):
    """4x4 convolutions of stride 2, one for each of `widths`, which are their channels."""
    for i, filters in enumerate(widths):
        x = relu(convolve(x, filters, 4, f"down_{i}", strides=2), slope, f"down_{i}")   # (B, H / 2, W / 2, filters)
    return x


def up(x, widths, output_channels, slope):
    """As often back up, through the same channels, to pixels that no activation has been applied to."""
    for i, filters in enumerate([*reversed(widths[:-1]), widths[0]]):
        x = keras.layers.UpSampling2D(2, name=f"up_{i}_resize", **NHWC)(x)
        x = relu(convolve(x, filters, 3, f"up_{i}"), slope, f"up_{i}")   # (B, 2H, 2W, filters)
    return convolve(x, output_channels, 3, "to_pixels")


def relu(x, slope, name):
    """A leaky ReLU."""
    return keras.layers.LeakyReLU(negative_slope=slope, name=f"{name}_relu")(x)


def convolve(x, filters, size, name, **options):
    """A convolution, initialised after He et al."""
    options |= {"padding": "same", "kernel_initializer": keras.initializers.HeNormal()}
    return keras.layers.Conv2D(filters, size, name=name, **options, **NHWC)(x)


def check_widths(*, base_width, latent_size, slope):
    """Raises ValueError for options that no such network can have."""
    check_counts(at_most=1024, base_width=base_width)
    check_at_least(0, latent_size=latent_size)
    check_rates(slope=slope)


def check_downsamplings(image_size, num_downsamplings):
    """(height, width), and how often it is halved, by default `_default_downsamplings`. Raises ValueError."""
    if num_downsamplings is None:
        num_downsamplings = _default_downsamplings(image_size)
    check_counts(at_most=12, num_downsamplings=num_downsamplings)
    return check_image_size(image_size, multiple=2**num_downsamplings, minimum=2**num_downsamplings), num_downsamplings


def _default_downsamplings(image_size):
    """As many as leave `SMALLEST` pixels a side or more, of a size that can be halved at least once."""
    sides, number = check_image_size(image_size, multiple=2, minimum=2 * SMALLEST), 1
    while all(side % 2 ** (number + 1) == 0 and side >> (number + 1) >= SMALLEST for side in sides):
        number += 1
    return number
