"""Networks whose pictures come out in another size than they go in."""

import keras

from pixelart_tf.networks.blocks import NHWC


def to_size(x, size, *, name):
    """Brings pictures, or what was made of them, to another size.

    By means over as many whole pixels as go into one, and then, where that is not met exactly, by bilinear
    interpolation: 256x256 to 128x96 is means over 2x2, and 128x128 to 128x96. Interpolation alone would skip pixels.

    Args:
        x: KerasTensor (B, h, w, C), of a fixed size.
        size: (H, W).
        name: beginning of the layers' names.

    Returns:
        KerasTensor (B, H, W, C); `x` itself where that is its size.
    """
    factors = tuple(max(1, side // wanted) for side, wanted in zip(x.shape[1:3], size, strict=True))
    if factors != (1, 1):
        x = keras.layers.AveragePooling2D(factors, name=f"{name}_means", dtype="float32", **NHWC)(x)
    if tuple(x.shape[1:3]) != tuple(size):
        # In float32, as not every device interpolates in 16 bits.
        x = keras.layers.Resizing(*size, interpolation="bilinear", name=f"{name}_resize", dtype="float32", **NHWC)(x)
    return x


def resized(network: keras.Model, size: tuple[int, int]) -> keras.Model:
    """The same network, its pictures brought to another size at the end (see `to_size`); the weights are its own.

    Args:
        network: a functional model of images of a fixed size to images.
        size: (height, width) of what is to come out.
    """
    return keras.Model(network.input, to_size(network.output, size, name="pixels"), name=network.name)
