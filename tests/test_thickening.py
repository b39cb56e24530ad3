import numpy as np

from pixelart_tf.pixelize import Style, pixelize
from pixelart_tf.pixelize.thickening import thickened

WHITE, BLUE, RED = (255, 255, 255), (20, 30, 120), (230, 60, 50)


def lined(width: int) -> np.ndarray:
    """White, with a dark blue line down the middle and a red block beside it."""
    image = np.full((64, 64, 3), WHITE, np.uint8)
    image[:, 30 : 30 + width] = BLUE
    image[20:50, 40:60] = RED
    return image


def test_a_thin_line_grows_in_its_own_color_and_nothing_else_does():
    made = thickened(lined(1), 8)
    blue = (made == BLUE).all(axis=-1)
    assert blue[32].sum() == 5   # a quarter of a cell on either side
    assert blue[:, 28:33].all()
    assert ((made == RED).all(axis=-1) == (lined(1) == RED).all(axis=-1)).all()
    assert (np.unique(made.reshape(-1, 3), axis=0) == np.unique(lined(1).reshape(-1, 3), axis=0)).all()


def test_what_is_wide_stays():
    assert (thickened(lined(8), 8) == lined(8)).all()
    assert (thickened(lined(1), 2) == lined(1)).all()   # no room
    flat = np.full((16, 16, 3), 90, np.uint8)
    assert (thickened(flat, 8) == flat).all()


def test_a_hairline_comes_through():
    # One pixel of eight is the least that `contrast` takes (`cell_colors.CONTRAST_SHARE`), and never most of a cell.
    image = lined(1)
    for how in ("contrast", "dominant"):
        made = pixelize(image, Style(cell=8, how=how, thicken=True)).image()
        assert (made[:, 3] == BLUE).all()
    assert (pixelize(image, Style(cell=8, how="dominant")).image()[:, 3] == WHITE).all()


def test_a_line_on_transparency_grows_no_further_than_the_shape():
    image = np.dstack([lined(1), np.full((64, 64), 255, np.uint8)])
    image[..., 3][:, :30] = 0
    made = thickened(image, 8)
    assert (made[..., 3] == image[..., 3]).all()
    behind = image.copy()
    behind[..., :3][:, :30] = 0   # black behind transparency is no line
    again = thickened(behind, 8)
    assert (again[:, 30:] == made[:, 30:]).all()


def test_pixel_art_stays_as_it_is():
    cells = np.random.default_rng(0).integers(0, 2, (16, 16, 1), dtype=np.uint8) * np.array([235, 225, 215], np.uint8)
    image = cells.repeat(8, axis=0).repeat(8, axis=1)
    plain, thick = (pixelize(image, Style(cell="auto", thicken=thicken)).image() for thicken in (False, True))
    assert (plain == thick).all()
