import csv
import math
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf.pictures import finding, images
from pixelart_tf.pixelize.grid import Grid, border_color, centre, find_grid, native

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "tests" / "data" / "pictures"
SHARED = ROOT.parent / "shared" / "data"
# Cell sizes as their maker states them (README.md beside the pictures); x7 cells start at pixel 2, x8 at 0, 5 at 3 or
# 0 according to the side. The origins of the sprites, in the same source: 23,16 - 16,8 - 45,5 (x, y).
SPRITES = {
    "crawl-dngn-altars-ashenzari.png": Grid(cell=7, top=16 % 7, left=23 % 7),
    "crawl-dngn-altars-dithmenos.png": Grid(cell=8, top=0, left=0),
    "crawl-mon-unique-antaeus.png": Grid(cell=5, top=5 % 5, left=45 % 5),
}


def enlarge(small: np.ndarray, cell: int, top: int, left: int, shape: tuple[int, int]) -> np.ndarray:
    """Pixel art of `cell` pixels whose first whole cell starts at (top, left), cut to `shape`."""
    large = small.repeat(cell, axis=0).repeat(cell, axis=1)
    return large[-top % cell :, -left % cell :][: shape[0], : shape[1]]


@pytest.mark.parametrize("name", SPRITES)
def test_real_sprites(name):
    image = images.read(PICTURES / name)
    assert find_grid(image) == SPRITES[name]
    grid = SPRITES[name]
    assert (enlarge(native(image), grid.cell, grid.top, grid.left, image.shape) == image).all()


@pytest.mark.parametrize("cell", [2, 3, 4, 5, 7, 8, 11, 16])
def test_any_cell_size_and_offset(cell):
    sprite = native(images.read(PICTURES / "crawl-dngn-altars-ashenzari.png"))   # (38, 38, 3)
    rng = np.random.default_rng(cell)
    for _ in range(5):
        top, left = rng.integers(0, cell, 2).tolist()
        height, width = (37 * cell + rng.integers(1, cell, 2)).tolist()   # the last cells are partial, too
        large = enlarge(sprite, cell, top, left, (height, width))
        assert find_grid(large) == Grid(cell=cell, top=top, left=left)
        small = native(large)
        assert (enlarge(small, cell, top, left, large.shape) == large).all()
        assert (small == sprite[: len(small), : small.shape[1]]).all()


def test_art_of_larger_blocks_gives_the_larger_cell():
    small = np.random.default_rng(0).integers(0, 4, (16, 16, 3), dtype=np.uint8)
    doubled = small.repeat(2, 0).repeat(2, 1)
    assert find_grid(enlarge(doubled, 5, 0, 0, (160, 160))) == Grid(cell=10, top=0, left=0)


def test_one_pixel_off_ends_the_grid():
    image = images.read(PICTURES / "crawl-dngn-altars-dithmenos.png").copy()
    image[101, 101] ^= 1
    assert find_grid(image) is None


@pytest.mark.parametrize("name", ["gc-bison.jpg", "gc-cow.jpg", "nt-cat.png", "nt-owl.png", "nt-pie.png"])
def test_photographs_and_drawings_have_no_grid(name):
    image = images.read(PICTURES / name)
    assert find_grid(image) is None
    with pytest.raises(ValueError, match="no exact grid"):
        native(image)


def test_jpeg_and_smooth_enlargement_have_no_exact_grid():
    image = images.read(PICTURES / "crawl-dngn-altars-ashenzari.png")
    assert find_grid(images.read(images.encode(image, "jpeg", 95))) is None
    assert find_grid(images.fit(native(image), 256, how="stretch", resample="lanczos")) is None


def test_what_leaves_it_open_has_no_grid():
    flat = np.full((64, 64, 3), 200, np.uint8)
    assert find_grid(flat) is None
    assert find_grid(flat[:1, :1]) is None
    flat[8:24, 16:48] = 0   # a lone rectangle: cells of 16, 8, 4 or 2?
    assert find_grid(flat) is None


def test_noise_has_no_grid():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert find_grid(rng.integers(0, 2, (64, 64, 3), dtype=np.uint8)) is None


def test_sparse_lines_have_a_grid_as_rarely_as_the_evidence_says():
    # 2**-16 for 16 gaps of even length; a few random lines must not look like a grid.
    rng, found = np.random.default_rng(0), 0
    for _ in range(2000):
        image = np.zeros((200, 1, 3), np.uint8)
        image[:, 0, 0] = np.isin(np.arange(200), rng.choice(200, 6, replace=False))
        found += find_grid(image) is not None
    assert found == 0


def test_centre_trims_and_puts_the_sprite_in_the_middle():
    image = np.full((20, 30, 3), 250, np.uint8)
    image[2:7, 20:24] = 3   # 5 x 4
    image[4, 21] = 250      # a hole of the border's color stays
    square = centre(image, 8)
    assert square.shape == (8, 8, 3)
    assert (square[1:6, 2:6] == image[2:7, 20:24]).all()
    assert (square != 250).any(axis=-1).sum() == 19
    assert (centre(np.full((5, 5, 3), 7, np.uint8), 4) == 7).all()


def test_centre_takes_what_just_fits_and_names_the_sizes_of_what_does_not():
    sprite = native(images.read(PICTURES / "crawl-mon-unique-antaeus.png"))   # 32 x 48 by its maker
    assert centre(sprite, 48).shape == (48, 48, 3)
    with pytest.raises(ValueError, match="the sprite is 32x48 cells, larger than 47x47"):
        centre(sprite, 47)


def test_border_color_is_the_most_common_of_the_edges():
    image = np.zeros((9, 9, 3), np.uint8)
    image[0] = (1, 2, 3)
    image[:, 0] = (1, 2, 3)
    image[:, -1] = (1, 2, 3)
    assert border_color(image).tolist() == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the full set of sprites is not beside this checkout")
def test_the_grid_of_all_sprites_is_the_one_they_were_enlarged_by():
    with open(SHARED / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("pixelart/")]
    assert len(rows) == 985
    for row in rows:
        image = images.read(SHARED / row["path"])
        grid = find_grid(image)
        left, top = map(int, row["note"].removeprefix("grid origin ").split(","))
        cell = int(row["scale"])
        assert grid == Grid(cell=cell, top=top % cell, left=left % cell), row["path"]
        assert (enlarge(native(image), cell, grid.top, grid.left, image.shape) == image).all(), row["path"]
        trimmed = (math.ceil(int(row["height_px"])), math.ceil(int(row["width_px"])))
        if max(trimmed) <= 32:
            assert centre(native(image), 32).shape == (32, 32, 3), row["path"]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the full set of pictures is not beside this checkout")
def test_no_drawing_photograph_or_painting_has_a_grid():
    paths = [path for name in ("cartoon", "photo", "painting") for path in finding.pictures(SHARED / name)]
    assert len(paths) == 1529 + 218 + 516 + 44 + 92
    assert [path for path in paths if find_grid(images.read(path)) is not None] == []
