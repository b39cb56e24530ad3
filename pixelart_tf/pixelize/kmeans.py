"""Weighted k-means of points in three dimensions."""

import numpy as np
import scipy

_DRAWN_STARTS = 1   # beside the split one, which photographs do best from; flat drawings gain by it, not by more


def kmeans(points: np.ndarray, counts: np.ndarray, k: int, random: np.random.Generator) -> np.ndarray:
    """The k centers that leave the least squared error, of several runs: float64 (k, 3).

    Args:
        points: float64 (n, 3).
        counts: float64 (n,), what each weighs.
        k: 1 or more; a few less come back where points coincide.
        random: for the starting points.

    Reference: Lloyd 1982. The better of two starts: one by splitting the points again and again where they spread
    most (as Wu 1991, but across the longest axis), one by greedy k-means++ (Arthur and Vassilvitskii 2007).
    """
    starts = [_split(points, counts, k)]
    starts += [_drawn(points, counts, k, random) for _ in range(_DRAWN_STARTS if k > 1 else 0)]
    return min((lloyd(points, counts, start) for start in starts), key=lambda run: run[1])[0]


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


def lloyd(points: np.ndarray, counts: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, float]:
    """Centers moved to the means of what they are nearest to, until that hardly lowers the error, and the error."""
    before = None
    for _ in range(50):
        labels, distances = scipy.cluster.vq.vq(points, centers, check_finite=False)
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
