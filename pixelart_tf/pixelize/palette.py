"""Palettes: the k colors that stand best for a picture, and the nearest entry of each color.

A `palette` is uint8 (k, 3), sRGB, k from 1 to 256, every color once. Colors are weighed by how often they occur, and
rare vivid ones by being vivid; the order of the pixels changes no palette.
"""

import numpy as np
import scipy

from pixelart_tf.pixelize import color, vivid
from pixelart_tf.pixelize.counting import MAX_AUTO, count_colors
from pixelart_tf.pixelize.kmeans import kmeans

MAX_COLORS = 256
MAX_POINTS = 2**13   # distinct colors that k-means sees as they are; more are first gathered by 5 bits a channel
_BLOCK = 2**17   # colors measured at a time, which bounds the memory


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
        k: 1 to 256; or `"auto"` for `count_colors` and, beside these, one for each vivid hue that none of them shows.
        space: in which colors are compared and averaged, of `color.SPACES`.
        weights: float (...), how much each color counts, 0 or more; all the same if None.
        seed: of the starting points. The same colors, counts and seed give the same palette.

    Returns:
        The palette, from dark to light. No vivid hue turns grey if a little of the error can help it (see `vivid`).
        Where there are no more than k colors these are it, unchanged; k = 1 gives the
        mean color of `space`. An entry most of whose weight is one single color is that very color; entries that round
        to one color are one.

    Raises:
        ValueError: k is not from 1 to 256, there are no colors, or the weights do not fit them.

    """
    if k != "auto" and (isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_COLORS):
        raise ValueError(f"`k` must be a whole number from 1 to {MAX_COLORS} or 'auto'. Received: {k!r}")
    distinct, counts = _distinct(colors, weights)
    points = color.coordinates(distinct, space)
    most = MAX_AUTO if k == "auto" else k
    if k == "auto":
        k = count_colors(distinct, counts)
    if len(distinct) <= k:
        return _by_lightness(distinct)
    few, weights = (points, counts) if len(distinct) <= MAX_POINTS else _gathered(distinct, points, counts)
    few = few.astype(np.float64)
    centers = vivid.kept(few, weights, kmeans(few, weights, k, np.random.default_rng(seed)), space=space, most=most)
    found = color.FROM_SPACES[space](centers)
    if k > 1:
        labels = scipy.cluster.vq.vq(points, centers.astype(np.float32), check_finite=False)[0]
        found = _kept(found, distinct, counts, labels)
    return _by_lightness(_unpack(np.unique(_pack(found))))


def distinct_colors(colors: np.ndarray, at_most: int = MAX_COLORS) -> np.ndarray | None:
    """The colors that occur in uint8 (..., 3), from dark to light, or None if there are more than `at_most`."""
    distinct = np.unique(_pack(_checked(colors).reshape(-1, 3)))
    return _by_lightness(_unpack(distinct)) if len(distinct) <= at_most else None


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
        indexes[block] = scipy.cluster.vq.vq(color.coordinates(colors[block], space), codes, check_finite=False)[0]
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
