"""Palettes: the k colors that stand best for a picture, how many it needs, and the nearest entry of each color.

A `palette` is uint8 (k, 3), sRGB, k from 1 to 256, every color once. Colors are weighed by how often they occur and by
nothing else: the order of the pixels changes no palette.
"""

import numpy as np
from scipy.cluster.vq import vq

from pixelart_tf.pixelize import color

MAX_COLORS = 256
MAX_POINTS = 2**13   # distinct colors that k-means sees as they are; more are first gathered by 5 bits a channel
_DRAWN_STARTS = 1   # beside the split one, which photographs do best from; flat drawings gain by it, not by more
_BLOCK = 2**17   # colors measured at a time, which bounds the memory

# `count_colors`. A color is chromatic from this chroma (max - min of the channels, 0 to 1) on, where JPEG's noise of a
# few levels turns the hue by no more than about 10 degrees; black and white are what is left near the ends.
_CHROMA = 0.12
_BLACK, _WHITE = 0.15, 0.9
_HUE_WIDTH = 20   # degrees; two hues nearer than that are one
_SHADE_WIDTH = 51   # of the value, 0 to 255; a hue has a color for each such stretch that its pixels take up
_SHARE = 0.01   # of the picture; what is rarer is no color of its own
MIN_AUTO, MAX_AUTO = 2, 32


def extract(
    colors: np.ndarray,
    k: int | str,
    *,
    space: str = "oklab",
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Finds the palette of at most k colors with the least squared error: weighted k-means.

    Args:
        colors: uint8 (..., 3), a picture or any set of colors.
        k: 1 to 256, or `"auto"` for `count_colors`.
        space: in which colors are compared and averaged, of `color.SPACES`.
        weights: float (...), how much each color counts, 0 or more; all the same if None.
        seed: of the starting points. The same colors, counts and seed give the same palette.

    Returns:
        The palette, from dark to light. Where there are no more than k colors these are it, unchanged; k = 1 gives the
        mean color of `space`. An entry most of whose weight is one single color is that very color; entries that round
        to one color are one.

    Raises:
        ValueError: k is not from 1 to 256, there are no colors, or the weights do not fit them.

    Reference: Lloyd 1982. The better of two starts: one by splitting the colors again and again where they spread
    most (as Wu 1991, but across the longest axis), one by greedy k-means++ (Arthur and Vassilvitskii 2007).
    """
    if k != "auto" and (isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_COLORS):
        raise ValueError(f"`k` must be a whole number from 1 to {MAX_COLORS} or 'auto'. Received: {k!r}")
    distinct, counts = _distinct(colors, weights)
    points = color.coordinates(distinct, space)
    if k == "auto":
        k = _count(distinct, counts)
    if len(distinct) <= k:
        return _by_lightness(distinct)
    gathered = (points, counts) if len(distinct) <= MAX_POINTS else _gathered(distinct, points, counts)
    centers = _kmeans(gathered[0].astype(np.float64), gathered[1], k, np.random.default_rng(seed))
    found = color.FROM_SPACES[space](centers)
    if k > 1:
        found = _kept(found, distinct, counts, vq(points, centers.astype(np.float32), check_finite=False)[0])
    return _by_lightness(_unpack(np.unique(_pack(found))))


def distinct_colors(colors: np.ndarray, at_most: int = MAX_COLORS) -> np.ndarray | None:
    """The colors that occur in uint8 (..., 3), from dark to light, or None if there are more than `at_most`."""
    distinct = np.unique(_pack(_checked(colors).reshape(-1, 3)))
    return _by_lightness(_unpack(distinct)) if len(distinct) <= at_most else None


def count_colors(colors: np.ndarray, weights: np.ndarray | None = None) -> int:
    """Counts the colors that a picture is made of: its independent hues, and black, white and greys.

    Of the HSV hue histogram of all chromatic colors, the 20 degrees that hold most of the picture are a hue, then those
    that hold most of what is left, as long as they hold 1 % of the picture. A hue that spreads over light and dark
    counts once for each fifth of the value (HSV) that its pixels take up, and so do the greys between black and white.
    Black and white are one each, if they are 1 % of the picture.

    Args:
        colors: uint8 (..., 3).
        weights: float (...), how much each color counts; all the same if None.

    Returns:
        2 to 32.
    """
    return _count(*_distinct(colors, weights))


def _count(distinct: np.ndarray, counts: np.ndarray) -> int:
    red, green, blue = (distinct[:, channel] / 255 for channel in range(3))
    value = np.maximum(np.maximum(red, green), blue)
    level = distinct.max(axis=1)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    chromatic = chroma >= _CHROMA
    spread = np.where(chromatic, chroma, 1)
    hue = np.select(
        [value == red, value == green],
        [(green - blue) / spread % 6, (blue - red) / spread + 2],
        (red - green) / spread + 4,
    )
    degree = (hue * 60).astype(np.int64) % 360
    enough = _SHARE * counts.sum()
    left = np.bincount(degree[chromatic], counts[chromatic], minlength=360)
    total = 0
    while True:
        # What a window of 20 degrees that begins at each degree holds.
        sums = np.concatenate([[0], np.cumsum(np.concatenate([left, left[: _HUE_WIDTH - 1]]))])
        windows = sums[_HUE_WIDTH:] - sums[:-_HUE_WIDTH]
        # Many windows hold the whole of a narrow hue; the middle one has room on both sides for what is left of it.
        best = np.flatnonzero(windows >= windows.max() * (1 - 1e-9))
        start = int(best[len(best) // 2])
        if windows[start] < enough:
            break
        inside = chromatic & ((degree - start) % 360 < _HUE_WIDTH) & (left[degree] > 0)
        total += max(1, _stretches(level[inside], counts[inside], enough))
        left[(start + np.arange(_HUE_WIDTH)) % 360] = 0
    black, white = ~chromatic & (value < _BLACK), ~chromatic & (value > _WHITE)
    grey = ~(chromatic | black | white)
    total += int(counts[black].sum() >= enough) + int(counts[white].sum() >= enough)
    total += _stretches(level[grey], counts[grey], enough)
    return int(np.clip(total, MIN_AUTO, MAX_AUTO))


def _stretches(levels: np.ndarray, counts: np.ndarray, enough: float) -> int:
    """How many stretches of `_SHADE_WIDTH` it takes, from the darkest up, to cover all of `levels` that is not rare."""
    histogram = np.bincount(levels, counts, minlength=256)
    found = first = 0
    while first < 256:
        if histogram[first] and histogram[first : first + _SHADE_WIDTH].sum() >= enough:
            found, first = found + 1, first + _SHADE_WIDTH
        else:
            first += 1
    return found


def nearest(colors: np.ndarray, palette: np.ndarray, *, space: str = "oklab") -> np.ndarray:
    """The palette's entry that is nearest to each color.

    Args:
        colors: uint8 (..., 3).
        palette: uint8 (k, 3).
        space: in which distance is measured, of `color.SPACES`.

    Returns:
        uint8 (...), index into the palette; of several entries at the same distance the first. A color of the palette
        gives that very entry.
    """
    colors, palette = _checked(colors), check_palette(palette)
    codes = color.coordinates(palette, space)
    flat = colors.reshape(-1, 3)
    if len(flat) <= 2**16:
        return _nearest(flat, codes, space).reshape(colors.shape[:-1])
    # A picture has far fewer colors than pixels; two tables over all 2**24 of them cost less than sorting would.
    packed = _pack(flat)
    table = np.zeros(2**24, np.uint8)
    table[packed] = 1
    distinct = np.flatnonzero(table)
    table[distinct] = _nearest(_unpack(distinct), codes, space)
    return table[packed].reshape(colors.shape[:-1])


def _nearest(colors: np.ndarray, codes: np.ndarray, space: str) -> np.ndarray:
    indexes = np.empty(len(colors), np.uint8)
    for start in range(0, len(colors), _BLOCK):
        block = slice(start, start + _BLOCK)
        indexes[block] = vq(color.coordinates(colors[block], space), codes, check_finite=False)[0]
    return indexes


def check_palette(palette: np.ndarray) -> np.ndarray:
    """Gives the palette back if it is one: uint8 (k, 3), k from 1 to 256."""
    palette = np.asarray(palette)
    if palette.dtype != np.uint8 or palette.ndim != 2 or palette.shape[1] != 3 or not 1 <= len(palette) <= MAX_COLORS:
        received = f"{palette.dtype} {palette.shape}"
        raise ValueError(f"`palette` must be uint8 (k, 3) with k from 1 to {MAX_COLORS}. Received: {received}")
    return palette


def _checked(colors: np.ndarray) -> np.ndarray:
    colors = np.asarray(colors)
    if colors.dtype != np.uint8 or colors.ndim < 1 or colors.shape[-1] != 3:
        raise ValueError(f"`colors` must be uint8 (..., 3). Received: {colors.dtype} {colors.shape}")
    return colors


def _pack(colors: np.ndarray) -> np.ndarray:
    """uint8 (n, 3) -> uint32 (n,), red in the highest byte."""
    red, green, blue = (colors[:, channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _unpack(packed: np.ndarray) -> np.ndarray:
    return np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=-1).astype(np.uint8)


def _distinct(colors: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (d, 3) the colors that occur, in a fixed order, and float64 (d,) what each weighs in all."""
    colors = _checked(colors)
    if weights is None:
        packed, counts = np.unique(_pack(colors.reshape(-1, 3)), return_counts=True)
    else:
        weights = np.asarray(weights, np.float64)
        if weights.shape != colors.shape[:-1] or not (weights >= 0).all() or not np.isfinite(weights).all():
            expected = f"{colors.shape[:-1]}, finite and not negative"
            raise ValueError(f"`weights` must be {expected}. Received: {weights.shape}")
        packed, inverse = np.unique(_pack(colors.reshape(-1, 3)), return_inverse=True)
        counts = np.bincount(inverse, weights.ravel(), minlength=len(packed))
        packed, counts = packed[counts > 0], counts[counts > 0]
    if not len(packed):
        raise ValueError("`colors` must hold one color at least that has weight. Received: none")
    return _unpack(packed), counts.astype(np.float64)


def _gathered(distinct: np.ndarray, points: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of the points that agree in the upper 5 bits of each channel, and what they weigh together."""
    keys = _pack(distinct >> 3)
    keys = keys >> 6 & 0x7C00 | keys >> 3 & 0x3E0 | keys & 31
    together = np.bincount(keys, counts)
    there = np.flatnonzero(together)
    together = together[there]
    sums = [np.bincount(keys, counts * points[:, axis])[there] for axis in range(3)]
    return np.stack(sums, axis=-1) / together[:, None], together


def _kept(found: np.ndarray, distinct: np.ndarray, counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Entries with over half of their weight in one single color are that color: white paper stays 255, 255, 255."""
    found = found.copy()
    order = np.argsort(counts, kind="stable")
    main = np.zeros(len(found), np.int64)
    main[labels[order]] = order   # the last written, that of the greatest count, stays
    kept = 2 * counts[main] * (labels[main] == np.arange(len(found))) > np.bincount(labels, counts, len(found))
    found[kept] = distinct[main[kept]]
    return found


def _by_lightness(palette: np.ndarray) -> np.ndarray:
    return palette[np.lexsort((_pack(palette), color.to_oklab(palette)[:, 0]))]


def _kmeans(points: np.ndarray, counts: np.ndarray, k: int, random: np.random.Generator) -> np.ndarray:
    """float64 (k, 3): the best of several runs."""
    starts = [_split(points, counts, k)]
    starts += [_drawn(points, counts, k, random) for _ in range(_DRAWN_STARTS if k > 1 else 0)]
    return min((_lloyd(points, counts, start) for start in starts), key=lambda run: run[1])[0]


def _split(points: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    """Means of k groups: k - 1 times the group of the greatest spread is cut at its mean, across its longest axis."""
    groups = [_Group(points, counts)]
    while len(groups) < k:
        widest = max(range(len(groups)), key=lambda index: groups[index].spread)
        group = groups[widest]
        above = (group.points - group.mean) @ group.axis > 0
        if above.all() or not above.any():
            break   # nothing but rounding is left to split
        groups[widest] = _Group(group.points[above], group.counts[above])
        groups.append(_Group(group.points[~above], group.counts[~above]))
    return np.stack([group.mean for group in groups])


class _Group:
    """Some of the points: their mean, the axis along which they spread most, and by how much."""

    def __init__(self, points: np.ndarray, counts: np.ndarray):
        self.points, self.counts = points, counts
        self.mean = (counts[:, None] * points).sum(axis=0) / counts.sum()
        offsets = points - self.mean
        spreads, axes = np.linalg.eigh((counts[:, None] * offsets).T @ offsets)
        self.spread, self.axis = spreads[-1], axes[:, -1]


def _drawn(points: np.ndarray, counts: np.ndarray, k: int, random: np.random.Generator) -> np.ndarray:
    """Each new center is, of a few points drawn by their share of the error, the one that leaves least of it."""
    candidates = 2 + int(np.log(k))
    chosen = [random.choice(len(points), p=counts / counts.sum())]
    errors = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    for _ in range(k - 1):
        shares = np.cumsum(errors * counts)
        drawn = np.searchsorted(shares, random.random(candidates) * shares[-1], side="right").clip(0, len(points) - 1)
        options = np.minimum(errors, ((points - points[drawn, None]) ** 2).sum(axis=2))   # (candidates, points)
        best = (options * counts).sum(axis=1).argmin()
        chosen.append(drawn[best])
        errors = options[best]
    return points[chosen]


def _lloyd(points: np.ndarray, counts: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, float]:
    """Centers moved to the means of what they are nearest to, until that hardly lowers the error, and the error."""
    before = None
    for _ in range(50):
        labels, distances = vq(points, centers, check_finite=False)
        errors = counts * distances**2
        error = errors.sum()
        weights = np.bincount(labels, counts, minlength=len(centers))
        sums = [np.bincount(labels, counts * points[:, axis], minlength=len(centers)) for axis in range(3)]
        empty = weights == 0
        centers = np.stack(sums, axis=-1) / np.where(empty, 1, weights)[:, None]
        if empty.any():
            centers[empty] = points[np.argsort(-errors, kind="stable")[: empty.sum()]]
        elif before is not None and before - error <= 1e-4 * before:
            break
        before = error
    return centers, error
