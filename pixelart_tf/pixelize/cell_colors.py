"""The pixels of cells, and the rules that make one color of them: `cells.reduce` says what each does."""

from dataclasses import dataclass

import numpy as np
import scipy
from PIL import Image

# `contrast`: shades of grey (of 255) that a cell's lightest and darkest pixel are apart before it counts as having two
# parts; the share of the cell that the smaller part needs, a line of one pixel through a cell of eight; and how many
# times further from the surroundings than the larger part it must be. At a straight edge between two areas that is at
# most 1.7 times, so edges stay where they are.
CONTRAST_RANGE = 48
CONTRAST_SHARE = 0.12
CONTRAST_RATIO = 2


@dataclass(frozen=True)
class Spans:
    """The cells along one side: `first` pixel and `sizes`, int64 (cells,) each."""

    first: np.ndarray
    sizes: np.ndarray

    @classmethod
    def within(cls, cell_edges: np.ndarray, core: float) -> "Spans":
        sizes = np.diff(cell_edges)
        margins = (sizes * (1 - core) / 2 + 1e-9).astype(np.int64)   # the same on both sides
        margins = np.minimum(margins, (sizes - 1) // 2)
        return cls(cell_edges[:-1] + margins, sizes - 2 * margins)

    @property
    def largest(self) -> int:
        return int(self.sizes.max())

    @property
    def whole(self) -> slice | None:
        """All pixels of all cells, where cells of one size lie side by side."""
        if (np.diff(self.first) == self.largest).all() and (self.sizes == self.largest).all():
            return slice(int(self.first[0]), int(self.first[-1]) + self.largest)
        return None

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """int64 (cells, largest): the pixels of each cell, and bool: which of these are its own."""
        nth = np.arange(self.largest)
        own = nth < self.sizes[:, None]
        return self.first[:, None] + np.where(own, nth, 0), own


def sums(values: np.ndarray, rows: Spans, columns: Spans) -> np.ndarray:
    """int64 (rows, columns, C): exact sums over the cells; `values` is uint8 or uint16 (H, W, C)."""
    flat = values.reshape(len(values), -1)
    lines = np.zeros((len(rows.sizes), flat.shape[1]), np.uint32)
    for nth in range(rows.largest):   # the nth row of every cell at once
        has = rows.sizes > nth
        if has.all():
            lines += flat[rows.first + nth]
        else:
            lines[has] += flat[rows.first[has] + nth]
    lines = lines.reshape(-1, *values.shape[1:])
    totals = np.zeros((len(lines), len(columns.sizes), values.shape[-1]), np.int64)
    for nth in range(columns.largest):
        has = columns.sizes > nth
        if columns.whole:
            totals += lines[:, columns.whole][:, nth :: columns.largest]
        elif has.all():
            totals += lines[:, columns.first + nth]
        else:
            totals[:, has] += lines[:, columns.first[has] + nth]
    return totals


def mean(image: np.ndarray, rows: Spans, columns: Spans, areas: np.ndarray) -> np.ndarray:
    if image.shape[-1] == 3:
        totals, weights = sums(image, rows, columns), areas[..., None]
    else:
        alpha = image[..., 3:].astype(np.uint16)
        totals = sums(np.concatenate([image[..., :3] * alpha, alpha], axis=-1), rows, columns)
        totals, weights = totals[..., :3], np.maximum(totals[..., 3:], 1)
    return ((2 * totals + weights) // (2 * weights)).astype(np.uint8)


class Pixels:
    """The pixels of each cell along one axis, cells of different sizes filled up to the largest.

    Attributes:
        count: int64 (N,), pixels that count in each of the N = rows * columns cells.
    """

    def __init__(self, image: np.ndarray, valid: np.ndarray | None, rows: Spans, columns: Spans):
        self.image, self._spans = image, (rows, columns)
        self.shape = (len(rows.sizes), len(columns.sizes))
        (_, own_rows), (_, own_columns) = rows.places(), columns.places()
        self._invalid = None
        self.count = np.outer(rows.sizes, columns.sizes).ravel()
        if valid is not None or not (own_rows.all() and own_columns.all()):
            own = own_rows[:, None, :, None] & own_columns[None, :, None, :]
            own = own.reshape(len(self.count), -1)
            if valid is not None:
                own &= self._by_cell(valid)
            self._invalid, self.count = ~own, np.count_nonzero(own, axis=-1)

    def _by_cell(self, plane: np.ndarray) -> np.ndarray:
        """(H, W) -> (N, P)."""
        rows, columns = self._spans
        if rows.whole and columns.whole:
            plane = plane[rows.whole, columns.whole]
        else:
            plane = plane[rows.places()[0].ravel()][:, columns.places()[0].ravel()]
        plane = plane.reshape(self.shape[0], rows.largest, self.shape[1], columns.largest).swapaxes(1, 2)
        return plane.reshape(len(self.count), -1)

    def sorted(self, plane: np.ndarray) -> np.ndarray:
        """(N, P): the values of a plane (H, W) in each cell, rising; those that do not count are last, the largest."""
        values = self._by_cell(plane)
        if self._invalid is not None:
            values[self._invalid] = np.iinfo(values.dtype).max
        elif np.shares_memory(values, plane):   # cells as wide as the picture
            values = values.copy()
        values.sort(axis=-1)
        return values

    def at(self, values: np.ndarray, index: np.ndarray) -> np.ndarray:
        """The `index`-th (N,) of each cell's `values` (N, P)."""
        return values[np.arange(len(values)), np.maximum(index, 0)]

    def cells(self, packed: np.ndarray) -> np.ndarray:
        """uint8 (rows, columns, 3) from colors as 0xRRGGBB (N,)."""
        channels = np.stack([packed >> 16, packed >> 8, packed], axis=-1) & 255
        return channels.astype(np.uint8).reshape(*self.shape, 3)


def median(pixels: Pixels) -> np.ndarray:
    # As 16 bits, which NumPy sorts ten times as fast as 8.
    middle = (pixels.count - 1) // 2
    channels = [pixels.at(pixels.sorted(pixels.image[..., channel].astype(np.uint16)), middle) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8).reshape(*pixels.shape, 3)


def _packed(image: np.ndarray) -> np.ndarray:
    """uint32 (H, W): 0xRRGGBB."""
    wide = image.astype(np.uint32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def dominant(pixels: Pixels) -> np.ndarray:
    packed = _packed(pixels.image)
    low = packed & 0x070707   # the lower 3 bits of each channel go behind the upper 5, so that groups sort together
    high = packed >> 3 & 0x1F1F1F
    low = low >> 10 & 0o700 | low >> 5 & 0o70 | low & 0o7
    high = high >> 6 & 0x7C00 | high >> 3 & 0x3E0 | high & 0x1F
    keys = pixels.sorted(high << 9 | low)   # (N, P)
    size = np.int32(keys.shape[1])
    positions = np.arange(size, dtype=np.int32)
    first, length = _longest_run(keys >> 9, positions < pixels.count[:, None])
    inside = (positions >= first) & (positions < first + length)
    run, _ = _longest_run(keys, inside, middle=2 * first + length)
    key = pixels.at(keys, run[:, 0])
    low, high = key & 0x1FF, key >> 9
    channels = [(high >> 5 * place & 31) << 3 | low >> 3 * place & 7 for place in (2, 1, 0)]
    return np.stack(channels, axis=-1).astype(np.uint8).reshape(*pixels.shape, 3)


def _longest_run(values: np.ndarray, inside: np.ndarray, middle: np.ndarray | None = None) -> tuple:
    """First index and length, int32 (N, 1) each, of the longest run of equal `values` (N, P) among those `inside`.

    Of equally long ones the first, or the one whose middle is nearest to `middle` (twice an index).
    """
    positions = np.arange(values.shape[1], dtype=np.int32)
    starts = np.zeros(values.shape, np.int32)
    np.multiply(values[:, 1:] != values[:, :-1], positions[1:], out=starts[:, 1:])
    np.maximum.accumulate(starts, axis=1, out=starts)
    lengths = (positions + 1 - starts) * inside
    scores = lengths
    if middle is not None:
        scores = lengths.astype(np.int64) * (4 * values.shape[1])
        scores -= np.abs(2 * starts + lengths - middle)
        scores *= inside
    last = scores.argmax(axis=1)[:, None]
    return np.take_along_axis(starts, last, 1), np.take_along_axis(lengths, last, 1)


def contrast(pixels: Pixels) -> np.ndarray:
    luma = np.asarray(Image.fromarray(np.ascontiguousarray(pixels.image)).convert("L")).astype(np.uint32)
    keys = pixels.sorted(luma << 24 | _packed(pixels.image))   # (N, P), darkest first
    luma, count = (keys >> 24).astype(np.int16), pixels.count
    darkest, lightest = luma[:, 0], pixels.at(luma, count - 1)
    dark = np.count_nonzero(2 * luma < (darkest + lightest)[:, None], axis=1)   # what does not count is 255
    totals = luma.sum(axis=1, dtype=np.int64) - 255 * (luma.shape[1] - count)
    luma_sums, counts = (
        scipy.ndimage.uniform_filter(values.reshape(pixels.shape).astype(float), 3, mode="nearest").ravel()
        for values in (totals, count)
    )
    around = luma_sums / np.maximum(counts, 1e-9)
    dark_middle, light_middle = (dark - 1) // 2, dark + (count - dark - 1) // 2
    is_dark_smaller = 2 * dark < count
    smaller = np.where(is_dark_smaller, dark_middle, light_middle)
    larger = np.where(is_dark_smaller, light_middle, dark_middle)
    share = np.minimum(dark, count - dark)
    far = np.abs(pixels.at(luma, smaller) - around) > CONTRAST_RATIO * np.abs(pixels.at(luma, larger) - around)
    chosen = np.where(far & (share >= CONTRAST_SHARE * count), smaller, larger)
    chosen = np.where(lightest - darkest < CONTRAST_RANGE, (count - 1) // 2, chosen)
    return pixels.cells(pixels.at(keys, chosen))


METHODS = {"median": median, "dominant": dominant, "contrast": contrast}
