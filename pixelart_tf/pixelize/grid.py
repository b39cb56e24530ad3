"""The exact grid of enlarged pixel art: which square cells a picture is made of, and its one pixel a cell.

Exact means that every pixel of a cell has the very same color, as after nearest enlargement by a whole number and in
a lossless file. JPEG, smooth or uneven enlargement leave no exact grid.
"""

import math
from dataclasses import dataclass

import numpy as np

# Bits of evidence below which a grid is called a coincidence: n independent gaps between color changes, all multiples
# of c by chance, have probability c**-n. A lone square or a straight line is made of any number of cells.
MIN_EVIDENCE = 16


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Square cells of `cell` pixels; the first whole one starts `top` and `left` pixels (under `cell`) from the corner.

    Pixels before it, and those behind the last whole one, are parts of cells.
    """

    cell: int
    top: int
    left: int


def find_grid(image: np.ndarray) -> Grid | None:
    """Finds the largest cells that a picture can be made of.

    Neighbouring columns differ only where one cell ends and the next begins, so all these places are equal modulo the
    cell size, which is the greatest common divisor of their distances; rows likewise. Art drawn in blocks of 2x2 cells
    is, pixel for pixel, art of cells twice as large, and that is what comes back: its enlargement is the same picture.

    Args:
        image: uint8 (H, W, C).

    Returns:
        The grid, with cells of 2 pixels or more. None where there is none (photographs, noise, smooth drawings, pixel
        art of one pixel a cell) and where too few color changes leave it open (a flat picture, a lone rectangle).
    """
    if image.ndim != 3 or image.dtype != np.uint8:
        raise ValueError(f"`image` must be uint8 (H, W, C). Received: {image.dtype} {image.shape}")
    if math.gcd(*np.diff(_changes(image[:, :: max(1, image.shape[1] // 16)])).tolist()) == 1:
        return None   # a few columns settle it for all photographs, at a tenth of the time
    changes = (_changes(image), _changes(image.swapaxes(0, 1)))
    gaps = np.concatenate([np.diff(places) for places in changes])
    cell = math.gcd(*gaps.tolist())
    if cell < 2 or len(gaps) * math.log2(cell) < MIN_EVIDENCE:
        return None
    top, left = (int(places[0]) % cell if len(places) else 0 for places in changes)
    return Grid(cell=cell, top=top, left=left)


def _changes(image: np.ndarray) -> np.ndarray:
    """int64 (N,): the rows that differ from the row above."""
    return np.flatnonzero((image[1:] != image[:-1]).any(axis=(1, 2))) + 1


def native(image: np.ndarray) -> np.ndarray:
    """Recovers pixel art at one pixel a cell, partial cells at the borders included.

    Enlarged again by the cell size, and cut to where the first cell began, it is the picture itself.

    Args:
        image: uint8 (H, W, C).

    Returns:
        uint8 (h, w, C).

    Raises:
        ValueError: the picture has no exact grid.
    """
    grid = find_grid(image)
    if grid is None:
        raise ValueError("no exact grid of cells (2 pixels or more each) in this picture")
    rows = _one_a_cell(image.shape[0], grid.cell, grid.top)
    columns = _one_a_cell(image.shape[1], grid.cell, grid.left)
    return image[np.ix_(rows, columns)]


def own_cells(image: np.ndarray) -> np.ndarray:
    """As `native`; a picture without an exact grid comes back as it is, as its pixels are its cells."""
    try:
        return native(image)
    except ValueError:
        return image


def _one_a_cell(length: int, cell: int, start: int) -> np.ndarray:
    """int64 (N,): the first pixel of each cell along one axis."""
    whole = np.arange(start, length, cell)
    return np.concatenate([[0], whole]) if start else whole


def border_color(image: np.ndarray) -> np.ndarray:
    """uint8 (C,): the color that most pixels along the four edges have."""
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    colors, counts = np.unique(edges, axis=0, return_counts=True)
    return colors[counts.argmax()]


def centre(image: np.ndarray, size: int) -> np.ndarray:
    """Trims a sprite of its uniform border and puts it in the middle of a square of the border's color.

    Args:
        image: uint8 (H, W, C).
        size: pixels of the square's side.

    Returns:
        uint8 (size, size, C).

    Raises:
        ValueError: what is left after trimming is larger than `size`.
    """
    background = border_color(image)
    content = (image != background).any(axis=-1)   # (H, W)
    rows, columns = np.flatnonzero(content.any(axis=1)), np.flatnonzero(content.any(axis=0))
    sprite = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else image[:0, :0]
    height, width = sprite.shape[:2]
    if height > size or width > size:
        raise ValueError(f"the sprite is {width}x{height} cells, larger than {size}x{size}")
    return framed(sprite, (size, size), background)


def framed(image: np.ndarray, size: tuple[int, int], color: np.ndarray | None = None) -> np.ndarray:
    """Brings a picture to a size without resizing it: its middle, cut off, or with a color around.

    Args:
        image: uint8 (H, W, C).
        size: (height, width).
        color: uint8 (C,), of what is around; None is `border_color`.

    Returns:
        uint8 (height, width, C).
    """
    height, width = size
    top, left = (max(have - want, 0) // 2 for have, want in zip(image.shape[:2], size, strict=True))
    inside = image[top : top + height, left : left + width]
    if inside.shape[:2] == (height, width):
        return inside
    whole = np.empty((height, width, image.shape[-1]), np.uint8)
    whole[:] = border_color(image) if color is None else color
    top, left = (height - inside.shape[0]) // 2, (width - inside.shape[1]) // 2
    whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return whole
