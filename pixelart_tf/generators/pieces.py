"""One picture on its way through a network, in one or many pieces."""

import math

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.tiling import Axis
from pixelart_tf.pictures import images

CHUNK = 16   # rows that become bytes at once


class Pieces:
    """One picture on its way through a network: cut into pieces when they are asked for, and put together again.

    Of a picture in many pieces no more is held as floats than the rows that further pieces touch.

    Raises UserError where the result would be too large.

    Args:
        name: of the picture.
        image: uint8 (H, W, 3).
        input_shape: of the network, (B, H or None, W or None, 1 or 3).
        axes: of `tiling.axes_of`. None has the picture stretched to the network's size.

    Attributes:
        corners: of all pieces, pixels from the top and the left, in the order that `add` must take them.
        shape: H and W.
        result: the translated picture, uint8 (h, w, 3); None while a piece is missing.
    """

    def __init__(self, name: str, image: np.ndarray, input_shape: tuple, axes: tuple[Axis, Axis] | None):
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
            received = f"{image.dtype} {image.shape} ({name})"
            raise ValueError(f"`named_images` must hold uint8 (H, W, 3). Received: {received}")
        self.name, self.axes, self.shape, self._image = name, axes, image.shape[:2], image
        self.input_size, self.num_channels = input_shape[1:3], input_shape[-1]
        self.corners = [(0, 0)]
        if axes:
            height, width = self._size()
            if height * width > limits.PICTURE_PIXELS:
                raise UserError(
                    f"{name}: the generator makes {width:,}x{height:,} pixels of it, over {limits.PICTURE_PIXELS:,}"
                )
            rows, columns = (axis.starts(side) for axis, side in self._sides())
            self.corners = [(top, left) for top in rows for left in columns]
        self.result = self._band = None

    def _sides(self) -> list[tuple[Axis, int]]:
        return list(zip(self.axes, self.shape, strict=True))

    @property
    def piece_shape(self) -> tuple[int, int]:
        """Height and width in pixels of each piece."""
        if self.axes is None:
            return self.input_size
        return tuple(min(axis.tile, axis.padded(side)) for axis, side in self._sides())

    def cut(self, corner: tuple[int, int]) -> np.ndarray:
        """The piece at a corner, uint8 (h, w, 1 or 3). What is inside the picture is not copied."""
        if self.axes is None:
            image = _of_channels(self._image, self.num_channels).repeat(3 // self.num_channels, axis=-1)
            return images.fit(image, self.input_size, how="stretch")[..., : self.num_channels]
        rows, columns = (
            slice(start, start + length) if start + length <= side else _reflected(side, start, length)
            for start, length, side in zip(corner, self.piece_shape, self.shape, strict=True)
        )
        # Padding is at the bottom and the right only, so that cells start at the picture's corner.
        return _of_channels(self._image[rows][:, columns], self.num_channels)

    def add(self, corner: tuple[int, int], output: np.ndarray) -> None:
        """Takes what the network made of a piece, float32 (h, w, 1 or 3) in [-1, 1].

        Raises:
            UserError: there is NaN in it.
        """
        if np.isnan(output.min()):   # which the smallest is if any is
            raise UserError(f"{self.name}: the generator gives NaN, not a picture")
        if len(self.corners) == 1:
            height, width = self._size() if self.axes else output.shape[:2]
            self.result = _as_picture(output[:height, :width])
        else:
            self._blend(corner, output)

    def _blend(self, corner: tuple[int, int], output: np.ndarray) -> None:
        windows = [axis.window(side, start) for (axis, side), start in zip(self._sides(), corner, strict=True)]
        top, left = (int(start * axis.scale) for axis, start in zip(self.axes, corner, strict=True))
        if self._band is None:
            width = int(self.axes[1].padded(self.shape[1]) * self.axes[1].scale)
            self._band = _Band((len(windows[0]), width, output.shape[-1]), self._size())
        self._band.add(top, left, np.multiply.outer(*windows)[..., None], output)
        if corner == self.corners[-1]:
            self._band.finish(self._size()[0])
            self.result, self._band, self._image = self._band.result, None, None   # which may be large

    def _size(self) -> tuple[int, int]:
        """Height and width of the result."""
        return tuple(math.ceil(side * axis.scale) for axis, side in self._sides())


class _Band:
    """The rows of a picture that overlapping tiles are added to; what is above them is finished.

    Args:
        shape: rows of a tile, columns of the padded picture, channels.
        size: height and width of the result.

    Attributes:
        result: uint8 (h, w, 3), complete above the band.
    """

    def __init__(self, shape: tuple[int, int, int], size: tuple[int, int]):
        self.top = 0
        self.sum = np.zeros(shape, np.float32)
        self.weights = np.zeros((*shape[:2], 1), np.float32)
        self.result = np.empty((*size, 3), np.uint8)

    def add(self, top: int, left: int, window: np.ndarray, output: np.ndarray) -> None:
        """Adds a tile (h, w, C) by its weights (h, w, 1). Tiles come row by row, from the top."""
        if top > self.top:
            self.finish(top)
        columns = slice(left, left + output.shape[1])
        self.sum[:, columns] += window * output
        self.weights[:, columns] += window

    def finish(self, end: int) -> None:
        """Makes bytes of the rows down to `end`, to which nothing more comes, and begins there."""
        height, width = self.result.shape[:2]
        for first in range(self.top, min(end, height), CHUNK):   # few rows at a time, for small temporary arrays
            last = min(first + CHUNK, end, height)
            rows = slice(first - self.top, last - self.top)
            self.result[first:last] = _as_picture(self.sum[rows, :width] / self.weights[rows, :width])
        gone = min(end - self.top, len(self.sum))
        for values in (self.sum, self.weights):
            values[: len(values) - gone] = values[gone:]
            values[len(values) - gone :] = 0
        self.top = end


def _of_channels(image: np.ndarray, number: int) -> np.ndarray:
    """uint8 (H, W, 3) -> (H, W, number), grey by ITU-R 601-2, as Pillow's "L" and tf.image.rgb_to_grayscale have it."""
    return image if number == 3 else np.rint(image @ np.array(images.LUMA)[:, np.newaxis]).astype(np.uint8)


def _as_picture(values: np.ndarray) -> np.ndarray:
    """float32 (h, w, 1 or 3) in [-1, 1] -> uint8 (h, w, 3)."""
    return images.to_uint8(values).repeat(3 // values.shape[-1], axis=-1)


def _reflected(side: int, start: int, length: int) -> np.ndarray:
    """Indices (length,) that run through `side` pixels to and fro; the border is not repeated. A lone pixel is."""
    period = max(1, 2 * side - 2)
    index = np.arange(start, start + length) % period
    return np.minimum(index, period - index) if side > 1 else index
