"""Rare vivid hues, which k-means leaves to a grey center, as they are too few to weigh much: an eye, a flag, a lamp."""

import numpy as np
import scipy

from pixelart_tf.pixelize import color
from pixelart_tf.pixelize.counting import fullest
from pixelart_tf.pixelize.kmeans import lloyd

_CHROMA = 0.08   # in OKLab, where sRGB's purest colors have 0.15 to 0.32; from here on a color is vivid
_FADED = 0.6   # of its chroma; a vivid color whose center has less than that is lost
_SHARE = 0.0015   # of the picture, 4 of 48x48 cells; a lost hue that is rarer stays lost
_HUE_WIDTH = 40   # degrees in OKLab
_MERGED = 0.8   # of the chroma of each of two centers that are made one, at least, or they stay two
_MOST_ERROR = 1.05   # times the error of the centers as they come
_MOST_HUES = 12


def kept(points: np.ndarray, counts: np.ndarray, centers: np.ndarray, *, space: str, most: int) -> np.ndarray:
    """Gives each vivid hue that no center shows a center of its own, the heaviest first: weight times chroma.

    Where there is no room for one more center, the two whose merging costs the least error become one. That ends where
    the error would rise by over 5 %, or where merging would lose another vivid hue.

    Args:
        points: float64 (n, 3), colors in a space of `color.SPACES`.
        counts: float64 (n,), what each weighs.
        centers: float64 (k, 3), as `kmeans` gives.
        space: which space.
        most: centers at most.

    Returns:
        float64 (k or more, 3).
    """
    to_lab = color.FROM_SPACES[space]
    chroma, hue = _chroma_and_hue(color.to_oklab(to_lab(points)))
    distances = scipy.cluster.vq.vq(points, centers, check_finite=False)[1]
    enough, error = _SHARE * counts.sum(), (counts * distances**2).sum()
    for _ in range(_MOST_HUES):
        label = scipy.cluster.vq.vq(points, centers, check_finite=False)[0]
        shown = _chroma_and_hue(color.to_oklab(to_lab(centers)))[0]
        lost = (chroma >= _CHROMA) & (shown[label] < _FADED * chroma)
        start, _ = fullest(np.bincount(hue[lost], (counts * chroma)[lost], minlength=360), _HUE_WIDTH)
        lost &= (hue - start) % 360 < _HUE_WIDTH
        if not lost.any() or counts[lost].sum() < enough:
            break
        room = centers
        if len(centers) >= most:
            room = _one_less(centers, np.bincount(label, counts, minlength=len(centers)), shown, to_lab)
        if room is None:
            break
        new = np.average(points[lost], axis=0, weights=counts[lost])
        moved, moved_error = lloyd(points, counts, np.concatenate([room, [new]]))
        if moved_error > _MOST_ERROR * error:
            break
        centers = moved
    return centers


def _one_less(centers: np.ndarray, counts: np.ndarray, chroma: np.ndarray, to_lab) -> np.ndarray | None:
    """The centers, two of them merged at the least cost in error; None if each pair would lose a vivid hue by it."""
    first, second = np.triu_indices(len(centers), 1)
    one, other = counts[first], counts[second]
    both = np.maximum(one + other, 1e-12)
    merged = (one[:, None] * centers[first] + other[:, None] * centers[second]) / both[:, None]
    cost = one * other / both * ((centers[first] - centers[second]) ** 2).sum(axis=1)
    needed = np.maximum(chroma[first], chroma[second])
    loses = (needed >= _CHROMA) & (_chroma_and_hue(color.to_oklab(to_lab(merged)))[0] < _MERGED * needed)
    if loses.all():
        return None
    best = int(np.where(loses, np.inf, cost).argmin())
    return np.concatenate([np.delete(centers, [first[best], second[best]], axis=0), merged[best][None]])


def _chroma_and_hue(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float (n,), and int64 (n,) in degrees, 0 to 359, of OKLab (n, 3)."""
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    return np.hypot(lab[:, 1], lab[:, 2]), hue.astype(np.int64) % 360
