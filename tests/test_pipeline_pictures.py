"""The input pipeline from outside: with what numbers pictures come, however they are augmented and fitted."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from feeding import bytes_of, encode, paired, single, smooth_from, take, write_photos

from pixelart_tf.data import feeds
from pixelart_tf.data.feeds import without_augmentation
from pixelart_tf.data.loading import load
from pixelart_tf.settings.domain import Domain

RNG = np.random.default_rng(0)
smooth = smooth_from(RNG)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> str:
    """Two shards of 7 JPEG pictures, 64 px."""
    return write_photos(tmp_path_factory.mktemp("photos"))


def test_augmentation_is_not_cached(tmp_path):
    (tmp_path / "one.png").write_bytes(encode(smooth(32)))
    images = take(single(load(Domain(files=str(tmp_path), image_size=32, jitter=8)), batch_size=40, seed=0), 1)[0]
    # One picture: 40 passes. 81 crops, mirrored or not.
    assert len({image.tobytes() for image in images}) > 25


def test_crop_of_the_enlarged_picture(tmp_path):
    """Each is a crop of what `tf.image.resize` to 36 px gives, at one of 5 x 5 places, mirrored or not; all occur."""
    picture = smooth(32)
    (tmp_path / "one.png").write_bytes(encode(picture))
    enlarged = tf.image.resize(picture, (36, 36)).numpy()
    images = take(single(load(Domain(files=str(tmp_path), image_size=32, jitter=4)), batch_size=400, seed=0), 1)[0]
    places = {}
    for image in bytes_of(images):
        for top, left, step in np.ndindex(5, 5, 2):
            crop = enlarged[top : top + 32, left : left + 32][:, :: 1 - 2 * step]
            if np.abs(crop - image).max() <= 0.51:
                places[top, left, step] = places.get((top, left, step), 0) + 1
    assert sum(places.values()) == 400
    # 50 places, 8 each expected: a binomial of sigma 2.8.
    assert len(places) == 50
    assert max(places.values()) <= 24
    mirrored = sum(count for (_, _, step), count in places.items() if step)
    assert 150 < mirrored < 250   # 5 sigma of 400 coin flips


def test_no_mirror_no_jitter_gives_the_file(tmp_path):
    picture = smooth(32)
    (tmp_path / "one.png").write_bytes(encode(picture))
    (images,) = take(single(load(Domain(files=str(tmp_path), image_size=32, mirror=False)), batch_size=3, seed=0), 1)
    for image in images:
        expected = picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
        np.testing.assert_allclose(image, expected, rtol=0, atol=1.2e-7)   # the last bit of a float32 near 1


def test_box_downscale(tmp_path):
    picture = smooth(64)
    (tmp_path / "one.png").write_bytes(encode(picture))
    means = picture.reshape(8, 8, 8, 8, 3).mean((1, 3))   # 8 x 8 pixels a cell
    (image,) = without_augmentation(load(Domain(files=str(tmp_path), image_size=8)), [0]).numpy()
    np.testing.assert_allclose((image + 1) * 127.5, means, atol=1)   # Pillow rounds rows, then columns


def test_nearest_moves_by_whole_pixels(tmp_path):
    picture = np.full((16, 16, 3), 255, np.uint8)
    picture[4:12, 4:12] = RNG.integers(0, 200, (8, 8, 3))
    (tmp_path / "sprite.png").write_bytes(encode(picture))
    pictures = load(Domain(files=str(tmp_path), image_size=16, resize="nearest", jitter=4, mirror=False))
    images = bytes_of(take(single(pictures, batch_size=200, seed=0), 1)[0])
    seen = set()
    for image in images:
        top, left = np.argwhere((image != 255).any(-1)).min(0)
        np.testing.assert_array_equal(image[top : top + 8, left : left + 8], picture[4:12, 4:12])
        seen.add((int(top), int(left)))
    assert seen == {(top, left) for top in range(2, 7) for left in range(2, 7)}   # up to 2 px each way
    np.testing.assert_array_equal(bytes_of(without_augmentation(pictures, [0]).numpy())[0], picture)


def test_enlarged_pixel_art_comes_at_its_native_size(tmp_path):
    sprite = RNG.integers(0, 256, (32, 32, 3), np.uint8)
    (tmp_path / "sprite.png").write_bytes(encode(sprite.repeat(8, axis=0).repeat(8, axis=1)))
    image = without_augmentation(load(Domain(files=str(tmp_path), image_size=32, resize="nearest")), [0])[0]
    np.testing.assert_array_equal(bytes_of(image.numpy()), sprite)


@pytest.mark.parametrize(("cell", "side"), [(1, 16), (3, 16), (5, 32), (2, 40)])
def test_native_takes_own_cells_of_any_size_and_resizes_nothing(tmp_path, cell, side):
    """Smaller sprites come on the color of their border, larger ones without their borders."""
    sprite = RNG.integers(0, 200, (side, side, 3), np.uint8)
    sprite[[0, -1]] = sprite[:, [0, -1]] = 255
    (tmp_path / "sprite.png").write_bytes(encode(sprite.repeat(cell, axis=0).repeat(cell, axis=1)))
    image = without_augmentation(load(Domain(files=str(tmp_path), image_size=32, resize="native")), [0])[0]
    if side <= 32:
        border = (32 - side) // 2
        expected = np.pad(sprite, ((border, border), (border, border), (0, 0)), constant_values=255)
    else:
        expected = sprite[4:-4, 4:-4]
    np.testing.assert_array_equal(bytes_of(image.numpy()), expected)


def test_pictures_of_any_shape(tmp_path):
    for index, size in enumerate([(64, 64), (100, 30), (30, 100), (20, 20), (1, 1)]):
        (tmp_path / f"{index}.png").write_bytes(encode(smooth(size)))
    (tmp_path / "grey.jpg").write_bytes(encode(smooth(64)[..., 0], "JPEG"))
    rgba = np.dstack([np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)])
    (tmp_path / "transparent.png").write_bytes(encode(rgba))
    for cache_bytes in (0, 2**30):
        pictures = load(Domain(files=str(tmp_path), image_size=(64, 48), jitter=6), cache_bytes=cache_bytes)
        images = without_augmentation(pictures, range(7)).numpy()
        assert images.shape == (7, 64, 48, 3)
        assert (images[-1] == 1).all()   # alpha over white, not the black beneath it
        assert np.ptp(images[5], axis=-1).max() == 0


def test_paired(tmp_path):
    for folder in ("large", "small"):
        (tmp_path / folder).mkdir()
    for index in range(5):
        picture = smooth(64)
        (tmp_path / "large" / f"{index}.png").write_bytes(encode(picture))
        (tmp_path / "small" / f"{index}.bmp").write_bytes(encode(picture, "BMP"))
    source = load(Domain(files=str(tmp_path / "large"), image_size=64, jitter=8))
    target = load(Domain(files=str(tmp_path / "small"), image_size=64, jitter=8))
    for one, other in take(paired(source, target, batch_size=3, seed=0), 4):
        np.testing.assert_array_equal(one, other)
    half = load(Domain(files=str(tmp_path / "small"), image_size=32, jitter=4))
    for one, other in take(paired(source, half, batch_size=3, seed=0), 4):
        assert np.corrcoef(one[:, ::2, ::2].ravel(), other.ravel())[0, 1] > 0.97

    (tmp_path / "small" / "9.png").write_bytes(encode(smooth(32)))
    with pytest.raises(ValueError, match=r"'9' in the target only"):
        paired(source, load(target.domain), batch_size=3, seed=0)
    for changed in ("mirror", "jitter"):
        other = load(replace(source.domain, **{changed: 0}))
        with pytest.raises(ValueError, match=f"`{changed}`"):
            paired(source, other, batch_size=1, seed=0)


@pytest.mark.parametrize("cache_bytes", [0, 2**30])
def test_pairs_that_lie_side_by_side(tmp_path, cache_bytes):
    """Files of 2:1; one of them, of 32x32, would go through undecoded if it were taken whole."""
    pairs = [(smooth(size), smooth(size)) for size in (64, 64, (32, 16))]
    for index, pair in enumerate(pairs):
        (tmp_path / f"{index}.png").write_bytes(encode(np.concatenate(pair, axis=1)))
    halves = [
        load(Domain(files=str(tmp_path), half=half, image_size=32, fit="stretch"), cache_bytes=cache_bytes)
        for half in ("left", "right")
    ]
    wanted = [
        bytes_of(feeds.without_augmentation(load(Domain(files=str(folder), image_size=32, fit="stretch")), range(3)))
        for folder in _split(tmp_path, pairs)
    ]
    for half, whole in zip(halves, wanted, strict=True):
        np.testing.assert_array_equal(bytes_of(feeds.without_augmentation(half, range(3))), whole)
    for one, other in take(paired(*halves, batch_size=2, seed=0), 3):   # the same picture, mirrored alike
        for left, right in zip(bytes_of(one), bytes_of(other), strict=True):
            assert any(
                np.array_equal(left, wanted[0][i][:, ::step]) and np.array_equal(right, wanted[1][i][:, ::step])
                for i in range(3) for step in (1, -1)
            )

    (tmp_path / "odd.png").write_bytes(encode(smooth((32, 33))))
    with pytest.raises(ValueError, match=r"odd\.png: a picture of 33 columns has no two halves \(`half`\)"):
        load(halves[0].domain, cache_bytes=cache_bytes)


def _split(folder, pairs):
    """The pairs' pictures in a folder for each side."""
    folders = [folder.parent / f"{folder.name}_{side}" for side in ("left", "right")]
    for side, each in enumerate(folders):
        each.mkdir()
        for index, pair in enumerate(pairs):
            (each / f"{index}.png").write_bytes(encode(pair[side]))
    return folders


def box_means(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Exact means of cells with fractional borders: the integral image, interpolated."""
    batch, height, width, channels = images.shape
    table = np.zeros((batch, height + 1, width + 1, channels))
    table[:, 1:, 1:] = images.cumsum(1).cumsum(2)

    def at(table, points, axis):
        low = np.minimum(points.astype(int), table.shape[axis] - 2)
        weight = (points - low).reshape([-1 if axis == a else 1 for a in range(4)])
        return np.take(table, low, axis) * (1 - weight) + np.take(table, low + 1, axis) * weight

    table = at(at(table, np.linspace(0, height, rows + 1), 1), np.linspace(0, width, columns + 1), 2)
    sums = np.diff(np.diff(table, axis=1), axis=2)
    return sums / (height / rows * width / columns)


def test_pixelate_is_the_mean_of_each_cell():
    images = RNG.uniform(-1, 1, (2, 24, 16, 3)).astype(np.float32)
    means = images.reshape(2, 3, 8, 2, 8, 3).mean((2, 4))
    np.testing.assert_allclose(feeds.pixelate(tf.constant(images), 8, enlarge=False), means, atol=1e-6)
    enlarged = feeds.pixelate(tf.constant(images), 8).numpy()
    assert enlarged.shape == images.shape
    np.testing.assert_allclose(enlarged, means.repeat(8, axis=1).repeat(8, axis=2), atol=1e-6)


@pytest.mark.parametrize(("size", "boxes"), [((80, 80), 40), ((50, 37), 7), ((40, 64), 40)])
def test_boxes_whatever_the_size(size, boxes):
    images = np.random.default_rng(1).uniform(-1, 1, (2, *size, 1)).astype(np.float32)
    cells = feeds.to_boxes(tf.constant(images), boxes, enlarge=False)
    np.testing.assert_allclose(cells, box_means(images.astype(float), boxes, boxes), atol=1e-5)
    enlarged = feeds.to_boxes(tf.constant(images), boxes).numpy()
    assert enlarged.shape == images.shape
    assert len(np.unique(enlarged[0])) == boxes**2


def test_grey_other_size_and_pixelated(photos):
    """Grey, 128 x 96 (height x width) out whatever the size in, cells of 8 px: 16 x 12 of them."""
    domain = Domain(files=photos, image_size=64, grey=True, output_size=(128, 96), pixelate=8, resize="bilinear")
    assert domain.shape == (128, 96, 1)
    (images,) = take(single(load(domain), batch_size=2, seed=0), 1)
    assert images.shape == (2, 128, 96, 1)
    cells = images[:, ::8, ::8]
    np.testing.assert_array_equal(images, cells.repeat(8, axis=1).repeat(8, axis=2))
    one_pixel = Domain(files=photos, image_size=64, grey=True, output_size=(128, 96), pixelate=8, enlarge=False)
    assert one_pixel.shape == (16, 12, 1)
    assert take(single(load(one_pixel), batch_size=2, seed=0), 1)[0].shape == (2, 16, 12, 1)


def test_grey_is_rec_601(tmp_path):
    for index, color in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)]):
        (tmp_path / f"{index}.png").write_bytes(encode(np.full((8, 8, 3), color, np.uint8)))
    images = without_augmentation(load(Domain(files=str(tmp_path), image_size=8, grey=True)), [0, 1, 2]).numpy()
    np.testing.assert_allclose((images[:, 0, 0, 0] + 1) / 2, [0.299, 0.587, 0.114], atol=1e-3)


def test_photos_alone_are_two_domains(photos):
    """A photo and its pixelated self at equal sizes, from the same files."""
    options = {"files": photos, "image_size": 64, "jitter": 8}
    source, target = load(Domain(**options)), load(Domain(**options, boxes=8))
    ((one, other),) = take(paired(source, target, batch_size=4, seed=0), 1)
    np.testing.assert_allclose(feeds.pixelate(tf.constant(one), 8), other, atol=1e-6)


def test_one_picture(tmp_path):
    (tmp_path / "one.png").write_bytes(encode(smooth(16)))
    pictures = load(Domain(files=str(tmp_path / "one.png"), image_size=16))
    assert len(pictures) == 1
    assert take(single(pictures, batch_size=3, seed=0), 1)[0].shape == (3, 16, 16, 3)
