"""Generators that were trained on pixel art's native size, and any others, for what is made pixel art afterwards."""

import collections
import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.generators import fitting
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import art, cells
from pixelart_tf.pixelize.generate import Generate
from pixelart_tf.pixelize.lone import without_lone
from pixelart_tf.pixelize.style import DEFAULT_COUNT, Style
from pixelart_tf.pixelize.transparency import HARD

TILE = 1024   # pixels of a side; 256 cells of 4 pixels in one piece


def generating(
    generator: Any, style: Style, *, predict: Callable[[np.ndarray], np.ndarray] | None = None,
    called: str = "`generator`",
) -> Generate:
    """What runs a generator over pictures that are made pixel art afterwards.

    A generator that has cells of its own gets each picture shrunk to that many pixels a cell, and what it makes are
    the cells themselves. Any other gets the picture as it is, on white.

    Args:
        generator: a Keras model, the path of one, or the name of a bundled one.
        style: as asked for.
        predict: see `translate`.
        called: what a message calls the generator, if it is no path.

    Raises:
        UserError: the generator cannot be used, or the style asks it for what it cannot do.
    """
    if isinstance(generator, str | os.PathLike):
        called, generator = str(generator), load_generator(generator)
    own = own_cell(generator)
    return _Pictures(generator, predict) if own is None else _Native(generator, predict, style, *own, called)


def own_cell(generator: Any) -> tuple[int, int] | None:
    """Pixels of a side of the cells that a generator takes and makes; None if it has none of its own.

    Such a generator has a layer `to_cells` that makes each cell a pixel. One that was trained at pixel art's native
    size ends by enlarging them again (see `saving.with_cells`); `networks.cells` leaves them pixels. One that was
    trained on enlarged pixel art has only the layer that enlarges them (see `saving.with_read_cells`).
    """
    if generator.layers[-1].name == "from_cells" and "to_cells" not in {layer.name for layer in generator.layers}:
        return (generator.layers[-1].size[0],) * 2
    for layer in generator.layers:
        if layer.name == "to_cells":
            size = layer.pool_size[0]
            side = 8 * size
            made = generator.compute_output_shape((1, side, side, generator.input_shape[-1]))[1]
            return size, made // 8
    return None


class _Pictures:
    """A generator that makes pictures of pictures."""

    def __init__(self, generator: Any, predict: Callable | None):
        self._generator, self._predict = generator, predict

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return images.on_white(image)

    def run(self, prepared: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
        return translate(self._generator, prepared, predict=self._predict)


class _Prepared(NamedTuple):
    """A picture on its way to its cells.

    Attributes:
        image: uint8 (rows * size, columns * size, 3), as the generator takes it.
        opaque: bool (rows, columns).
        cell: pixels of a cell's side in the picture as it was, rounded.
    """

    image: np.ndarray
    opaque: np.ndarray
    cell: int


class _Native:
    """A generator that makes cells.

    Args:
        generator, predict: see `generating`.
        style: as asked for.
        size, made: of `own_cell`.
        called: what a message calls the generator.
    """

    def __init__(self, generator: Any, predict: Callable | None, style: Style, size: int, made: int, called: str):
        if style.cell == "auto":
            raise UserError(f"{called}: makes cells of its own; give `width` or a number of pixels as `cell`, not auto")
        if style.alpha != HARD:
            raise UserError(f"{called}: its cells are opaque or not; `alpha` must be hard. Received: {style.alpha}")
        self._generator, self._predict, self._style = generator, predict, style
        self._size, self._made, self._called = size, made, called

    def prepare(self, image: np.ndarray) -> _Prepared:
        height, width = image.shape[:2]
        style = self._style
        if (style.cell, style.width, style.height) == (None, None, None):
            # Its pixels as they are, but of a photograph not all.
            cell = max(self._size, round(max(height, width) / DEFAULT_COUNT))
            style = dataclasses.replace(style, cell=min(cell, height, width))
        where = art.grid(image, style)
        rows, columns = len(where.rows) - 1, len(where.columns) - 1
        size = rows * self._size, columns * self._size
        if size[0] * size[1] > limits.PICTURE_PIXELS:
            raise UserError(
                f"{columns:,}x{rows:,} cells take {size[1]:,}x{size[0]:,} pixels ({3 * size[0] * size[1] / 1e9:.1f} "
                f"GB), over {limits.PICTURE_PIXELS:,}; ask for fewer cells"
            )
        opaque = np.ones((rows, columns), bool)
        if image.shape[-1] == 4 and image[..., 3].min() < 255:
            _, opaque = cells.reduce(image, where.rows, where.columns, alpha_threshold=style.alpha_threshold)
        inside = image[where.rows[0] : where.rows[-1], where.columns[0] : where.columns[-1]]
        return _Prepared(fitting.fit(inside, size), opaque, where.cell)

    def run(self, prepared: Iterable[tuple[str, _Prepared]]) -> Iterator[tuple[str, art.Cells]]:
        waiting = collections.deque()

        def named_images():
            for name, each in prepared:
                waiting.append(each)
                yield name, each.image

        translated = translate(self._generator, named_images(), predict=self._predict, tile=TILE)
        with contextlib.closing(translated):
            for name, image in translated:
                given, opaque, cell = waiting.popleft()
                colors = np.ascontiguousarray(image[:: self._made, :: self._made])   # (rows, columns, 3)
                if colors.shape[:2] != opaque.shape:
                    found, wanted = (f"{shape[1]}x{shape[0]}" for shape in (colors.shape, opaque.shape))
                    raise UserError(f"{self._called}: makes {found} cells where it is asked for {wanted}")
                if self._made == 1 and self._style.crisp is not False:
                    colors = without_lone(colors, given)
                meant = _means(given, opaque.shape)
                made = art.vivid(art.Cells(colors=colors, opaque=opaque, cell=cell, meant=meant), self._style)
                made.colors[~opaque] = 0
                yield name, made


def _means(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 (rows, columns, 3): the mean colors of the cells of a picture that has whole ones."""
    size = image.shape[0] // shape[0]
    blocks = image.reshape(shape[0], size, shape[1], size, 3)
    return np.rint(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
