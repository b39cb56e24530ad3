"""Networks of dense layers alone: noise to small pictures, and pictures to one logit."""

import itertools
import math

import keras

from pixelart_tf.base.checks import check_counts, check_rates
from pixelart_tf.networks.blocks import NHWC, check_image_size, check_weights, in_float32, with_l2


def mlp_generator(
    *,
    image_size: int | tuple[int, int] = 40,
    output_channels: int = 1,
    latent_size: int = 100,
    hidden: tuple[int, ...] = (128, 512),
    slope: float = 0.2,
    l2: float = 0.0,
    name: str = "mlp_generator",
) -> keras.Model:
    """A generator of small pictures: dense layers with leaky ReLUs, the last with tanh, each pixel a number of it.

    Args:
        image_size: pixels of a side, or (height, width).
        output_channels: of the pictures.
        latent_size: numbers of noise.
        hidden: numbers that each of the layers before the last gives.
        slope: of the leaky ReLUs below zero.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: of the model.

    Returns:
        A functional `keras.Model` from noise (B, latent_size) to float32 (B, H, W, output_channels) in [-1, 1].

    Raises:
        ValueError: if an argument is out of its range.
    """
    check_counts(output_channels=output_channels, latent_size=latent_size)
    height, width = check_image_size(image_size, minimum=1)
    shape = height, width, output_channels
    _check(hidden, slope, (latent_size, *hidden, math.prod(shape)))
    inputs = keras.Input((latent_size,), name="noise")
    x = _hidden(inputs, hidden, slope)   # (B, hidden[-1])
    x = keras.layers.Dense(math.prod(shape), name="to_pixels")(x)
    x = keras.layers.Reshape(shape, name="grid")(x)   # (B, H, W, output_channels)
    return with_l2(keras.Model(inputs, in_float32(x, activation="tanh", name="pixels"), name=name), l2)


def mlp_discriminator(
    *,
    image_size: int | tuple[int, int] = 40,
    channels: int = 1,
    hidden: tuple[int, ...] = (128,),
    slope: float = 0.2,
    dropout: float = 0.0,
    name: str = "mlp_discriminator",
) -> keras.Model:
    """A discriminator of small pictures: dense layers with leaky ReLUs, then one logit.

    Args:
        image_size: pixels of a side, or (height, width).
        channels: of the pictures.
        hidden: numbers that each of the layers before the last gives.
        slope: of the leaky ReLUs below zero.
        dropout: rate after each of the hidden layers, in [0, 1).
        name: of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 logits (B, 1).

    Raises:
        ValueError: if an argument is out of its range.
    """
    check_counts(channels=channels)
    check_rates(dropout=dropout)
    height, width = check_image_size(image_size, minimum=1)
    _check(hidden, slope, (height * width * channels, *hidden, 1))
    inputs = keras.Input((height, width, channels), name="images")
    x = keras.layers.Flatten(name="flat", **NHWC)(inputs)
    x = _hidden(x, hidden, slope, dropout)   # (B, hidden[-1])
    x = keras.layers.Dense(1, name="to_logits")(x)
    return keras.Model(inputs, in_float32(x, name="logits"), name=name)


def _check(hidden, slope, sizes):
    if not hidden:
        raise ValueError("`hidden` must name at least one layer. Received: none")
    for each in hidden:
        check_counts(at_most=2**16, hidden=each)
    check_rates(slope=slope)
    check_weights(sum(a * b for a, b in itertools.pairwise(sizes)), base_width=max(hidden))


def _hidden(x, sizes, slope, dropout=0.0):
    for i, size in enumerate(sizes):
        x = keras.layers.Dense(size, name=f"hidden_{i}")(x)
        x = keras.layers.LeakyReLU(negative_slope=slope, name=f"hidden_{i}_relu")(x)
        x = keras.layers.Dropout(dropout, name=f"hidden_{i}_dropout")(x) if dropout else x
    return x
