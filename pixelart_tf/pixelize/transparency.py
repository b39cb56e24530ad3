"""What becomes of levels of transparency: they are kept, mixed by a pattern, or all or nothing."""

import numpy as np

from pixelart_tf.pixelize import cell_colors
from pixelart_tf.pixelize.dither import bayer

HARD, SOFT, DITHER = KINDS = ("hard", "soft", "dither")


def of_cells(image: np.ndarray, row_edges: np.ndarray, column_edges: np.ndarray, core: float) -> np.ndarray:
    """The rounded mean alpha of each cell, uint8 (rows, columns).

    Args:
        image: uint8 (H, W, 4).
        row_edges, column_edges, core: see `cells.reduce`.
    """
    rows, columns = (cell_colors.Spans.within(edges, core) for edges in (row_edges, column_edges))
    areas = np.outer(rows.sizes, columns.sizes)
    return ((cell_colors.sums(image[..., 3:], rows, columns)[..., 0] + areas // 2) // areas).astype(np.uint8)


def dithered(alpha: np.ndarray) -> np.ndarray:
    """Which cells are opaque, bool (rows, columns): of 4x4 cells as many as their alpha, uint8, is of 255.

    What has an alpha of 0 or 255 stays as it is. The pattern stands still with the picture.
    """
    rows, columns = alpha.shape
    pattern = np.tile(bayer(4), (-(-rows // 4), -(-columns // 4)))[:rows, :columns]
    return alpha > 255 * (pattern + 0.5) / 16
