"""How many colors a picture is made of, by its hues."""

import numpy as np

# A color is chromatic from this chroma (max - min of the channels, 0 to 1) on, where JPEG's noise of a
# few levels turns the hue by no more than about 10 degrees; black and white are what is left near the ends.
_CHROMA = 0.12
_BLACK, _WHITE = 0.15, 0.9
_HUE_WIDTH = 20   # degrees; two hues nearer than that are one
_SHADE_WIDTH = 51   # of the value, 0 to 255; a hue has a color for each such stretch that its pixels take up
_SHARE = 0.01   # of the picture; what is rarer is no color of its own
MIN_AUTO, MAX_AUTO = 2, 32


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
    distinct = colors.reshape(-1, 3)
    counts = np.ones(len(distinct)) if weights is None else np.ravel(weights)
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
        start, holds = fullest(left, _HUE_WIDTH)
        if holds < enough:
            break
        inside = chromatic & ((degree - start) % 360 < _HUE_WIDTH) & (left[degree] > 0)
        total += max(1, _stretches(level[inside], counts[inside], enough))
        left[(start + np.arange(_HUE_WIDTH)) % 360] = 0
    black, white = ~chromatic & (value < _BLACK), ~chromatic & (value > _WHITE)
    grey = ~(chromatic | black | white)
    total += int(counts[black].sum() >= enough) + int(counts[white].sum() >= enough)
    total += _stretches(level[grey], counts[grey], enough)
    return int(np.clip(total, MIN_AUTO, MAX_AUTO))


def fullest(histogram: np.ndarray, width: int) -> tuple[int, float]:
    """Of a circle's degrees, float (360,), the `width` that hold most: the first one, and what they hold."""
    sums = np.concatenate([[0], np.cumsum(np.concatenate([histogram, histogram[: width - 1]]))])
    windows = sums[width:] - sums[:-width]
    # Many windows hold the whole of a narrow hue; the middle one has room on both sides for what is left of it.
    best = np.flatnonzero(windows >= windows.max() * (1 - 1e-9))
    start = int(best[len(best) // 2])
    return start, float(windows[start])


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
