import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import Style, color, grading, pixelize

COLORS = np.random.default_rng(0).integers(0, 256, (400, 3)).astype(np.uint8)


def polar(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lightness, chroma, and hue in degrees."""
    lightness, a, b = color.to_oklab(colors).astype(float).T
    return lightness, np.hypot(a, b), np.degrees(np.arctan2(b, a))


def test_one_changes_nothing():
    assert (grading.graded(COLORS) == COLORS).all()


@pytest.mark.parametrize("saturation", [0, 0.5, 1.5, 4])
def test_saturation_keeps_lightness_and_hue(saturation):
    before, after = polar(COLORS), polar(grading.graded(COLORS, saturation=saturation))
    assert np.abs(before[0] - after[0]).max() < 0.01
    assert (after[1] <= saturation * before[1] + 0.01).all()
    colored = (before[1] > 0.05) & (after[1] > 0.05)
    turned = (before[2] - after[2] + 180) % 360 - 180
    assert np.abs(turned[colored]).max(initial=0) < 5   # rounding to 8 bits
    if saturation <= 1:
        assert np.abs(after[1] - saturation * before[1]).max() < 0.01
    else:
        assert (after[1] >= before[1] - 0.01).all()


def test_contrast_is_about_the_middle():
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    wanted = np.clip(0.5 + 1.5 * (color.to_oklab(greys)[:, 0] - 0.5), 0, 1)
    wanted = color.from_oklab(np.stack([wanted, 0 * wanted, 0 * wanted], axis=-1))
    assert np.abs(grading.graded(greys, contrast=1.5).astype(int) - wanted).max() <= 1
    assert np.ptp(grading.graded(greys, contrast=0)) == 0


def test_a_style_grades_cells_and_not_a_given_palette():
    image = np.full((8, 8, 3), (150, 110, 90), np.uint8)
    vivid = pixelize(image, Style(cell=4, saturation=1.5))
    assert polar(vivid.palette)[1] > 1.4 * polar(image[0])[1][0]
    given = np.array([[150, 110, 90], [0, 0, 0]], np.uint8)
    assert (pixelize(image, Style(cell=4, saturation=1.5, palette=given)).palette == given).all()


def test_out_of_range():
    with pytest.raises(UserError, match=r"`saturation` must be from 0 to 4. Received: 5"):
        Style(saturation=5)
    with pytest.raises(UserError, match=r"`contrast` must be from 0 to 4. Received: 'much'"):
        Style(contrast="much")
