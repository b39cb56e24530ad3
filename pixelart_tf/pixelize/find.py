"""The grid of pixel art that has no exact one: what a generator drew, and screenshots that were rescaled or are JPEG.

For grids that are exact to the pixel see `grid.py`, which is asked first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pixelart_tf.pixelize import cells, evidence, few, lines, native, rhythm
from pixelart_tf.pixelize.grid import find_grid

ENOUGH = 0.5   # confidence from which on cells are taken for a picture's own
LIKELY = 0.97   # of the best score is enough for a cell size that is likely beforehand
# Pixels a cell from which on lines are placed one by one: by a whole pixel, which of smaller ones is much.
DRIFTING_CELL = 4
GAIN = 0.06   # of a usual line's strength, for each line: by so much lines placed one by one must be stronger
DRIFTING_EVIDENCE = 8.0
SAME = 0.15   # of the size: two grids whose cells differ by less are one, found twice
# Where edges are looked for, from how many pixels a cell each can see, and where in a pixel it finds the line.
SEEN = ((rhythm.steps, 1.9, 0.0), (rhythm.wide_steps, 4.0, 0.0), (rhythm.bends, 2.6, 0.5))


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The cells that a picture has already.

    Attributes:
        rows, columns: int64 (rows + 1,) and (columns + 1,), pixels where they begin and end. A torn cell at a border
            counts as one if half of it is there.
        cell_height, cell_width: pixels a cell, not whole numbers in general; of lines that drift on average.
        confidence: 0 to 1, see `evidence.confidence`; 1 for exact grids of few colors, see `native.certainty`.
        exact: whether every pixel of a cell has the same color.
        steady: whether the lines are those of one lattice; else each has its own place.
    """

    rows: np.ndarray
    columns: np.ndarray
    cell_height: float
    cell_width: float
    confidence: float = 1.0
    exact: bool = False
    steady: bool = True

    @property
    def count(self) -> str:
        """Cells across and down, for messages."""
        return f"{len(self.columns) - 1}x{len(self.rows) - 1}"


def find(image: np.ndarray, *, is_whole: bool = True) -> Found | None:
    """Finds the cells of enlarged pixel art, exact or not; None for photographs, drawings, noise, and where it is open.

    See `best_guess`, whose confidence must be `ENOUGH`.
    """
    found = best_guess(image, is_whole=is_whole)
    return found if found is not None and found.confidence >= ENOUGH else None


def best_guess(image: np.ndarray, *, is_whole: bool = True) -> Found | None:
    """The most likely cells of a picture, however unlikely; None where nothing speaks for any.

    A picture votes for the places of its lines (`rhythm`). If the votes come at every p-th pixel, their spectrum has a
    peak at frequency 1/p, whose phase says where. Bilinear enlargement makes straight ramps without a steepest place;
    there the bends, in the middles of the cells, vote instead. Where lines drift the peak is a hump, which tells the
    size alone; each line is then placed by dynamic programming (`lines`), as it is wherever that is much better. The
    cells themselves say how sure it is (`evidence`).

    Args:
        image: uint8 (H, W, C).
        is_whole: whether it may be a whole picture that was enlarged by nearest and by a factor that is not whole, see
            `native.repeated`; a sprite on a sheet is none, as its cells begin anywhere.

    Reference: the periodic derivatives of interpolated pictures are those of Gallagher, "Detection of linear and cubic
    interpolation in JPEG compressed images" (2005); the test against chance is Rayleigh's.
    """
    exact = find_grid(image)
    if exact is not None:
        cell, starts = float(exact.cell), (exact.top, exact.left)
        edges = [cells.lattice(side, cell, start) for side, start in zip(image.shape, starts, strict=False)]
        return _exact(image, edges, (cell, cell))
    if is_whole and (edges := native.repeated(image)) is not None:
        sizes = [side / (len(each) - 1) for side, each in zip(image.shape, edges, strict=False)]
        return _exact(image, edges, sizes)
    image = image[..., :3]
    if (counts := few.find(image)) is not None and counts[2] >= ENOUGH:
        edges = [cells.edges(side, count=count) for side, count in zip(image.shape[:2], counts[:2], strict=True)]
        sizes = [side / count for side, count in zip(image.shape[:2], counts[:2], strict=True)]
        return Found(
            rows=edges[0], columns=edges[1], cell_height=sizes[0], cell_width=sizes[1], confidence=counts[2]
        )
    judged = [
        replace(each, confidence=evidence.confidence(image, each.rows, each.columns, steady=each.steady))
        for each in _candidates(image) if min(len(each.rows), len(each.columns)) > rhythm.MIN_CELLS // 2
    ]
    # Lines placed one by one are the first where there are some: ringing filters strengthen them without any drift, but
    # then their cells are not flat.
    sure = [each for each in judged[:1] if each.confidence >= ENOUGH]
    return max(sure or judged, key=lambda each: each.confidence, default=None)


def _exact(image: np.ndarray, edges: Sequence[np.ndarray], sizes: Sequence[float]) -> Found:
    """Cells of one color each; a photograph that was enlarged by nearest has such cells, too, but is no pixel art."""
    rows, columns = edges
    sure = native.certainty(image[np.ix_(rows[:-1], columns[:-1])][..., :3])
    return Found(
        rows=rows, columns=columns, cell_height=sizes[0], cell_width=sizes[1], confidence=sure, exact=True
    )


@dataclass(frozen=True)
class _Heard:
    """A rhythm, the votes down and across that have it, and where in a pixel they find a line."""

    rhythm: rhythm.Rhythm
    votes: list[np.ndarray]
    place: float


def _candidates(image: np.ndarray) -> list[Found]:
    """Grids that a picture without an exact one may have: of one lattice, and of lines that drift."""
    planes = rhythm.planes(image)
    heard = []
    for sizes, smallest, place in SEEN:
        votes = [rhythm.votes(sizes(plane)) for plane in planes]
        if min(image.shape[:2]) > rhythm.MIN_CELLS * smallest and all(each.any() for each in votes):
            heard.append(_Heard(rhythm.rhythm_of(votes, smallest), votes, place))
    found = []
    if any(each.rhythm.is_enough for each in heard):
        found += _placed(planes, _loudest([each for each in heard if each.rhythm.is_enough]))
    if heard and heard[0].place == 0 and min(image.shape[:2]) > rhythm.MIN_CELLS * DRIFTING_CELL:
        cell, stands_out = rhythm.drifting_cell(heard[0].votes, DRIFTING_CELL)
        sizes = [size for each in found for size in (each.cell_height, each.cell_width)]
        if stands_out >= DRIFTING_EVIDENCE and not any(abs(size / cell - 1) < SAME for size in sizes):
            found.append(_drifting(heard[0].votes, cell))
    return found


def _loudest(heard: list[_Heard]) -> _Heard:
    heard = [each for each in heard if min(each.rhythm.cells) > rhythm.DOUBLED] or heard
    heard.sort(key=lambda each: -each.rhythm.concentration)
    best = heard[0]
    for other in heard[1:]:
        # Where ramps are straight the steps vote for both their ends, at every half cell, louder than the bends.
        is_half = other.rhythm.cells[0] > 1.5 * best.rhythm.cells[0]
        if is_half and other.rhythm.is_shared and other.rhythm.concentration > heard[0].rhythm.concentration / 2:
            best = other
    return best


def _placed(planes: list[np.ndarray], heard: _Heard) -> list[Found]:
    """The lattice of a rhythm, and before it lines placed one by one where those are much stronger.

    Of a rhythm that one side alone has, as that of cells of 8:7, only the latter, which find the other side's size.
    """
    fitted = [
        _fitted(plane, votes, cell, heard.place)
        for plane, votes, cell in zip(planes, heard.votes, heard.rhythm.cells, strict=True)
    ]
    edges = [cells.lattice(len(votes), *where) for votes, where in zip(heard.votes, fitted, strict=True)]
    lattice = Found(rows=edges[0], columns=edges[1], cell_height=fitted[0][0], cell_width=fitted[1][0])
    cell = (lattice.cell_height + lattice.cell_width) / 2
    is_shared = heard.rhythm.is_shared
    if heard.place != 0 or cell < DRIFTING_CELL:
        return [lattice] if is_shared else []
    free = _drifting(heard.votes, cell)
    if not is_shared:
        return [free]
    for votes, steady, placed in zip(heard.votes, edges, (free.rows, free.columns), strict=True):
        strength = lines.strengths(votes, cell)
        if lines.score(placed, strength, cell) - lines.score(steady, strength, cell) > GAIN * len(steady):
            return [free, lattice]
    return [lattice]


def _drifting(votes: list[np.ndarray], cell: float) -> Found:
    """Lines placed one by one, twice: the first ones say how far apart they are."""
    edges, sizes = [], []
    for each in votes:
        size = cell
        for _ in range(2):
            placed = lines.place(lines.strengths(each, size), size)
            size = float((placed[-1] - placed[0]) / max(1, len(placed) - 1)) or cell
        edges.append(lines.whole(placed, len(each), size))
        sizes.append(size)
    return Found(rows=edges[0], columns=edges[1], cell_height=sizes[0], cell_width=sizes[1], steady=False)


def _fitted(plane: np.ndarray, votes: np.ndarray, cell: float, place: float) -> tuple[float, float]:
    """The cell's size to a fraction of a pixel over the whole length, and where the first line is."""
    length = len(votes)
    tried = 1 / (1 / cell + np.linspace(-0.5, 0.5, 65) / length)
    scores = np.array([abs(rhythm.concentration(votes, each)) for each in tried])
    cell = float(tried[scores.argmax()])
    # A whole picture has a whole number of cells, and an enlargement by a whole number has whole pixels a cell.
    likely = [length / max(1, round(length / cell)), float(round(cell))]
    concentrations = [abs(rhythm.concentration(votes, each)) for each in likely]
    if max(concentrations) >= LIKELY * scores.max():
        cell = likely[int(np.argmax(concentrations))]
    start = _start(plane, votes, cell, place)
    if cell in likely and min(start, cell - start) < 0.5:
        start = 0.0
    return cell, start


def _start(plane: np.ndarray, votes: np.ndarray, cell: float, place: float) -> float:
    """Where the first line of cells of a known size is, from 0 on and under `cell`."""
    start = place + np.angle(rhythm.concentration(votes, cell)) / (2 * np.pi) * cell
    # A ramp of equal steps may vote for its ends, which are middles of cells: the cells themselves tell.
    starts = [(start + shift * cell) % cell for shift in (0, 0.5)]
    return float(min(starts, key=lambda each: _spread(plane, cell, each)))


def lines_of_size(
    image: np.ndarray, sizes: tuple[float, float], counts: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest lines of a picture whose cells' size and number are known.

    Args:
        image: uint8 (H, W, 3).
        sizes: height and width of a cell, in pixels.
        counts: cells down and across, which may begin or end up to half a cell outside.

    Returns:
        Row edges int64 (rows + 1,) and column edges int64 (columns + 1,).
    """
    edges = []
    for plane, cell, count in zip(rhythm.planes(image), sizes, counts, strict=True):
        heard = [(rhythm.votes(seen(plane)), place) for seen, smallest, place in SEEN if cell >= smallest]
        heard = [(votes, place) for votes, place in heard if votes.any()]
        start = 0.0
        if heard:
            votes, place = max(heard, key=lambda each: abs(rhythm.concentration(each[0], cell)))
            start = _start(plane, votes, cell, place)
        length = plane.shape[1]
        room = length - (count - 1) * cell - 1   # where the last cell can begin at the latest
        start -= cell if start >= cell / 2 or start > max(room, 0) else 0
        edges.append(np.floor(start + cell * np.arange(count + 1) + 0.5).astype(np.int64).clip(0, length))
    return edges[0], edges[1]


def _spread(plane: np.ndarray, cell: float, start: float) -> float:
    """The mean squared distance of the pixels of each line to the mean of their cell."""
    lines = cells.lattice(plane.shape[1], cell, start)
    inside = plane[:, lines[0] : lines[-1]].astype(np.float32)
    first, sizes = lines[:-1] - lines[0], np.diff(lines)
    means = np.add.reduceat(inside, first, axis=1) / sizes
    return float(((inside - means.repeat(sizes, axis=1)) ** 2).mean())
