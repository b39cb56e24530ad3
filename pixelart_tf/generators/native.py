"""Generators that were trained on pixel art's native size, and any others, for what is made pixel art afterwards."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images
from pixelart_tf.pixelize.style import Style

NamedImages = Iterable[tuple[str, np.ndarray]]


def generating(
    generator: Any, style: Style, *, predict: Callable[[np.ndarray], np.ndarray] | None = None,
    called: str = "`generator`",
) -> tuple[Callable[[NamedImages], Iterator[tuple[str, np.ndarray]]], Style]:
    """What runs a generator over named pictures, and the style in which its results are to be made pixel art.

    A generator that has cells of its own gets each picture shrunk to that many pixels for each of `width` cells, or as
    it is, and its output is the grid itself.

    Args:
        generator: a Keras model or the path of one.
        style: as asked for.
        predict: see `translate`.
        called: what a message calls the generator, if it is no path.

    Returns:
        A function of pairs of a name and a uint8 image (H, W, 3) that gives such pairs, as `translate` does; and a
        style.

    Raises:
        UserError: the generator cannot be used, or the style asks for other cells than its own.
    """
    if isinstance(generator, str | os.PathLike):
        called, generator = str(generator), load_generator(generator)
    run = functools.partial(translate, generator, predict=predict)
    own = own_cell(generator)
    if own is None:
        return run, style
    cell, made = own
    if style.cell not in (None, cell):
        raise UserError(f"{called}: has cells of {cell} pixels of its own, not {style.cell}; give `width` instead")
    own_style = dataclasses.replace(style, cell=made, width=None)
    if style.width is None:
        return run, own_style
    return lambda named_images: run(_shrunk(named_images, cell, style.width)), own_style


def own_cell(generator: Any) -> tuple[int, int] | None:
    """Pixels of a side of the cells that a generator takes and makes; None if it has none of its own.

    Such a generator has a layer `to_cells` that makes each cell a pixel. One that was trained at pixel art's native
    size ends by enlarging them again (see `saving.with_cells`); `networks.cells` leaves them pixels.
    """
    for layer in generator.layers:
        if layer.name == "to_cells":
            size = layer.pool_size[0]
            side = 8 * size
            made = generator.compute_output_shape((1, side, side, generator.input_shape[-1]))[1]
            return size, made // 8
    return None


def _shrunk(named_images: NamedImages, cell: int, width: int) -> Iterator[tuple[str, np.ndarray]]:
    """Pictures of `width` cells, of square ones about as many rows as their shape has."""
    for name, image in named_images:
        rows = max(1, round(image.shape[0] * width / image.shape[1]))
        yield name, images.fit(image, (rows * cell, width * cell), how="stretch", resample="area")
