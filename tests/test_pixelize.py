"""What pixelize promises, for random pictures and random styles."""

import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import Style, art, cells, color, palettes, pixelize
from pixelart_tf.pixelize.dither import METHODS

TRIALS = 250


def random_picture(rng: np.random.Generator) -> np.ndarray:
    """Noise, a smooth ramp, or blocks of few colors; some with alpha of any value, also 1x1 and thin ones."""
    height, width = (int(side) for side in (rng.integers(1, 6, 2) if rng.random() < 0.15 else rng.integers(6, 70, 2)))
    kind = rng.integers(3)
    if kind == 0:
        image = rng.integers(0, 256, (height, width, 3))
    elif kind == 1:
        down, across = np.mgrid[:height, :width]
        image = np.stack([down * 5 % 256, across * 3 % 256, (down + across) * 2 % 256], axis=-1)
    else:
        few = rng.integers(0, 256, (int(rng.integers(1, 9)), 3))
        block = int(rng.integers(1, 9))
        small = few[rng.integers(0, len(few), (-(-height // block), -(-width // block)))]
        image = small.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    if rng.random() < 0.4:
        alpha = rng.choice([0, 60, 127, 128, 200, 255], (height, width))
        if rng.random() < 0.5:   # a sprite: all or nothing
            alpha = np.where(np.hypot(*np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]) < 0.8, 255, 0)
        image = np.dstack([image, alpha])
    return image.astype(np.uint8)


def random_style(rng: np.random.Generator, image: np.ndarray, **fixed) -> Style:
    shorter = min(image.shape[:2])
    options = {
        "how": str(rng.choice(cells.HOW)),
        "space": str(rng.choice(list(color.SPACES))),
        "dither": str(rng.choice(METHODS)),
        "strength": float(rng.choice([0.3, 1.0])),
        "outline": bool(rng.random() < 0.4),
        "alpha_threshold": int(rng.choice([1, 128, 255])),
        "seed": int(rng.integers(3)),
    }
    if rng.random() < 0.25:
        options["palette"] = rng.choice(list(palettes.named().values())).colors
    else:
        options["colors"] = rng.choice([1, 2, 3, 7, 16, 40, 256, "auto"])
        options["colors"] = "auto" if options["colors"] == "auto" else int(options["colors"])
    if rng.random() < 0.5:
        options["cell"] = int(rng.integers(1, min(10, shorter) + 1))
    elif rng.random() < 0.7:
        options["width"] = int(rng.integers(1, image.shape[1] + 1))
    return Style(**{**options, **fixed})


@pytest.fixture(scope="module")
def made():
    """Pictures, styles, and the pixel art of both; the failing one is found by its number."""
    found = []
    for trial in range(TRIALS):
        rng = np.random.default_rng(trial)
        image = random_picture(rng)
        style = random_style(rng, image)
        found.append((trial, image, style, pixelize(image, style)))
    return found


def same(a: art.Art, b: art.Art) -> bool:
    return np.array_equal(a.image(), b.image()) and np.array_equal(a.opaque, b.opaque)


def test_colors_are_few_and_of_the_palette(made):
    for trial, _, style, result in made:
        visible = result.image()[..., :3][result.opaque]
        most = {"auto": 32}.get(style.colors, style.colors) if style.palette is None else len(style.palette)
        assert len(np.unique(visible, axis=0)) <= len(result.palette) <= most, trial
        assert set(map(tuple, visible.tolist())) <= set(map(tuple, result.palette.tolist())), trial
        if style.palette is not None:
            assert np.array_equal(result.palette, style.palette), trial


def test_every_cell_is_one_color_and_the_size_is_as_asked(made):
    for trial, image, style, result in made:
        rows, columns = result.index.shape
        if style.width is not None:
            assert columns == style.width, trial
        elif style.cell is not None:
            assert (rows, columns) == (image.shape[0] // style.cell, image.shape[1] // style.cell), trial
            assert result.cell == style.cell, trial
        for scale in (1, 2, 5):
            enlarged = result.image(scale)
            assert enlarged.shape[:2] == (rows * scale, columns * scale), trial
            blocks = enlarged.reshape(rows, scale, columns, scale, -1)
            assert (blocks == blocks[:, :1, :, :1]).all(), trial


def test_alpha_is_all_or_nothing_and_only_where_something_is_transparent(made):
    some = 0
    for trial, _, _, result in made:
        image = result.image()
        assert image.shape[-1] == (3 if result.opaque.all() else 4), trial
        if image.shape[-1] == 4:
            assert np.array_equal(image[..., 3], np.where(result.opaque, 255, 0)), trial
            some += result.opaque.any()
    assert some > 20


def test_twice_is_once(made):
    for trial, _, style, result in made:
        for scale in (1, 3):
            again = Style(**{**vars(style), "cell": scale, "width": None})
            assert same(pixelize(result.image(scale), again), result), (trial, style)


def test_the_same_picture_gives_the_same(made):
    for trial, image, style, result in made:
        again = pixelize(image.copy(), style)
        assert same(again, result), trial
        assert np.array_equal(again.palette, result.palette), trial


def test_what_is_behind_transparency_plays_no_part(made):
    some = 0
    for trial, image, style, result in made:
        if image.shape[-1] == 4 and (hidden := image[..., 3] == 0).any():
            other = image.copy()
            other[hidden, :3] = np.random.default_rng(trial).integers(0, 256, (hidden.sum(), 3))
            assert same(pixelize(other, style), result), (trial, style)
            some += 1
    assert some > 50


def test_where_colors_are_does_not_change_the_palette(made):
    for trial, image, style, _ in made:
        if style.palette is None and image.shape[-1] == 3 and not style.outline:
            flat = image.reshape(1, -1, 3)
            shuffled = np.random.default_rng(trial).permutation(flat, axis=1)
            one_a_pixel = Style(**{**vars(style), "cell": 1, "width": None, "dither": "none"})
            palettes_found = [pixelize(each, one_a_pixel).palette for each in (flat, shuffled)]
            assert np.array_equal(*palettes_found), trial


def test_one_pixel():
    image = np.array([[[10, 200, 30]]], np.uint8)
    result = pixelize(image)
    assert result.image().tolist() == image.tolist()
    assert pixelize(np.array([[[10, 200, 30, 0]]], np.uint8)).image().tolist() == [[[0, 0, 0, 0]]]


def test_no_more_colors_than_there_are():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 200, 30, 30
    result = pixelize(image, Style(cell=2, colors=256))
    assert result.palette.tolist() == [[0, 0, 0], [200, 30, 30]]
    assert pixelize(image, Style(cell=2, colors=1)).palette.shape == (1, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": 8, "width": 4}, "`cell` and `width` exclude each other. Received: 8 and 4"),
        ({"cell": 0}, "`cell` must be at least 1, a pair as 4.5x4 (width x height), or auto. Received: 0"),
        ({"width": 2.5}, "`width` must be a whole number of at least 1. Received: 2.5"),
        ({"width": "auto"}, "`width` must be a whole number of at least 1. Received: 'auto'"),
        ({"colors": 257}, "`colors` must be a whole number from 1 to 256 or auto. Received: 257"),
        ({"colors": True}, "`colors` must be a whole number from 1 to 256 or auto. Received: True"),
        ({"seed": -1}, "`seed` must be a whole number of at least 0. Received: -1"),
        ({"how": "max"}, "`how` must be one of mean, median, dominant, contrast. Received: 'max'"),
        ({"strength": 1.5}, "`strength` must be from 0 to 1. Received: 1.5"),
        ({"alpha_threshold": 0}, "`alpha_threshold` must be a whole number from 1 to 255. Received: 0"),
    ],
)
def test_a_bad_style_is_named(options, message):
    with pytest.raises(UserError) as error:
        Style(**options)
    assert str(error.value) == message


def test_cells_that_do_not_fit_are_named():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    with pytest.raises(UserError, match=r"a cell of 21 pixels is larger than the picture \(20 pixels\)"):
        pixelize(image, Style(cell=21))
    with pytest.raises(UserError, match="31 cells across do not fit on 30 pixels"):
        pixelize(image, Style(width=31))
    with pytest.raises(UserError, match="no cells found"):
        pixelize(image, Style(cell="auto"))


def test_a_picture_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"`image` must be uint8 \(H, W, 3\) or \(H, W, 4\)\. Received: float64"):
        pixelize(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match=r"Received: uint8 \(4, 4\)"):
        pixelize(np.zeros((4, 4), np.uint8))
