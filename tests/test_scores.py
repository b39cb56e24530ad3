"""FID, memorization distance, MiFID and KID: against closed forms, plain loops and torchmetrics."""

import itertools
import json
import math

import numpy as np
import pytest
import scipy.linalg
from features_by_rule import GOLDEN, RULE, made

from pixelart_tf import scores

TORCHMETRICS = json.loads((GOLDEN / "torchmetrics.json").read_text())


def exact(random, count, mean, covariance):
    """Rows of which the sample mean and covariance are these, to rounding."""
    rows = random.normal(size=(count, len(mean)))
    rows -= rows.mean(axis=0)
    white = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def usual_fid(x, y):
    """As most code has it: moments and scipy's square root of the product."""
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    difference = x.mean(axis=0) - y.mean(axis=0)
    return difference @ difference + np.trace(s1 + s2 - 2 * scipy.linalg.sqrtm(s1 @ s2).real)


@pytest.mark.parametrize("commuting", [True, False])
def test_fid_of_gaussians(commuting):
    # Source: the Frechet distance of Gaussians; where the covariances commute, sum (sqrt(a) - sqrt(b))^2 by hand.
    random = np.random.default_rng(0)
    size = 12
    axes = np.linalg.qr(random.normal(size=(size, size)))[0]
    others = axes if commuting else np.linalg.qr(random.normal(size=(size, size)))[0]
    a, b = random.uniform(0.1, 4, size), random.uniform(0.1, 4, size)
    s1, s2 = (axes * a) @ axes.T, (others * b) @ others.T
    mean = random.normal(size=size)
    expected = mean @ mean
    if commuting:
        expected += np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    else:
        root = scipy.linalg.sqrtm(s1)
        expected += np.trace(s1 + s2 - 2 * scipy.linalg.sqrtm(root @ s2 @ root).real)
    generated, real = exact(random, 100, mean + 5, s1), exact(random, 70, np.full(size, 5.0), s2)
    assert scores.fid(generated, real) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("num_generated", "num_real"), [(200, 150), (200, 30), (30, 200), (30, 20), (41, 40)])
def test_low_rank_equals_full(num_generated, num_real):
    # scipy's root of a singular product is itself only good to some 1e-7.
    generated, real = made(1, num_generated, num_real)
    assert scores.fid(generated, real) == pytest.approx(usual_fid(generated, real), rel=1e-6)
    # The distance is symmetric; the two ways take the factor of another set, and here of another side of the matrix.
    assert scores.fid(generated, real) == pytest.approx(scores.fid(real, generated), rel=1e-10)


@pytest.mark.parametrize("count", [30, 300])
def test_fid_of_equal_sets_is_0_whatever_their_spectrum(count):
    random = np.random.default_rng(2)
    size = 80
    axes = np.linalg.qr(random.normal(size=(size, size)))[0]
    rows = random.normal(size=(count, size)) * np.geomspace(1, 1e-6, size) @ axes + 1
    rows[:, :20] = 0.5   # units that never fire
    trace = np.trace(np.cov(rows, rowvar=False))
    assert 0 <= scores.fid(rows, rows) <= 1e-12 * trace
    assert 0 <= scores.fid(rows[::-1], rows) <= 1e-12 * trace
    assert scores.fid(rows + 1e-3, rows) == pytest.approx(size * 1e-6, rel=1e-6)


def test_fid_of_two_pairs():
    # Source: S = d d^T / 2 of a pair that lies d apart, and tr (S1 S2)^(1/2) = |d1 . d2| / 2.
    x, y = np.array([[0.0, 0, 0], [2, 0, 0]]), np.array([[1.0, 1, 0], [1, 1, 4]]) + [[0, 0, 0], [1, 0, 0]]
    assert scores.fid(x, y) == pytest.approx((0.25 + 1 + 4) + 4 / 2 + 17 / 2 - 2 * 2 / 2)


def test_fid_of_sets_without_spread():
    point, other = np.ones((3, 4)), np.full((2, 4), 3.0)
    assert scores.fid(point, other) == pytest.approx(16)


def rounding(x, y):
    """How far roots of all D eigenvalues of a singular S1 S2 may be off: twice (D - rank) roots of rounding errors."""
    largest = np.linalg.norm(x - x.mean(axis=0), 2) ** 2 * np.linalg.norm(y - y.mean(axis=0), 2) ** 2
    largest /= (len(x) - 1) * (len(y) - 1)
    return 2 * x.shape[1] * math.sqrt(np.finfo(np.float64).eps * largest)


@pytest.mark.parametrize("name", RULE.CASES)
def test_fid_by_singular_values(name):
    # Source: tr (A^T A B^T B)^(1/2) is the sum of the singular values of A B^T, which no root makes inexact.
    generated, real = RULE.features(*RULE.CASES[name])
    a, b = ((rows - rows.mean(axis=0)) / math.sqrt(len(rows) - 1) for rows in (generated, real))
    cross = scipy.linalg.svdvals(a @ b.T).sum()
    difference = generated.mean(axis=0) - real.mean(axis=0)
    expected = difference @ difference + (a * a).sum() + (b * b).sum() - 2 * cross
    assert scores.fid(generated, real) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", RULE.CASES)
def test_torchmetrics(name):
    generated, real = RULE.features(*TORCHMETRICS["cases"][name])
    theirs = TORCHMETRICS["results"][name]
    tolerance = 1e-6 * theirs["fid"] if generated.shape[1] < len(generated) + len(real) else rounding(generated, real)
    assert scores.fid(generated, real) == pytest.approx(theirs["fid"], rel=0, abs=tolerance)
    for direction in scores.DIRECTIONS:
        distance = scores.memorization_distance(generated, real, direction=direction)
        assert distance == pytest.approx(theirs[f"memorization_{direction}"], rel=1e-9)
        penalty = theirs["fid"] / theirs[f"mifid_{direction}"]
        assert scores.mifid(generated, real, direction=direction) == pytest.approx(
            theirs[f"mifid_{direction}"], rel=0, abs=tolerance / penalty
        )
    rows = min(len(generated), len(real))
    estimate, _ = scores.kid(generated[:rows], real[:rows])
    assert estimate == pytest.approx(theirs["kid_of_first_rows"], rel=1e-9)


def test_the_directions_differ_in_the_golden_cases():
    results = TORCHMETRICS["results"].values()
    assert all(abs(each["memorization_real"] / each["memorization_generated"] - 1) > 0.05 for each in results)
    penalised = TORCHMETRICS["results"]["near"]
    assert penalised["memorization_real"] < 0.1 < penalised["memorization_generated"]


def test_memorization_distance_by_plain_loops():
    generated, real = made(3, 20, 15)
    real[4] *= -1   # 1 - |cos|: opposite is as near as equal
    distance = [[1 - abs(g @ r) / math.sqrt((g @ g) * (r @ r)) for r in real] for g in generated]
    assert scores.memorization_distance(generated, real) == pytest.approx(np.mean(np.min(distance, axis=1)), rel=1e-10)
    reverse = scores.memorization_distance(generated, real, direction="real")
    assert reverse == pytest.approx(np.mean(np.min(distance, axis=0)), rel=1e-10)
    index, nearest = scores.nearest(generated, real)
    np.testing.assert_array_equal(index, np.argmin(distance, axis=1))
    np.testing.assert_allclose(nearest, np.min(distance, axis=1), rtol=1e-10)


def test_the_threshold_is_strict():
    generated, real = made(4)
    value, distance = scores.fid(generated, real), scores.memorization_distance(generated, real)
    assert scores.mifid(generated, real, epsilon=distance) == pytest.approx(value, rel=1e-12)
    above = np.nextafter(distance, 1)
    assert scores.mifid(generated, real, epsilon=above) == pytest.approx(value / (distance + 1e-14), rel=1e-12)


@pytest.mark.parametrize("noise", [0, 1e-6])
def test_copies_have_no_score(noise):
    _, real = made(5)
    real = real.astype(np.float32)
    generated = np.random.default_rng(0).permutation(real[:30])   # a part of them, in another order
    generated = (generated * (1 + noise * np.random.default_rng(1).normal(size=generated.shape))).astype(np.float32)
    result = scores.score(generated, real)
    assert math.isnan(result.mifid)
    assert result.is_copy
    assert result.fid > 0
    assert result.memorization_distance < 1e-11
    assert math.isnan(scores.mifid(generated, real))
    assert not scores.score(generated, real, direction="real").is_copy   # half of the real rows have no copy
    low, high = scores.bootstrap(generated, real, num=3)["mifid"]
    assert math.isnan(low)
    assert math.isnan(high)


def test_one_new_picture_among_copies_has_a_score():
    generated, real = made(6)
    mixed = np.concatenate([real, generated[:1]])
    result = scores.score(mixed, real)
    assert not result.is_copy
    assert result.mifid == pytest.approx(result.fid / result.memorization_distance, rel=1e-6)


def test_rows_that_sum_to_0_are_dropped():
    generated, real = made(7)
    distance = {each: scores.memorization_distance(generated, real, direction=each) for each in scores.DIRECTIONS}
    empty = np.zeros((5, real.shape[1]))
    padded, padded_real = np.concatenate([empty, generated]), np.concatenate([real, empty])
    for each in scores.DIRECTIONS:
        assert scores.memorization_distance(padded, padded_real, direction=each) == pytest.approx(
            distance[each], rel=1e-12
        )
    index, nearest = scores.nearest(padded, np.concatenate([empty, real]))
    assert list(index[:5]) == [-1] * 5
    assert np.isnan(nearest[:5]).all()
    np.testing.assert_array_equal(index[5:], scores.nearest(generated, real)[0] + 5)   # indices of the rows given


def test_kid_by_plain_loops():
    # Source: the unbiased estimate as the paper writes it, for sets of unequal size.
    x, y = made(11, 9, 7, 6)

    def kernel(a, b):
        return (a @ b / 6 + 1) ** 3

    within = sum(
        sum(kernel(a, b) for a, b in itertools.permutations(rows, 2)) / (len(rows) * (len(rows) - 1)) for rows in (x, y)
    )
    expected = within - 2 * sum(kernel(a, b) for a in x for b in y) / (9 * 7)
    value, std = scores.kid(x, y)
    assert value == pytest.approx(expected, rel=1e-10)
    assert math.isnan(std)


def test_kid_of_subsets_estimates_the_whole():
    x, y = made(12, 300, 250, offset=-1.0)
    whole, _ = scores.kid(x, y)
    value, std = scores.kid(x, y, num_subsets=200, subset_size=60)
    assert abs(value - whole) < 4 * std / math.sqrt(200)
    assert std > 0
    assert scores.kid(x, y, num_subsets=5, subset_size=60) == scores.kid(x, y, num_subsets=5, subset_size=60)
    assert scores.kid(x, y, num_subsets=5, subset_size=60) != scores.kid(x, y, num_subsets=5, subset_size=60, seed=1)


def test_kid_of_halves_of_one_set_is_0_on_average():
    # Source: unbiased; over all splits of a set the three means of kernels are equal.
    rows, _ = made(13, 60, 2, offset=-1.0)
    random = np.random.default_rng(0)
    values = [scores.kid(half[:30], half[30:])[0] for half in (random.permutation(rows) for _ in range(300))]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(300)
