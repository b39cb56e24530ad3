"""Cells that pictures have already: lines that drift, factors that are not whole, native art; and those without."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pictures import images, shards
from pixelart_tf.pixelize import Style, art, pixelize, unblur
from pixelart_tf.pixelize.find import ENOUGH, best_guess, find
from pixelart_tf.pixelize.lines import place, score, strengths, whole
from pixelart_tf.pixelize.measure import measure
from pixelart_tf.pixelize.native import is_native, repeated
from pixelart_tf.pixelize.options import add_style_options, style_from

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "data" / "pictures"


@pytest.fixture(scope="module")
def sheets() -> list[np.ndarray]:
    """Sheets of four held-out sprites, 64x64 cells."""
    sprites = [images.read(encoded) for _, encoded, *_ in shards.read(ROOT / "tfrecords" / "heldout_sprite*")]
    return [np.block([[[a], [b]], [[c], [d]]]) for a, b, c, d in zip(*[iter(sprites[:16])] * 4, strict=True)]


def resized(small: np.ndarray, factor: float, kernel: str) -> np.ndarray:
    size = (round(small.shape[1] * factor), round(small.shape[0] * factor))
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling[kernel.upper()]))


def drifted(small: np.ndarray, drift: float, seed: int) -> np.ndarray:
    """Cells of 10 pixels whose lines wander by `drift` cells, and a little each; noise of 5 levels, JPEG 85."""
    random = np.random.default_rng(seed)
    sizes = []
    for side in small.shape[:2]:
        along = np.linspace(0, 1, side + 1)
        walk = np.sin(np.pi * (along + random.uniform(0, 2))) + np.sin(3 * np.pi * along + random.uniform(0, 6)) / 3
        lines = 10 * (np.arange(side + 1) + drift * walk / np.ptp(walk)) + random.normal(0, 0.5, side + 1)
        sizes.append(np.maximum(2, np.diff(np.rint(lines).astype(int))))
    large = small.repeat(sizes[0], axis=0).repeat(sizes[1], axis=1) + random.normal(0, 5, (*map(sum, sizes), 3))
    return images.read(images.encode(np.clip(np.rint(large), 0, 255).astype(np.uint8), "jpeg", 85))


@pytest.mark.parametrize("drift", [0.0, 0.4, 0.8, 1.5])
def test_lines_that_drift_are_found(sheets, drift):
    """Before each line had a place of its own it was 0 of 8 sheets at 0.8 and 1.5 cells."""
    right = []
    for seed, small in enumerate(sheets):
        colors = art.reduce(drifted(small, drift, seed), Style(cell="auto")).colors
        if colors.shape == small.shape:
            right.append((np.abs(colors.astype(int) - small).max(axis=-1) <= 32).mean())
    assert len(right) >= (4 if drift < 1 else 3)
    assert np.mean(right) >= 0.95


def test_lines_go_where_the_votes_are():
    true = np.array([0, 9, 20, 31, 40, 49, 60, 72, 80])
    votes = np.zeros(80)
    votes[true[1:-1]] = 10
    strength = strengths(votes, 10.0)
    found = whole(place(strength, 10.0), 80, 10.0)
    assert found.tolist() == true.tolist()
    assert score(found, strength, 10.0) > score(np.arange(0, 81, 10), strength, 10.0)
    assert place(strengths(np.zeros(80), 10.0), 10.0).tolist() == list(range(0, 81, 10))   # nothing to see: even


@pytest.mark.parametrize("factor", [1.25, 1.5, 1.75, 2.25])
def test_factors_that_are_not_whole_are_undone_exactly(sheets, factor):
    image = resized(sheets[0], factor, "nearest")
    assert [len(edges) - 1 for edges in repeated(image)] == [64, 64]
    assert (art.reduce(image, Style(cell="auto")).colors == sheets[0]).all()


@pytest.mark.parametrize("path", [*PICTURES.glob("gc-*"), *PICTURES.glob("nt-*")], ids=lambda path: path.name)
@pytest.mark.parametrize("how", [(4, "bicubic"), (3, "lanczos"), (4, "bilinear")])
def test_enlarged_photographs_and_cartoons_have_no_cells_of_their_own(path, how):
    """56 of 60 cartoons enlarged four times were taken for pixel art of 4 pixels a cell."""
    image = images.fit(images.read(path), 160)
    image = resized(image, *how)
    assert find(image) is None
    made = art.reduce(image, Style())
    assert max(made.colors.shape) == 128
    guess = best_guess(image)
    assert (guess is None) == (not made.note)
    if guess is not None:
        assert guess.confidence < ENOUGH
        assert f"confidence {guess.confidence:.2f}" in made.note


def test_confidence_is_told(sheets):
    made = art.reduce(resized(sheets[1], 7.3, "bicubic"), Style())
    assert made.colors.shape == (64, 64, 3)
    assert made.note.startswith("found its own cells: 64x64, confidence ")


def test_native_art_keeps_its_pixels_and_colors(sheets):
    some = 0
    for small in sheets:
        assert is_native(small)
        colors = len(np.unique(small.reshape(-1, 3), axis=0))
        result = pixelize(small)
        assert result.cell == 1
        if colors <= 256:
            assert (result.image() == small).all()
            some += colors > 16
    assert some


@pytest.mark.parametrize(
    ("factor", "kernel", "quality"), [(5.3, "bilinear", 75), (2.5, "bicubic", 92), (6, "lanczos", 90)]
)
def test_soft_cells_are_solved_for(sheets, factor, kernel, quality):
    """The means of their middles have 68 to 97 % of the cells within 32 levels."""
    for small in sheets[:2]:
        image = images.read(images.encode(resized(small, factor, kernel), "jpeg", quality))
        made = art.reduce(image, Style(cell="auto")).colors
        assert made.shape == small.shape
        assert (np.abs(made.astype(int) - small).max(axis=-1) <= 32).mean() >= 0.95
        white = (small == 255).all(axis=-1)
        assert white.mean() > 0.1
        assert (made[white] == 255).all(axis=-1).mean() >= 0.93   # no halo around what stands on white
    hard = sheets[0].repeat(5, axis=0).repeat(6, axis=1)
    assert unblur.solve(hard, np.arange(0, 321, 5), np.arange(0, 385, 6)) is None
    cut = resized(sheets[0], 12.3, "bilinear")[3:, 4:-5]   # and so are those of a part of a picture
    made = art.reduce(cut, Style(cell="auto")).colors
    assert (np.abs(made.astype(int) - sheets[0]).max(axis=-1) <= 32).mean() >= 0.97


def test_photographs_enlarged_by_nearest_keep_no_cells():
    photo = images.fit(images.read(PICTURES / "gc-cow.jpg"), 200)
    for factor in (2, 3, 2.5):
        made = art.reduce(resized(photo, factor, "nearest"), Style())
        assert max(made.colors.shape) == 128
    grey = photo.mean(axis=-1, keepdims=True).astype(np.uint8).repeat(3, axis=-1)
    assert not is_native(grey)


@pytest.mark.parametrize(("cell", "shape"), [(5.6, (19, 37)), ((4, 4.57), (26, 45)), ("4.57x4", (26, 45))])
def test_cells_of_sizes_that_are_not_whole(cell, shape):
    image = images.fit(images.read(PICTURES / "gc-cow.jpg"), (104, 207))
    if isinstance(cell, str):
        parser = argparse.ArgumentParser()
        add_style_options(parser)
        style = style_from(parser.parse_args(["--cell", cell]))
    else:
        style = Style(cell=cell)
    made = art.grid(image, style)
    assert (len(made.rows) - 1, len(made.columns) - 1) == shape
    assert abs(made.columns[-1] - 207) <= 2


def test_native_art_is_measured_as_it_is(sheets):
    found = measure(sheets[0])
    assert (found.cell, found.grid_exactness, found.uniform_cells, found.edge_sharpness) == ((1, 1), 1, 1, 1)
    assert measure(images.read(PICTURES / "gc-cow.jpg")).grid_exactness == 0


@pytest.mark.parametrize("name", ["gc-cow.jpg", "nt-owl.png"])
def test_twice_is_once_also_at_one_pixel_a_cell(name):
    image = images.read(PICTURES / name)
    for options in ({}, {"width": 60}, {"width": 100, "colors": 40}):
        once = pixelize(image, Style(**options)).image()
        assert (pixelize(once).image() == once).all()


@pytest.mark.parametrize("size", [(190, 100), (300, 300), (160, 200), (1000, 3000), (160, 90)])
def test_without_options_128_cells_along_the_longer_side(size):
    image = images.fit(images.read(PICTURES / "gc-cow.jpg"), size)
    rows, columns = pixelize(image).index.shape
    assert max(rows, columns) == 128
    assert abs(rows / columns - size[0] / size[1]) < 0.02 * rows / columns + 0.5 / columns
    where = art.grid(image, Style())
    assert (where.rows[-1], where.columns[-1]) == size   # nothing is cut off


def test_a_small_photograph_gets_no_cells_of_one_pixel():
    image = images.fit(images.read(PICTURES / "gc-cow.jpg"), 100)
    assert pixelize(image).index.shape == (50, 50)
