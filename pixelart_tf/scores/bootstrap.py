"""How far the scores of a generated set would move with other pictures of the same generator."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy import ndarray as Array

from pixelart_tf.scores.distances import (
    DIRECTIONS,
    cosine_blocks,
    fid,
    frechet_distance,
    memorization_distance,
    nearest,
    penalised,
)
from pixelart_tf.scores.sets import Reference, checked, directed_rows, parts, prepared, unit_rows

NEIGHBOURS = 32


def bootstrap(
    generated: Array,
    real: Array | Reference,
    *,
    num: int = 50,
    seed: int = 0,
    epsilon: float = 0.1,
    direction: str = "generated",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, tuple[float, float]]:
    """Intervals of 95 %, from resampling the generated rows with replacement; the real set stays as it is.

    A resample holds 63 % of the rows, some of them often, and so has a higher FID than the set. What is taken from the
    resamples is therefore their spread, not their place: score + 2.5 % and 97.5 % quantiles of (b - mean of b).

    Args:
        generated, real, epsilon, direction: of `mifid`.
        num: resamples.
        seed: of the resampling.
        progress: called with the resamples done and to do.

    Returns:
        (low, high) under "mifid", "fid" and "memorization_distance", low at least 0; nan for a MiFID that is nan.

    Raises:
        ScoreError: if a set cannot be scored.
        ValueError: if `num` is below 2 or `direction` unknown.

    Reference: Efron, Bootstrap Methods: Another Look at the Jackknife (1979), here centred
    """
    if num < 2:
        raise ValueError(f"`num` must be at least 2. Received: {num}")
    if direction not in DIRECTIONS:
        raise ValueError(f"`direction` must be 'generated' or 'real'. Received: {direction!r}")
    reference = prepared(real)
    rows = checked(generated, "generated", size=reference.size, minimum=2)
    value, distance = fid(rows, reference), memorization_distance(rows, reference, direction=direction)
    scores = np.array([penalised(value, distance, epsilon), value, distance])

    counts = np.random.default_rng(seed).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=num)  # (num, n)
    fids = _fids(rows, reference, counts)
    distances = {"generated": _from_generated, "real": _from_real}[direction](rows, reference, counts)
    resampled = []
    for i, (value, distance) in enumerate(zip(fids, distances, strict=True)):
        resampled.append((penalised(value, distance, epsilon), value, distance))
        if progress is not None:
            progress(i + 1, num)
    resampled = np.array(resampled)   # (num, 3)
    low, high = scores + np.quantile(resampled - resampled.mean(axis=0), [0.025, 0.975], axis=0)   # each (3,)
    low = np.maximum(low, 0)
    names = ("mifid", "fid", "memorization_distance")
    return {name: (a, b) for name, a, b in zip(names, low.tolist(), high.tolist(), strict=True)}


def _fids(rows: Array, reference: Reference, counts: Array) -> Iterator[float]:
    """FID of each resample. All of them need the rows only as seen through the factor, and their lengths and means."""
    count, factor = len(rows), reference.factor
    mean = rows.mean(axis=0, dtype=np.float64)
    seen = np.empty((count, factor.shape[1]))
    squares = np.empty(count)
    means = np.zeros((len(counts), reference.size))   # of each resample, less the set's
    for part in parts(count, reference.size):
        centred = rows[part] - mean
        seen[part] = centred @ factor
        squares[part] = np.square(centred).sum(axis=1)
        means += counts[:, part] @ centred / count
    for weights, offset in zip(counts, means, strict=True):
        drawn = np.flatnonzero(weights)
        weighted = seen[drawn] * np.sqrt(weights[drawn])[:, None]   # (rows drawn, r)
        seen_offset = offset @ factor
        covariance = (weighted.T @ weighted - count * np.outer(seen_offset, seen_offset)) / (count - 1)
        trace = (weights @ squares - count * (offset @ offset)) / (count - 1)
        rank = min(len(drawn) - 1, len(covariance))
        yield frechet_distance(mean + offset, trace, covariance, reference, rank=rank)


def _from_generated(rows: Array, reference: Reference, counts: Array) -> Iterator[float]:
    """Mean distance from the rows of each resample to their nearest real ones."""
    _, distance = nearest(rows, reference)
    directed = np.isfinite(distance)
    for weights in counts[:, directed]:
        yield float(weights @ distance[directed] / weights.sum())


def _from_real(rows: Array, reference: Reference, counts: Array) -> Iterator[float]:
    """Mean distance from the real rows to the nearest row of each resample.

    A resample holds one of the nearest NEIGHBOURS rows but for a chance of exp(-NEIGHBOURS).
    """
    directed = directed_rows(rows)
    units = unit_rows(rows[directed])
    near, distance = [], []
    for _, cosines in cosine_blocks(reference.units, units):
        best = np.argpartition(-cosines, min(NEIGHBOURS, len(units)) - 1, axis=1)[:, :NEIGHBOURS]
        best = np.take_along_axis(best, np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1), axis=1)
        near.append(directed[best])
        distance.append((1 - np.take_along_axis(cosines, best, axis=1)).clip(0))
    near, distance = np.concatenate(near), np.concatenate(distance)   # (m, NEIGHBOURS), from the nearest on
    for weights in counts:
        first = (weights[near] > 0).argmax(axis=1)
        yield float(np.take_along_axis(distance, first[:, None], axis=1).mean())
