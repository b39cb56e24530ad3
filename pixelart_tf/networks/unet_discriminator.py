"""A discriminator that judges a picture as a whole and each of its pixels."""

import itertools

import keras

from pixelart_tf.base.checks import check_counts, check_positive, check_rates
from pixelart_tf.networks.blocks import (
    NHWC,
    check_image_size,
    check_weights,
    convolution,
    double_interpolated,
    downsample,
    in_float32,
    norm_layer,
    norm_name,
    normal,
)


def unet_discriminator(
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    base_width: int = 32,
    num_layers: int = 4,
    norm: str | bool = "none",
    stddev: float = 0.02,
    norm_epsilon: float = 1e-5,
    slope: float = 0.2,
    spectral_norm: bool = True,
    name: str = "unet_discriminator",
) -> keras.Model:
    """A U-Net as a discriminator: an encoder with a logit for the whole picture, a decoder with one for each pixel.

    A 3x3 convolution at the picture's size and 4x4 convolutions of stride 2, then, for the whole, the mean over what is
    left and a 1x1 convolution; for the pixels, at each level, bilinear enlargement, concatenation with what the encoder
    has of that size, and a 3x3 convolution; leaky ReLUs. The losses of the two are averaged (see `losses.Adversarial`).

    Args:
        image_size: pixels of a side, or (height, width); None for any size.
        channels: of the pictures.
        base_width: channels of the first convolution; each further one doubles them, up to eightfold.
        num_layers: convolutions of stride 2, and enlargements.
        norm: "none"; "instance", over each picture by itself; or "batch", over the pictures of a batch on all devices,
            real and made ones apart. `true` is "instance", and `false` "none".
        stddev: of the N(0, stddev) initialisers.
        norm_epsilon: added to the variance by the norm.
        slope: of the leaky ReLUs below zero.
        spectral_norm: whether each convolution's kernel is divided by its largest singular value (Miyato et al. 2018).
        name: name of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to a list of float32 logits, without an
        activation: (B, 1, 1, 1) of the whole and (B, H, W, 1) of the pixels.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Schönfeld et al., A U-Net Based Discriminator for GANs (2020), https://arxiv.org/abs/2002.12655, section
    3.1, without section 3.2 (CutMix, and a loss of consistency on what it mixed). Plain convolutions stand for its
    residual blocks and its attention; the whole is a mean, where BigGAN's adds up; and the paper adds the two losses,
    which are averaged here.
    """
    check_counts(channels=channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=8, num_layers=num_layers)
    check_rates(slope=slope)
    check_positive(stddev=stddev, norm_epsilon=norm_epsilon)
    norm = norm_name(norm)
    height, width = check_image_size(image_size, multiple=2**num_layers, minimum=2**num_layers)
    widths = [base_width * min(2**i, 8) for i in range(num_layers + 1)]
    check_weights(_num_weights(widths, channels), base_width=base_width)
    conv, biased = convolution(spectral_norm), norm == "none"

    def convolved(x, filters, name):
        x = conv(
            filters, 3, padding="same", use_bias=biased, kernel_initializer=normal(stddev), name=f"{name}_conv", **NHWC
        )(x)
        if norm != "none":
            x = norm_layer(norm, epsilon=norm_epsilon, name=f"{name}_norm")(x)
        return keras.layers.LeakyReLU(negative_slope=slope, name=f"{name}_relu")(x)

    inputs = keras.Input((height, width, channels), name="images")
    levels = [convolved(inputs, widths[0], "first")]   # (B, H, W, base_width)
    for i, filters in enumerate(widths[1:]):
        levels.append(downsample(
            filters, stddev=stddev, norm=norm, use_bias=biased, norm_epsilon=norm_epsilon, slope=slope,
            spectral_norm=spectral_norm, name=f"down_{i}",
        )(levels[-1]))   # (B, H / 2 ** (i + 1), W / 2 ** (i + 1), filters)
    *levels, x = levels
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True, name="mean", **NHWC)(x)   # (B, 1, 1, C)
    whole = conv(1, 1, kernel_initializer=normal(stddev), name="to_whole", **NHWC)(whole)
    for i, level in reversed(list(enumerate(levels))):
        x = double_interpolated(x, name=f"double_{i}")
        x = keras.layers.Concatenate(name=f"skip_{i}")([x, level])   # (B, H / 2 ** i, W / 2 ** i, C)
        x = convolved(x, widths[i], f"up_{i}")
    pixels = conv(1, 1, kernel_initializer=normal(stddev), name="to_logits", **NHWC)(x)
    return keras.Model(inputs, [in_float32(whole, name="whole"), in_float32(pixels, name="pixels")], name=name)


def _num_weights(widths, channels):
    return 9 * channels * widths[0] + sum(16 * a * b + 9 * (a + b) * a for a, b in itertools.pairwise(widths))
