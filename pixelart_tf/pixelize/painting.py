"""Cells and a palette -> which color each cell is drawn with, and the outline."""

import numpy as np

from pixelart_tf.pixelize import color
from pixelart_tf.pixelize.dither import dither
from pixelart_tf.pixelize.outline import outline
from pixelart_tf.pixelize.style import Style


def dithered(values: np.ndarray, opaque: np.ndarray, palette: np.ndarray, style: Style) -> np.ndarray:
    """Gives each cell a color of the palette.

    Args:
        values: uint8 (rows, columns, 3), the cells' colors.
        opaque: bool (rows, columns).
        palette: uint8 (k, 3).

    Returns:
        uint8 (rows, columns), index into the palette.
    """
    return dither(values, palette, how=style.dither, strength=style.strength, space=style.space, opaque=opaque)


def outlined(
    index: np.ndarray, opaque: np.ndarray, palette: np.ndarray, style: Style
) -> tuple[np.ndarray, np.ndarray]:
    """Gives the shape its outline, if the style has one: the index and which cells are opaque, both (rows, columns)."""
    if not style.outline:
        return index, opaque
    darkest = int(color.coordinates(palette, "oklab")[:, 0].argmin())
    drawn, opaque = outline(palette[index], opaque, color=palette[darkest])
    return np.where((drawn != palette[index]).any(axis=-1), darkest, index).astype(np.uint8), opaque
