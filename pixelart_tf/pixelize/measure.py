"""Numbers for how much a picture is pixel art, to compare methods by."""

from dataclasses import dataclass, replace

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize.find import ENOUGH, best_guess
from pixelart_tf.pixelize.native import HARD_STEPS, hard_steps, is_native


@dataclass(frozen=True, kw_only=True)
class Measures:
    """How much a picture is pixel art.

    Attributes:
        colors: distinct colors, 1 or more. Of the pixels as they are; transparent ones all count as one.
        cell: height and width of the cells in pixels, as given or found; (1, 1) for pixel art of one pixel a cell, and
            where no grid was found.
        grid_exactness: 0 to 1. The summed differences between neighbouring pixels (over all channels) that are on the
            grid's lines (rounded to pixels), over all of them. 1 if color changes on the lines only, and for a flat
            picture or pixel art of one pixel a cell; about 1 / cell if it changes anywhere; 0 if no grid was found, as
            cells of one pixel would make everything exact.
        uniform_cells: 0 to 1. The share of cells whose pixels have exactly one color; 0 if no grid was found.
        edge_sharpness: 0 to 1. The mean, weighted by size, over all differences d(x) between neighbouring pixels along
            rows and columns, of |d(x)| / (|d(x-1)| + |d(x)| + |d(x+1)|) in grey. 1 if between any two steps there is
            at least one pixel pair without (hard edges of cells of 2 pixels or more), 1/3 for a ramp. Needs no grid;
            pixel art of one pixel a cell is measured at two.
    """

    colors: int
    cell: tuple[float, float]
    grid_exactness: float
    uniform_cells: float
    edge_sharpness: float


def measure(image: np.ndarray, *, cell: float | None = None) -> Measures:
    """Measures a picture.

    Args:
        image: uint8 (H, W, 3) or (H, W, 4); what is under half opaque counts as black and transparent, the rest as
            opaque.
        cell: pixels a cell, over 1, if known; its grid is then laid where `grid_exactness` is best among whole offsets.
            None finds the cells.

    Raises:
        UserError: the cell is larger than the picture.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (3, 4):
        raise ValueError(f"`image` must be uint8 (H, W, 3) or (H, W, 4). Received: {image.dtype} {image.shape}")
    if cell is not None and not cell > 1:
        raise ValueError(f"`cell` must be over 1. Received: {cell}")
    if cell is not None and cell > min(image.shape[:2]):
        raise UserError(f"a cell of {cell:g} pixels is larger than the picture ({image.shape[1]}x{image.shape[0]})")
    if image.shape[-1] == 4:
        solid = image[..., 3:] >= 128
        image = np.where(solid, np.concatenate([image[..., :3], np.full_like(image[..., 3:], 255)], axis=-1), 0)
        image = image.astype(np.uint8)
    changes = [_changes(image, axis) for axis in (0, 1)]
    if cell is not None:
        size = (float(cell), float(cell))
        lines = [_best_lines(along, cell) for along in changes]
    elif (found := best_guess(image[..., :3])) is not None and (found.exact or found.confidence >= ENOUGH):
        size, lines = (found.cell_height, found.cell_width), [found.rows, found.columns]
    else:
        size, lines = (1.0, 1.0), None
        if is_native(image[..., :3]) and hard_steps(image[..., :3]) >= HARD_STEPS:   # ramps may be of any cells
            return replace(measure(image.repeat(2, axis=0).repeat(2, axis=1), cell=2), cell=size)
    return Measures(
        colors=len(np.unique(_packed(image))),
        cell=size,
        grid_exactness=_share_on(changes, lines) if lines else 0.0,
        uniform_cells=_uniform(image, lines) if lines else 0.0,
        edge_sharpness=_sharpness(image),
    )


def _packed(image: np.ndarray) -> np.ndarray:
    """uint32 (H, W): a number for each color."""
    shifts = 8 * np.arange(image.shape[-1], dtype=np.uint32)
    return (image.astype(np.uint32) << shifts).sum(axis=-1, dtype=np.uint32)


def _changes(image: np.ndarray, axis: int) -> np.ndarray:
    """float64 (length,): the summed differences of each row (axis 0) or column (axis 1) from the one before."""
    differences = np.abs(np.diff(image.astype(np.int16), axis=axis)).sum(axis=(1 - axis, 2), dtype=np.float64)
    return np.concatenate([[0.0], differences])


def _best_lines(changes: np.ndarray, cell: float) -> np.ndarray:
    """int64 (cells + 1,): the edges of whole and torn cells at the offset that holds the most changes."""
    length = len(changes)

    def lines_at(start: int) -> np.ndarray:
        inner = np.floor(np.arange(start, length, cell) + 0.5).astype(np.int64)
        return np.unique(np.concatenate([[0], inner[inner < length], [length]]))

    return max(map(lines_at, range(int(np.ceil(cell)))), key=lambda lines: changes[lines[:-1]].sum())


def _share_on(changes: list[np.ndarray], lines: list[np.ndarray]) -> float:
    total = sum(along.sum() for along in changes)
    on = sum(along[where[where < len(along)]].sum() for along, where in zip(changes, lines, strict=True))
    return float(on / total) if total else 1.0


def _uniform(image: np.ndarray, lines: list[np.ndarray]) -> float:
    """The share of cells of one color, torn ones at the borders included where the lines have them."""
    packed = _packed(image)
    rows, columns = lines
    inside = packed[rows[0] : rows[-1], columns[0] : columns[-1]]
    lowest, highest = (
        reduce.reduceat(reduce.reduceat(inside, rows[:-1] - rows[0], axis=0), columns[:-1] - columns[0], axis=1)
        for reduce in (np.minimum, np.maximum)
    )
    return float((lowest == highest).mean())


def _sharpness(image: np.ndarray) -> float:
    grey = image[..., :3].sum(axis=-1, dtype=np.int32)
    weighted = total = 0.0
    for plane in (grey, grey.T):
        steps = np.abs(np.diff(plane, axis=1)).astype(np.float32)
        around = steps.copy()
        around[:, 1:] += steps[:, :-1]
        around[:, :-1] += steps[:, 1:]
        weighted += float((steps**2 / np.maximum(around, 1)).sum(dtype=np.float64))
        total += float(steps.sum(dtype=np.float64))
    return weighted / total if total else 1.0
