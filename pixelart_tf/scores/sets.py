"""Sets of features: rows that are checked, their moments, and a real set prepared for scores against it."""

import functools
import math
from collections.abc import Iterator

import numpy as np
from numpy import ndarray as Array

NO_DIRECTION = "all rows of the {} features sum to 0: they have no distance to others"
_BLOCK = 2**20   # numbers in a block of work: 8 MB, which a processor's cache holds


class ScoreError(ValueError):
    """A set of features that cannot be scored; the message is one line that names the set and the rule."""


def checked(features: Array, name: str, *, size: int | None = None, minimum: int = 0, first: int = 0) -> Array:
    """The rows as an array, if they can be scored.

    Args:
        features: (n, D) finite numbers.
        name: of the set, "generated" or "real", for the messages.
        size: D of the other set.
        minimum: of n.
        first: number of the first row, for the messages.

    Raises:
        ScoreError: if they cannot.
    """
    rows = np.asarray(features)
    if rows.ndim != 2 or not rows.shape[1] or rows.dtype.kind not in "fiu":
        received = f"{rows.dtype} of shape {rows.shape}"
        raise ScoreError(f"the {name} features must be numbers of shape (pictures, D). Received: {received}")
    if size is not None and rows.shape[1] != size:
        raise ScoreError(f"the {name} features have D = {rows.shape[1]}, the real ones D = {size}: not of one network")
    if len(rows) < minimum:
        raise ScoreError(f"the {name} set must have at least {minimum} pictures. Received: {len(rows)}")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ScoreError(f"{len(bad)} rows of the {name} features hold NaN or infinity, first row {first + bad[0]}")
    return rows


def parts(count: int, width: int) -> Iterator[slice]:
    """Slices that cover `count` rows, each of so many rows that `width` numbers a row fill a block of work."""
    step = max(1, _BLOCK // max(1, width))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def directed_rows(features: Array) -> Array:
    """Indices of the rows that have a direction: as the competition's scorer says it, that do not sum to 0. (m,)"""
    return np.flatnonzero(features.sum(axis=1, dtype=np.float64))


def unit_rows(features: Array) -> Array:
    """Rows at length 1, float64."""
    rows = features.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Moments:
    """Count, mean and covariance of rows that come in batches, without keeping the rows.

    With a `reference`, the covariance S is only kept as F^T S F, (r, r), with the factor F of that, which is all that
    FID needs of it, and its trace. Each batch is centred on its own mean before it is squared, and the means' distance
    is added after, so that nothing is lost where the mean is large beside the spread.

    Reference: Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979)
    """

    def __init__(self, size: int, reference: "Reference | None" = None):
        seen_size = size if reference is None else reference.rank
        self.count = 0
        self.mean = np.zeros(size)   # (D,)
        self._reference = reference
        self._scatter = np.zeros((seen_size, seen_size))   # (count - 1) times the covariance
        self._squares = 0.0   # (count - 1) times its trace

    def update(self, features: Array) -> None:
        """Adds rows, (n, D)."""
        for part in parts(len(features), features.shape[1]):
            rows = features[part].astype(np.float64)
            self.add(rows, self._seen(rows))

    def add(self, rows: Array, seen: Array) -> None:
        """Adds float64 rows, (n, D), and the same through the factor, (n, r), where the caller has that at hand."""
        mean = rows.mean(axis=0)
        offsets, centred = seen - seen.mean(axis=0), rows - mean
        self._add(len(rows), mean, offsets.T @ offsets, np.vdot(centred, centred))

    def merge(self, other: "Moments") -> None:
        """Adds the rows that `other`, of the same reference, has seen."""
        if other.count:
            self._add(other.count, other.mean, other._scatter, other._squares)

    def _add(self, count: int, mean: Array, scatter: Array, squares: float) -> None:
        total = self.count + count
        step = mean - self.mean
        seen = self._seen(step)
        weight = self.count * count / total
        self._scatter += scatter + weight * np.outer(seen, seen)
        self._squares += squares + weight * (step @ step)
        self.mean += step * (count / total)
        self.count = total

    def _seen(self, rows: Array) -> Array:
        return rows if self._reference is None else self._reference.seen(rows, self._reference.products(rows))

    @property
    def covariance(self) -> Array:
        """(D, D), or (r, r) as seen through the factor; divided by count - 1."""
        return self._scatter / (self.count - 1)

    @property
    def trace(self) -> float:
        """The trace of the (D, D) covariance."""
        return self._squares / (self.count - 1)


class Reference:
    """A real set, prepared once for any number of scores against it.

    Args:
        features: (n, D), at least two rows, any float type.

    Raises:
        ScoreError: if the rows cannot be scored.
    """

    def __init__(self, features: Array):
        self.features = checked(features, "real", minimum=2)
        self.count, self.size = self.features.shape   # n, D

    @functools.cached_property
    def mean(self) -> Array:
        return self.features.mean(axis=0, dtype=np.float64)   # (D,)

    @property
    def is_small(self) -> bool:
        """Whether the Gram matrix of the rows is smaller than their covariance; it has the same eigenvalues."""
        return self.count <= self.size

    @functools.cached_property
    def centred(self) -> Array:
        return self.features - self.mean   # (n, D)

    @functools.cached_property
    def _axes(self) -> Array:
        """The principal axes: of a small set as sums of centred rows, (n, rank), else as vectors, (D, rank)."""
        if self.is_small:
            variances, vectors = np.linalg.eigh(self.centred @ self.centred.T / (self.count - 1))
            lengths = np.full(len(variances), 1 / math.sqrt(self.count - 1))
        else:
            moments = Moments(self.size)
            moments.update(self.features)
            variances, vectors = np.linalg.eigh(moments.covariance)
            lengths = np.sqrt(variances.clip(0))
        kept = variances > len(variances) * np.finfo(np.float64).eps * variances[-1]
        # From the longest to the shortest: see `distances.frechet_distance`.
        return np.ascontiguousarray((vectors * lengths)[:, kept][:, ::-1])

    @functools.cached_property
    def factor(self) -> Array:
        """F with F F^T the covariance: its principal axes, each as long as its standard deviation. (D, rank)"""
        return self.centred.T @ self._axes if self.is_small else self._axes

    @property
    def rank(self) -> int:
        return self._axes.shape[1]

    def products(self, rows: Array) -> Array | None:
        """Other rows, float64 (b, D), times each centred row of a small set, for `seen` and `cosines`. (b, n)"""
        return rows @ self.centred.T if self.is_small else None

    def seen(self, rows: Array, products: Array | None) -> Array:
        """Other rows through the factor, float64 (b, D). (b, rank)"""
        return rows @ self.factor if products is None else products @ self._axes

    def cosines(self, rows: Array, products: Array | None) -> Array:
        """|cos| of other rows to those here that have a direction; of a row of zeros, 0. (b, m)"""
        # Half the time of `linalg.norm`, which writes the squares down.
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None].clip(np.finfo(np.float64).tiny)
        if products is None:
            return np.abs(rows / lengths @ self.units.T)
        cosines = products[:, self.directed] + (rows @ self.mean)[:, None]
        cosines /= lengths
        cosines /= self.lengths
        return np.abs(cosines, out=cosines)

    @functools.cached_property
    def trace(self) -> float:
        """The trace of the covariance."""
        if self.is_small:
            return float(np.vdot(self.centred, self.centred)) / (self.count - 1)
        return float(np.vdot(self.factor, self.factor))

    @functools.cached_property
    def directed(self) -> Array:
        """Indices of the rows that have a direction. (m,)"""
        index = directed_rows(self.features)
        if not len(index):
            raise ScoreError(NO_DIRECTION.format("real"))
        return index

    @functools.cached_property
    def units(self) -> Array:
        """Those rows, at length 1. (m, D)"""
        return unit_rows(self.features[self.directed])

    @functools.cached_property
    def lengths(self) -> Array:
        """The lengths of those rows. (m,)"""
        return np.linalg.norm(self.features[self.directed].astype(np.float64), axis=1)


def prepared(real: Array | Reference) -> Reference:
    return real if isinstance(real, Reference) else Reference(real)
