"""Activations within a frozen network, by its layers' names: what perceptual and style losses compare."""

from collections.abc import Sequence

import keras

from pixelart_tf.features import lite0, vgg

# Network -> the layers that can be asked for, from the first to the last, and the one that is taken unasked.
LAYERS = {"lite0": lite0.MAPS, **vgg.MAPS}
DEFAULTS = {"lite0": "block_2", "vgg16": "relu3_3", "vgg19": "relu3_4"}


def feature_maps(network: str, layers: Sequence[str], *, weights: str = "") -> keras.Model:
    """A frozen network that gives activations instead of one vector a picture.

    A model that uses it must not have it as an attribute, since it would then be trained, saved and kept in each
    checkpoint: an object that is no layer and no list may hold it.

    Args:
        network: `"lite0"`, which comes along, `"vgg16"` or `"vgg19"`.
        layers: names of `LAYERS[network]`, one or more.
        weights: of VGG; see `vgg.vgg_maps`.

    Returns:
        A `keras.Model` that is not trainable, from float32 (B, H, W, 3) in [-1, 1], of any size, to a list of float32
        (B, h, w, channels), in the order of `layers`; of one layer, to that array alone.

    Raises:
        ValueError: a network or a layer that is not known.
        WeightsError: weights that are not those of the network, or cannot be fetched.
    """
    if network not in LAYERS:
        raise ValueError(f"`network` must be one of {', '.join(LAYERS)}. Received: {network!r}")
    for layer in layers:
        if layer not in LAYERS[network]:
            raise ValueError(f"`layer` must be one of {', '.join(LAYERS[network])} of {network}. Received: {layer!r}")
    if weights and network == "lite0":
        raise ValueError(f"`weights` must be empty with lite0, whose weights come along. Received: {weights!r}")
    maps = lite0.lite0_maps(layers) if network == "lite0" else vgg.vgg_maps(network, layers, weights=weights)
    maps.trainable = False
    return maps
