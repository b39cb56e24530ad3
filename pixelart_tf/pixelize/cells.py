"""A picture <-> its cells: where one ends and the next begins, one color for each, and their enlargement."""

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import cell_colors

LEAST_SIZE = 1.25   # pixels a cell, on average, that are cells and not just the pixels
HOW = ("mean", *cell_colors.METHODS)


def edges(length: int, *, cell: float | None = None, count: int | None = None, start: float = 0) -> np.ndarray:
    """Where cells begin and end along one side of a picture; always whole cells.

    Args:
        length: pixels of the side.
        cell: pixels a cell, 1 or more, not necessarily whole. What is left over before `start` and behind the last
            whole cell belongs to no cell.
        count: instead, the number of cells that share the whole side; their sizes differ by a pixel at most.
        start: pixel at which the first cell begins; with `cell` only.

    Returns:
        int64 (cells + 1,), strictly increasing, 0 to `length`.

    Raises:
        UserError: the cell is larger than the side, or there are more cells than pixels.
    """
    if (cell is None) == (count is None):
        raise ValueError(f"give either `cell` or `count`. Received: cell={cell}, count={count}")
    if count is not None:
        if not 1 <= count <= length:
            raise UserError(f"{count} cells across do not fit on {length} pixels: it must be 1 to {length}")
        return (2 * np.arange(count + 1) * length + count) // (2 * count)   # halves go up, in whole numbers
    if not cell >= 1 or start < 0:
        raise ValueError(f"`cell` must be at least 1 and `start` at least 0. Received: {cell}, {start}")
    whole = int((length - start) / cell + 1e-6)   # 100 / (100 / 3) is a hair below 3
    if whole < 1:
        raise UserError(f"a cell of {cell:g} pixels is larger than the picture ({length} pixels)")
    return np.floor(start + np.arange(whole + 1) * cell + 0.5).astype(np.int64).clip(0, length)


def lattice(length: int, cell: float, start: float) -> np.ndarray:
    """Where cells that begin at `start` and at every `cell` pixels from there are along one side of a picture.

    A torn cell at a border counts as one if half of it is there.

    Returns:
        int64 (cells + 1,), strictly increasing, 0 to `length`.
    """
    lines = start + cell * np.arange(-1, length // cell + 2)
    lines = np.unique(np.clip(np.floor(lines + 0.5), 0, length)).astype(np.int64)
    if len(lines) > 2 and lines[1] - lines[0] < cell / 2:
        lines = lines[1:]
    if len(lines) > 2 and lines[-1] - lines[-2] < cell / 2:
        lines = lines[:-1]
    return lines


def edges_across(height: int, width: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Divides a whole picture into `columns` cells across, and down so that they are as near to squares as can be.

    Returns:
        Row edges int64 (rows + 1,) and column edges int64 (columns + 1,).
    """
    column_edges = edges(width, count=columns)
    return edges(height, count=max(1, min(height, round(height * columns / width)))), column_edges


def edges_along(height: int, width: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Divides a whole picture into `count` cells along its longer side, as near to squares as can be.

    Of a picture that has fewer than `LEAST_SIZE` pixels for each of them, cells are two pixels.

    Returns:
        Row edges int64 (rows + 1,) and column edges int64 (columns + 1,).
    """
    longer = max(height, width)
    if longer < LEAST_SIZE * count:
        count = max(1, longer // 2)
    rows, columns = (max(1, min(side, round(side * count / longer))) for side in (height, width))
    return edges(height, count=rows), edges(width, count=columns)


def reduce(
    image: np.ndarray,
    row_edges: np.ndarray,
    column_edges: np.ndarray,
    *,
    how: str = "mean",
    core: float = 1.0,
    alpha_threshold: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
    """Gives each cell one color.

    - `mean`: the rounded mean, each pixel weighted by its alpha, so that the color behind transparency plays no part.
    - `median`: of each channel by itself; of an even number of pixels the lower middle one.
    - `dominant`: colors that agree in their upper 5 bits a channel are counted together; of the most frequent group
      the most frequent color, of equals the one nearest to the group's middle. It occurs in the cell.
    - `contrast`: keeps thin outlines and small highlights. The pixels are split halfway between the darkest and the
      lightest. The smaller part wins if it differs from the 3x3 cells around (`CONTRAST_RATIO`) more than the larger
      part and is not too small (`CONTRAST_SHARE`), else the larger wins; the cell takes the median, by luma, of the
      winner. A cell of little contrast takes the median of all. It occurs in the cell. Luma alone counts: a red line
      on an equally light green is no contrast.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4) with alpha.
        row_edges, column_edges: int (rows + 1,) and (columns + 1,), strictly increasing; see `edges`.
        how: one of `HOW`.
        core: over 0 to 1, the share of a cell's height and width, in its middle, that counts; under 1 it leaves out
            the mixed colors at the borders of softly enlarged pixel art. At least a pixel or two count.
        alpha_threshold: 1 to 255. A cell is opaque if its mean alpha is at least that; its color, but for `mean`, is
            that of its pixels of at least that alpha (there is one then).

    Returns:
        Cells uint8 (rows, columns, 3), 0 where transparent, and opaque bool (rows, columns).

    Reference: `contrast` follows the idea of PixelOE's contrast-based downscaling (extremes of the lightness instead
    of means, chosen by where the median lies); the rule is our own.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (3, 4):
        raise ValueError(f"`image` must be uint8 (H, W, 3) or (H, W, 4). Received: {image.dtype} {image.shape}")
    if how not in HOW:
        raise ValueError(f"`how` must be one of {', '.join(HOW)}. Received: {how!r}")
    if not 0 < core <= 1:
        raise ValueError(f"`core` must be over 0 and at most 1. Received: {core}")
    if not 1 <= alpha_threshold <= 255:
        raise ValueError(f"`alpha_threshold` must be 1 to 255. Received: {alpha_threshold}")
    rows = cell_colors.Spans.within(_checked(row_edges, image.shape[0], "row_edges"), core)
    columns = cell_colors.Spans.within(_checked(column_edges, image.shape[1], "column_edges"), core)
    if image.shape[-1] == 4 and image[..., 3].min() == 255:
        image = image[..., :3]
    areas = np.outer(rows.sizes, columns.sizes)
    opaque = np.ones(areas.shape, bool)
    if image.shape[-1] == 4:
        opaque = cell_colors.sums(image[..., 3:], rows, columns)[..., 0] >= areas * alpha_threshold
    if how == "mean":
        cells = cell_colors.mean(image, rows, columns, areas)
    else:
        valid = image[..., 3] >= alpha_threshold if image.shape[-1] == 4 else None
        cells = cell_colors.METHODS[how](cell_colors.Pixels(image[..., :3], valid, rows, columns))
    cells[~opaque] = 0
    return cells, opaque


def enlarge(cells: np.ndarray, opaque: np.ndarray, scale: int) -> np.ndarray:
    """Draws each cell as a square of `scale` pixels.

    Args:
        cells: uint8 (rows, columns, 3).
        opaque: bool (rows, columns).
        scale: whole number, 1 or more.

    Returns:
        uint8 (rows * scale, columns * scale, 3); with alpha of 0 or 255 as a fourth channel if a cell is transparent.
    """
    if scale != int(scale) or scale < 1:
        raise ValueError(f"`scale` must be a whole number, 1 or more. Received: {scale}")
    if not opaque.all():
        cells = np.dstack([cells * opaque[..., None], opaque.astype(np.uint8) * 255])
    return cells.repeat(scale, axis=0).repeat(scale, axis=1)


def _checked(cell_edges: np.ndarray, length: int, name: str) -> np.ndarray:
    cell_edges = np.asarray(cell_edges)
    if cell_edges.ndim != 1 or len(cell_edges) < 2 or not np.issubdtype(cell_edges.dtype, np.integer):
        raise ValueError(f"`{name}` must be int (cells + 1,). Received: {cell_edges.dtype} {cell_edges.shape}")
    if cell_edges[0] < 0 or cell_edges[-1] > length or (np.diff(cell_edges) < 1).any():
        raise ValueError(f"`{name}` must increase from 0 or more to {length} or less. Received: {cell_edges.tolist()}")
    return cell_edges.astype(np.int64)
