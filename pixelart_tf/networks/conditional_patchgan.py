"""The PatchGAN of pix2pix, which judges a picture beside the one that it was made from; their sizes may differ."""

import keras

from pixelart_tf.base.checks import check_counts, check_positive, check_rates
from pixelart_tf.networks.blocks import check_image_size, check_weights, downsample, norm_name
from pixelart_tf.networks.patchgan import num_weights, to_patches
from pixelart_tf.networks.sizes import to_size


def conditional_patchgan(
    *,
    condition_size: int | tuple[int, int] = 256,
    condition_channels: int = 3,
    image_size: int | tuple[int, int] = 256,
    channels: int = 3,
    base_width: int = 64,
    num_layers: int = 3,
    norm: str | bool = "instance",
    stddev: float = 0.02,
    norm_epsilon: float = 1e-5,
    slope: float = 0.2,
    spectral_norm: bool = False,
    num_heads: int = 1,
    name: str = "conditional_patchgan",
) -> keras.Model:
    """A discriminator that judges patches of pairs: of an input, the condition, and of the output made from it.

    Of one size, the two are concatenated and judged by the convolutions of `patchgan`. A larger condition is brought to
    the output's size before: by 4x4 convolutions of stride 2 (C64, C128, ...) as long as it stays at least as large,
    and then, where that is not met exactly, by bilinear interpolation; a smaller one by interpolation alone. The
    convolutions after that go on with the widths where those ended: 256x256 beside 64x64 is C64-C128, concatenation,
    and with `num_layers` 1 C256-C512; 256x256 beside 128x96 is C64, 128x128 to 128x96, and so on.

    Args:
        condition_size: of the input: pixels of a side, or (height, width).
        condition_channels: of the input.
        image_size: of the output.
        channels: of the output.
        base_width: channels of the first convolution; each further one doubles them, up to eightfold.
        num_layers: convolutions of stride 2 after the concatenation; `receptive_field(num_layers)` is the side of a
            patch, in pixels of the output.
        norm: "instance", over each picture by itself; "batch", as the paper has it, over the pictures of a batch on all
            devices, real and made ones apart; or "none": the convolutions then have biases. `true` is "instance", and
            `false` "none".
        stddev: of the N(0, stddev) initialisers.
        norm_epsilon: added to the variance by the norm.
        slope: of the leaky ReLUs below zero.
        spectral_norm: whether each convolution's kernel is divided by its largest singular value (Miyato et al. 2018),
            which bounds the slopes; usual with `norm = "none"`.
        num_heads: how often the two last convolutions are there, each time with weights of its own; see `patchgan`.
        name: name of the model.

    Returns:
        A functional `keras.Model` from a dict of `condition` and `images`, float (B, h, w, condition_channels) and
        (B, H, W, channels) in [-1, 1], to float32 logits (B, H / 2 ** num_layers - 2, W / 2 ** num_layers - 2, 1); of
        several heads to a list of those.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Isola et al., pix2pix (2017), sections 3.2.2 and 6.1.2, https://arxiv.org/abs/1611.07004, of one size;
    by default with instance norm, which at the paper's batch size of 1 is its batch norm
    """
    check_counts(condition_channels=condition_channels, channels=channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=8, num_layers=num_layers, num_heads=num_heads)
    check_rates(slope=slope)
    check_positive(stddev=stddev, norm_epsilon=norm_epsilon)
    size = check_image_size(image_size, multiple=2**num_layers, minimum=3 * 2**num_layers)
    from_size = check_image_size(condition_size, minimum=1)
    num_halvings = 0
    while all(side // 2 ** (num_halvings + 1) >= wanted for side, wanted in zip(from_size, size, strict=True)):
        num_halvings += 1
    widths = [base_width * min(2**i, 8) for i in range(num_halvings + num_layers + 1)]
    check_weights(num_weights(widths, num_heads), base_width=base_width)
    norm = norm_name(norm)
    convolutions = {
        "norm": norm, "stddev": stddev, "norm_epsilon": norm_epsilon, "slope": slope, "spectral_norm": spectral_norm,
    }

    condition = x = keras.Input((*from_size, condition_channels), name="condition")
    images = keras.Input((*size, channels), name="images")
    for i, filters in enumerate(widths[:num_halvings]):
        options = convolutions | ({} if i else {"norm": "none"})
        x = downsample(filters, use_bias=norm == "none", name=f"condition_{i}", **options)(x)
    x = to_size(x, size, name="condition")
    x = keras.layers.Concatenate(name="pair")([x, images])   # (B, H, W, C)
    x = to_patches(x, widths[num_halvings:], first_norm=num_halvings > 0, num_heads=num_heads, **convolutions)
    return keras.Model({"condition": condition, "images": images}, x, name=name)
