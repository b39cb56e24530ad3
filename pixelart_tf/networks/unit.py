"""UNIT's networks: two encoders whose last blocks are one, and two decoders whose first blocks are one."""

import keras

from pixelart_tf.base.checks import check_counts, check_positive
from pixelart_tf.networks.blocks import (
    NHWC,
    check_weights,
    in_float32,
    instance_norm,
    normal,
    reflect,
    residual,
    with_l2,
)


def unit(
    *,
    channels: int = 3,
    output_channels: int = 3,
    base_width: int = 64,
    num_downsamplings: int = 2,
    num_blocks: int = 3,
    num_shared_blocks: int = 1,
    stddev: float = 0.02,
    norm_epsilon: float = 1e-5,
    l2: float = 0.0,
) -> dict[str, keras.Model]:
    """Encoders and decoders of two domains, of pictures of any size.

    An encoder is c7s1-64, d128, d256, three times R256 of its own and one more that both encoders share, whose output
    is the mean of the code; a decoder one R256 that both share, three of its own, u128, u64, c7s1-3.

    Args:
        channels: of the source.
        output_channels: of the target.
        base_width: channels of the first convolution; each downsampling doubles them.
        num_downsamplings: strided convolutions; sides must be multiples of 2 ** this.
        num_blocks: residual blocks of each network's own.
        num_shared_blocks: of both encoders, and of both decoders.
        stddev: of the N(0, stddev) initialisers.
        norm_epsilon: added to the variance by instance norm.
        l2: factor of the sum of the kernels' squares in the loss; 0 for none.

    Returns:
        `source_encoder` and `target_encoder`, functional `keras.Model`s from (B, H, W, C) in [-1, 1] to the means of
        codes, float32 (B, h, w, c); `source_decoder` and `target_decoder` from these to float32 (B, H, W, C).

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Liu et al., UNIT (2017), https://arxiv.org/abs/1703.00848, section 3 and its table of networks; with
    instance norm, as the code of its authors' next paper has it, and without transposed convolutions
    """
    check_counts(channels=channels, output_channels=output_channels)
    check_counts(at_most=1024, base_width=base_width)
    check_counts(at_most=64, num_blocks=num_blocks, num_shared_blocks=num_shared_blocks)
    check_counts(at_most=8, num_downsamplings=num_downsamplings)
    check_positive(stddev=stddev, norm_epsilon=norm_epsilon)
    number = 36 * (num_blocks + num_shared_blocks) * 4**num_downsamplings * base_width**2
    check_weights(number, base_width=base_width)
    options = {"stddev": stddev, "norm_epsilon": norm_epsilon}
    widths = [base_width * 2**i for i in range(num_downsamplings + 1)]

    shared = {}
    for part in ("encoder", "decoder"):
        inputs = keras.Input((None, None, widths[-1]), name="features")
        x = _blocks(inputs, num_shared_blocks, "shared", **options)
        shared[part] = keras.Model(inputs, x, name=f"shared_{part}")
    networks = {}
    for domain, number in (("source", channels), ("target", output_channels)):
        inputs = keras.Input((None, None, number), name="images")
        x = _convolve(inputs, widths[0], 7, "stem", **options)
        for i, filters in enumerate(widths[1:]):
            x = _convolve(x, filters, 3, f"down_{i}", strides=2, **options)   # (B, H / 2 ** (i + 1), ..., filters)
        x = shared["encoder"](_blocks(x, num_blocks, "block", **options))
        networks[f"{domain}_encoder"] = keras.Model(inputs, in_float32(x, name="mean"), name=f"{domain}_encoder")
    for domain, number in (("source", channels), ("target", output_channels)):
        codes = keras.Input((None, None, widths[-1]), name="codes")
        x = _blocks(shared["decoder"](codes), num_blocks, "block", **options)
        for i, filters in enumerate(reversed(widths[:-1])):
            x = keras.layers.UpSampling2D(2, name=f"up_{i}_resize", **NHWC)(x)
            x = _convolve(x, filters, 3, f"up_{i}", **options)
        to_pixels = keras.layers.Conv2D(number, 7, kernel_initializer=normal(stddev), name="to_pixels", **NHWC)
        x = in_float32(to_pixels(reflect(x, 3)), activation="tanh", name="pixels")   # (B, H, W, number)
        networks[f"{domain}_decoder"] = keras.Model(codes, x, name=f"{domain}_decoder")
    return {name: with_l2(network, l2) for name, network in networks.items()}


def _blocks(x, number, name, **options):
    for i in range(number):
        x = residual(x, name=f"{name}_{i}", **options)
    return x


def _convolve(x, filters, size, name, *, stddev, norm_epsilon, strides=1):
    """A convolution padded by reflection, instance norm, ReLU."""
    layer = keras.layers.Conv2D(
        filters, size, strides=strides, use_bias=False, kernel_initializer=normal(stddev), name=name, **NHWC
    )
    x = instance_norm(epsilon=norm_epsilon, name=f"{name}_norm")(layer(reflect(x, size // 2)))
    return keras.layers.ReLU(name=f"{name}_relu")(x)
