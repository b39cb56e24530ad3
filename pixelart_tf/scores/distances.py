"""FID, memorization distance, MiFID, and the nearest real rows, of whole sets of features."""

import math
from collections.abc import Iterator

import numpy as np
from numpy import ndarray as Array

from pixelart_tf.scores.sets import (
    NO_DIRECTION,
    Moments,
    Reference,
    ScoreError,
    checked,
    directed_rows,
    parts,
    prepared,
    unit_rows,
)

# Below this mean distance the generated rows are the real ones. Networks repeat a picture's features, in another batch,
# to 5e-7, which is a distance of 1e-13. The same picture as JPEG of quality 95 is at least 9e-5 away by lite0, and 7e-8
# by an Inception of random weights (300 pictures; cartoons, photographs and sprites).
COPY_DISTANCE = 1e-9
DIRECTIONS = ("generated", "real")


def fid(generated: Array, real: Array | Reference) -> float:
    """Frechet Inception Distance: |mean1 - mean2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), covariances divided by n - 1.

    Args:
        generated: (n1, D) features, at least two rows.
        real: (n2, D) features, at least two rows, or a `Reference`.

    Returns:
        At least 0; 0 to about 1e-14 of the variance for equal sets.

    Raises:
        ScoreError: if a set cannot be scored: too few rows, a NaN, another D.

    Reference: Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), equation 6,
        https://arxiv.org/abs/1706.08500. Differs from the usual code in having no D x D square root: see the comments.
    """
    reference = prepared(real)
    moments = Moments(reference.size, reference)
    compare(checked(generated, "generated", size=reference.size), reference, moments=moments)
    return fid_of_moments(moments, reference)


def fid_of_moments(moments: Moments, reference: Reference) -> float:
    """FID of the rows that `moments`, of the same reference, has seen."""
    if moments.count < 2:
        raise ScoreError(f"the generated set must have at least 2 pictures. Received: {moments.count}")
    return frechet_distance(
        moments.mean, moments.trace, moments.covariance, reference, rank=min(moments.count - 1, len(moments.covariance))
    )


def frechet_distance(mean: Array, trace: float, seen: Array, reference: Reference, *, rank: int) -> float:
    """FID from what of a set's covariance S1 matters to it.

    With S2 = F F^T, S1 F F^T and F^T S1 F have the same eigenvalues but for zeros. The latter is symmetric, and only as
    large as the smaller of D and the number of real rows.

    A root loses half of the digits: an eigenvalue that should be 0, and is 1e-16 of the largest by rounding, becomes
    1e-8. Hence `rank`. Among the others `eigvalsh` keeps the small ones' own digits if the matrix is graded from its
    upper left to its lower right, which it is as F's columns fall in length: the sum of roots is then exact to 1e-14
    even with eigenvalues over 24 decades, where in rising order it is off by 1e-8.

    Args:
        mean: (D,)
        trace: of S1.
        seen: F^T S1 F. (r, r)
        reference: of which F is the factor.
        rank: of `seen` in exact arithmetic.
    """
    difference = mean - reference.mean
    eigenvalues = np.linalg.eigvalsh(seen)[len(seen) - rank :]
    distance = difference @ difference + trace + reference.trace - 2 * np.sqrt(eigenvalues.clip(0)).sum()
    return max(0.0, float(distance))   # equal sets may come out below 0 by rounding


def memorization_distance(generated: Array, real: Array | Reference, *, direction: str = "generated") -> float:
    """Mean over the generated rows of the distance 1 - |cos| to the nearest real row, 0 (copies) to 1.

    Args:
        generated: (n1, D) features. Rows that sum to 0 are dropped, here and in `real`, as the competition's scorer and
            torchmetrics do.
        real: (n2, D) features, or a `Reference`.
        direction: "generated" as the competition has it; "real" for the mean over the real rows of the distance to the
            nearest generated one, as torchmetrics has it.

    Raises:
        ScoreError: if a set cannot be scored, or all its rows sum to 0.

    Reference: Bai et al., On Training Sample Memorization (2021), https://arxiv.org/abs/2106.03062
    """
    reference = prepared(real)
    memorization = Memorization(reference, direction)
    compare(checked(generated, "generated", size=reference.size), reference, memorization=memorization)
    return memorization.distance


def compare(
    features: Array, reference: Reference, *, moments: Moments | None = None, memorization: "Memorization | None" = None
) -> None:
    """Adds rows, (n, D), to what is known of a generated set; the long products with the real rows are made once."""
    for part in parts(len(features), features.shape[1]):
        rows = features[part].astype(np.float64)
        products = reference.products(rows)
        if moments is not None:
            moments.add(rows, reference.seen(rows, products))
        if memorization is not None:
            memorization.add(rows, reference.cosines(rows, products))


class Memorization:
    """The memorization distance of generated rows that come in batches; see `memorization_distance`."""

    def __init__(self, reference: Reference, direction: str):
        if direction not in DIRECTIONS:
            raise ValueError(f"`direction` must be 'generated' or 'real'. Received: {direction!r}")
        self._reference, self._direction = reference, direction
        self._count, self._sum = 0, 0.0
        self._cosines = np.full(len(reference.directed), -1.0)   # largest yet, of each real row

    def add(self, rows: Array, cosines: Array) -> None:
        """Adds generated rows, (n, D), of these |cos| to the real ones, (n, m)."""
        directed = directed_rows(rows)
        if len(directed) < len(rows):
            cosines = cosines[directed]
        if not len(cosines):
            return
        if self._direction == "generated":
            self._sum += (1 - cosines.max(axis=1)).clip(0).sum()
        else:
            np.maximum(self._cosines, cosines.max(axis=0), out=self._cosines)
        self._count += len(cosines)

    @property
    def distance(self) -> float:
        if not self._count:
            raise ScoreError(NO_DIRECTION.format("generated"))
        if self._direction == "generated":
            return float(self._sum / self._count)
        return float((1 - self._cosines).clip(0).mean())


def cosine_blocks(rows: Array, units: Array) -> Iterator[tuple[slice, Array]]:
    """Yields a part of the rows, and its |cos| to all of the unit rows, (rows of the part, m)."""
    for part in parts(len(rows), max(units.shape)):
        yield part, np.abs(unit_rows(rows[part]) @ units.T)


def mifid(
    generated: Array, real: Array | Reference, *, epsilon: float = 0.1, direction: str = "generated"
) -> float:
    """Memorization-informed FID: FID / (m + 1e-14) where the memorization distance m is below `epsilon`, else FID.

    Returns:
        nan where m is below `COPY_DISTANCE`: the sets are copies, and the score is a rounding error's inverse.
        torchmetrics gives 0 there if FID is 0, too. Arguments and errors are those of `fid` and
        `memorization_distance`.
    """
    reference = prepared(real)
    moments, memorization = Moments(reference.size, reference), Memorization(reference, direction)
    rows = checked(generated, "generated", size=reference.size)
    compare(rows, reference, moments=moments, memorization=memorization)
    return penalised(fid_of_moments(moments, reference), memorization.distance, epsilon)


def nearest(generated: Array, real: Array | Reference) -> tuple[Array, Array]:
    """The real row nearest to each generated one.

    Returns:
        Its index, int64 (n1,), and its distance 1 - |cos|, float64 (n1,); -1 and nan for a row that sums to 0.
    """
    reference = prepared(real)
    rows = checked(generated, "generated", size=reference.size)
    directed = directed_rows(rows)
    index, distance = np.full(len(rows), -1), np.full(len(rows), np.nan)
    for part, cosines in cosine_blocks(rows[directed], reference.units):
        index[directed[part]] = reference.directed[cosines.argmax(axis=1)]
        distance[directed[part]] = (1 - cosines.max(axis=1)).clip(0)
    return index, distance


def penalised(value: float, distance: float, epsilon: float) -> float:
    """MiFID of FID and memorization distance."""
    if distance < COPY_DISTANCE:
        return math.nan
    return value / ((distance if distance < epsilon else 1.0) + 1e-14)
