"""Generators that were trained on pixel art's native size."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators import opening, translating
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import art


def generating(path: Path, style: art.Style) -> tuple[Callable[[Iterator], Iterator], art.Style]:
    """What runs a saved generator over pairs of a place and an image (H, W, 3), and the style for what it gives.

    A generator trained at the art's native size begins with a layer `to_cells` that shrinks its cells to pixels (see
    `networks.export.with_cells`): it gets the picture at that many pixels for each of `width` cells, or as it is, and
    its output is the grid itself.

    Raises:
        UserError: it cannot be used, or the style asks for other cells than its own.
    """

    generator = opening.load_generator(path)
    cell = next((layer.pool_size[0] for layer in generator.layers if layer.name == "to_cells"), None)
    if cell is None:
        return lambda named: translating.translate(generator, named), style
    if style.cell not in (None, cell):
        raise UserError(f"{path}: has cells of {cell} pixels of its own, not {style.cell}; give `width` instead")

    def sized(named):
        for place, image in named:
            height, width = image.shape[:2]
            rows = max(1, round(height * style.width / width))
            yield place, images.fit(image, (rows * cell, style.width * cell), how="stretch", resample="area")

    own = replace(style, cell=cell, width=None)
    return lambda named: translating.translate(generator, sized(named) if style.width else named), own
