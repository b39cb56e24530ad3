"""A line of one cell around what is drawn, as sprites in games have."""

import numpy as np
import scipy

from pixelart_tf.pixelize.grid import border_color

WHERE = ("outside", "inside")
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)   # cells that share a side; corners stay round


def outline(
    cells: np.ndarray,
    opaque: np.ndarray,
    *,
    color: tuple[int, int, int] | np.ndarray,
    where: str = "outside",
    tolerance: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a line of one cell around the shape, along its holes as well.

    The shape is what is opaque. Where all is opaque, it is what the background does not reach: the cells of the color
    that most border cells have, as far as they hang together with the border; holes are then part of the shape.

    Applied twice it changes nothing, for which three rules care. Cells of the line's color at the rim of the shape are
    an outline already: `outside` draws on background cells beside cells of the shape that have another color, `inside`
    on the cells of the shape beside the background. Without transparency no border cell is drawn on if thereby another
    color than the background's would be the border's most frequent. And a line that would leave nothing transparent
    is not drawn.

    Args:
        cells: uint8 (rows, columns, 3).
        opaque: bool (rows, columns).
        color: the line's color.
        where: `"outside"`, which makes the shape larger, or `"inside"`, over its own rim. Nothing is drawn beyond the
            border of the picture, and a shape that the border cuts off is not closed there.
        tolerance: by how much a background cell may differ from the background's color, in each channel of 255;
            without transparency only.

    Returns:
        Cells and opaque, new arrays.
    """
    if where not in WHERE:
        raise ValueError(f"`where` must be one of {', '.join(WHERE)}. Received: {where!r}")
    if not 0 <= tolerance <= 255:
        raise ValueError(f"`tolerance` must be 0 to 255. Received: {tolerance}")
    color = np.asarray(color, np.uint8)
    if color.shape != (3,):
        raise ValueError(f"`color` must be three numbers. Received: {color.tolist()}")
    background = ~opaque if not opaque.all() else _background(cells, color, tolerance)
    if where == "outside":
        is_color = (cells == color).all(axis=-1) & ~background
        line = background & scipy.ndimage.binary_dilation(~background & ~is_color, _CROSS)
    else:
        line = ~background & ~scipy.ndimage.binary_erosion(~background, _CROSS, border_value=1)
    if not opaque.all():
        if (line == background).all() and where == "outside":
            line = np.zeros_like(line)
    elif not (border_color(_drawn(cells, line, color)) == border_color(cells)).all():
        line[[0, -1]] = line[:, [0, -1]] = False
    return _drawn(cells, line, color), opaque | line


def _drawn(cells: np.ndarray, line: np.ndarray, color: np.ndarray) -> np.ndarray:
    return np.where(line[..., None], color, cells)


def _background(cells: np.ndarray, color: np.ndarray, tolerance: int) -> np.ndarray:
    """bool (rows, columns): the cells of the border's color that hang together with the border."""
    rim = border_color(cells)
    if (rim == color).all():   # a line of the background's color cannot be seen
        return np.zeros(cells.shape[:2], bool)
    similar = (np.abs(cells.astype(np.int16) - rim) <= tolerance).all(axis=-1) & ~(cells == color).all(axis=-1)
    parts, _ = scipy.ndimage.label(similar, _CROSS)
    at_border = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, at_border[at_border > 0])
