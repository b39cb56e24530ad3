import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pictures import images
from pixelart_tf.pixelize import color, counting, palette

RED, GREEN, BLUE = (220, 30, 40), (40, 180, 60), (40, 60, 210)


def random_picture(seed: int, size: int = 40) -> np.ndarray:
    """Smooth shapes and noise: some thousand colors."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC)).astype(int)
    return (smooth + random.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)


def flat(*colors: tuple[int, int, int], each: int = 100) -> np.ndarray:
    """A picture of stripes, `each` pixels a color."""
    return np.array(colors, np.uint8).repeat(each, axis=0)


def error(picture: np.ndarray, entries: np.ndarray, space: str) -> float:
    """Mean squared error of the nearest entries, by brute force."""
    points, codes = color.SPACES[space](picture.reshape(-1, 3)), color.SPACES[space](entries)
    return float(((points[:, None].astype(np.float64) - codes) ** 2).sum(axis=2).min(axis=1).mean())


@pytest.mark.parametrize("space", color.SPACES)
@pytest.mark.parametrize("k", [1, 2, 5, 16, 64, 256])
def test_a_palette_is_k_distinct_colors_from_dark_to_light(k, space):
    for seed in range(4):
        found = palette.extract(random_picture(seed), k, space=space)
        assert found.dtype == np.uint8
        assert 0.9 * k <= len(found) <= k   # centers that round to one color are one
        assert len(np.unique(found, axis=0)) == len(found)
        assert (np.diff(color.to_oklab(found)[:, 0]) >= 0).all()


@pytest.mark.parametrize("k", [1, 4, 16, "auto"])
def test_neither_order_nor_a_second_run_changes_it(k):
    picture = random_picture(7).reshape(-1, 3)
    first = palette.extract(picture, k)
    assert (palette.extract(picture, k) == first).all()
    assert (palette.extract(np.random.default_rng(0).permutation(picture), k) == first).all()
    assert (palette.extract(picture.repeat(2, axis=0), k) == first).all()


def test_few_colors_are_kept_as_they_are():
    random = np.random.default_rng(1)
    for k in (1, 2, 7, 64, 256):
        colors = np.unique(random.integers(0, 256, (k, 3), dtype=np.uint8), axis=0)
        picture = colors[random.integers(0, len(colors), 5000)]
        picture[: len(colors)] = colors
        for asked in {len(colors), 256}:
            assert set(map(tuple, palette.extract(picture, asked))) == set(map(tuple, colors))


def test_distinct_colors():
    picture = flat((255, 255, 255), RED, (0, 0, 0)).reshape(20, 15, 3)
    assert palette.distinct_colors(picture).tolist() == [[0, 0, 0], list(RED), [255, 255, 255]]
    assert palette.distinct_colors(picture, 3) is not None
    assert palette.distinct_colors(picture, 2) is None


def test_one_color_is_the_mean():
    picture = random_picture(3).reshape(-1, 3)
    np.testing.assert_array_equal(palette.extract(picture, 1, space="rgb"), [np.rint(picture.mean(axis=0))])
    mean = color.from_oklab(color.to_oklab(picture).astype(np.float64).mean(axis=0))
    np.testing.assert_array_equal(palette.extract(picture, 1), [mean])


def test_a_color_that_most_of_an_entry_is_stays_exact():
    # Paper and ink with scanner-like noise on a third of the pixels: means would be off by some levels.
    random = np.random.default_rng(8)
    picture = flat((255, 255, 255), (12, 8, 30), RED, each=900).astype(int)
    noise = random.integers(-30, 31, picture.shape) * (random.random((len(picture), 1)) < 0.3)
    found = palette.extract((picture + noise).clip(0, 255).astype(np.uint8), 3)
    assert found.tolist() == [[12, 8, 30], list(RED), [255, 255, 255]]


def test_weights_count_as_repetitions():
    picture = random_picture(4, 20).reshape(-1, 3)
    weights = np.random.default_rng(0).integers(0, 4, len(picture))
    expected = palette.extract(picture.repeat(weights, axis=0), 6)
    assert (palette.extract(picture, 6, weights=weights) == expected).all()
    only = palette.extract(picture, 4, weights=np.arange(len(picture)) < 1)
    assert only.tolist() == [picture[0].tolist()]


@pytest.mark.parametrize("k", [4, 8, 16, 32])
def test_lower_error_than_pillow(k):
    for seed in range(4):
        picture = random_picture(seed, 96)
        ours = {space: palette.extract(picture, k, space=space) for space in color.SPACES}
        for method in (Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE):
            quantized = Image.fromarray(picture).quantize(k, method=method)
            theirs = np.array(quantized.getpalette(), np.uint8).reshape(-1, 3)[:k]
            for space, found in ours.items():
                assert error(picture, found, space) < error(picture, theirs, space)


def test_well_parted_clusters_are_found():
    random = np.random.default_rng(5)
    centers = np.array([[30, 30, 30], [200, 40, 40], [40, 190, 60], [50, 60, 220], [230, 230, 230]])
    picture = centers.repeat(400, axis=0) + random.integers(-8, 9, (2000, 3))
    found = palette.extract(picture.astype(np.uint8), 5, space="rgb")
    distances = np.linalg.norm(found[:, None].astype(int) - centers, axis=2)
    assert (distances.min(axis=0) < 2).all()   # standard error of such a mean: 0.25 a channel


def test_many_colors_lose_little_by_being_gathered(monkeypatch):
    picture = random_picture(6, 200)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > palette.MAX_POINTS
    gathered = error(picture, palette.extract(picture, 16), "oklab")
    monkeypatch.setattr(palette, "MAX_POINTS", 2**24)
    exact = error(picture, palette.extract(picture, 16), "oklab")
    assert gathered < 1.05 * exact


@pytest.mark.parametrize("k", [0, -1, 257, 2.5, "all", None, True])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match="`k` must be a whole number from 1 to 256 or 'auto'"):
        palette.extract(random_picture(0), k)


def test_wrong_arrays():
    picture = random_picture(0)
    with pytest.raises(ValueError, match="`colors` must hold one color"):
        palette.extract(np.zeros((0, 3), np.uint8), 4)
    with pytest.raises(ValueError, match="`colors` must hold one color"):
        palette.extract(picture, 4, weights=np.zeros(picture.shape[:2]))
    with pytest.raises(ValueError, match=r"`colors` must be uint8 \(..., 3\). Received: float64"):
        palette.extract(picture / 2, 4)
    with pytest.raises(ValueError, match="`weights` must be"):
        palette.extract(picture, 4, weights=np.ones(3))
    with pytest.raises(ValueError, match="`weights` must be"):
        palette.extract(picture, 4, weights=-np.ones(picture.shape[:2]))
    with pytest.raises(ValueError, match="`space` must be one of"):
        palette.extract(picture, 4, space="hsv")
    with pytest.raises(ValueError, match=r"`palette` must be uint8 \(k, 3\)"):
        palette.nearest(picture, np.zeros((0, 3), np.uint8))


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        ([RED, GREEN, BLUE, (0, 0, 0), (255, 255, 255)], 5),
        ([RED, GREEN, BLUE], 3),
        ([(0, 0, 0), (255, 255, 255)], 2),
        ([(0, 0, 0), (128, 128, 128), (255, 255, 255)], 3),
        ([RED, (90, 12, 16)], 2),   # one hue, light and dark
        ([RED, (222, 34, 40), (214, 30, 38)], 2),   # one red, slightly uneven: the least that is ever given
        ([(230, 10, 20), (230, 20, 10), (0, 0, 0)], 2),   # the hues 357 and 3: one red, across the circle's seam
        ([(250, 0, 0), (250, 250, 0), (0, 250, 0), (0, 250, 250), (0, 0, 250), (250, 0, 250)], 6),
    ],
)
def test_auto_counts_hues_black_white_and_greys(colors, expected):
    assert counting.count_colors(flat(*colors)) == expected


def test_auto_survives_noise_and_jpeg_and_ignores_what_is_rare():
    picture = flat(RED, GREEN, BLUE, (0, 0, 0), (255, 255, 255), each=320).reshape(40, 40, 3)
    noisy = (picture + np.random.default_rng(0).normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8)
    assert counting.count_colors(noisy) == 5
    jpeg = images.read(images.encode(picture.repeat(8, axis=0).repeat(8, axis=1), "jpeg", 90))
    assert counting.count_colors(jpeg) == 5
    rare = np.concatenate([flat(RED, BLUE, each=1000), flat(GREEN, each=10)])
    assert counting.count_colors(rare) == 2


def test_auto_is_bounded():
    assert counting.count_colors(flat(RED)) == 2
    every = np.random.default_rng(0).integers(0, 256, (20000, 3), dtype=np.uint8)
    assert counting.count_colors(every) == 32
    assert len(palette.extract(every, "auto")) <= 32
    assert palette.extract(flat(RED), "auto").tolist() == [list(RED)]


@pytest.mark.parametrize("space", color.SPACES)
@pytest.mark.parametrize("count", [500, 2**16 + 5])   # the larger goes by tables
def test_nearest_is_the_nearest(space, count):
    random = np.random.default_rng(2)
    for k in (1, 2, 17, 256):
        entries = random.integers(0, 256, (k, 3), dtype=np.uint8)
        colors = random.integers(0, 256, (count, 3), dtype=np.uint8)
        found = palette.nearest(colors.reshape(-1, 5, 3) if count == 500 else colors, entries, space=space).ravel()
        assert found.dtype == np.uint8
        some = slice(0, 3000)
        points, codes = (color.SPACES[space](values).astype(np.float64) for values in (colors[some], entries))
        distances = ((points[:, None] - codes) ** 2).sum(axis=2)
        taken = distances[np.arange(len(points)), found[some]]
        np.testing.assert_allclose(taken, distances.min(axis=1), rtol=1e-5)   # float32 decides between near ties
        if space == "rgb":
            assert (found[some] == distances.argmin(axis=1)).all()   # whole numbers: exact, the first of equals


@pytest.mark.parametrize("space", color.SPACES)
def test_entries_are_their_own_nearest(space):
    random = np.random.default_rng(3)
    for _ in range(20):
        entries = np.unique(random.integers(0, 256, (200, 3)) // random.integers(1, 40), axis=0).astype(np.uint8)
        assert (palette.nearest(entries, entries, space=space) == np.arange(len(entries))).all()


def test_nearest_of_nothing_and_of_one():
    entries = flat(RED, BLUE, each=1)
    assert palette.nearest(np.zeros((0, 3), np.uint8), entries).shape == (0,)
    assert palette.nearest(np.array(BLUE, np.uint8), entries) == 1
