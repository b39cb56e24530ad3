"""The ResNet generator: a few strided convolutions, residual blocks, and the way back up."""

import keras

from pixelart_tf.base.checks import check_counts, check_positive, check_rates
from pixelart_tf.networks.blocks import (
    NHWC,
    added_to_input,
    check_from_input,
    check_image_size,
    check_weights,
    double_interpolated,
    halve_blurred,
    in_float32,
    instance_norm,
    normal,
    reflect,
    residual,
    with_l2,
)

DOWNSAMPLINGS = ("stride", "blur")
UPSAMPLINGS = ("transpose", "resize", "blur")


def resnet(
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    output_channels: int = 3,
    base_width: int = 64,
    num_downsamplings: int = 2,
    num_blocks: int = 9,
    dropout: float = 0.0,
    stddev: float = 0.02,
    norm_epsilon: float = 1e-5,
    downsampling: str = "stride",
    upsampling: str = "transpose",
    from_input: bool = False,
    l2: float = 0.0,
    name: str = "resnet",
) -> keras.Model:
    """A ResNet that maps pictures to pictures of the same size; by default of any size.

    c7s1-64, d128, d256, nine times R256, u128, u64, c7s1-3 in the CycleGAN paper's terms. No convolution that a norm
    follows has a bias, as the norm cancels it.

    Args:
        image_size: pixels of a side, or (height, width); None for any size. Sides that are multiples of
            2 ** `num_downsamplings` come back as they were.
        channels: of the input.
        output_channels: of the output.
        base_width: channels of the first convolution; each downsampling doubles them.
        num_downsamplings: strided convolutions; 2 for photos, 1 for pixel art at its native size.
        num_blocks: residual blocks; 9 at 256 pixels, 6 below.
        dropout: rate in the residual blocks.
        stddev: of the N(0, stddev) initialisers.
        norm_epsilon: added to the variance by instance norm.
        downsampling: "stride", 3x3 convolutions of stride 2 as in the paper, or "blur", of stride 1, and then every
            second pixel of what is blurred by [1, 2, 1], which aliases less (https://arxiv.org/abs/1904.11486), as CUT.
        upsampling: "transpose", 3x3 transposed convolutions as in the paper; "resize", each pixel doubled and a
            3x3 convolution, which leaves no checkerboard (https://distill.pub/2016/deconv-checkerboard/); or "blur",
            doubled by bilinear interpolation and a 3x3 convolution padded by zeros, as CUT
            (https://arxiv.org/abs/2007.15651).
        from_input: whether the network only says what to change: its last convolution is added to the input (at
            tanh's scale) instead of making the picture from nothing. It starts as the identity, nearly, so that colors
            and white grounds need not be learnt. Not in the paper.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 (B, H, W, output_channels) in [-1, 1].

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Zhu et al., CycleGAN (2017), appendix 7.2, https://arxiv.org/abs/1703.10593; the same numbers as its
    PyTorch implementation
    """
    _check(
        channels=channels, output_channels=output_channels, base_width=base_width, num_blocks=num_blocks,
        num_downsamplings=num_downsamplings, dropout=dropout, stddev=stddev, norm_epsilon=norm_epsilon,
        downsampling=downsampling, upsampling=upsampling, from_input=from_input,
    )
    # A picture must be larger than what is reflected of it: 3 pixels at full size, 1 in the blocks.
    minimum = max(4, 2 ** (num_downsamplings + 1))
    height, width = check_image_size(image_size, multiple=2**num_downsamplings, minimum=minimum)

    def norm_relu(x, name):
        x = instance_norm(epsilon=norm_epsilon, name=f"{name}_norm")(x)
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def convolve(x, filters, size, name, **options):
        layer = keras.layers.Conv2D(filters, size, kernel_initializer=normal(stddev), name=name, **NHWC, **options)
        return layer(x)

    inputs = keras.Input((height, width, channels), name="images")
    x = norm_relu(convolve(reflect(inputs, 3), base_width, 7, "stem", use_bias=False), "stem")  # (B, H, W, base_width)
    for i in range(num_downsamplings):
        # "same" would pad the right and bottom only, and shift the picture against the PyTorch implementation.
        x = keras.layers.ZeroPadding2D(1, name=f"down_{i}_pad", **NHWC)(x)
        strides = 2 if downsampling == "stride" else 1
        x = convolve(x, base_width * 2 ** (i + 1), 3, f"down_{i}", strides=strides, use_bias=False)
        x = norm_relu(x, f"down_{i}")
        if downsampling == "blur":
            x = halve_blurred(x, name=f"down_{i}_blur")
        # (B, H / 2 ** (i + 1), W / 2 ** (i + 1), base_width * 2 ** (i + 1))
    for i in range(num_blocks):
        x = residual(x, dropout=dropout, stddev=stddev, norm_epsilon=norm_epsilon, name=f"block_{i}")
    for i in reversed(range(num_downsamplings)):
        filters = base_width * 2**i
        if upsampling == "transpose":
            x = keras.layers.Conv2DTranspose(
                filters, 3, strides=2, use_bias=False, kernel_initializer=normal(stddev), name=f"up_{i}", **NHWC
            )(x)
            x = keras.layers.Cropping2D(((1, 0), (1, 0)), name=f"up_{i}_crop", **NHWC)(x)
        elif upsampling == "blur":
            x = double_interpolated(x, name=f"up_{i}_resize")
            x = convolve(x, filters, 3, f"up_{i}", padding="same", use_bias=False)
        else:
            x = keras.layers.UpSampling2D(2, name=f"up_{i}_resize", **NHWC)(x)
            x = convolve(reflect(x, 1), filters, 3, f"up_{i}", use_bias=False)
        x = norm_relu(x, f"up_{i}")  # (B, H / 2 ** i, W / 2 ** i, filters)
    x = convolve(reflect(x, 3), output_channels, 7, "to_pixels")  # (B, H, W, output_channels)
    if from_input:
        x = added_to_input(x, inputs)
    return with_l2(keras.Model(inputs, in_float32(x, activation="tanh", name="pixels"), name=name), l2)


def _check(
    *, channels, output_channels, base_width, num_blocks, num_downsamplings, dropout, stddev, norm_epsilon,
    downsampling, upsampling, from_input,
):
    """Raises ValueError where an option of `resnet` is out of its range."""
    check_counts(channels=channels, output_channels=output_channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=64, num_blocks=num_blocks)
    check_counts(at_most=8, num_downsamplings=num_downsamplings)
    check_weights((18 * num_blocks + 12) * 4**num_downsamplings * base_width**2, base_width=base_width)
    check_rates(dropout=dropout)
    check_positive(stddev=stddev, norm_epsilon=norm_epsilon)
    for key, value, known in (("downsampling", downsampling, DOWNSAMPLINGS), ("upsampling", upsampling, UPSAMPLINGS)):
        if value not in known:
            raise ValueError(f"`{key}` must be one of {', '.join(known)}. Received: {value!r}")
    if from_input:
        check_from_input(channels, output_channels)
