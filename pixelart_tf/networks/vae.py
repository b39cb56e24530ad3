"""A variational autoencoder: pictures to distributions of codes, and codes to pictures."""

import itertools
import math

import keras

from pixelart_tf.base.checks import check_counts
from pixelart_tf.networks.autoencoder import check_downsamplings, check_widths, convolve, down, relu, up
from pixelart_tf.networks.blocks import NHWC, check_image_size, check_weights, in_float32, with_l2


def vae(
    *,
    image_size: int | tuple[int, int] = 64,
    condition_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    output_channels: int = 3,
    base_width: int = 32,
    num_downsamplings: int | None = None,
    latent_size: int = 64,
    bottleneck_channels: int = 8,
    slope: float = 0.2,
    l2: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """An encoder and a decoder, of convolutions as in `networks.autoencoder`.

    Args:
        image_size: pixels of a side of what comes out, or (height, width); a multiple of 2 ** `num_downsamplings`.
        condition_size: of what goes in, where that is of another size: the grid at the bottleneck, doubled a number of
            times. None for `image_size`.
        channels: of the input.
        output_channels: of the output.
        base_width: channels of the first convolution; each further one doubles them, up to eightfold.
        num_downsamplings: doublings from the bottleneck to the output; None for as many as leave 4 pixels a side.
        latent_size: numbers of a code, one vector. 0: it is a grid of `bottleneck_channels`, flattened.
        bottleneck_channels: of the grid; not used with a `latent_size`.
        slope: of the leaky ReLUs below zero.
        l2: factor of the sum of the kernels' squares in the loss; 0 for none.

    Returns:
        The encoder, a functional `keras.Model` from (B, h, w, channels) in [-1, 1] to float32 (B, 2n): n means, then n
        logarithms of variances; its layer `mean` gives the means alone. And the decoder, from codes (B, n) to float32
        (B, H, W, output_channels) in [-1, 1].

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Kingma and Welling, Auto-Encoding Variational Bayes (2013), section 3 and appendix C.2,
    https://arxiv.org/abs/1312.6114, with convolutions instead of dense layers
    """
    check_counts(channels=channels, output_channels=output_channels, bottleneck_channels=bottleneck_channels)
    check_widths(base_width=base_width, latent_size=latent_size, slope=slope)
    sides, num_downsamplings = check_downsamplings(image_size, num_downsamplings)
    small = tuple(side >> num_downsamplings for side in sides)
    given = check_image_size(image_size if condition_size is None else condition_size)
    halvings = _halvings(given, small)
    widths = [base_width * min(2**i, 8) for i in range(max(num_downsamplings, halvings))]
    grid = *small, widths[num_downsamplings - 1]
    weights = 25 * sum(a * b for a, b in itertools.pairwise(widths)) + 3 * latent_size * math.prod(grid)
    check_weights(weights, base_width=base_width)

    inputs = keras.Input((*given, channels), name="images")
    x = down(inputs, widths[:halvings], slope)   # (B, h', w', widths)
    if latent_size:
        x = keras.layers.Flatten(name="flat", **NHWC)(x)
        heads = [keras.layers.Dense(latent_size, name=each)(x) for each in ("mean", "log_variance")]
    else:
        heads = [
            keras.layers.Flatten(name=each, **NHWC)(convolve(x, bottleneck_channels, 1, f"{each}_grid"))
            for each in ("mean", "log_variance")
        ]
    x = keras.layers.Concatenate(name="both")(heads)   # (B, 2n)
    encoder = keras.Model(inputs, in_float32(x, name="code"), name="encoder")

    codes = keras.Input((heads[0].shape[1],), name="noise")
    if latent_size:
        x = keras.layers.Dense(math.prod(grid), name="from_latent")(codes)
        x = relu(keras.layers.Reshape(grid, name="grid")(x), slope, "from_latent")
    else:
        x = keras.layers.Reshape((*small, bottleneck_channels), name="grid")(codes)
        x = relu(convolve(x, grid[2], 1, "from_latent"), slope, "from_latent")   # (B, *grid)
    x = up(x, widths[:num_downsamplings], output_channels, slope)   # (B, H, W, output_channels)
    decoder = keras.Model(codes, in_float32(x, activation="tanh", name="pixels"), name="decoder")
    return with_l2(encoder, l2), with_l2(decoder, l2)


def _halvings(given, small):
    """How often (h, w) is halved to the grid at the bottleneck."""
    number = (given[0] // small[0]).bit_length() - 1
    if number < 1 or given != tuple(side << number for side in small):
        raise ValueError(
            f"pictures that go in must be the {small[0]}x{small[1]} grid at the bottleneck, doubled at least once. "
            f"Received: {given[0]}x{given[1]}; another `num_downsamplings` gives another grid"
        )
    return number
