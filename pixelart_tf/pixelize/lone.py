"""Lone cells that a generator makes of texture, such as fur and grass, where the picture has none."""

import numpy as np
import scipy

_LEVELS = 16   # that a lone cell differs from each of its neighbors by, in one channel at least
_TIMES = 2     # as far from them as the picture's own cell is
_EVEN = 6      # levels that the pixels of a cell of one color differ by
_NEAR = 2      # cells to the nearest one of one color, beyond which there is texture
_PASSES = 2    # a pair of lone cells has one neighbor of its own kind


def without_lone(colors: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Gives lone cells in texture the color of the nearest of their neighbors.

    Lone is a cell that differs from all of those above, below, left and right, and twice as far as the picture's own
    cell does. Where a cell of the picture that has one color is within two, there is no texture: it may be an outline.

    Args:
        colors: uint8 (rows, columns, 3), as a generator made them.
        image: uint8 (rows * size, columns * size, 3), the picture that they were made of.

    Returns:
        uint8 (rows, columns, 3).
    """
    rows, columns = colors.shape[:2]
    size = image.shape[0] // rows
    blocks = image.reshape(rows, size, columns, size, 3)
    even = (blocks.max(axis=(1, 3)).astype(np.int16) - blocks.min(axis=(1, 3)) < _EVEN).all(axis=-1)
    texture = ~scipy.ndimage.maximum_filter(even, 2 * _NEAR + 1, mode="nearest")
    if not texture.any():
        return colors
    own, _ = _nearest_neighbor(blocks.mean(axis=(1, 3), dtype=np.float32))
    for _ in range(_PASSES):
        difference, nearest = _nearest_neighbor(colors)
        lone = texture & (difference > _LEVELS) & (difference > _TIMES * own)
        colors = np.where(lone[..., None], nearest, colors)
    return colors


def _nearest_neighbor(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each cell is from the nearest of its four neighbors, in the channel that differs most, and its color.

    At the border the neighbor on the other side stands in for the one that is missing.
    """
    padded = np.pad(colors, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    sides = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    differences = np.abs(sides.astype(np.float32) - colors).max(axis=-1)   # (4, rows, columns)
    nearest = differences.argmin(axis=0)
    return differences.min(axis=0), np.take_along_axis(sides, nearest[None, ..., None], axis=0)[0]
