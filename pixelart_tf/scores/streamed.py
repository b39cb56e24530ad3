"""All scores of a generated set that comes in batches."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy import ndarray as Array

from pixelart_tf.scores.distances import COPY_DISTANCE, Memorization, compare, fid_of_moments, penalised
from pixelart_tf.scores.kernel import kid
from pixelart_tf.scores.neighbours import Neighbourhoods, neighbourhoods
from pixelart_tf.scores.sets import Moments, Reference, checked, prepared

KEPT_ROWS = 20_000   # 160 MB of the Inception's features


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a generated set scores against a real one; see the functions of the same names.

    `mifid` is nan where `is_copy`: all of one set is in the other, and FID / 0 is undefined. `kid` is nan where no rows
    were kept for it, `kid_std` where `kid` is one estimate of all rows. The last four are those of
    `Neighbourhoods.figures`, nan where they were not asked for or a set is too small for them.
    """

    mifid: float
    fid: float
    memorization_distance: float
    kid: float
    kid_std: float
    num_generated: int
    num_real: int
    is_copy: bool
    precision: float = math.nan
    recall: float = math.nan
    density: float = math.nan
    coverage: float = math.nan


class StreamedScores:
    """Takes a generated set batch by batch, and scores it; the order and the sizes of the batches do not matter.

    Args:
        real: (n, D) features, or a `Reference`.
        epsilon, direction: of `mifid`.
        keep: generated rows that are kept for KID, for `neighbourhoods` and for `bootstrap`. Of more rows, the first
            two are of a random sample of this size, and `features` is None. 0 keeps none: KID is nan.
        seed: of that sample and of KID's subsets.
    """

    def __init__(
        self,
        real: Array | Reference,
        *,
        epsilon: float = 0.1,
        direction: str = "generated",
        keep: int = KEPT_ROWS,
        seed: int = 0,
    ):
        self.reference = prepared(real)
        self._moments = Moments(self.reference.size, self.reference)
        self._memorization = Memorization(self.reference, direction)
        self._epsilon, self._keep, self._seed = epsilon, keep, seed
        self._random = np.random.default_rng(seed)
        self._sample: Array | None = None

    @property
    def num_generated(self) -> int:
        return self._moments.count

    def update(self, features: Array) -> None:
        """Adds generated rows, (n, D).

        Raises:
            ScoreError: if they are no finite numbers, or not of the real set's D.
        """
        rows = checked(features, "generated", size=self.reference.size, first=self.num_generated)
        if self._keep:
            self._draw(rows)
        compare(rows, self.reference, moments=self._moments, memorization=self._memorization)

    def _draw(self, rows: Array) -> None:
        # Vitter's algorithm R: row t takes a random place of t + 1, and so has the chance keep / (t + 1) of a kept one.
        if self._sample is None:
            self._sample = np.empty((self._keep, self.reference.size), rows.dtype)
        times = np.arange(self.num_generated, self.num_generated + len(rows))
        places = np.where(times < self._keep, times, (self._random.random(len(rows)) * (times + 1)).astype(np.int64))
        for row, place in zip(rows, places, strict=True):
            if place < self._keep:
                self._sample[place] = row

    @property
    def features(self) -> Array | None:
        """All generated rows, or None where there were more than `keep`."""
        return self._sample[: self.num_generated] if 0 < self.num_generated <= self._keep else None

    def neighbourhoods(self, progress: Callable[[int, int], None] | None = None) -> Neighbourhoods | None:
        """Those of the rows that were kept, None where none were; `progress` is as of `neighbours.neighbourhoods`."""
        if self._sample is None:
            return None
        return neighbourhoods(self._sample[: self.num_generated], self.reference, progress=progress)

    def scores(self, near: Neighbourhoods | None = None) -> Scores:
        """All scores of the rows so far.

        Args:
            near: their `neighbourhoods`, where those are wanted too.

        Raises:
            ScoreError: if there are less than two rows, or none has a direction.
        """
        value, distance = fid_of_moments(self._moments, self.reference), self._memorization.distance
        mean, std = math.nan, math.nan
        if self._keep:
            mean, std = kid(self._sample[: self.num_generated], self.reference, seed=self._seed)
        return Scores(
            mifid=penalised(value, distance, self._epsilon),
            fid=value,
            memorization_distance=distance,
            kid=mean,
            kid_std=std,
            num_generated=self.num_generated,
            num_real=self.reference.count,
            is_copy=distance < COPY_DISTANCE,
            **({} if near is None else near.figures()),
        )


def score(
    generated: Array,
    real: Array | Reference,
    *,
    epsilon: float = 0.1,
    direction: str = "generated",
    seed: int = 0,
) -> Scores:
    """All scores of a generated set that is at hand; arguments as of `StreamedScores`, which keeps all rows here."""
    rows = checked(generated, "generated")
    streamed = StreamedScores(real, epsilon=epsilon, direction=direction, keep=max(1, len(rows)), seed=seed)
    streamed.update(rows)
    return streamed.scores(streamed.neighbourhoods())
