"""Whether cells that were found are those of pixel art: a confidence, from what is in them.

A photograph or a drawing that was enlarged has cells, too, the pixels that it had before; and things of regular shapes
have lines at even distances. What they lack: cells that are flat against the steps between them, and hard steps without
a color between the two as anti-aliased outlines and all photographs have them.
"""

import numpy as np

from pixelart_tf.pixelize import cells, unblur
from pixelart_tf.pixelize.cell_colors import Spans

CORE = 0.5   # of a cell's sides, in its middle, where it should be flat
LEVELS = 48   # of the three channels together: steps between cells that count for flatness
HARD = 90   # Euclid's distance over two cells, from which on the one between them is looked at
EQUAL, SMALL = 10, 40   # levels of one channel: up to the first two cells are equal, up to the second a step is small
USUAL_EQUAL = 0.6   # share of equal neighbours that pixel art has; large drawings have more
# Pixels a cell -> how uneven cells of pixel art may be: ramps of soft filters fill small cells.
UNEVEN = ((5.0, 0.29), (np.inf, 0.2))
# Lines that go where they like find the outlines of anything; their cells must be flat (0.02 to 0.05 for made drifts,
# 0.09 and more for what blurred drawings gave).
UNEVEN_DRIFTING = 0.06
# Pixels a cell from which on, and steps beside torn cells up to which share, cells are taken without a filter that
# explains them; with lines of their own always. `WIDE_CORE` of a cell's sides is looked at for tears.
LARGE, TORN, TORN_FROM, WIDE_CORE, WEIGHT_TORN = 10.0, 0.13, 0.3, 0.7, 20
DOUBLED = 2.1   # pixels a cell, up to which only flat ones are believed
WEIGHT, WEIGHT_DRIFTING = 4, 20   # of what is above
# JPEG has a lattice of its own, of so many pixels, so torn cells count there, too, and all that is blurred is explained
# by the smoothest filter. Of 33 sprites enlarged by 8 and that 32 are found, as without this.
JPEG_BLOCK, JPEG_DOUBT, SMOOTHEST = 8, 0.15, "lanczos"
# Softness at which a grid is as likely as not, and how fast that changes: of 40 sprites of 32 cells 39 are under 0.62,
# of 40 cartoons and 20 photographs all above 0.85.
MIDDLE, WIDTH = 0.78, 0.07
FEW = 24   # hard edges; with fewer the confidence falls


def confidence(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, steady: bool = True) -> float:
    """0 to 1: how likely it is that a picture is pixel art of these cells.

    Args:
        image: uint8 (H, W, 3).
        rows, columns: int64 (rows + 1,) and (columns + 1,), where cells begin and end.
        steady: whether the lines are those of one lattice.
    """
    inside, colors = _apart(image, rows, columns, CORE)
    uneven, edges = unevenness(inside, colors)
    size = min((rows[-1] - rows[0]) / (len(rows) - 1), (columns[-1] - columns[0]) / (len(columns) - 1))
    allowed, weight = next(most for below, most in UNEVEN if size < below), WEIGHT
    if not steady:
        allowed, weight = UNEVEN_DRIFTING, WEIGHT_DRIFTING
    if size < DOUBLED:
        allowed = 0.0   # ramps of any picture fit so small cells
    doubt = softness(colors) + weight * max(0.0, uneven - allowed)
    is_block = steady and any(np.ptp(each[1:-1]) == JPEG_BLOCK * (len(each) - 3) for each in (rows, columns))
    if doubt < MIDDLE and (not steady or size >= LARGE or is_block):
        torn = torn_cells(image, rows, columns)
        kernel = unblur.kernel_of(_between(image, rows, columns), rows, columns) if torn > TORN and steady else None
        if torn > TORN and kernel is None:
            doubt += WEIGHT_TORN * (torn - TORN)
        elif is_block and kernel == SMOOTHEST:
            doubt += JPEG_DOUBT
    return float(min(1, edges / FEW) / (1 + np.exp((doubt - MIDDLE) / WIDTH)))


def torn_cells(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    """0 to 1: the share of steps between two cells of which one is not of one color, but for its borders.

    Outlines that pass where they like go through cells; the lines of pixel art are where the steps are. Up to 0.02 for
    cells of hard edges and JPEG 80, 0.11 for those that are blurred and noisy too, 0.18 and more for drawings and
    photographs; ramps of soft filters have 0.4 and more.
    """
    inside, colors = _apart(image, rows, columns, WIDE_CORE)
    torn = total = 0
    for own, values in ((inside, colors), (inside.T, colors.swapaxes(0, 1))):
        steps = np.abs(np.diff(values, axis=1)).sum(axis=-1)
        counted = steps > LEVELS
        torn += np.count_nonzero(np.maximum(own[:, 1:], own[:, :-1])[counted] > TORN_FROM * steps[counted])
        total += np.count_nonzero(counted)
    return torn / total if total else 1.0


def _between(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return image[rows[0] : rows[-1], columns[0] : columns[-1]]


def _apart(
    image: np.ndarray, rows: np.ndarray, columns: np.ndarray, core: float
) -> tuple[np.ndarray, np.ndarray]:
    """How far pixels in the middles of cells are from the cells' colors, and these.

    Returns:
        float32 (rows, columns), the mean over a cell, summed over channels; int16 (rows, columns, 3).
    """
    colors, _ = cells.reduce(image, rows, columns, how="median", core=core)
    down, across = Spans.within(rows, core), Spans.within(columns, core)
    (y, row), (x, column) = (_inside(spans) for spans in (down, across))
    apart = np.abs(image[np.ix_(y, x)].astype(np.int16) - colors[np.ix_(row, column)]).sum(axis=-1, dtype=np.float32)
    starts = [np.concatenate([[0], np.cumsum(spans.sizes)[:-1]]) for spans in (down, across)]
    sums = np.add.reduceat(np.add.reduceat(apart, starts[0], axis=0), starts[1], axis=1)
    return sums / np.outer(down.sizes, across.sizes), colors.astype(np.int16)


def softness(colors: np.ndarray) -> float:
    """About 0.3 for pixel art at one pixel a cell, 1 for drawings and photographs.

    The share of hard steps (over two cells) with a color of the mixture between them, half the share of small steps
    among all steps, and by how much more of the neighbours are equal than in pixel art.

    Args:
        colors: uint8 (rows, columns, 3).
    """
    between = hard = equal = pairs = small = 0
    for plane in (colors.astype(np.float32), colors.swapaxes(0, 1).astype(np.float32)):
        steps = np.abs(np.diff(plane, axis=1)).max(axis=-1)
        equal += np.count_nonzero(steps <= EQUAL)
        small += np.count_nonzero((steps > EQUAL) & (steps <= SMALL))
        pairs += steps.size
        whole, part = plane[:, 2:] - plane[:, :-2], plane[:, 1:-1] - plane[:, :-2]
        squared = (whole**2).sum(axis=-1)
        far = squared > HARD**2
        whole, part, squared = whole[far], part[far], squared[far]
        along = (whole * part).sum(axis=-1) / squared
        aside = ((part - along[:, None] * whole) ** 2).sum(axis=-1) / squared
        between += np.count_nonzero((along > 0.15) & (along < 0.85) & (aside < 0.15**2))
        hard += len(squared)
    return (
        between / max(1, hard) + small / max(1, pairs - equal) / 2 + max(0.0, equal / max(1, pairs) - USUAL_EQUAL)
    )


def unevenness(inside: np.ndarray, colors: np.ndarray) -> tuple[float, int]:
    """How uneven cells are in their middles, as a share of the steps to their neighbours, and how many steps there are.

    About 0.03 for cells that are flat but for noise, 0.17 for bilinear ramps. For the arguments see `_apart`.
    """
    uneven = total = edges = 0
    for own, values in ((inside, colors), (inside.T, colors.swapaxes(0, 1))):
        steps = np.abs(np.diff(values, axis=1)).sum(axis=-1)
        counted = steps > LEVELS
        own = (own[:, 1:] + own[:, :-1])[counted] / 2
        uneven += np.minimum(own, steps[counted]).sum()
        total += steps[counted].sum()
        edges += len(own)
    return float(uneven / total) if total else 1.0, edges


def _inside(spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of all cells along one side, and the cell of each."""
    cell = np.repeat(np.arange(len(spans.sizes)), spans.sizes)
    nth = np.arange(len(cell)) - np.repeat(np.cumsum(spans.sizes) - spans.sizes, spans.sizes)
    return spans.first[cell] + nth, cell
