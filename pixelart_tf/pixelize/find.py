"""The grid of pixel art that has no exact one: what a generator drew, and screenshots that were rescaled or are JPEG.

For grids that are exact to the pixel see `grid.py`, which is asked first.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from pixelart_tf.pixelize import cells
from pixelart_tf.pixelize.grid import find_grid

MIN_CELLS = 12   # along the shorter side: with fewer, the outline of one thing in the middle is a rhythm already
MAX_LINES = 512   # rows or columns that are looked at; neighbours tell the same
WEAK, STRONG = 8, 48   # of 255: smaller steps are noise, and larger ones count no more than that
SQUARENESS = 0.03   # by how much a cell's height and width may differ
LARGEST = 0.9   # of the best score is enough for a larger cell: lines at every p-th pixel also fit p / 2, p / 3, ...
LIKELY = 0.97   # of the best score is enough for a cell size that is likely beforehand
DOUBLED = 2.1   # JPEG enlarges its colors by 2, so cells of 2 are believed if nothing speaks for larger ones
# What a grid needs. Of 778 photographs, 92 paintings and 1,529 cartoons of 256 pixels 10 have that, all of them icons
# of regular shapes.
MIN_EVIDENCE, MIN_CONCENTRATION = 18, 0.35
# A photograph that was enlarged has a rhythm, too; but from one of its pixels to the next most steps are small. Of
# these shares 9 in 10 photographs enlarged by 2 or 3 have more, and nearly all enlarged sprites (JPEG, too) less.
SMALL_STEPS, MAX_SHADED = (6, 24), 0.6
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)   # ITU-R BT.601
_OVERSAMPLING = 16   # of the spectra, so that no peak is missed between two of their bins


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Cells of `cell_height` x `cell_width` pixels, not whole numbers in general.

    A line between cells is `top` and `left` pixels (0 to under a cell) from the corner, and one every cell from there.
    `confidence` is 0 to 1: how much the edges of the picture keep to the lines (the length of the mean of their
    phases); 1 for exact grids.
    """

    cell_height: float
    cell_width: float
    top: float
    left: float
    confidence: float


def find(image: np.ndarray) -> Lattice | None:
    """Finds the cells of enlarged pixel art, exact or not.

    A picture votes for the places of its lines: each row for the columns where its edges are steepest, saturated, so
    that a few strong edges do not outvote many. If the votes come at every p-th pixel, their spectrum has a peak at
    frequency 1/p, whose phase says where. Bilinear enlargement makes straight ramps without a steepest place; there
    the bends, in the middles of the cells, vote instead.

    Args:
        image: uint8 (H, W, C).

    Returns:
        The lattice; None for photographs, drawings, noise, and where too few edges leave it open.

    Reference: the periodic derivatives of interpolated pictures are those of Gallagher, "Detection of linear and cubic
    interpolation in JPEG compressed images" (2005); the test against chance is Rayleigh's.
    """
    exact = find_grid(image)
    if exact is not None:
        cell = float(exact.cell)
        return Lattice(cell_height=cell, cell_width=cell, top=exact.top, left=exact.left, confidence=1.0)
    planes = _planes(image)
    rhythms = []   # with its votes, and where in a pixel they are
    # From how many pixels a cell each of them can see.
    for sizes, smallest, place in ((_steps, 1.9, 0.0), (_wide_steps, 4.0, 0.0), (_bends, 2.6, 0.5)):
        votes = [_votes(sizes(plane)) for plane in planes]
        if min(image.shape[:2]) > MIN_CELLS * smallest and all(each.any() for each in votes):
            rhythms.append((_rhythm(votes, smallest), votes, place))
    rhythms = [each for each in rhythms if each[0].is_enough]
    if not rhythms:
        return None
    rhythms = [each for each in rhythms if min(each[0].cells) > DOUBLED] or rhythms
    rhythms.sort(key=lambda each: -each[0].concentration)
    rhythm, votes, place = rhythms[0]
    for other in rhythms[1:]:
        # Where ramps are straight the steps vote for both their ends, at every half cell, louder than the bends.
        if other[0].cells[0] > 1.5 * rhythm.cells[0] and other[0].concentration > rhythms[0][0].concentration / 2:
            rhythm, votes, place = other
    (cell_height, top), (cell_width, left) = (
        _fitted(plane, each, cell, place) for plane, each, cell in zip(planes, votes, rhythm.cells, strict=True)
    )
    lattice = Lattice(
        cell_height=cell_height, cell_width=cell_width, top=top, left=left, confidence=rhythm.concentration
    )
    return None if _shaded(image, lattice) > MAX_SHADED else lattice


def edges_of(lattice: Lattice, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells of a lattice in a picture of that size, for `cells.reduce`.

    A torn cell at a border counts as one if half of it is there.

    Returns:
        Row edges int64 (rows + 1,) and column edges int64 (columns + 1,).
    """
    return (
        _edges(height, lattice.cell_height, lattice.top),
        _edges(width, lattice.cell_width, lattice.left),
    )


def _shaded(image: np.ndarray, lattice: Lattice) -> float:
    """0 to 1: the share of small steps in luma among all steps between neighbouring cells."""
    colors, _ = cells.reduce(image[..., :3], *edges_of(lattice, *image.shape[:2]), how="median", core=0.5)
    luma = colors @ _LUMA
    steps = np.concatenate([np.abs(np.diff(luma, axis=axis)).ravel() for axis in (0, 1)])
    steps = steps[steps > SMALL_STEPS[0]]
    return float((steps <= SMALL_STEPS[1]).mean()) if len(steps) else 0.0


def _edges(length: int, cell: float, start: float) -> np.ndarray:
    lines = start + cell * np.arange(-1, length // cell + 2)
    lines = np.unique(np.clip(np.floor(lines + 0.5), 0, length)).astype(np.int64)
    if len(lines) > 2 and lines[1] - lines[0] < cell / 2:
        lines = lines[1:]
    if len(lines) > 2 and lines[-1] - lines[-2] < cell / 2:
        lines = lines[:-1]
    return lines


def _planes(image: np.ndarray) -> list[np.ndarray]:
    """The luma's columns and rows, int16 (lines, length); JPEG enlarges its color channels itself, by two."""
    luma = (image[..., :3] @ _LUMA).round().astype(np.int16)
    return [lines[:: -(-len(lines) // MAX_LINES)] for lines in (luma.T, luma)]


def _steps(plane: np.ndarray) -> np.ndarray:
    """int16 (lines, length), as the plane: how different the pixels x - 1 and x are."""
    return np.abs(np.diff(plane, axis=1, prepend=plane[:, :1]))


def _wide_steps(plane: np.ndarray) -> np.ndarray:
    """As `_steps`, but of the pixels x - 2 and x + 1: finds the middle of a wide ramp in spite of rounding and JPEG."""
    sizes = np.zeros_like(plane)
    sizes[:, 2:-1] = np.abs(plane[:, 3:] - plane[:, :-3])
    return sizes


def _bends(plane: np.ndarray) -> np.ndarray:
    """int16 (lines, length): how far pixel x is from the mean of its neighbours, times two."""
    sizes = np.zeros_like(plane)
    sizes[:, 1:-1] = np.abs(np.diff(plane, n=2, axis=1))
    return sizes


def _votes(sizes: np.ndarray) -> np.ndarray:
    """float64 (length,): how much each place is where `sizes` (lines, length) have their peaks."""
    before, here, behind = sizes[:, :-2], sizes[:, 1:-1], sizes[:, 2:]
    is_peak = (here >= before) & (here >= behind) & (2 * here > before + behind)   # of two equal ones, both
    votes = np.zeros(sizes.shape[1])
    votes[1:-1] = (np.clip(here - WEAK, 0, STRONG - WEAK) * is_peak).sum(axis=0)
    return votes


@dataclass(frozen=True)
class _Rhythm:
    """What is common to the votes down and across.

    `evidence` is -log of the odds that votes without a rhythm give such a peak (at one frequency); `concentration` is
    1 if all votes are at places of one rhythm, about 0 if they are anywhere; `cells` are the cell's height and width.
    """

    evidence: float
    concentration: float
    cells: tuple[float, float]

    @property
    def is_enough(self) -> bool:
        return self.evidence >= MIN_EVIDENCE and self.concentration >= MIN_CONCENTRATION


def _rhythm(votes: list[np.ndarray], smallest: float) -> _Rhythm:
    """The rhythm of the largest cells, from `smallest` pixels, that have (nearly) the best evidence."""
    longest, shortest = (pick(map(len, votes)) for pick in (max, min))
    step = 1 / (4 * longest)   # of the logarithm: a quarter of a bin at the highest frequencies
    frequencies = np.exp(np.arange(np.log(MIN_CELLS / shortest), np.log(1 / smallest), step))
    length = _OVERSAMPLING * 2 ** math.ceil(math.log2(longest))
    bins = np.arange(length // 2 + 1) / length
    spectra = [np.interp(frequencies, bins, np.abs(np.fft.rfft(each, length)) / each.sum()) for each in votes]
    independent = [each.sum() ** 2 / (each**2).sum() for each in votes]   # so many equal votes scatter as much
    reach = int(math.log(1 + SQUARENESS) / step) | 1
    weighted = zip(independent, spectra, strict=True)
    evidence = sum(n * maximum_filter1d(spectrum, reach) ** 2 for n, spectrum in weighted)

    def at_best(count: int) -> _Rhythm:
        best = int(np.argmax(evidence[:count] >= LARGEST**2 * evidence[:count].max()))
        while step_up := int(np.argmax(evidence[best : min(count, best + reach)])):   # from the peak's foot to its top
            best += step_up
        near = slice(max(0, best - reach // 2), best + reach // 2 + 1)
        cells = tuple(float(1 / frequencies[near][spectrum[near].argmax()]) for spectrum in spectra)
        return _Rhythm(float(evidence[best]), math.sqrt(evidence[best] / sum(independent)), cells)

    larger = int(np.searchsorted(frequencies, 1 / DOUBLED))
    if larger > 0 and (rhythm := at_best(larger)).is_enough:
        return rhythm
    return at_best(len(frequencies))


def _concentration(votes: np.ndarray, cell: float) -> complex:
    """0 to 1: how much the votes come every `cell` places; the angle says where."""
    return (votes @ np.exp(2j * np.pi / cell * np.arange(len(votes)))) / votes.sum()


def _fitted(plane: np.ndarray, votes: np.ndarray, cell: float, place: float) -> tuple[float, float]:
    """The cell's size to a fraction of a pixel over the whole length, and where the first line is."""
    length = len(votes)
    tried = 1 / (1 / cell + np.linspace(-0.5, 0.5, 65) / length)
    scores = np.array([abs(_concentration(votes, each)) for each in tried])
    cell = float(tried[scores.argmax()])
    # A whole picture has a whole number of cells, and an enlargement by a whole number has whole pixels a cell.
    likely = [length / max(1, round(length / cell)), float(round(cell))]
    concentrations = [abs(_concentration(votes, each)) for each in likely]
    if max(concentrations) >= LIKELY * scores.max():
        cell = likely[int(np.argmax(concentrations))]
    start = place + np.angle(_concentration(votes, cell)) / (2 * np.pi) * cell
    # A ramp of equal steps may vote for its ends, which are middles of cells: the cells themselves tell.
    starts = [(start + shift * cell) % cell for shift in (0, 0.5)]
    start = min(starts, key=lambda each: _spread(plane, cell, each))
    if cell in likely and min(start, cell - start) < 0.5:
        start = 0.0
    return cell, float(start)


def _spread(plane: np.ndarray, cell: float, start: float) -> float:
    """The mean squared distance of the pixels of each line to the mean of their cell."""
    lines = _edges(plane.shape[1], cell, start)
    inside = plane[:, lines[0] : lines[-1]].astype(np.float32)
    first, sizes = lines[:-1] - lines[0], np.diff(lines)
    means = np.add.reduceat(inside, first, axis=1) / sizes
    return float(((inside - means.repeat(sizes, axis=1)) ** 2).mean())
