"""The PatchGAN discriminator: a logit for each overlapping patch of a picture."""

import itertools

import keras

from pixelart_tf.base.checks import check_counts, check_positive, check_rates
from pixelart_tf.networks.blocks import (
    NHWC,
    check_image_size,
    check_weights,
    convolution,
    downsample,
    in_float32,
    norm_layer,
    norm_name,
    normal,
)

LAYOUTS = ("notebook", "pytorch")


def receptive_field(num_layers=3):
    """Side in pixels of the patch that one logit of `patchgan` sees: 16, 34, 70, 142 for 1, 2, 3, 4 layers."""
    field = 7  # of the last two 4x4 convolutions, of stride 1
    for _ in range(num_layers):
        field = 2 * field + 2  # below them, a 4x4 convolution of stride 2
    return field


def patchgan(
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    base_width: int = 64,
    num_layers: int = 3,
    norm: str | bool = "instance",
    stddev: float = 0.02,
    norm_epsilon: float = 1e-5,
    slope: float = 0.2,
    spectral_norm: bool = False,
    num_heads: int = 1,
    layout: str = "notebook",
    name: str = "patchgan",
) -> keras.Model:
    """A discriminator that judges patches of `receptive_field(num_layers)` pixels, 70 by default.

    4x4 convolutions C64-C128-C256 of stride 2, C512 and a last one of stride 1, each padded by one pixel, with leaky
    ReLUs; no norm in the first.

    Args:
        image_size: pixels of a side, or (height, width); None for any size.
        channels: of the pictures.
        base_width: channels of the first convolution; each further one doubles them, up to eightfold.
        num_layers: convolutions of stride 2.
        norm: "instance", over each picture by itself; "batch", as the paper has it, over the pictures of a batch on all
            devices, real and made ones apart; or "none": the convolutions then have biases. `true` is "instance", and
            `false` "none".
        stddev: of the N(0, stddev) initialisers.
        norm_epsilon: added to the variance by the norm.
        slope: of the leaky ReLUs below zero.
        spectral_norm: whether each convolution's kernel is divided by its largest singular value (Miyato et al. 2018),
            which bounds the slopes; usual with `norm = "none"`.
        num_heads: how often the two last convolutions are there, each time with weights of its own, on what the others
            found: the two-headed discriminator of public Monet notebooks, whose `objective` is one for each head.
        layout: "pytorch" gives the first convolution a bias, as the PyTorch CycleGAN's has; "notebook" does not.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 logits, without an activation:
        (B, H / 2 ** num_layers - 2, W / 2 ** num_layers - 2, 1), which is (B, 30, 30, 1) at 256 pixels; of several
        heads to a list of those.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Isola et al., pix2pix (2017), section 3.2.2 and 6.1.2, https://arxiv.org/abs/1611.07004
    """
    check_counts(channels=channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=8, num_layers=num_layers, num_heads=num_heads)
    check_rates(slope=slope)
    check_positive(stddev=stddev, norm_epsilon=norm_epsilon)
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` must be one of {', '.join(LAYOUTS)}. Received: {layout!r}")
    widths = [base_width * min(2**i, 8) for i in range(num_layers + 1)]
    check_weights(num_weights(widths, num_heads), base_width=base_width)
    height, width = check_image_size(image_size, multiple=2**num_layers, minimum=3 * 2**num_layers)

    inputs = keras.Input((height, width, channels), name="images")
    x = to_patches(
        inputs, widths, first_norm=False, norm=norm_name(norm), stddev=stddev, norm_epsilon=norm_epsilon, slope=slope,
        first_bias=layout == "pytorch", spectral_norm=spectral_norm, num_heads=num_heads,
    )
    return keras.Model(inputs, x, name=name)


def num_weights(widths, num_heads):
    """About how many weights 4x4 convolutions of these widths have, the last of them once a head."""
    *body, head = (16 * a * b for a, b in itertools.pairwise(widths))
    return sum(body) + num_heads * head


def to_patches(
    x, widths, *, first_norm, norm, stddev, norm_epsilon, slope, spectral_norm, num_heads, first_bias=False
):
    """The convolutions of `patchgan`, see there.

    Args:
        x: KerasTensor (B, H, W, C).
        widths: channels of the convolutions; all but the last have stride 2.
        first_norm: whether the first of them is normed, where the others are.
        norm: one of `blocks.NORMS`.
        stddev, norm_epsilon, slope, spectral_norm, num_heads: as of `patchgan`.
        first_bias: whether the first of them has a bias also where there are norms.

    Returns:
        KerasTensor (B, h, w, 1), the logits in float32; of several heads a list of those.
    """
    for i, filters in enumerate(widths[:-1]):
        block = downsample(
            filters,
            stddev=stddev,
            norm=norm if first_norm or i > 0 else "none",
            use_bias=norm == "none" or (first_bias and i == 0),
            norm_epsilon=norm_epsilon,
            slope=slope,
            spectral_norm=spectral_norm,
            name=f"down_{i}",
        )
        x = block(x)  # (B, H / 2 ** (i + 1), W / 2 ** (i + 1), filters)
    conv, logits = convolution(spectral_norm), []
    for head in range(num_heads):
        end = f"_{head}" if head else ""
        y = keras.layers.ZeroPadding2D(1, name=f"top_pad{end}", **NHWC)(x)
        y = conv(
            widths[-1], 4, use_bias=norm == "none", kernel_initializer=normal(stddev), name=f"top{end}", **NHWC
        )(y)  # one row and one column less
        if norm != "none":
            y = norm_layer(norm, epsilon=norm_epsilon, name=f"top_norm{end}")(y)
        y = keras.layers.LeakyReLU(negative_slope=slope, name=f"top_relu{end}")(y)
        y = keras.layers.ZeroPadding2D(1, name=f"to_logits_pad{end}", **NHWC)(y)
        y = conv(1, 4, kernel_initializer=normal(stddev), name=f"to_logits{end}", **NHWC)(y)  # and one less
        logits.append(in_float32(y, name=f"logits{end}"))
    return logits if num_heads > 1 else logits[0]
