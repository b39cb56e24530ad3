"""VGG16 and VGG19 by layer, with the ImageNet weights that Keras has."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from pixelart_tf.formats.torch_file import WeightsError

BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}   # convolutions of each block
WIDTHS = (64, 128, 256, 512, 512)
# The layers whose activations can be asked for: relu3_3 is that after the third convolution of the third block.
MAPS = {
    name: tuple(f"relu{i}_{j}" for i, count in enumerate(blocks, 1) for j in range(1, count + 1))
    for name, blocks in BLOCKS.items()
}
# md5 of Keras' own files of the weights without the classifier, by which Keras checks what it fetches.
MD5 = {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}
MEANS = (103.939, 116.779, 123.68)   # of ImageNet's pixels: blue, green, red


def vgg_maps(name: str, layers: Sequence[str], *, weights: str = "") -> keras.Model:
    """What VGG has after some of its layers, in float32 whatever the global policy is.

    Args:
        name: `"vgg16"` or `"vgg19"`.
        layers: names out of `MAPS`.
        weights: Keras' file of the weights without the classifier (`vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5`
            and so on); empty for Keras to fetch it once.

    Returns:
        A functional `keras.Model` from float32 (B, H, W, 3) in [-1, 1], of any size, to a list of float32
        (B, h, w, channels), in the order of `layers`.

    Raises:
        WeightsError: another file, or weights that cannot be fetched.

    Reference: Simonyan and Zisserman (2014), https://arxiv.org/abs/1409.1556, as `keras.applications` has it
    """
    kernels = _kernels(name, weights)
    inputs = keras.Input((None, None, 3), dtype="float32", name="images")
    x = ops.flip((inputs + 1) * 127.5, axis=-1) - np.asarray(MEANS, np.float32)   # blue, green, red
    last, found = max(map(MAPS[name].index, layers)), {}
    for key in MAPS[name][: last + 1]:
        block, number = (int(each) for each in key.removeprefix("relu").split("_"))
        if number == 1 and block > 1:
            x = keras.layers.MaxPooling2D(2, dtype="float32", name=f"pool{block - 1}")(x)   # (B, H / 2, W / 2, C)
        layer = keras.layers.Conv2D(
            WIDTHS[block - 1], 3, padding="same", activation="relu", kernel_initializer="zeros", dtype="float32",
            name=f"block{block}_conv{number}",
        )
        x = found[key] = layer(x)
        layer.set_weights(kernels[layer.name])
    return keras.Model(inputs, [found[key] for key in layers], name=f"{name}_maps")


def _kernels(name: str, weights: str) -> dict[str, list[np.ndarray]]:
    """The weights of each convolution by its name in Keras."""
    if weights:
        _check(name, Path(weights))
    make = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    try:
        network = make(include_top=False, weights=weights or "imagenet")
    except Exception as error:   # urllib, h5py and Keras each raise their own
        reason = (" ".join(str(error).split()) or type(error).__name__)[:100]
        if weights:
            raise WeightsError(f"{weights}: not to be read as the weights of {name} ({reason})") from None
        raise WeightsError(
            f"the weights of {name} cannot be fetched ({reason}): give Keras' file of them, without the classifier, or "
            "take lite0, which comes along"
        ) from None
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def _check(name: str, path: Path) -> None:
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from None
    if found != MD5[name]:
        raise WeightsError(
            f"{path}: not Keras' weights of {name} without the classifier (its md5 begins with {found[:8]}, theirs "
            f"with {MD5[name][:8]})"
        )
