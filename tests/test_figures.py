"""The pictures that a run draws of itself."""

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.models.model import patch_map
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


def test_patch_maps_show_each_logit_at_its_place():
    logits = np.array([[[0.0, 1.0], [2.0, 4.0]], [[5.0, 5.0], [5.0, 5.0]]], np.float32)[..., None]
    maps = patch_map(logits, (6, 4))
    assert maps.shape == (2, 6, 4, 1)
    np.testing.assert_allclose(maps[0, :3, :2, 0], -1)
    np.testing.assert_allclose(maps[0, 3:, 2:, 0], 1)
    np.testing.assert_allclose(maps[0, :3, 2:, 0], -0.5)
    assert np.isfinite(maps[1]).all()   # all patches alike: nothing to stretch


def test_patch_maps_of_sizes_that_do_not_divide():
    maps = patch_map(np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1), (7, 5))
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
