"""Scores of rows that come in batches: in any order, with bad ones, more than are kept, and their intervals."""

import itertools
import math

import numpy as np
import pytest
from features_by_rule import made

from pixelart_tf import scores


@pytest.mark.parametrize("direction", scores.DIRECTIONS)
@pytest.mark.parametrize("num_real", [30, 60])   # fewer and more than D
def test_order_and_batches_do_not_matter(direction, num_real):
    generated, real = made(8, 90, num_real)
    whole = scores.score(generated, real, direction=direction, epsilon=1.0)
    for seed, sizes in enumerate(([1] * 90, [50, 0, 40], [89, 1])):
        random = np.random.default_rng(seed)
        shuffled, shuffled_real = random.permutation(generated), random.permutation(real)
        streamed = scores.StreamedScores(shuffled_real, direction=direction, epsilon=1.0)
        for stop, size in zip(itertools.accumulate(sizes), sizes, strict=True):
            streamed.update(shuffled[stop - size : stop])
        result = streamed.scores()
        for name in ("mifid", "fid", "memorization_distance", "kid"):
            assert getattr(result, name) == pytest.approx(getattr(whole, name), rel=1e-9), name
        assert (result.num_generated, result.num_real) == (90, num_real)


def test_streamed_scores_agree_with_the_functions():
    generated, real = made(9)
    result = scores.score(generated.astype(np.float32), scores.Reference(real.astype(np.float32)), epsilon=0.5)
    assert result.fid == pytest.approx(scores.fid(generated, real), rel=1e-5)   # of float32 features
    assert result.mifid == pytest.approx(scores.mifid(generated, real, epsilon=0.5), rel=1e-5)
    assert result.kid == pytest.approx(scores.kid(generated, real)[0], rel=1e-4)
    assert math.isnan(result.kid_std)   # one estimate of all rows


def test_moments_of_a_far_mean_and_merged():
    random = np.random.default_rng(10)
    rows = random.normal(size=(50, 5)) + 1e6   # squares would leave five digits
    expected = np.cov(rows - 1e6, rowvar=False)
    first, second, empty = (scores.Moments(5) for _ in range(3))
    first.update(rows[:13])
    second.update(rows[13:14])
    second.update(rows[14:])
    first.merge(second)
    first.merge(empty)
    assert first.count == 50
    np.testing.assert_allclose(first.mean, rows.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(first.covariance, expected, atol=1e-9)
    assert first.trace == pytest.approx(np.trace(expected), rel=1e-9)


def test_more_rows_than_are_kept():
    # Source: each row of 200 should be among the 40 kept with a chance of 1/5.
    real = np.random.default_rng(13).uniform(1, 2, (10, 3))
    rows = np.column_stack([np.arange(200.0), np.ones(200), np.ones(200)])
    kept = np.zeros(200)
    for seed in range(200):
        streamed = scores.StreamedScores(real, keep=40, seed=seed)
        for part in np.array_split(rows, 7):
            streamed.update(part)
        sample = streamed._sample[:, 0].astype(int)
        assert len(set(sample)) == 40
        kept[sample] += 1
    assert streamed.features is None
    assert np.isfinite(streamed.scores().kid)
    halves = kept.reshape(4, 50).mean(axis=1) / 200   # of the first to the last 50 rows
    np.testing.assert_allclose(halves, 0.2, atol=0.016)   # four standard deviations of a mean of 10,000


def test_nothing_kept():
    generated, real = made(14)
    streamed = scores.StreamedScores(real, keep=0)
    streamed.update(generated)
    assert streamed.features is None
    assert math.isnan(streamed.scores().kid)
    assert streamed.scores().fid == pytest.approx(scores.fid(generated, real), rel=1e-12)


def with_bad_rows(rows):
    rows = rows.copy()
    rows[[7, 9], 3] = np.nan, np.inf
    return rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g, r: (g[:1], r), "the generated set must have at least 2 pictures. Received: 1"),
        (lambda g, r: (g[:0], r), "the generated set must have at least 2 pictures. Received: 0"),
        (lambda g, r: (g, r[:1]), "the real set must have at least 2 pictures. Received: 1"),
        (lambda g, r: (with_bad_rows(g), r), "2 rows of the generated features hold NaN or infinity, first row 7"),
        (lambda g, r: (g, with_bad_rows(r)), "2 rows of the real features hold NaN or infinity, first row 7"),
        (lambda g, r: (g[:, :8], r), "the generated features have D = 8, the real ones D = 40"),
        (lambda g, r: (g[0], r), "must be numbers of shape .* Received: float64 of shape .40,"),
        (lambda g, r: (g, r.astype(str)), "the real features must be numbers"),
        (lambda g, r: (g * 0, r), "all rows of the generated features sum to 0"),
        (lambda g, r: (g, r * 0), "all rows of the real features sum to 0"),
    ],
)
def test_sets_that_cannot_be_scored(change, message):
    sets = change(*made(15))
    for function in (scores.mifid, scores.score, scores.bootstrap):
        with pytest.raises(scores.ScoreError, match=message):
            function(*sets)


def test_a_bad_row_is_numbered_over_all_batches():
    generated, real = made(16)
    streamed = scores.StreamedScores(real)
    streamed.update(generated[:50])
    with pytest.raises(scores.ScoreError, match="first row 57"):
        streamed.update(with_bad_rows(generated[50:]))


def test_arguments_out_of_range():
    sets = made(17)
    for function in (scores.mifid, scores.memorization_distance, scores.score, scores.bootstrap):
        with pytest.raises(ValueError, match=r"`direction` must be 'generated' or 'real'. Received: 'both'"):
            function(*sets, direction="both")
    with pytest.raises(ValueError, match=r"`num` must be at least 2. Received: 1"):
        scores.bootstrap(*sets, num=1)
    with pytest.raises(ValueError, match=r"`subset_size` must be at least 2. Received: 1"):
        scores.kid(*sets, subset_size=1)
    with pytest.raises(ValueError, match=r"`num_subsets` must be at least 1. Received: 0"):
        scores.kid(*sets, num_subsets=0)


@pytest.mark.parametrize("direction", scores.DIRECTIONS)
@pytest.mark.parametrize("num_real", [30, 60])
def test_bootstrap_is_resampling(direction, num_real):
    # The same resamples, each scored as a set of its own.
    generated, real = made(18, 90, num_real)
    options = {"epsilon": 1.0, "direction": direction}
    calls = []
    intervals = scores.bootstrap(
        generated, real, num=8, seed=3, progress=lambda done, total: calls.append((done, total)), **options
    )
    assert calls == [(i + 1, 8) for i in range(8)]
    counts = np.random.default_rng(3).multinomial(90, np.full(90, 1 / 90), size=8)
    sets = [generated[np.repeat(np.arange(90), each)] for each in counts]
    functions = {
        "mifid": lambda rows: scores.mifid(rows, real, **options),
        "fid": lambda rows: scores.fid(rows, real),
        "memorization_distance": lambda rows: scores.memorization_distance(rows, real, direction=direction),
    }
    assert intervals.keys() == functions.keys()
    for name, function in functions.items():
        values = np.array([function(rows) for rows in sets])
        expected = function(generated) + np.quantile(values - values.mean(), [0.025, 0.975])
        assert intervals[name] == pytest.approx(tuple(expected), rel=1e-9)
        assert intervals[name][0] < function(generated) < intervals[name][1]


def test_intervals_cover_what_other_pictures_score():
    # 95 % is meant; 80 sets of 200 pictures each, and the mean score of 400 such sets as what they estimate.
    random = np.random.default_rng(19)
    causes = random.normal(size=(8, 32))

    def features(count, shift):
        return np.maximum(random.normal(size=(count, 8)) @ causes + random.normal(size=(count, 32)) + shift, 0)

    real = scores.Reference(features(100, 0.5))
    functions = {"fid": scores.fid, "memorization_distance": scores.memorization_distance}
    truth = {name: np.mean([f(features(200, 0.8), real) for _ in range(400)]) for name, f in functions.items()}
    covered = dict.fromkeys(functions, 0)
    for seed in range(80):
        intervals = scores.bootstrap(features(200, 0.8), real, num=100, seed=seed)
        for name in functions:
            covered[name] += intervals[name][0] <= truth[name] <= intervals[name][1]
    for name, count in covered.items():
        assert 68 <= count <= 80, (name, count)   # 85 % and more: three deviations below 95 %
