"""Dithering: cells of a palette's colors that from afar mix to colors which the palette does not have.

From afar light is mixed, so mixtures and errors are sums in linear light: of black and white a grey of 128 takes 22 %
of white. Which color is nearest is for the eye to say, and so is measured in the space that is asked for. A palette
cannot mix all colors (no red of four greens), and what it cannot mix would grow from cell to cell until it smears: the
goal is always the nearest mixture that it has.

Every method leaves a color of the palette as it is: a picture made of the palette's colors comes back unchanged.
"""

import numpy as np
import scipy

from pixelart_tf.pixelize import color
from pixelart_tf.pixelize.mixtures import mixable
from pixelart_tf.pixelize.palette import check_palette, nearest

_BAYER = {"bayer2": 2, "bayer4": 4, "bayer8": 8}
# Where a cell's error goes: (rows down, columns to the right, share). Floyd and Steinberg 1976; Atkinson's, of the
# early Macintosh, hands on 6/8 of it only, which keeps light and dark areas clean.
_DIFFUSION = {
    "floyd-steinberg": ((0, 1, 7 / 16), (1, -1, 3 / 16), (1, 0, 5 / 16), (1, 1, 1 / 16)),
    "atkinson": ((0, 1, 1 / 8), (0, 2, 1 / 8), (1, -1, 1 / 8), (1, 0, 1 / 8), (1, 1, 1 / 8), (2, 0, 1 / 8)),
}
_BLOCK = 2**14   # colors worked on at a time: small enough for the processor's cache
METHODS = ("none", *_BAYER, *_DIFFUSION)


def bayer(size: int) -> np.ndarray:
    """Bayer's matrix: every whole number from 0 to size**2 - 1 once, so that each prefix is spread evenly.

    Args:
        size: 1, 2, 4, 8, ... rows and columns.

    Returns:
        int64 (size, size).

    Reference: B. Bayer, "An optimum method for two-level rendition of continuous-tone pictures", 1973.
    """
    matrix = np.zeros((1, 1), np.int64)
    while len(matrix) < size:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


def dither(
    cells: np.ndarray,
    palette: np.ndarray,
    *,
    how: str = "none",
    strength: float = 1.0,
    space: str = "oklab",
    opaque: np.ndarray | None = None,
) -> np.ndarray:
    """Gives each cell a color of the palette.

    `bayer2`, `bayer4` and `bayer8` mix up to 4, 16 or 64 entries in a fixed pattern: a cell's result depends on its own
    color, its row and its column only, so what does not move in a film does not flicker. `floyd-steinberg` and
    `atkinson` hand each cell's error on to its neighbors, row by row from the top left.

    Args:
        cells: uint8 (rows, columns, 3).
        palette: uint8 (k, 3).
        how: one of `METHODS`.
        strength: share of the error that is made good, 0 to 1; 0 is `none`.
        space: in which distances are measured, of `color.SPACES`; errors are in linear light.
        opaque: bool (rows, columns), cells that are seen; the others neither receive error nor pass it on. All if None.

    Returns:
        uint8 (rows, columns), index into the palette; for cells that are not opaque, the entry nearest to them.
    """
    cells, palette = np.asarray(cells), check_palette(palette)
    if cells.dtype != np.uint8 or cells.ndim != 3 or cells.shape[-1] != 3:
        raise ValueError(f"`cells` must be uint8 (rows, columns, 3). Received: {cells.dtype} {cells.shape}")
    if how not in METHODS:
        raise ValueError(f"`how` must be one of {', '.join(METHODS)}. Received: {how!r}")
    if not 0 <= strength <= 1:
        raise ValueError(f"`strength` must be from 0 to 1. Received: {strength}")
    opaque = np.ones(cells.shape[:2], bool) if opaque is None else np.asarray(opaque)
    if opaque.dtype != bool or opaque.shape != cells.shape[:2]:
        raise ValueError(f"`opaque` must be bool {cells.shape[:2]}. Received: {opaque.dtype} {opaque.shape}")
    flat = nearest(cells, palette, space=space)
    if how == "none" or strength == 0 or not flat.size:
        return flat
    if how in _BAYER:
        mixed = _ordered(cells, palette, bayer(_BAYER[how]), strength, space)
    else:
        mixed = _diffused(cells, palette, flat, _DIFFUSION[how], strength, space, opaque)
    return np.where(opaque, mixed, flat)


def _ordered(cells: np.ndarray, palette: np.ndarray, matrix: np.ndarray, strength: float, space: str) -> np.ndarray:
    """Ordered dither for any palette.

    For each color a list of as many entries as the matrix has places is found, one by one, each the nearest to the
    color plus `strength` times what the entries so far lack; sorted from dark to light, the matrix says which one a
    cell takes. A threshold added to the color would, without an even palette, shift some colors and not reach others;
    here the list's mean tends to the color itself, or to the nearest mixture that the palette has.

    Reference: T. Knoll, US patent 6,606,166 (expired 2019); J. Yliluoma, "Arbitrary-palette positional dithering".
    """
    rows, columns = cells.shape[:2]
    places = np.tile(matrix, (-(-rows // len(matrix)), -(-columns // len(matrix))))[:rows, :columns].ravel()
    red, green, blue = (cells[..., channel].ravel().astype(np.uint32) for channel in range(3))
    packed, inverse = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
    distinct = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1).astype(np.uint8)
    by_lightness = np.argsort(color.to_oklab(palette)[:, 0], kind="stable").astype(np.uint8)
    lights, goals = color.to_linear(palette[by_lightness]), mixable(distinct, palette)
    codes = color.of_linear(lights, space)
    chosen = np.empty((matrix.size, len(distinct)), np.uint8)
    for start in range(0, len(goals), _BLOCK):
        goal = goals[start : start + _BLOCK]
        lacking = np.zeros_like(goal)
        for place in range(matrix.size):
            wanted = color.of_linear(goal + strength * lacking, space)
            index = scipy.cluster.vq.vq(wanted, codes, check_finite=False)[0]
            chosen[place, start : start + _BLOCK] = index
            lacking += goal - lights[index]
    chosen.sort(axis=0)
    return by_lightness[chosen[places, inverse]].reshape(rows, columns)


def _nearest_code(points: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """int64 (n,): the nearest of a few codes, by the terms of the squared distance that differ among them."""
    return ((codes**2).sum(axis=1) - 2 * points @ codes.T).argmin(axis=1)


def _diffused(
    cells: np.ndarray,
    palette: np.ndarray,
    flat: np.ndarray,
    shares: tuple[tuple[int, int, float], ...],
    strength: float,
    space: str,
    opaque: np.ndarray,
) -> np.ndarray:
    """Error diffusion, many cells at a time.

    The cells of equal column + 2 * row need nothing of each other, and all that they need comes before: one step does a
    whole such diagonal, with the same result as cell by cell.

    What is handed on is no more than the palette's range is wide.
    """
    rows, columns = cells.shape[:2]
    lights, goals = color.to_linear(palette), mixable(cells.reshape(-1, 3), palette)
    codes, span = color.of_linear(lights, space), np.ptp(lights, axis=0)
    seen, indexes = opaque.ravel(), flat.copy().ravel()
    delay = max(2 * down + right for down, right, _ in shares) + 1
    errors = np.zeros((delay, rows + 2, 3))   # of the diagonals to come, by their number modulo `delay`, by row
    for diagonal in range(columns + 2 * (rows - 1)):
        first = max(0, -(-(diagonal - columns + 1) // 2))
        last = min(rows - 1, diagonal // 2)
        row = np.arange(first, last + 1)
        place = diagonal + row * (columns - 2)   # row * columns + column
        now = errors[diagonal % delay]
        goal = goals[place] + strength * now[first : last + 1]
        now[:] = 0
        index = _nearest_code(color.of_linear(goal, space), codes)
        error = np.clip(goal - lights[index], -span, span)
        error[~seen[place]] = 0
        indexes[place] = index
        for down, right, share in shares:
            errors[(diagonal + 2 * down + right) % delay, first + down : last + 1 + down] += share * error
    return indexes.reshape(rows, columns)
