"""Figures that tell methods of making pixel art apart: of its cells, one pixel each, beside real pixel art.

FID and KID against real sprites see mostly what is shown. These see how it is drawn, and how far it is from what was
to be drawn.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import scipy

PATCH = 5            # cells a side
FLAT = 0.04          # of luminance in 0 to 1: patches that deviate less show nothing
NUM_PATCHES = 60_000
NUM_DIRECTIONS = 256
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def style(made: Iterable[np.ndarray], real: Iterable[np.ndarray], *, seed: int = 0) -> float:
    """How differently small patches are drawn: the sliced Wasserstein distance of their contrasts, times 1,000.

    All patches of 5x5 cells whose luminance deviates by more than 0.04 are brought to mean 0 and deviation 1; 60,000
    are drawn from each side, with replacement, and projected on 256 random directions; the mean distance of the sorted
    projections is what is given. Colors, flat grounds and what is shown hardly count; outlines and speckles do.

    Args:
        made: uint8 (H, W, 3), a pixel a cell.
        real: likewise, real pixel art.
        seed: of the patches and the directions.

    Returns:
        About 8 for two draws of the same patches, 10 between two sets of sprites, 50 to 80 for drawings made small.

    Raises:
        ValueError: a side has no patch that is not flat.

    Reference: Rabin et al., Wasserstein barycenter and its application to texture mixing (2011)
    """
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(PATCH * PATCH, NUM_DIRECTIONS)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    projections = []
    for name, pictures in (("made", made), ("real", real)):
        patches = np.concatenate([np.empty((0, PATCH * PATCH), np.float32), *map(_contrasts, pictures)])
        if not len(patches):
            raise ValueError(f"`{name}` must hold pictures with more than flat patches of 5x5 cells")
        chosen = patches[rng.integers(len(patches), size=NUM_PATCHES)]
        projections.append(np.sort(chosen @ directions, axis=0))   # (60,000, 256)
    return 1000 * float(np.abs(projections[0] - projections[1]).mean())


def _contrasts(picture: np.ndarray) -> np.ndarray:
    """float32 (n, 25): the patches that are not flat, standardised."""
    luminance = picture.astype(np.float32) @ LUMA / 255
    if min(luminance.shape) < PATCH:
        return np.empty((0, PATCH * PATCH), np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(luminance, (PATCH, PATCH)).reshape(-1, PATCH * PATCH)
    deviations = patches.std(axis=1)
    patches, deviations = patches[deviations > FLAT], deviations[deviations > FLAT]
    return (patches - patches.mean(axis=1, keepdims=True)) / deviations[:, None]


def far(made: np.ndarray, original: np.ndarray) -> float:
    """How far a picture's colors are from those of its original: the mean difference after a blur of one cell.

    Args:
        made: uint8 (h, w, 3), a pixel a cell.
        original: uint8 (H, W, 3), of about the same shape and at least as large.

    Returns:
        The mean absolute difference over pixels and channels, in levels from 0 to 255.
    """
    height, width = original.shape[:2]
    rows, columns = (np.arange(n) * m // n for n, m in zip((height, width), made.shape[:2], strict=True))
    sigmas = height / made.shape[0], width / made.shape[1], 0
    blurred = [
        scipy.ndimage.gaussian_filter(picture.astype(np.float32), sigmas, mode="nearest")
        for picture in (made[rows][:, columns], original)
    ]
    return float(np.abs(blurred[0] - blurred[1]).mean())


def orphans(picture: np.ndarray, *, levels: int = 24) -> float:
    """The share of cells that differ from each of their neighbours above, below, left and right.

    Args:
        picture: uint8 (H, W, 3), a pixel a cell.
        levels: a channel must differ by more than these.
    """
    padded = np.pad(picture.astype(np.int16), ((1, 1), (1, 1), (0, 0)), mode="reflect")
    middle = padded[1:-1, 1:-1]
    neighbours = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    differs = [np.abs(middle - each).max(axis=-1) > levels for each in neighbours]
    return float(np.all(differs, axis=0).mean())


def soft_steps(pictures: Sequence[np.ndarray], *, seen: int = 8, hard: int = 48) -> float:
    """The share of soft steps among those between neighbouring cells: real pixel art has few.

    Args:
        pictures: uint8 (H, W, 3), a pixel a cell, with as many colors as they are to be shown with.
        seen: a step's largest difference in a channel is above this ...
        hard: ... and a soft one's below this.
    """
    steps = np.concatenate([
        np.abs(np.diff(picture.astype(np.int16), axis=axis)).max(axis=-1).ravel()
        for picture in pictures for axis in (0, 1)
    ])
    steps = steps[steps > seen]
    return float((steps < hard).mean()) if len(steps) else 0.0


def unevenness(picture: np.ndarray, cell: int) -> float:
    """How far square cells are from flat: the mean absolute deviation of their pixels from the cell's mean.

    Args:
        picture: uint8 (H, W, C), of whole cells from its corner on.
        cell: pixels of a side.

    Returns:
        In levels from 0 to 255, over pixels and channels: 0 for pixel art on this grid, about 10 for photographs in
        cells of 8 pixels.

    Raises:
        ValueError: `cell` does not divide the sides.
    """
    height, width, channels = picture.shape
    if cell < 1 or height % cell or width % cell:
        raise ValueError(f"`cell` must divide the height, {height}, and the width, {width}. Received: {cell}")
    cells = picture.reshape(height // cell, cell, width // cell, cell, channels).astype(np.float32)
    return float(np.abs(cells - cells.mean(axis=(1, 3), keepdims=True)).mean())
