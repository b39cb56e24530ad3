"""The cells of pixel art that a soft filter has enlarged, solved for: no mixed colors, no halo, no ringing."""

from collections.abc import Callable

import numpy as np

Kernel = Callable[[np.ndarray], np.ndarray]   # cells from a pixel to a cell (length, count) -> weights
MAX_LINES = 96   # of each side that are looked at to tell the filter
MOST_APART = 9.0   # of 255, root of the mean square: what a picture may differ from the enlargement it is taken for
BETTER = 0.8   # of what cells of one color each leave: so little must the filter leave
CUT_OFF, ROUNDS = 4, 10   # levels from white or black that may be cut off, and rounds to undo that
NEAR = 16   # levels from white or black that are those, where
GROUND = 0.1   # of the cells are so near, and
NEARER = 5   # most of them nearer still


def solve(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray | None:
    """The cells whose enlargement by a usual filter is nearest to the picture.

    Each side of a picture is enlarged by a matrix, so least squares are two products with pseudo-inverses. The filter
    is the one that leaves least. Of sprites and sheets of them, bilinear by 5.3 and JPEG 75, 99.7 % of the cells come
    within 32 levels, where the mean of their middles has 86 %; bilinear by 2.5 and JPEG 90 it is 96 % and 68 %.

    Args:
        image: uint8 (H, W, 3).
        rows, columns: int64 (rows + 1,) and (columns + 1,), where cells begin and end.

    Returns:
        uint8 (rows, columns, 3); None where no filter explains the picture: cells of hard edges, lines that drift.
    """
    image = image[rows[0] : rows[-1], columns[0] : columns[-1]]
    if (kernel := kernel_of(image, rows, columns)) is None:
        return None
    return solved(image, rows, columns, KERNELS[kernel])


def solved(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, kernel: Kernel) -> np.ndarray:
    """As `solve`, of a picture from the first edge to the last, by a filter: uint8 (rows, columns, 3)."""
    down, across = (_matrix(edges, kernel) for edges in (rows, columns))
    cells = [_solved(image[..., channel].astype(np.float32), down, across) for channel in range(3)]
    return np.rint(np.stack(cells, axis=-1)).astype(np.uint8)


def kernel_of(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> str | None:
    """The soft filter that explains a picture, uint8 (H, W, 3), of these cells and no more; None if none does."""
    sides = [(image.swapaxes(0, 1), rows), (image, columns)]   # (lines, length, 3)
    sides = [(side[:: -(-len(side) // MAX_LINES)].astype(np.float32).swapaxes(1, 2), at) for side, at in sides]
    apart = {name: left(sides, kernel) for name, kernel in KERNELS.items()}
    hard = apart.pop("nearest")
    best = min(apart, key=apart.get)
    return best if apart[best] <= min(MOST_APART, BETTER * hard) else None


def with_clean_ground(cells: np.ndarray) -> np.ndarray:
    """Cells, uint8 (rows, columns, 3), where near white and near black are white and black if that is the ground."""
    cells = cells.copy()
    for ground in (255, 0):
        apart = np.abs(cells.astype(np.int16) - ground).max(axis=-1)
        near = apart <= NEAR
        if near.mean() >= GROUND and 2 * np.count_nonzero(apart <= NEARER) >= np.count_nonzero(near):
            cells[near] = ground
    return cells


def _solved(plane: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """float32 (rows, columns), 0 to 255: the cells of one channel (H, W), whose sides the matrices enlarge.

    Where a filter went beyond white or black it was cut off, and there what the cells give takes the picture's place,
    some rounds long, or what is beside a sprite would be too dark.
    """
    undo_down, undo_across = _inverse(down), _inverse(across).T
    is_white, is_black = plane >= 255 - CUT_OFF, plane <= CUT_OFF
    cells = np.clip(undo_down @ plane @ undo_across, 0, 255)
    for _ in range(ROUNDS):
        given = down @ cells @ across.T
        target = np.where((is_white & (given > plane)) | (is_black & (given < plane)), given, plane)
        cells = np.clip(undo_down @ target @ undo_across, 0, 255)
    return cells


def _matrix(edges: np.ndarray, kernel: Kernel) -> np.ndarray:
    """float32 (length, count): what each cell gives to each pixel from the first edge to the last."""
    count, length = len(edges) - 1, int(edges[-1] - edges[0])
    nth = np.arange(len(edges))
    cell, start = np.polyfit(nth[1:-1], edges[1:-1] - edges[0], 1) if count > 3 else (length / count, 0.0)
    if abs(start) < 0.75 and abs(start + cell * count - length) < 0.75:   # as of a whole picture
        cell, start = length / count, 0.0
    apart = np.abs(((np.arange(length) + 0.5 - start) / cell - 0.5)[:, None] - np.arange(count))
    weights = kernel(apart)
    return (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)   # lines may drift off


def _bicubic(apart: np.ndarray) -> np.ndarray:
    near = (1.5 * apart - 2.5) * apart**2 + 1
    return np.where(apart < 1, near, np.where(apart < 2, ((-0.5 * apart + 2.5) * apart - 4) * apart + 2, 0))


# Those of Pillow, where pictures are enlarged.
KERNELS = {
    "nearest": lambda apart: (apart == apart.min(axis=1, keepdims=True)).astype(float),
    "bilinear": lambda apart: np.maximum(0, 1 - apart),
    "bicubic": _bicubic,
    "lanczos": lambda apart: np.sinc(apart) * np.sinc(apart / 3) * (apart < 3),
}


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """float32 (count, length): the pseudo-inverse of a matrix, also where a cell gives to no pixel."""
    wide = matrix.astype(np.float64)
    return np.linalg.solve(wide.T @ wide + 1e-6 * np.eye(wide.shape[1]), wide.T).astype(np.float32)


def left(sides: list[tuple[np.ndarray, np.ndarray]], kernel: Kernel) -> float:
    """Root of the mean square of what a filter leaves of lines along both sides.

    Args:
        sides: for each its lines, float32 (N, 3, length), and where cells begin and end, (cells + 1,).
        kernel: the filter.
    """
    squares = []
    for lines, edges in sides:
        matrix = _matrix(edges, kernel)
        projected = lines @ _inverse(matrix).T @ matrix.T
        squares.append(float(((lines - projected) ** 2).mean()))
    return float(np.sqrt(np.mean(squares)))
