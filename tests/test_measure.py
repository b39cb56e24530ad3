"""Numbers for how much a picture is pixel art."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import images
from pixelart_tf.pixelize.measure import Measures, measure

PICTURES = Path(__file__).parent / "data" / "pictures"
SPRITES = {
    "crawl-dngn-altars-ashenzari.png": 7,
    "crawl-dngn-altars-dithmenos.png": 8,
    "crawl-mon-unique-antaeus.png": 5,
}
SHARES = ("grid_exactness", "uniform_cells", "edge_sharpness")


@pytest.mark.parametrize("name", SPRITES)
def test_pixel_art_is_all_of_it(name):
    image, cell = images.read(PICTURES / name), SPRITES[name]
    expected = Measures(
        colors=len(np.unique(image.reshape(-1, 3), axis=0)),
        cell=(cell, cell),
        grid_exactness=1.0,
        uniform_cells=1.0,
        edge_sharpness=1.0,
    )
    assert measure(image) == expected
    assert measure(image, cell=cell) == expected


@pytest.mark.parametrize("name", SPRITES)
def test_blur_and_jpeg_lower_every_share(name):
    image, cell = images.read(PICTURES / name), SPRITES[name]
    blurred = [
        np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma))) for sigma in (0, 0.5, 1, 2)
    ]
    image = image[3:, 3:]   # cells that are JPEG's own blocks of 8 pixels come out of it unharmed
    packed = [image, *(images.read(images.encode(image, "jpeg", quality)) for quality in (95, 75, 30))]
    for series in (blurred, packed):
        measured = [measure(each, cell=cell) for each in series]
        for better, worse in itertools.pairwise(measured):
            assert worse.grid_exactness < better.grid_exactness
            assert worse.edge_sharpness < better.edge_sharpness
        assert all(worse.uniform_cells < 0.7 for worse in measured[1:])
        assert all(worse.colors > 10 * measured[0].colors for worse in measured[1:])


def test_pictures_without_a_grid():
    for name in ("nt-cat.png", "gc-bison.jpg"):
        measured = measure(images.read(PICTURES / name))
        assert measured.cell == (1, 1)
        assert (measured.grid_exactness, measured.uniform_cells) == (0, 0)
        assert measured.edge_sharpness < 0.6
        given = measure(images.read(PICTURES / name), cell=7)   # JPEG has a grid of 8
        assert given.grid_exactness == pytest.approx(1 / 7, abs=0.03)   # changes anywhere


def test_closed_forms():
    ramp = np.arange(0, 250, 5, dtype=np.uint8)[None, :, None].repeat(50, 0).repeat(3, 2)
    # 49 equal steps: 1/3 each but the two at the ends, which have one neighbour only: (47 / 3 + 2 / 2) / 49
    assert measure(ramp).edge_sharpness == pytest.approx((47 / 3 + 1) / 49, abs=1e-6)
    assert measure(ramp).colors == 50
    # with lines every 5 pixels 9 of the 49 steps are on one, or 10 from pixel 1 to 4 on
    assert measure(ramp, cell=5).grid_exactness == pytest.approx(10 / 49)
    # then the first of 11 columns of cells, torn, is one pixel wide
    assert measure(ramp, cell=5).uniform_cells == pytest.approx(1 / 11)
    step = np.zeros((8, 8, 3), np.uint8)
    step[:, 3:] = 90
    expected = Measures(colors=2, cell=(4, 4), grid_exactness=1.0, uniform_cells=1.0, edge_sharpness=1.0)
    assert measure(step, cell=4) == expected   # the grid may begin at pixel 3
    flat = np.full((5, 9, 3), 7, np.uint8)
    assert measure(flat) == Measures(colors=1, cell=(1, 1), grid_exactness=0, uniform_cells=0, edge_sharpness=1)
    assert measure(flat, cell=2) == Measures(
        colors=1, cell=(2, 2), grid_exactness=1, uniform_cells=1, edge_sharpness=1
    )


def test_shares_are_shares():
    rng = np.random.default_rng(0)
    for trial in range(60):
        height, width = rng.integers(2, 40, 2)
        image = rng.integers(0, 1 + 255 // rng.choice([1, 100, 255]), (height, width, 3 + trial % 2)).astype(np.uint8)
        measured = measure(image, cell=None if trial % 3 else float(rng.uniform(1.01, min(height, width))))
        assert all(0 <= getattr(measured, share) <= 1 for share in SHARES)
        assert 1 <= measured.colors <= height * width


def test_a_hidden_color_is_no_color():
    image = np.zeros((4, 4, 4), np.uint8)
    image[..., :3] = np.random.default_rng(1).integers(0, 256, (4, 4, 3))
    assert measure(image).colors == 1
    image[0, 0] = (1, 2, 3, 255)
    assert measure(image).colors == 2


def test_smallest_picture():
    assert dataclasses.asdict(measure(np.zeros((1, 1, 3), np.uint8))) == {
        "colors": 1, "cell": (1, 1), "grid_exactness": 0, "uniform_cells": 0, "edge_sharpness": 1,
    }


def test_bad_arguments_are_named():
    image = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(UserError, match=r"^a cell of 5 pixels is larger than the picture \(6x4\)$"):
        measure(image, cell=5)
    with pytest.raises(ValueError, match="`cell` must be over 1"):
        measure(image, cell=1)
    with pytest.raises(ValueError, match="`image` must be uint8"):
        measure(image[..., 0])
