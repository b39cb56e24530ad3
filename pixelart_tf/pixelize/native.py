"""Pixel art at its own size, one pixel a cell, and enlarged by nearest and a factor that is not whole."""

import numpy as np

from pixelart_tf.pixelize.evidence import MIDDLE, SMALL, WIDTH, softness
from pixelart_tf.pixelize.grid import MIN_EVIDENCE

LARGEST = 640   # pixels of the longer side: screens and sheets of sprites
MOST_COLORS = 1024   # of such a picture
# What has so few colors is pixel art however soft, in pictures of this size, as small photographs have more; and with
# fewer up to `LARGEST`. Of grey ones fewer still, as grey photographs have 256 at most.
PALETTE, PALETTE_LARGEST = 256, 128
FEW_COLORS, FEW_GREYS = 64, 24
HARD_STEPS = 0.1   # share of `hard_steps` that a picture needs to be measured at one pixel a cell; ramps have none
SMALLEST_CELL = 1.15   # pixels
PHASES = (0.0, 0.5, -0.5)   # pixels by which lines are off: most tools mean the middles of pixels, some a corner


def is_native(image: np.ndarray) -> bool:
    """Whether each pixel of a picture is a cell: it is small, has few colors, and steps as hard as pixel art's.

    What this package makes at one pixel a cell is, up to 64 colors, or 256 in 128 cells along the longer side.

    Args:
        image: uint8 (H, W, 3), transparency over white.
    """
    longer = max(image.shape[:2])
    if longer > LARGEST:
        return False
    if _num_colors(image[:: 1 + len(image) // 64]) > MOST_COLORS:   # a few rows settle it for photographs
        return False
    colors = _num_colors(image)
    if 2 * colors > image.shape[0] * image.shape[1] + 2:   # noise
        return False
    is_grey = bool((image == image[..., :1]).all())
    if colors <= (FEW_GREYS if is_grey else FEW_COLORS) or (colors <= PALETTE and longer <= PALETTE_LARGEST):
        return True
    return colors <= MOST_COLORS and softness(image) < MIDDLE


def hard_steps(image: np.ndarray) -> float:
    """0 to 1: the share of hard steps among all steps between neighbouring pixels of a picture, uint8 (H, W, 3)."""
    steps = [np.abs(np.diff(image.astype(np.int16), axis=axis)).max(axis=-1).ravel() for axis in (0, 1)]
    steps = np.concatenate(steps)
    return float((steps > SMALL).sum() / max(1, np.count_nonzero(steps)))


def certainty(cells: np.ndarray) -> float:
    """0 to 1: how likely it is that cells of one color each, uint8 (rows, columns, 3), were drawn as such.

    1 for all that have no more than `MOST_COLORS`, as what this package makes has.
    """
    if _num_colors(cells) <= MOST_COLORS:
        return 1.0
    return float(1 / (1 + np.exp((softness(cells) - MIDDLE) / WIDTH)))


def _num_colors(image: np.ndarray) -> int:
    return len(np.unique(image.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)))


def repeated(image: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The cells of a whole picture that was enlarged by nearest and by a factor that is not whole.

    Rows then differ from the row before only where a cell ends, within half a pixel of every multiple of the factor. As
    in `grid`, the evidence is how unlikely that is by chance.

    Args:
        image: uint8 (H, W, C).

    Returns:
        Row edges int64 (rows + 1,) and column edges int64 (columns + 1,); all pixels of a cell are of one color. None
        where there is no such factor, or where it is open.
    """
    edges, bits = [], 0.0
    for axis in (0, 1):
        plane = image if axis == 0 else image.swapaxes(0, 1)
        few = plane[:, :: max(1, plane.shape[1] // 16)]
        changes = np.flatnonzero((few[1:] != few[:-1]).any(axis=(1, 2))) + 1
        if len(changes) > len(plane) / SMALLEST_CELL:   # a few columns settle it for all photographs
            return None
        changes = np.flatnonzero((plane[1:] != plane[:-1]).any(axis=(1, 2))) + 1
        found = _spaced(changes, len(plane))
        if found is None:
            return None
        edges.append(found)
        bits += len(changes) * np.log2(len(plane) / (len(found) - 1))
    height, width = (side / (len(each) - 1) for side, each in zip(image.shape, edges, strict=False))
    return tuple(edges) if bits >= MIN_EVIDENCE and 0.8 < height / width < 1.25 else None


def _spaced(changes: np.ndarray, length: int) -> np.ndarray | None:
    """The fewest cells of one size, rounded to pixels, between which all `changes` are: int64 (cells + 1,)."""
    for count in range(max(2, len(changes) + 1), int(length / SMALLEST_CELL) + 1):
        cell = length / count
        for phase in PHASES:
            nth = np.rint((changes - phase) / cell).astype(np.int64)
            if np.abs(changes - phase - nth * cell).max(initial=0) > 0.5 + 1e-6 or (np.diff(nth) < 1).any():
                continue
            lines = np.floor(np.arange(count + 1) * cell + phase + 0.5).astype(np.int64)
            lines[nth] = changes
            lines[[0, -1]] = 0, length
            if nth.size and nth[0] > 0 and nth[-1] < count and (np.diff(lines) > 0).all():
                return lines
    return None
