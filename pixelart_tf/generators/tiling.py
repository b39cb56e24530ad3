"""Pictures of any size <-> pieces of the sizes that a network takes."""

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from pixelart_tf.pictures import images


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
    """

    tile: int
    overlap: int
    stride: int
    align: int
    scale: Fraction
    cell: int

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
        ramp_length = int(self.overlap * self.scale) // self.cell
        ramp = np.sin((np.arange(ramp_length, dtype=np.float32) + 0.5) * (np.pi / 2 / max(1, ramp_length))) ** 2
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
        overlap: pixels that neighbouring tiles share; made a multiple too, and at most half a tile.

    Returns:
        Rows and columns; None for a network of a fixed size that changes a picture's shape.
    """
    sizes = generator.input_shape[1:3]
    stride = math.prod(math.lcm(*strides) for strides in _strides(generator))
    probe = [size or 8 * stride for size in sizes]
    outputs = generator.compute_output_shape((1, *probe, generator.input_shape[-1]))[1:3]
    scales = [Fraction(output, side) for output, side in zip(outputs, probe, strict=True)]
    if None not in sizes and scales[0] != scales[1]:
        return None
    axes = []
    for size, scale, cell in zip(sizes, scales, _cell(generator), strict=True):
        # The smallest distance in the input that is whole cells, and so whole pixels, of the output; and the stride,
        # where tiles can follow it, so that a network without norms gives the same in tiles as in one piece.
        align = math.lcm((cell / scale).numerator, scale.denominator, 1 if size else stride)
        length = size or max(tile // align, math.ceil(4 * stride / align)) * align
        shared = min(overlap, length // 2) // align * align
        axes.append(Axis(length, shared, 0 if size else stride, align, scale, cell))
    return tuple(axes)


def _strides(model: Any) -> Iterator[tuple[int, ...]]:
    """Strides of all layers that shrink pictures: their product is a multiple of what any path through them needs."""
    import keras

    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _strides(layer)
        elif hasattr(layer, "strides") and not isinstance(layer, keras.layers.Conv2DTranspose):
            yield tuple(layer.strides)


def _cell(model: Any) -> tuple[int, int]:
    """Height and width of the squares of equal pixels that a model ends in."""
    import keras

    last = model.layers[-1]
    if hasattr(last, "layers"):
        return _cell(last)
    if isinstance(last, keras.layers.UpSampling2D) and last.interpolation == "nearest":
        return tuple(last.size)
    return 1, 1


class Pieces:
    """One picture on its way through a network, in one or many pieces.

    Args:
        name: of the picture.
        image: uint8 (H, W, 3).
        input_shape: of the network, (B, H or None, W or None, 1 or 3).
        axes: of `axes_of`. None has the picture stretched to the network's size.
    """

    def __init__(self, name: str, image: np.ndarray, input_shape: tuple, axes: tuple[Axis, Axis] | None):
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
            received = f"{image.dtype} {image.shape} ({name})"
            raise ValueError(f"`named_images` must hold uint8 (H, W, 3). Received: {received}")
        if input_shape[-1] == 1:
            # ITU-R 601-2, as Pillow's "L" and tf.image.rgb_to_grayscale have it.
            image = np.rint(image @ np.array([[0.299], [0.587], [0.114]])).astype(np.uint8)  # (H, W, 1)
        self.name, self.image, self.input_size, self.axes = name, image, input_shape[1:3], axes
        self.corners = [(0, 0)]
        if axes:
            rows, columns = (axis.starts(side) for axis, side in zip(axes, image.shape, strict=False))
            self.corners = [(top, left) for top in rows for left in columns]
        self.num_missing = len(self.corners)
        self.sum = self.weights = None

    def pieces(self) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
        """Corners and uint8 pieces (h, w, C) of sizes that the network takes."""
        if self.axes is None:
            channels = self.image.shape[-1]
            stretched = images.fit(self.image.repeat(3 // channels, axis=-1), self.input_size, how="stretch")
            yield (0, 0), stretched[..., :channels]
            return
        rows, columns = self._padded()
        # Padding is at the bottom and the right only, so that cells start at the picture's corner.
        padded = self.image[_reflected(self.image.shape[0], rows)][:, _reflected(self.image.shape[1], columns)]
        for top, left in self.corners:
            yield (top, left), padded[top : top + self.axes[0].tile, left : left + self.axes[1].tile]

    def _padded(self) -> list[int]:
        return [axis.padded(side) for axis, side in zip(self.axes, self.image.shape, strict=False)]

    def add(self, corner: tuple[int, int], output: np.ndarray) -> None:
        """Takes what the network made, float32 (h, w, 1 or 3) in [-1, 1], of one piece."""
        self.num_missing -= 1
        if len(self.corners) == 1:
            self.sum = output
            return
        windows, places = [], []
        for axis, side, start in zip(self.axes, self.image.shape, corner, strict=False):
            windows.append(axis.window(side, start))
            first = int(start * axis.scale)
            places.append(slice(first, first + len(windows[-1])))
        window = np.multiply.outer(*windows)[..., None]  # (h, w, 1)
        if self.sum is None:
            size = [int(side * axis.scale) for axis, side in zip(self.axes, self._padded(), strict=True)]
            self.sum = np.zeros((*size, output.shape[-1]), np.float32)
            self.weights = np.zeros((*size, 1), np.float32)
        self.sum[tuple(places)] += window * output
        self.weights[tuple(places)] += window

    def result(self) -> np.ndarray:
        """The translated picture, uint8 (h, w, 3)."""
        result = self.sum if self.weights is None else self.sum / self.weights
        if self.axes is not None:
            height, width = (
                math.ceil(side * axis.scale) for axis, side in zip(self.axes, self.image.shape, strict=False)
            )
            result = result[:height, :width]
        return images.to_uint8(result.repeat(3 // result.shape[-1], axis=-1))


def _reflected(side: int, length: int) -> np.ndarray:
    """Indices (length,) that run through `side` pixels to and fro; the border is not repeated. A lone pixel is."""
    period = max(1, 2 * side - 2)
    index = np.arange(length) % period
    return np.minimum(index, period - index) if side > 1 else index
