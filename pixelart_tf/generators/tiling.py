"""How pictures of any size are divided into pieces of the sizes that a network takes."""

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from pixelart_tf.generators.reach import reach


@dataclasses.dataclass(frozen=True)
class Axis:
    """How a generator's needs divide the rows (or the columns) of a picture. All in pixels.

    Attributes:
        tile: the longest side that goes through the network at once.
        overlap: what neighbouring tiles share at least.
        stride: sides must be multiples of it; 0 for a network that takes only sides of `tile`.
        align: tiles start at multiples of it.
        scale: pixels that come out for each pixel that goes in.
        cell: pixels of the output that the network makes equal.
        margin: what is left out at a tile's inner ends, as the network sees beyond the tile there; what is left of
            tiles is then the same as of the whole. None where that cannot be, and tiles are blended.
    """

    tile: int
    overlap: int
    stride: int
    align: int
    scale: Fraction
    cell: int
    margin: int | None = None

    def padded(self, side: int) -> int:
        """What a side is padded to."""
        if side > self.tile:
            return math.ceil(side / self.align) * self.align
        if not self.stride:
            return self.tile
        if side % self.stride == 0 and side >= 4 * self.stride:
            return side
        # Some pixels more than needed, to have few different sizes: JAX compiles the network for each. And four strides
        # at least, as a network's own reflections need something to reflect.
        step = math.ceil(32 / self.stride) * self.stride
        return min(self.tile, max(math.ceil(side / step) * step, 4 * self.stride))

    def starts(self, side: int) -> list[int]:
        """Where tiles begin: evenly spread, the first at 0, the last at the padded end."""
        rest = self.padded(side) - self.tile
        if rest <= 0:
            return [0]
        count = math.ceil(rest / (self.tile - self.overlap))
        return [rest * i // count // self.align * self.align for i in range(count + 1)]

    def window(self, side: int, start: int) -> np.ndarray:
        """Weights (tile * scale,) of a tile's output: towards other tiles they fall to 0; in a cell they are equal."""
        weights = np.ones(int(min(self.tile, self.padded(side)) * self.scale) // self.cell, np.float32)
        if self.margin is None:
            ramp_length = int(self.overlap * self.scale) // self.cell
            ramp = np.sin((np.arange(ramp_length, dtype=np.float32) + 0.5) * (np.pi / 2 / max(1, ramp_length))) ** 2
        else:
            ramp_length = int(self.margin * self.scale) // self.cell
            ramp = np.zeros(ramp_length, np.float32)
        if start > 0:
            weights[:ramp_length] *= ramp
        if start + self.tile < self.padded(side):
            weights[len(weights) - ramp_length :] *= ramp[::-1]
        return np.repeat(weights, self.cell)


def axes_of(generator: Any, tile: int, overlap: int) -> tuple[Axis, Axis] | None:
    """How to divide pictures for a generator.

    Args:
        generator: a Keras model of images to images.
        tile: pixels of a side of a tile, where the generator takes any size; made a multiple of what it needs.
        overlap: pixels that neighbouring tiles share; made a multiple too, and at most half a tile. It is more where
            a network sees further, but not the whole picture, so that tiles give the same as the whole.

    Returns:
        Rows and columns; None for a network of a fixed size that changes a picture's shape.
    """
    sizes = generator.input_shape[1:3]
    stride = _stride(generator)
    probe = [size or 8 * stride for size in sizes]
    outputs = generator.compute_output_shape((1, *probe, generator.input_shape[-1]))[1:3]
    scales = [Fraction(output, side) for output, side in zip(outputs, probe, strict=True)]
    if None not in sizes and scales[0] != scales[1]:
        return None
    axes, sees = [], reach(generator)
    for size, scale, cell in zip(sizes, scales, _cell(generator), strict=True):
        # The smallest distance in the input that is whole cells, and so whole pixels, of the output; and the stride,
        # where tiles can follow it, so that a network without norms gives the same in tiles as in one piece.
        align = math.lcm((cell / scale).numerator, scale.denominator, 1 if size else stride)
        length = size or max(tile // align, math.ceil(4 * stride / align)) * align
        shared, margin = min(overlap, length // 2) // align * align, None
        if sees is not None and not size and 2 * math.ceil(sees / align) * align <= length // 2:
            margin = math.ceil(sees / align) * align
            shared = max(shared, 2 * margin)
        axes.append(Axis(length, shared, 0 if size else stride, align, scale, cell, margin))
    return tuple(axes)


def _stride(model: Any) -> int:
    """What a picture's sides must be multiples of: the most that any way through a network shrinks it."""
    return math.lcm(*(shrunk.numerator for shrunk in _shrunk(model, Fraction(1))))


def _shrunk(model: Any, start: Fraction) -> Iterator[Fraction]:
    """How many times smaller than the picture is what comes out of each layer, the last one's last.

    Args:
        model: a network, or a block of one.
        start: how many times smaller what goes into it is.
    """
    known = {id(tensor): start for tensor in model.inputs}
    for operation in getattr(model, "operations", model.layers):   # in the order of their work; a Sequential has layers
        for node in operation._inbound_nodes:   # of all uses of a layer those in this network
            if not node.input_tensors or any(id(tensor) not in known for tensor in node.input_tensors):
                continue
            before = max(known[id(tensor)] for tensor in node.input_tensors)
            after = list(_shrunk(operation, before)) if hasattr(operation, "layers") else [before * _factor(operation)]
            yield from after
            known |= {id(tensor): after[-1] for tensor in node.output_tensors}


def _factor(operation: Any) -> Fraction:
    """How many times a layer, or one of `keras.ops`, shrinks pictures."""
    import keras

    if isinstance(operation, keras.layers.UpSampling2D):
        return Fraction(1, math.lcm(*operation.size))
    strides = getattr(operation, "strides", 1)
    number = math.lcm(*strides) if isinstance(strides, tuple) else 1
    return Fraction(1, number) if isinstance(operation, keras.layers.Conv2DTranspose) else Fraction(number)


def _cell(model: Any) -> tuple[int, int]:
    """Height and width of the squares of equal pixels that a model ends in."""
    import keras

    last = model.layers[-1]
    if hasattr(last, "layers"):
        return _cell(last)
    if isinstance(last, keras.layers.UpSampling2D) and last.interpolation == "nearest":
        return tuple(last.size)
    return 1, 1
