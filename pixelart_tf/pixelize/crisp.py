"""Crisp borders between cells: no cell is left that is half of one area and half of the next, as means of pixels are.

A shock filter (Osher and Rudin 1990) of cells: what lies between two neighbors takes the color of the nearer one.
Shades stay, in which one step follows the other; so does pixel art, as only cells whose own pixels are of several
colors move.
"""

import numpy as np

from pixelart_tf.pixelize import cell_colors

_STEP = 32   # levels that the neighbors on both sides of a border differ by, in one channel at least
_BESIDE = 8   # levels that a mixture may lie beside the line from one neighbor to the other, by a channel
_UNEVEN = 8   # levels that a cell's pixels deviate by, in one channel at least, if it is a mixture
_PASSES = 2   # a soft border is two cells wide at most


def mixtures(image: np.ndarray, row_edges: np.ndarray, column_edges: np.ndarray) -> np.ndarray:
    """Which cells have pixels of several colors: bool (rows, columns).

    Args:
        image: uint8 (H, W, 3 or 4).
        row_edges, column_edges: int (rows + 1,) and (columns + 1,); see `cells.edges`.
    """
    rows, columns = (cell_colors.Spans.within(edges, 1.0) for edges in (row_edges, column_edges))
    areas = np.outer(rows.sizes, columns.sizes)[..., None]
    seen = image[..., :3]
    if image.shape[-1] == 4:
        seen = np.where(image[..., 3:] > 0, seen, np.uint8(0))   # what is behind transparency plays no part
    total = cell_colors.sums(seen, rows, columns)
    squares = cell_colors.sums(np.square(seen, dtype=np.uint16), rows, columns)
    return (squares * areas - total**2 > (_UNEVEN * areas) ** 2).any(axis=-1)


def crisp(colors: np.ndarray, opaque: np.ndarray, movable: np.ndarray | None = None) -> np.ndarray:
    """Gives each cell that is a mixture of the two beside it, or of those above and below, the nearer one's color.

    Args:
        colors: uint8 (rows, columns, 3).
        opaque: bool (rows, columns). Transparent cells give no color.
        movable: bool (rows, columns), cells that may change; all if None.

    Returns:
        uint8 (rows, columns, 3).
    """
    may = opaque if movable is None else opaque & movable
    for _ in range(_PASSES):
        colors = _once(colors, opaque, may)
    return colors


def _once(colors: np.ndarray, opaque: np.ndarray, may: np.ndarray) -> np.ndarray:
    middle = colors.astype(np.int32)
    padded = np.pad(middle, ((2, 2), (2, 2), (0, 0)), mode="edge")
    there = np.pad(opaque, 2)   # from beyond the picture no color is taken
    best, least = middle, np.full(opaque.shape, 256)
    for axis in (1, 0):   # left and right, above and below
        ends = [_beside(padded, axis, by) for by in (-1, 1)]
        steps = [middle - end for end in ends]
        distances = [np.abs(step).max(axis=-1) for step in steps]
        low, high = np.minimum(*ends) - _BESIDE, np.maximum(*ends) + _BESIDE
        between = may & ((low <= middle) & (middle <= high)).all(axis=-1)
        between &= _beside(there, axis, -1) & _beside(there, axis, 1)
        between &= np.abs(ends[0] - ends[1]).max(axis=-1) >= _STEP
        is_first = distances[0] <= distances[1]
        near, step, beyond = (
            np.where(is_first[..., None], *pair)
            for pair in (ends, steps, [_beside(padded, axis, by) for by in (-2, 2)])
        )
        is_shade = 2 * ((near - beyond) * step).sum(axis=-1) > (step * step).sum(axis=-1)
        distance = np.minimum(*distances)
        moves = between & ~is_shade & (distance < least)
        best, least = np.where(moves[..., None], near, best), np.where(moves, distance, least)
    return best.astype(np.uint8)


def _beside(padded: np.ndarray, axis: int, by: int) -> np.ndarray:
    """What is `by` cells further along an axis, of all cells; two are padded on each side."""
    along, across = slice(2 + by, padded.shape[axis] - 2 + by), slice(2, padded.shape[1 - axis] - 2)
    return padded[(across, along) if axis else (along, across)]
