"""Pictures as they are made: written, fitted to a size, found, and turned into numbers and back."""

import os
from pathlib import Path

import numpy as np
import pytest
from noise import NOISE
from PIL import Image

from pixelart_tf.pictures import finding, images

RNG = np.random.default_rng(1)
PICTURES = Path(__file__).parent / "data" / "pictures"


# --- encode and write ---


def test_write_then_read(tmp_path):
    for suffix in (".png", ".webp", ".bmp", ".tif"):
        images.write(tmp_path / f"x{suffix}", NOISE)
        assert (images.read(tmp_path / f"x{suffix}") == NOISE).all()
    smooth = images.read(PICTURES / "gc-cow.jpg")
    images.write(tmp_path / "x.JPG", smooth)
    assert np.abs(images.read(tmp_path / "x.JPG").astype(int) - smooth).mean() < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.JPG", "x.bmp", "x.png", "x.tif", "x.webp"]


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"old")

    def full_disk(self, data):
        with open(self, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left") as error:
        images.write(path, NOISE)
    assert error.value.filename == str(path)
    assert os.listdir(tmp_path) == ["x.png"]
    assert path.read_bytes() == b"old"


def test_write_says_what_it_can_write(tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end in one of .*\.png.* Received: .*x\.txt"):
        images.write(tmp_path / "x.txt", NOISE)
    with pytest.raises(ValueError, match="`image` must be uint8"):
        images.write(tmp_path / "x.png", NOISE / 255)
    with pytest.raises(ValueError, match=r"`quality` must be from 1 to 100\. Received: 0"):
        images.encode(NOISE, "jpeg", 0)


# --- fit ---


def test_crop_takes_the_middle():
    assert (images.fit(NOISE, 10) == NOISE[:, 5:15]).all()
    assert (images.fit(NOISE, (10, 6)) == NOISE[:, 7:13]).all()


def test_area_is_the_mean_of_each_block():
    image = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mean = image.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    # rows, then columns are rounded to whole numbers
    assert np.abs(images.fit(image, 16, resample="area") - mean).max() <= 1


def exact_means(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Each pixel repeated so often that boxes are whole: the plain mean of the repeated ones."""
    rows, columns, channels = image.shape
    many = image.repeat(height, axis=0).repeat(width, axis=1).astype(float)
    return many.reshape(height, rows, width, columns, channels).mean(axis=(1, 3))


@pytest.mark.parametrize("size", [(7, 13), (10, 13), (9, 20), (3, 19), (1, 1), (8, 15)])
def test_area_shares_pixels_between_boxes(size):
    made = images.fit(NOISE, size, how="stretch", resample="area")
    assert np.abs(made - exact_means(NOISE, *size)).max() < 0.5001   # rounded
    # 3 pixels in 2 boxes: the middle one is half in each. Pillow gives (0 + 90) / 2 and 240.
    three = np.array([[0, 90, 240]], np.uint8)[..., None].repeat(3, axis=2)
    assert images.fit(three, (1, 2), how="stretch", resample="area")[0, :, 0].tolist() == [30, 190]


def test_area_weighs_colors_by_alpha():
    alpha = RNG.integers(0, 256, (10, 20, 1), dtype=np.uint8)
    weighted = exact_means(np.concatenate([NOISE / 255.0 * alpha, alpha], axis=-1), 7, 13)
    expected = np.concatenate([weighted[..., :3] / weighted[..., 3:] * 255, weighted[..., 3:]], axis=-1)
    made = images.fit(np.concatenate([NOISE, alpha], axis=-1), (7, 13), how="stretch", resample="area")
    assert np.abs(made - expected).max() < 0.501


def test_area_of_whole_boxes_is_pillows():
    expected = np.asarray(Image.fromarray(NOISE).resize((10, 5), Image.Resampling.BOX))
    assert (images.fit(NOISE, (5, 10), how="stretch", resample="area") == expected).all()


def test_area_repeats_pixels_where_it_enlarges():
    made = images.fit(NOISE, (20, 13), how="stretch", resample="area")   # twice as high, and narrower
    assert (made[::2] == made[1::2]).all()
    assert np.abs(made[::2] - exact_means(NOISE, 10, 13)).max() < 0.5001


@pytest.mark.parametrize("how", images.FITS)
def test_nearest_enlarges_by_whole_numbers(how):
    square = NOISE[:, :10]
    assert (images.fit(square, 40, how=how, resample="nearest") == square.repeat(4, 0).repeat(4, 1)).all()


def test_nearest_pad_has_even_cells_at_any_size():
    # 10 x 20 into 70 x 70: 3 is the largest whole factor, 20 rows above and 5 columns to the left stay background.
    padded = images.fit(NOISE, 70, how="pad", resample="nearest", background=(1, 2, 3))
    assert (padded[20:50, 5:65] == NOISE.repeat(3, 0).repeat(3, 1)).all()
    outside = np.ones((70, 70), bool)
    outside[20:50, 5:65] = False
    assert (padded[outside] == (1, 2, 3)).all()


@pytest.mark.parametrize("how", images.FITS)
@pytest.mark.parametrize("resample", images.RESAMPLE)
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (31, 30), (300, 200)])
def test_fit_gives_the_size_whatever_comes(how, resample, shape):
    image = np.full((*shape, 3), 9, np.uint8)
    for size in (32, (24, 40), 1):
        height, width = (size, size) if isinstance(size, int) else size
        fitted = images.fit(image, size, how=how, resample=resample, background=(9, 9, 9))
        assert fitted.shape == (height, width, 3)
        assert (fitted == 9).all()


def test_fit_names_the_wrong_argument():
    for options, message in (
        ({"how": "squash"}, "`how` must be one of crop, pad, stretch. Received: 'squash'"),
        ({"resample": "cubic"}, "`resample` must be one of .* Received: 'cubic'"),
        ({"size": 0}, "`size` must be positive. Received: 0"),
    ):
        with pytest.raises(ValueError, match=message):
            images.fit(NOISE, **{"size": 8, **options})


# --- find ---


def test_find_takes_a_picture_a_folder_or_a_glob(tmp_path):
    for name in ("b.png", "a.JPG", "sub/c.webp", ".hidden.png", "notes.txt", ".cache/d.png", "we[ird]/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def names(pattern):
        return [path.relative_to(tmp_path).as_posix() for path in finding.pictures(pattern)]

    assert names(tmp_path) == ["a.JPG", "b.png", "sub/c.webp", "we[ird]/e.png"]
    assert names(str(tmp_path / "*")) == ["a.JPG", "b.png"]
    assert names(tmp_path / "**" / "*.webp") == ["sub/c.webp"]
    assert names(tmp_path / "notes.txt") == ["notes.txt"]   # named outright
    assert names(tmp_path / "we[ird]") == ["we[ird]/e.png"]


def test_find_says_when_nothing_is_there(tmp_path):
    with pytest.raises(images.ImageError, match=r"no pictures there .*\.png"):
        finding.pictures(tmp_path)
    with pytest.raises(images.ImageError, match=r"\*\.png: no pictures there"):
        finding.pictures(tmp_path / "*.png")
    with pytest.raises(images.ImageError, match="nothing: no such file or folder"):
        finding.pictures(tmp_path / "nothing")


# --- numbers ---


def test_floats_and_back_are_exact():
    values = np.arange(256, dtype=np.uint8)
    floats = images.to_float(values)
    assert floats.dtype == np.float32
    assert (floats[0], floats[255]) == (-1, 1)
    assert (images.to_uint8(floats) == values).all()


def test_to_uint8_rounds_and_clips():
    # (x + 1) * 127.5: 0.001 -> 127.63, -0.01 -> 126.2
    assert images.to_uint8(np.array([-2, -1, -0.01, 0.001, 1, 7])).tolist() == [0, 0, 126, 128, 255, 255]


@pytest.mark.filterwarnings("error")
def test_to_uint8_of_nan_is_black():
    assert images.to_uint8(np.array([np.nan, -np.inf, np.inf])).tolist() == [0, 0, 255]


def test_grid_puts_pictures_in_rows():
    sheet = images.grid(np.stack([np.full((2, 3, 3), shade, np.uint8) for shade in (10, 20, 30)]), columns=2, scale=2)
    assert sheet.shape == (2 * (4 + 2) + 2, 2 * (6 + 2) + 2, 3)
    assert (sheet[2:6, 2:8] == 10).all()
    assert (sheet[2:6, 10:16] == 20).all()
    assert (sheet[8:12, 2:8] == 30).all()
    assert (sheet[8:12, 10:16] == 255).all()   # no fourth picture
    assert (sheet[:2] == 255).all()
