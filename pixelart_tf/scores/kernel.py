"""KID: how far two sets of features lie apart as a kernel sees them."""

import math

import numpy as np
from numpy import ndarray as Array

from pixelart_tf.scores.sets import Reference, checked, prepared


def kid(
    generated: Array,
    real: Array | Reference,
    *,
    num_subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Kernel Inception Distance: the squared maximum mean discrepancy under the kernel (x.y / D + 1)^3, unbiased.

    Args:
        generated: (n1, D) features, at least two rows.
        real: (n2, D) features, at least two rows, or a `Reference`.
        num_subsets: pairs of random subsets, of which each gives an estimate.
        subset_size: rows of a subset, drawn without replacement; those of the smaller set, if that has fewer.
        seed: of the subsets.

    Returns:
        Mean and standard deviation (divided by the number of subsets) of the estimates. Where neither set is larger
        than a subset, the one estimate of all rows, and nan: other code there draws the same rows again and
        again, and gives a deviation of 0, which says nothing.

    Raises:
        ScoreError: if a set cannot be scored.
        ValueError: if there are no subsets, or one has less than two rows.

    Reference: Binkowski et al., Demystifying MMD GANs (2018), https://arxiv.org/abs/1801.01401
    """
    if num_subsets < 1:
        raise ValueError(f"`num_subsets` must be at least 1. Received: {num_subsets}")
    if subset_size < 2:
        raise ValueError(f"`subset_size` must be at least 2. Received: {subset_size}")
    reference = prepared(real)
    ours, theirs = checked(generated, "generated", size=reference.size, minimum=2), reference.features
    if max(len(ours), len(theirs)) <= subset_size:
        return discrepancy(ours, theirs), math.nan
    random = np.random.default_rng(seed)
    size = min(len(ours), len(theirs), subset_size)
    estimates = [
        discrepancy(*(rows[random.choice(len(rows), size, replace=False)] for rows in (ours, theirs)))
        for _ in range(num_subsets)
    ]
    return float(np.mean(estimates)), float(np.std(estimates))


def discrepancy(x: Array, y: Array) -> float:
    """Mean kernel between rows of x, and between rows of y, each but with itself, less twice that of x with y."""
    x, y = x.astype(np.float64), y.astype(np.float64)

    def kernel(a, b):
        k = a @ b.T / a.shape[1] + 1
        return k * k * k   # (rows of a, rows of b)

    def within(a):
        k = kernel(a, a)
        return (k.sum() - k.trace()) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())
