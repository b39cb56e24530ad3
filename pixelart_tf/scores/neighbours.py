"""Precision, recall, density and coverage: how two sets lie within each other's neighbourhoods."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy import ndarray as Array

from pixelart_tf.scores.sets import Reference, checked, prepared

PRECISION_K, DENSITY_K = 3, 5   # the defaults of torch-fidelity and of prdc
TILE = 1024                     # rows a side of a block of distances: 8 MB
# Distances that differ by less, of the largest squared one from the middle, are equal: rounding decides nothing.
SLACK = 1e-12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Neighbourhoods:
    """What lies within whose neighbourhood: a ball around a row, up to its k-th nearest other one of its set.

    Attributes:
        is_precise: bool (n1,), the generated rows that are in a real one's neighbourhood.
        is_recalled: bool (n2,), the real rows that are in a generated one's.
        num_around: int64 (n1,), how many real rows' neighbourhoods each generated row is in.
        is_covered: bool (n2,), the real rows that have a generated one in their neighbourhood.
        precision_k: k of the first two, which are None where a set has fewer than k + 1 rows ...
        density_k: ... and of the last two, which likewise may be None.
    """

    is_precise: Array | None
    is_recalled: Array | None
    num_around: Array | None
    is_covered: Array | None
    precision_k: int
    density_k: int

    def figures(self) -> dict[str, float]:
        """Under "precision", "recall" and "coverage" 0 to 1, under "density" at least 0; nan where a set is too small.

        Density is about 1 where the sets are of one kind, and may be above.
        """
        values = {
            "precision": self.is_precise, "recall": self.is_recalled, "density": self._densities,
            "coverage": self.is_covered,
        }
        return {name: math.nan if each is None else float(each.mean()) for name, each in values.items()}

    def intervals(self, *, num: int = 50, seed: int = 0) -> dict[str, tuple[float, float]]:
        """Intervals of 95 % of "precision" and "density", by resampling as in `bootstrap`.

        Both are means over the generated rows. Recall and coverage are none: they tell how many different rows there
        are, of which a resample has but 63 %. Nor is there an interval where all rows are alike.

        Args:
            num: resamples.
            seed: of the resampling.
        """
        found = {}
        for name, values in (("precision", self.is_precise), ("density", self._densities)):
            if values is None or values.min() == values.max():
                continue
            counts = np.random.default_rng(seed).multinomial(len(values), np.full(len(values), 1 / len(values)), num)
            means = counts @ values / len(values)   # (num,)
            low, high = values.mean() + np.quantile(means - means.mean(), [0.025, 0.975])
            found[name] = max(0.0, float(low)), float(min(1.0, high) if name == "precision" else high)
        return found

    @property
    def _densities(self) -> Array | None:
        return None if self.num_around is None else self.num_around / self.density_k


def neighbourhoods(
    generated: Array,
    real: Array | Reference,
    *,
    precision_k: int = PRECISION_K,
    density_k: int = DENSITY_K,
    progress: Callable[[int, int], None] | None = None,
) -> Neighbourhoods:
    """Finds out what lies within whose neighbourhood; works on blocks of distances, 8 MB at a time.

    A neighbourhood reaches to the k-th nearest row of the same set, the row itself not counted. For precision and
    recall what lies just at its end is in it, as the paper and torch-fidelity have it; for density and coverage it is
    not, as prdc has it.

    Args:
        generated: (n1, D) features.
        real: (n2, D) features, at least two rows, or a `Reference`.
        precision_k: k of precision and recall.
        density_k: k of density and coverage.
        progress: is called with the numbers of blocks done and to do.

    Raises:
        ScoreError: a set holds what are no finite numbers, or rows of another D.
        ValueError: a k is below 1.

    Reference: Kynkäänniemi et al., Improved Precision and Recall Metric (2019), equation 1,
        https://arxiv.org/abs/1904.06991; Naeem et al., Reliable Fidelity and Diversity Metrics (2020), equations 4 and
        5, https://arxiv.org/abs/2002.09797. Differs from their code in that distances equal but for rounding are equal.
    """
    for name, k in (("precision_k", precision_k), ("density_k", density_k)):
        if k < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {k}")
    reference = prepared(real)
    rows, theirs = checked(generated, "generated", size=reference.size), reference.features
    is_large = {k: min(len(rows), len(theirs)) > k for k in (precision_k, density_k)}
    largest = max((k for k in is_large if is_large[k]), default=0)
    if not largest:
        return Neighbourhoods(
            is_precise=None, is_recalled=None, num_around=None, is_covered=None, precision_k=precision_k,
            density_k=density_k,
        )
    ours, theirs = _Rows(rows, reference.mean), _Rows(theirs, reference.mean)
    pairs = [_pairs(ours), _pairs(theirs), [*itertools.product(ours.tiles, theirs.tiles)]]
    step = _counter(progress, sum(map(len, pairs)))
    slack = SLACK * max(ours.squares.max(), theirs.squares.max())
    near, real_near = (_nearest(each, some, largest, step) for each, some in zip((ours, theirs), pairs, strict=False))
    # What is compared with a radius that does not exist is thrown away below.
    radii, real_radii = (each[:, min(precision_k, largest) - 1] + slack for each in (near, real_near))
    open_radii = real_near[:, min(density_k, largest) - 1] - slack
    precise, recalled = np.zeros(len(rows), bool), np.zeros(reference.count, bool)
    around, covered = np.zeros(len(rows), np.int64), np.zeros(reference.count, bool)
    for (here, there), distances in _distances(ours, theirs, pairs[2], step):
        precise[here] |= (distances <= real_radii[there]).any(axis=1)
        recalled[there] |= (distances <= radii[here, None]).any(axis=0)
        inside = distances < open_radii[there]
        around[here] += inside.sum(axis=1)
        covered[there] |= inside.any(axis=0)
    few, fewer = not is_large[precision_k], not is_large[density_k]
    return Neighbourhoods(
        is_precise=None if few else precise, is_recalled=None if few else recalled,
        num_around=None if fewer else around, is_covered=None if fewer else covered, precision_k=precision_k,
        density_k=density_k,
    )


class _Rows:
    """Rows about the real ones' mean, where the squares lose no digits; float64 only tile by tile.

    Args:
        features: (n, D).
        mean: (D,).
    """

    def __init__(self, features: Array, mean: Array):
        self._features, self._mean = features, mean
        self.tiles = [slice(start, min(start + TILE, len(features))) for start in range(0, len(features), TILE)]
        self.squares = np.concatenate([np.square(self[tile]).sum(axis=1) for tile in self.tiles])   # (n,)

    def __len__(self) -> int:
        return len(self._features)

    def __getitem__(self, tile: slice) -> Array:
        return self._features[tile].astype(np.float64) - self._mean   # (rows of the tile, D)


def _pairs(rows: _Rows) -> list[tuple[slice, slice]]:
    """The tiles of the rows' distances among themselves; of two that mirror each other only one."""
    return [*itertools.combinations_with_replacement(rows.tiles, 2)]


def _counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    numbers = itertools.count(1)
    return lambda: progress and progress(next(numbers), total)


def _distances(
    rows: _Rows, others: _Rows, pairs: list[tuple[slice, slice]], step: Callable[[], None]
) -> Iterator[tuple[tuple[slice, slice], Array]]:
    """Yields each pair of tiles with the squared distances of its rows."""
    before = None
    for here, there in pairs:
        if here != before:
            left, before = rows[here], here
        distances = left @ (-2 * others[there]).T
        distances += rows.squares[here, None]
        distances += others.squares[there]
        step()
        yield (here, there), distances


def _nearest(rows: _Rows, pairs: list[tuple[slice, slice]], k: int, step: Callable[[], None]) -> Array:
    """The squared distances of each row to its k nearest others, from the nearest on. (n, k)"""
    near = np.full((len(rows), k), np.inf)

    def add(tile: slice, distances: Array) -> None:
        # Most of a tile is partitioned on its own, without a copy of it beside what is known.
        some = np.partition(distances, k - 1, axis=1)[:, :k] if distances.shape[1] > k else distances
        near[tile] = np.sort(np.concatenate([near[tile], some], axis=1), axis=1)[:, :k]

    for (here, there), distances in _distances(rows, rows, pairs, step):
        if here == there:
            np.fill_diagonal(distances, np.inf)   # a row is not its own neighbour
        else:
            add(there, distances.T)
        add(here, distances)
    return near
