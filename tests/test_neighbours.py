"""Precision, recall, density and coverage: against torch-fidelity, prdc, plain loops and what must be."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf import scores
from pixelart_tf.scores import neighbours

GOLDEN = Path(__file__).parent / "data" / "golden"
NUMBERS = json.loads((GOLDEN / "neighbours.json").read_text())
SPEC = importlib.util.spec_from_file_location("torchmetrics_golden", GOLDEN / "torchmetrics.py")
RULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(RULE)
NAMES = ("precision", "recall", "density", "coverage")


def figures(generated, real, **options):
    return scores.neighbourhoods(generated, real, **options).figures()


def drawn(seed, num_generated, num_real, size=8):
    random = np.random.default_rng(seed)
    return random.normal(size=(num_generated, size)), random.normal(size=(num_real, size))


@pytest.mark.parametrize("name", NUMBERS["cases"])
def test_torch_fidelity_and_prdc(name):
    case, (precision_k, density_k) = NUMBERS["cases"][name]
    found = figures(*RULE.features(*case), precision_k=precision_k, density_k=density_k)
    assert found == pytest.approx(NUMBERS["results"][name], rel=1e-6)   # torch-fidelity's means are float32


def test_the_golden_cases_are_no_zeros_and_ones():
    for name in NAMES:
        values = [each[name] for each in NUMBERS["results"].values()]
        assert sum(0.05 < value < 0.95 or value > 1.05 for value in values) >= 3, (name, values)


def test_the_defaults_are_those_of_the_two_packages():
    generated, real = drawn(0, 40, 50)
    assert figures(generated, real) == figures(generated, real, precision_k=3, density_k=5)
    assert figures(generated, real)["precision"] != figures(generated, real, precision_k=5)["precision"]


def test_plain_loops_in_small_tiles(monkeypatch):
    generated, real = drawn(1, 33, 26, size=3)
    expected_k = {"precision_k": 2, "density_k": 4}

    def radii(rows, k):
        return [sorted(math.dist(a, b) for b in rows)[k] for a in rows]   # the first is the row itself, 0

    ours, wide, narrow = radii(generated, 2), radii(real, 2), radii(real, 4)
    apart = np.array([[math.dist(a, b) for b in real] for a in generated])
    expected = {
        "precision": np.mean([any(apart[i] <= wide) for i in range(33)]),
        "recall": np.mean([any(apart[:, j] <= ours) for j in range(26)]),
        "density": np.mean([sum(apart[i] < narrow) for i in range(33)]) / 4,
        "coverage": np.mean([min(apart[:, j]) < narrow[j] for j in range(26)]),
    }
    assert figures(generated, real, **expected_k) == pytest.approx(expected, rel=1e-12)
    for tile in (1, 3, 7, 26):
        monkeypatch.setattr(neighbours, "TILE", tile)
        assert figures(generated, real, **expected_k) == pytest.approx(expected, rel=1e-12), tile


def test_what_each_of_them_tells():
    # Source: the toy examples of both papers: modes that are missing, and pictures that are none.
    random = np.random.default_rng(2)
    modes = 100 * np.eye(4)
    real = np.concatenate([random.normal(size=(100, 4)) + mode for mode in modes])
    two_modes = np.concatenate([random.normal(size=(200, 4)) + mode for mode in modes[:2]])
    found = figures(two_modes, real)
    assert found["precision"] > 0.9
    assert found["density"] > 0.9
    assert found["recall"] < 0.5
    assert found["coverage"] == pytest.approx(0.5, abs=0.01)
    half_noise = np.concatenate([real[::2] + 0.01, 1000 + 100 * random.normal(size=(200, 4))])
    found = figures(half_noise, real)
    assert found["precision"] == pytest.approx(0.5, abs=0.01)
    assert found["density"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_ties_are_ties_whatever_rounding_says(dtype, offset):
    # Source: in a ball that ends before the fifth nearest other row are the row itself and four others.
    _, real = drawn(3, 1, 200, size=64)
    real = (real.astype(np.float32) + offset).astype(dtype)
    copies = np.random.default_rng(0).permutation(real)
    assert figures(copies, real) == {"precision": 1.0, "recall": 1.0, "density": 1.0, "coverage": 1.0}
    line = np.arange(30.0)[:, None].astype(dtype)   # the third nearest of a row in the middle is 2 away
    on_the_line = np.array([[-3.0], [-3.5], [15.0], [32.0], [33.0], [100.0]], dtype)
    assert figures(on_the_line, line)["precision"] == pytest.approx(3 / 6)   # -3, 15 and 32; ends reach 3 beyond


def test_rows_that_repeat():
    # Source: prdc's strict < has nothing within a radius of 0; torch-fidelity's <= has the copies.
    random = np.random.default_rng(4)
    real = np.repeat(random.normal(size=(10, 6)), 8, axis=0)
    generated = real[:40]
    assert figures(generated, real) == {"precision": 1.0, "recall": 0.5, "density": 0.0, "coverage": 0.0}


def test_order_scale_and_a_prepared_set_do_not_matter():
    generated, real = drawn(5, 70, 60)
    whole = figures(generated, real)
    random = np.random.default_rng(0)
    assert figures(random.permutation(generated), scores.Reference(random.permutation(real))) == pytest.approx(whole)
    assert figures(generated * 1e-6 + 3, real * 1e-6 + 3) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("num_generated", "num_real", "known"),
    [
        (3, 50, ()), (50, 3, ()), (2, 2, ()), (4, 4, ("precision", "recall")), (5, 50, ("precision", "recall")),
        (50, 5, ("precision", "recall")), (6, 6, NAMES), (6, 50, NAMES),
    ],
)
def test_sets_that_are_too_small(num_generated, num_real, known):
    found = figures(*drawn(6, num_generated, num_real))
    assert tuple(name for name in NAMES if not math.isnan(found[name])) == known
    other_way = figures(*drawn(6, num_generated, num_real), precision_k=5, density_k=3)
    assert math.isnan(other_way["precision"]) == math.isnan(found["coverage"])
    assert math.isnan(other_way["density"]) == math.isnan(found["recall"])


def test_scores_hold_them_also_of_batches():
    generated, real = drawn(7, 60, 50)
    expected = figures(generated, real)
    found = scores.score(generated, real)
    assert {name: getattr(found, name) for name in NAMES} == expected
    streamed = scores.StreamedScores(real)
    for part in np.array_split(generated, 7):
        streamed.update(part)
    assert {name: getattr(streamed.scores(streamed.neighbourhoods()), name) for name in NAMES} == expected
    assert math.isnan(streamed.scores().coverage)   # not asked for
    none_kept = scores.StreamedScores(real, keep=0)
    none_kept.update(generated)
    assert none_kept.neighbourhoods() is None


def test_progress_counts_all_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "TILE", 16)
    calls = []
    scores.neighbourhoods(*drawn(8, 40, 33), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i + 1, 6 + 6 + 9) for i in range(21)]   # 3 and 3 tiles: pairs of each side's, and 3 x 3


def test_intervals_cover_what_other_pictures_score():
    # 95 % is meant; 60 sets of 150 pictures each, and the mean of 200 such sets as what they estimate.
    random = np.random.default_rng(9)
    real = scores.Reference(random.normal(size=(120, 4)))

    def other():
        return scores.neighbourhoods(random.normal(size=(150, 4)) + 0.8, real)

    truths = [other().figures() for _ in range(200)]
    covered = {"precision": 0, "density": 0}
    for seed in range(60):
        intervals = other().intervals(num=100, seed=seed)
        assert intervals.keys() == covered.keys()
        for name, (low, high) in intervals.items():
            covered[name] += low <= np.mean([each[name] for each in truths]) <= high
    for name, count in covered.items():
        assert 51 <= count <= 60, (name, count)   # 85 % and more: three and a half deviations below 95 %


def test_an_interval_needs_rows_that_differ():
    generated, real = drawn(10, 30, 40)
    assert scores.neighbourhoods(generated + 1000, real).intervals() == {}
    assert scores.neighbourhoods(generated[:3], real).intervals() == {}


def test_what_cannot_be_compared():
    generated, real = drawn(11, 20, 20)
    for name in ("precision_k", "density_k"):
        with pytest.raises(ValueError, match=rf"`{name}` must be at least 1. Received: 0"):
            scores.neighbourhoods(generated, real, **{name: 0})
    with pytest.raises(scores.ScoreError, match="the generated features have D = 3, the real ones D = 8"):
        scores.neighbourhoods(generated[:, :3], real)
    generated[4, 2] = math.nan
    with pytest.raises(scores.ScoreError, match="hold NaN or infinity, first row 4"):
        scores.neighbourhoods(generated, real)
