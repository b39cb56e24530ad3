"""The network of fast style transfer, for one style or, by conditional instance norm, for several."""

import keras

from pixelart_tf.base.checks import check_at_least, check_counts, check_positive
from pixelart_tf.networks.blocks import NHWC, check_image_size, in_float32, instance_norm, normal, reflect, with_l2

INPUTS = ("images", "style")   # of a network of several styles


def style_net(
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    output_channels: int = 3,
    num_classes: int = 0,
    base_width: int = 32,
    num_downsamplings: int = 2,
    num_blocks: int = 5,
    stddev: float = 0.02,
    l2: float = 0.0,
    name: str = "style_net",
) -> keras.Model:
    """A ResNet that repaints pictures; with several styles each norm's scale and shift are a style's own.

    c9s1-32, d64, d128, five times R128, u64, u32, c9s1-3, each convolution with an instance norm behind it. With
    `num_classes` styles the scale and shift of each norm are linear in the style's weights: 1 for one style and 0 for
    the others chooses it, and weights in between mix.

    Args:
        image_size: pixels of a side, or (height, width); None for any size. Sides must be multiples of
            2 ** `num_downsamplings` to come back as they were.
        channels: of the input.
        output_channels: of the output.
        num_classes: styles; 0 for one.
        base_width: channels of the first convolution; each downsampling doubles them.
        num_downsamplings: strided convolutions.
        num_blocks: residual blocks.
        stddev: of the N(0, stddev) initialisers.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 (B, H, W, output_channels) in [-1, 1];
        of several styles from a dict of such `images` and of `style`, float (B, num_classes).

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Johnson et al. (2016), https://arxiv.org/abs/1603.08155, supplement, with instance norm and without
    transposed convolutions, whose checkerboard shows; Dumoulin et al. (2017), https://arxiv.org/abs/1610.07629,
    equation 5, and their upsampling by the nearest pixel.
    """
    check_counts(channels=channels, output_channels=output_channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=64, num_blocks=num_blocks)
    check_counts(at_most=8, num_downsamplings=num_downsamplings)
    check_positive(stddev=stddev)
    check_at_least(0, num_classes=num_classes)
    height, width = check_image_size(image_size, multiple=2**num_downsamplings, minimum=8)
    images = keras.Input((height, width, channels), name="images")
    style = keras.Input((num_classes,), name="style") if num_classes else None

    def convolve(x, filters, size, name, *, strides=1, relu=True):
        x = reflect(x, size // 2)
        kernel = normal(stddev)
        x = keras.layers.Conv2D(
            filters, size, strides=strides, use_bias=False, kernel_initializer=kernel, name=name, **NHWC
        )(x)
        x = _norm(x, style, f"{name}_norm")
        return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x

    x = convolve(images, base_width, 9, "stem")   # (B, H, W, base_width)
    for i in range(num_downsamplings):
        x = convolve(x, base_width * 2 ** (i + 1), 3, f"down_{i}", strides=2)
        # (B, H / 2 ** (i + 1), W / 2 ** (i + 1), base_width * 2 ** (i + 1))
    for i in range(num_blocks):
        y = convolve(x, x.shape[-1], 3, f"block_{i}_conv_1")
        y = convolve(y, x.shape[-1], 3, f"block_{i}_conv_2", relu=False)
        x = keras.layers.Add(name=f"block_{i}")([x, y])
    for i in reversed(range(num_downsamplings)):
        x = keras.layers.UpSampling2D(2, name=f"up_{i}_resize", **NHWC)(x)
        x = convolve(x, base_width * 2**i, 3, f"up_{i}")   # (B, H / 2 ** i, W / 2 ** i, base_width * 2 ** i)
    to_pixels = keras.layers.Conv2D(output_channels, 9, kernel_initializer=normal(stddev), name="to_pixels", **NHWC)
    x = to_pixels(reflect(x, 4))   # (B, H, W, output_channels)
    given = images if style is None else dict(zip(INPUTS, (images, style), strict=True))
    return with_l2(keras.Model(given, in_float32(x, activation="tanh", name="pixels"), name=name), l2)


def _norm(x, style, name):
    """Instance norm; with styles their own scale, which starts at one, and shift."""
    if style is None:
        return instance_norm(name=name)(x)
    filters = x.shape[-1]
    x = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, center=False, scale=False, name=name)(x)
    for part, start in (("scale", "ones"), ("shift", "zeros")):
        own = keras.layers.Dense(filters, use_bias=False, kernel_initializer=start, name=f"{name}_{part}")(style)
        own = keras.layers.Reshape((1, 1, filters), name=f"{name}_{part}_shape")(own)   # (B, 1, 1, filters)
        combine = keras.layers.Multiply if part == "scale" else keras.layers.Add
        x = combine(name=f"{name}_{part}ed")([x, own])
    return x
