"""The pictures that a run draws of itself."""

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.models.model import patch_maps
from pixelart_tf.training import figures


def test_a_sheet_shows_the_pictures_in_captioned_rows():
    red = np.full((2, 8, 8, 3), -1.0, np.float32)
    red[..., 0] = 1.0
    grey = np.zeros((1, 4, 4, 1), np.float32)
    sheet = figures.sheet({"red ones": red, "a grey one": grey}, scale=2)
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    is_red = (sheet == [255, 0, 0]).all(-1)
    assert is_red.sum() == 2 * 16 * 16   # two pictures, each pixel doubled
    is_grey = (sheet == 128).all(-1)[sheet.shape[0] // 2 :, : 2 * figures.MARGIN + 8]
    assert is_grey.sum() >= 8 * 8
    rows, _ = np.nonzero(is_red)
    assert rows.max() < np.nonzero(is_grey)[0].max() + sheet.shape[0] // 2   # rows in the order given
    captions = sheet[: figures.LABEL]
    assert captions.min() < 100   # black letters
    assert (sheet[:, -1] == 255).all()   # on white


class Critic:
    """A discriminator whose logits are given, by the first pixel of a picture."""

    def __init__(self, *logits):
        self.logits = [np.asarray(each, np.float32)[None, ..., None] for each in logits]

    def __call__(self, pictures, training):
        assert training is False
        return self.logits[int(pictures[0, 0, 0, 0])]


def numbered(count, size):
    """float32 (count, H, W, 1), whose first pixels are their numbers."""
    pictures = np.zeros((count, *size, 1), np.float32)
    pictures[:, 0, 0, 0] = range(count)
    return pictures


def test_patch_maps_show_each_logit_at_its_place_on_one_scale():
    critic = Critic([[0.0, 1.0], [2.0, 4.0]], [[5.0, 5.0], [5.0, -5.0]])
    rows = patch_maps(critic, {"real": numbered(2, (6, 4))})
    assert list(rows) == ["real", "real: patches that look real are bright"]
    maps = rows["real: patches that look real are bright"]
    assert maps.shape == (2, 6, 4, 1)
    # From -5 to 5 over both pictures: what is 0 is in the middle.
    np.testing.assert_allclose(maps[0, :3, :2, 0], 0, atol=1e-6)
    np.testing.assert_allclose(maps[0, 3:, 2:, 0], 0.8, atol=1e-6)
    np.testing.assert_allclose(maps[1, :3, :, 0], 1)
    np.testing.assert_allclose(maps[1, 3:, 2:, 0], -1)
    alike = patch_maps(Critic([[3.0, 3.0]]), {"real": numbered(1, (4, 4))})
    assert all(np.isfinite(row).all() for row in alike.values())   # nothing to stretch


def test_patch_maps_of_sizes_that_do_not_divide():
    rows = patch_maps(Critic(np.arange(9).reshape(3, 3)), {"made": numbered(1, (7, 5))})
    maps = rows["made: patches that look real are bright"]
    assert maps.shape == (1, 7, 5, 1)
    assert maps[0, 0, 0, 0] == -1
    assert maps[0, -1, -1, 0] == 1


@pytest.mark.parametrize("extra", [{}, {"identity": 0.2, "color": 0.1}], ids=["bare", "all terms"])
def test_curves_are_a_picture(tmp_path, extra):
    names = ("to_target", "to_source", "source_discriminator", "target_discriminator", "cycle")
    history = [{"epoch": e, **dict.fromkeys(names, 1.0 / e), **extra} for e in (1, 2, 3)]
    figures.curves(history[:1], tmp_path / "curves.png", CycleGAN.curves)
    first = Image.open(tmp_path / "curves.png").convert("RGB").tobytes()
    figures.curves(history, tmp_path / "curves.png", CycleGAN.curves)
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 800
        assert picture.convert("RGB").tobytes() != first
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]
