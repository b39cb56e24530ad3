"""Networks of larger pictures than they are given."""

import keras

from pixelart_tf.networks.blocks import NHWC, in_float32


def from_enlarged(network: keras.Model, factor: int, *, residual: bool, name: str) -> keras.Model:
    """A network of pictures that are enlarged first, by bicubic interpolation.

    Args:
        network: a functional model of images of a fixed size to images of that size, in [-1, 1].
        factor: how many times as large the pictures become before it; 1 where they are already.
        residual: whether what it makes is added to the enlarged pictures, and the sum clipped to [-1, 1]. It then
            learns only what they lack.
        name: of the model.

    Returns:
        A functional `keras.Model` from (B, H / factor, W / factor, C) to float32 (B, H, W, C).

    Raises:
        ValueError: `residual` where a channel that goes in does not come out.
    """
    _, height, width, channels = network.input_shape
    if residual and network.output_shape[-1] != channels:
        raise ValueError("`residual` must be false where pictures of one channel become such of three, or the reverse")
    inputs = x = keras.Input((height // factor, width // factor, channels), name="images")
    if factor > 1:
        # In float32, as not every device interpolates in 16 bits.
        x = keras.layers.UpSampling2D(factor, interpolation="bicubic", name="enlarged", dtype="float32", **NHWC)(x)
    made = network(x)   # (B, H, W, C)
    if residual:
        made = keras.layers.Add(name="sum", dtype="float32")([x, made])
        made = in_float32(made, activation="hard_tanh", name="pixels")
    return keras.Model(inputs, made, name=name)
