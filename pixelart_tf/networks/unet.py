"""The U-Net generator: downsample-k / upsampleD-k / upsample-k with skip connections."""

import itertools

import keras

from pixelart_tf.base.checks import check_counts, check_positive, check_rates
from pixelart_tf.networks.blocks import (
    NHWC,
    added_to_input,
    check_from_input,
    check_image_size,
    check_weights,
    downsample,
    in_float32,
    normal,
    upsample,
    with_l2,
)

LAYOUTS = ("notebook", "pytorch")


def unet(
    *,
    image_size: int | tuple[int, int] = 256,
    channels: int = 3,
    output_channels: int = 3,
    base_width: int = 64,
    num_downsamplings: int | None = None,
    dropout: float = 0.5,
    block_stddev: float = 0.02,
    stddev: float = 0.02,
    norm_epsilon: float = 1e-3,
    slope: float = 0.2,
    layout: str = "notebook",
    from_input: bool = False,
    l2: float = 0.0,
    name: str = "unet",
) -> keras.Model:
    """A U-Net that maps pictures to pictures of the same size.

    Blocks have `base_width` * 1, 2, 4, 8, 8, ... channels. At 256 pixels that is eight blocks down to 1x1, seven up
    (the first three with dropout), and a last transposed convolution with tanh.

    Args:
        image_size: pixels of a side, or (height, width); a multiple of 2 ** `num_downsamplings`.
        channels: of the input.
        output_channels: of the output.
        base_width: channels of the first block.
        num_downsamplings: blocks on the way down; None for as many as the size can be halved, at most 8.
        dropout: rate in the first three blocks up, as far as they have the full width of 8 * `base_width`.
        block_stddev: of the N(0, stddev) initialisers in the blocks up and down.
        stddev: of the N(0, stddev) initialiser of the last layer.
        norm_epsilon: added to the variance by instance norm; 1e-3 as in TensorFlow Addons, 1e-5 as in PyTorch.
        slope: of the leaky ReLUs below zero.
        layout: "notebook" is the U-Net of the TensorFlow tutorials, which norms the innermost block too. Instance norm
            leaves nothing of a picture at 1x1 pixels, so where that block ends there it gives learnt constants, and its
            convolution learns nothing; with one of `num_downsamplings` less it ends at 2x2. "pytorch" is the one of
            the PyTorch CycleGAN: no norm but a bias in the innermost block, a bias in the first block, a ReLU on what
            the skips carry, and no dropout in the first block up.
        from_input: whether the network only says what to change, as that of `resnet` may. Not in the papers.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 (B, H, W, output_channels) in
        [-1, 1], with blocks named `down_0`, ... and `up_0`, ...

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Ronneberger et al. (2015), https://arxiv.org/abs/1505.04597; Isola et al., pix2pix (2017), section 6.1,
    https://arxiv.org/abs/1611.07004
    """
    _check(
        image_size=image_size, channels=channels, output_channels=output_channels, base_width=base_width,
        dropout=dropout, block_stddev=block_stddev, stddev=stddev, norm_epsilon=norm_epsilon, slope=slope,
        layout=layout, from_input=from_input,
    )
    height, width = check_image_size(image_size, multiple=2)
    if num_downsamplings is None:
        num_downsamplings = min(8, _halvings(height), _halvings(width))
    check_counts(at_most=12, num_downsamplings=num_downsamplings)
    check_image_size(image_size, multiple=2**num_downsamplings)
    widths = [base_width * min(2**i, 8) for i in range(num_downsamplings)]
    # Each block but the first, and on the way up of twice the channels, as the skips come in.
    check_weights(48 * sum(a * b for a, b in itertools.pairwise(widths)), base_width=base_width)

    pytorch = layout == "pytorch"
    inputs = keras.Input((height, width, channels), name="images")
    x = inputs
    skips = []
    for i, filters in enumerate(widths):
        norm = i > 0 and not (pytorch and i == num_downsamplings - 1)
        block = downsample(
            filters,
            stddev=block_stddev,
            norm="instance" if norm else "none",
            use_bias=pytorch and not norm,
            norm_epsilon=norm_epsilon,
            slope=slope,
            name=f"down_{i}",
        )
        x = block(x)  # (B, H / 2 ** (i + 1), W / 2 ** (i + 1), filters)
        skips.append(x)

    if pytorch:
        skips = [keras.layers.ReLU(name=f"skip_{i}")(skip) for i, skip in enumerate(skips)]
    x = skips.pop()
    for i, filters in enumerate(reversed(widths[:-1])):
        is_dropped = int(pytorch) <= i < int(pytorch) + 3 and filters == 8 * base_width
        rate = dropout if is_dropped else 0.0
        block = upsample(filters, stddev=block_stddev, dropout=rate, norm_epsilon=norm_epsilon, name=f"up_{i}")
        x = keras.layers.Concatenate(name=f"join_{i}")([block(x), skips.pop()])  # (B, 2H, 2W, 2 * filters)
    x = keras.layers.Conv2DTranspose(
        output_channels, 4, strides=2, padding="same", kernel_initializer=normal(stddev), name="to_pixels", **NHWC
    )(x)  # (B, H, W, output_channels)
    if from_input:
        x = added_to_input(x, inputs)
    return with_l2(keras.Model(inputs, in_float32(x, activation="tanh", name="pixels"), name=name), l2)


def _check(
    *, image_size, channels, output_channels, base_width, dropout, block_stddev, stddev, norm_epsilon, slope, layout,
    from_input,
):
    """Raises ValueError where an option of `unet` is out of its range."""
    check_counts(channels=channels, output_channels=output_channels)
    check_counts(at_most=1024, base_width=base_width)
    check_rates(dropout=dropout, slope=slope)
    check_positive(block_stddev=block_stddev, stddev=stddev, norm_epsilon=norm_epsilon)
    if image_size is None:
        raise ValueError("`image_size` must be given, as a U-Net is built for one size. Received: None")
    if from_input:
        check_from_input(channels, output_channels)
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` must be one of {', '.join(LAYOUTS)}. Received: {layout!r}")


def _halvings(side):
    """How often `side` can be halved without a remainder: 192 -> 6."""
    return (side & -side).bit_length() - 1
