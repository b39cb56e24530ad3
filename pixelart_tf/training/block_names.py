"""What papers call a block of layers, and what its layers do in words."""

import math
from collections.abc import Sequence

import keras

SILENT = ("Pad", "Cropping", "InputLayer", "Reshape", "Flatten", "GetItem", "Transpose")   # not worth a word


def layers_of(layer: keras.Layer) -> list[keras.Layer]:
    """A layer, or those that a `Sequential` is made of."""
    return layer.layers if isinstance(layer, keras.Sequential) else [layer]


def name_of(layers: Sequence[keras.Layer], before: Sequence[int], after: Sequence[int]) -> str:
    """A block's name.

    Args:
        layers: of the block.
        before, after: (height, width, channels), or (numbers,), of what goes in and comes out.

    Returns:
        downsample-64 and upsample-64 for a convolution that changes the scale, upsampleD-64 with dropout, as the Monet
        notebooks have them; c7s1-64 for one of 7x7 that does not, as the CycleGAN paper has it; dense-64; else what the
        block does.
    """
    convolution = next((layer for layer in layers if "Conv" in type(layer).__name__), None)
    dense = next((layer for layer in layers if type(layer).__name__ == "Dense"), None)
    if convolution is None:
        known = next((layer.name for layer in layers if isinstance(layer, keras.Model)), None)
        words = next(filter(None, map(words_of, layers)), layers[0].name)
        return f"dense-{dense.units}" if dense is not None else known or words
    dropped = "D" if any("Dropout" in type(layer).__name__ for layer in layers) else ""
    grown = math.prod(after[:-1]) / math.prod(before[:-1])
    if grown > 1.5 or max(convolution.strides) > 1:   # a 4x4 convolution takes a row away, which is no change of scale
        return f"{'upsample' if grown > 1 else 'downsample'}{dropped}-{after[-1]}"
    return f"c{convolution.kernel_size[0]}s1{dropped}-{after[-1]}"


def words_of(layer: keras.Layer) -> str:
    """What a layer does; "" where that is not worth a word."""
    kind = type(layer).__name__
    if "Conv" in kind:
        side, stride = layer.kernel_size[0], layer.strides[0]
        transposed = "transposed " if "Transpose" in kind else ""
        words = f"{side}x{side} {transposed}convolution" + (f" of stride {stride}" if stride > 1 else "")
        return words + _activation(layer, ", ")
    if kind == "Dense":
        return "dense layer" + _activation(layer, ", ")
    if kind == "GroupNormalization":
        channels = [weight.shape[0] for weight in layer.weights]   # -1 group a channel is their number once built
        return "instance norm" if layer.groups in (-1, *channels) else "group norm"
    if kind == "Activation":
        return _activation(layer)
    if any(word in kind for word in SILENT):
        return ""
    known = {
        "LeakyReLU": "leaky ReLU", "ReLU": "ReLU", "PReLU": "PReLU", "Add": "sum",
        "BatchNormalization": "batch norm", "LayerNormalization": "layer norm", "Concatenate": "",
    }
    if kind in known:
        return known[kind]
    if kind == "Dropout":
        return f"dropout {layer.rate:g}"
    if kind == "UpSampling2D":
        return f"enlarged {layer.size[0]} times"
    if kind == "AveragePooling2D":
        return f"means of {layer.pool_size[0]}x{layer.pool_size[0]}"
    return "".join(f" {c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(kind))


def _activation(layer: keras.Layer, before: str = "") -> str:
    name = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "linear": ""}.get(
        layer.activation.__name__, layer.activation.__name__.replace("_", " ")
    )
    return f"{before}{name}" if name else ""
