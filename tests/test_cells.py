"""Cells: their edges, the color of each, and their enlargement. Held against loops over cells written out here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import images
from pixelart_tf.pixelize.cells import HOW, edges, edges_across, enlarge, reduce

PICTURES = Path(__file__).parent / "data" / "pictures"


def random_case(rng: np.random.Generator, channels: int = 3):
    """A picture of few or many colors, and uneven cell edges that need not reach its borders."""
    height, width = rng.integers(1, 40, 2)
    image = rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
    if rng.random() < 0.5:
        image = image[:4, :1].repeat(-(-height // len(image[:4])), 0)[:height].repeat(width, 1).copy()
        image[rng.random((height, width)) < 0.3] = rng.integers(0, 256, channels)
    sides = []
    for length in (height, width):
        count = rng.integers(1, length + 1)
        sides.append(np.sort(rng.choice(length + 1, count + 1, replace=False)))
    return image, *sides


def each_cell(image, rows, columns):
    """(row, column, pixels (n, C)) of every cell."""
    for row in range(len(rows) - 1):
        for column in range(len(columns) - 1):
            cell = image[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            yield row, column, cell.reshape(-1, image.shape[-1])


def test_edges_by_cell():
    assert edges(100, cell=8).tolist() == list(range(0, 97, 8))   # 12 whole cells, 4 pixels left over
    assert edges(100, cell=8, start=6).tolist() == list(range(6, 95, 8))
    assert edges(8, cell=8).tolist() == [0, 8]
    assert edges(22, cell=7.3).tolist() == [0, 7, 15, 22]   # 7.3, 14.6, 21.9
    assert len(edges(100, cell=100 / 3)) == 4


def test_edges_by_count():
    assert edges(10, count=4).tolist() == [0, 3, 5, 8, 10]   # 2.5 and 7.5 go up
    rng = np.random.default_rng(0)
    for _ in range(200):
        length = int(rng.integers(1, 3000))
        count = int(rng.integers(1, length + 1))
        sizes = np.diff(edges(length, count=count))
        assert len(sizes) == count
        assert sizes.sum() == length
        assert np.ptp(sizes) <= 1


def test_edges_across_make_cells_nearly_square():
    rows, columns = edges_across(667, 1000, 64)
    assert (len(rows) - 1, len(columns) - 1) == (43, 64)   # 667 * 64 / 1000 = 42.7
    assert [len(side) - 1 for side in edges_across(1, 1000, 64)] == [1, 64]
    assert [len(side) - 1 for side in edges_across(1000, 3, 3)] == [1000, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": 9}, "a cell of 9 pixels is larger than the picture (8 pixels)"),
        ({"cell": 5, "start": 4}, "a cell of 5 pixels is larger than the picture (8 pixels)"),
        ({"count": 9}, "9 cells across do not fit on 8 pixels: it must be 1 to 8"),
        ({"count": 0}, "0 cells across do not fit on 8 pixels: it must be 1 to 8"),
    ],
)
def test_cells_that_do_not_fit_are_told_in_a_line(arguments, message):
    with pytest.raises(UserError) as caught:
        edges(8, **arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("arguments", [{}, {"cell": 4, "count": 2}, {"cell": 0.5}, {"cell": float("nan")}])
def test_edges_refuse_nonsense(arguments):
    with pytest.raises(ValueError, match="`cell`"):
        edges(8, **arguments)


@pytest.mark.parametrize("how", HOW)
def test_cells_of_one_color_keep_it(how):
    rng = np.random.default_rng(1)
    for _ in range(40):
        _, rows, columns = random_case(rng)
        colors = rng.integers(0, 256, (len(rows) - 1, len(columns) - 1, 3)).astype(np.uint8)
        image = rng.integers(0, 256, (rows[-1] + 3, columns[-1] + 2, 3)).astype(np.uint8)
        drawn = colors.repeat(np.diff(rows), 0).repeat(np.diff(columns), 1)
        image[rows[0] : rows[-1], columns[0] : columns[-1]] = drawn
        for core in (1.0, 0.5):
            cells, opaque = reduce(image, rows, columns, how=how, core=core)
            assert (cells == colors).all()
            assert opaque.all()
            assert cells.dtype == np.uint8
            assert opaque.dtype == bool


def test_mean_and_median_are_those_of_the_cell():
    rng = np.random.default_rng(2)
    for _ in range(40):
        image, rows, columns = random_case(rng)
        mean, _ = reduce(image, rows, columns, how="mean")
        median, _ = reduce(image, rows, columns, how="median")
        for row, column, pixels in each_cell(image, rows, columns):
            assert (mean[row, column] == np.floor(pixels.mean(0) + 0.5)).all()
            assert (median[row, column] == np.sort(pixels, 0)[(len(pixels) - 1) // 2]).all()


def test_mean_is_the_box_filter_of_pillow():
    image = images.read(PICTURES / "gc-bison.jpg")
    cells, _ = reduce(image, edges(256, cell=8), edges(256, cell=8))
    assert np.abs(cells.astype(int) - np.asarray(Image.fromarray(image).reduce(8))).max() <= 1
    assert (cells == np.asarray(Image.fromarray(image).reduce(8))).mean() > 0.99   # Pillow's fixed point, halves apart


def test_dominant_is_of_the_most_frequent_group():
    rng = np.random.default_rng(3)
    for _ in range(60):
        image, rows, columns = random_case(rng)
        cells, _ = reduce(image, rows, columns, how="dominant")
        for row, column, pixels in each_cell(image, rows, columns):
            groups, counts = np.unique(pixels >> 3, axis=0, return_counts=True)
            group = cells[row, column] >> 3
            assert counts[(groups == group).all(1)] == counts.max()
            colors, counts = np.unique(pixels[(pixels >> 3 == group).all(1)], axis=0, return_counts=True)
            assert counts[(colors == cells[row, column]).all(1)] == counts.max()   # so it occurs in the cell


def test_contrast_takes_a_color_of_the_cell():
    rng = np.random.default_rng(4)
    for _ in range(40):
        image, rows, columns = random_case(rng)
        cells, _ = reduce(image, rows, columns, how="contrast")
        for row, column, pixels in each_cell(image, rows, columns):
            assert (pixels == cells[row, column]).all(1).any()


def test_contrast_keeps_a_thin_line_where_others_lose_it():
    image = np.full((64, 64, 3), 220, np.uint8)
    image[:, 29] = 20   # one pixel of eight
    image[26:29, 10:13] = 255   # a highlight: too little contrast on light grey
    image[44:47, 50:53] = 20   # a dark dot, 9 of 64 pixels
    sides = edges(64, cell=8), edges(64, cell=8)
    contrast, _ = reduce(image, *sides, how="contrast")
    dark = (contrast == 20).all(-1)
    assert dark[:, 3].all()
    assert dark[5, 6]
    assert dark.sum() == 9
    for how in ("median", "dominant"):
        assert (reduce(image, *sides, how=how)[0] == 220).all()


def test_contrast_drops_specks():
    image = np.full((64, 64, 3), 220, np.uint8)
    image[10:12, 10:13] = 20   # 6 of 64 pixels, under an eighth
    assert (reduce(image, edges(64, cell=8), edges(64, cell=8), how="contrast")[0] == 220).all()


def test_contrast_leaves_edges_where_they_are():
    for place in range(24, 33):   # dark from here on; the cell of pixels 24 to 31 belongs to whom it is more of
        image = np.full((64, 64, 3), 230, np.uint8)
        image[:, place:] = 30
        cells, _ = reduce(image, edges(64, cell=8), edges(64, cell=8), how="contrast")
        if place != 28:
            assert (cells[:, 3] == (30 if place < 28 else 230)).all()
        assert (cells[:, :3] == 230).all()
        assert (cells[:, 4:] == 30).all()


def test_contrast_keeps_the_outline_of_a_drawing():
    drawing = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(drawing).ellipse((30, 30, 226, 226), fill=(240, 180, 60), outline=(0, 0, 0), width=2)
    sides = edges(256, cell=8), edges(256, cell=8)
    num_dark = {how: int((reduce(np.asarray(drawing), *sides, how=how)[0].max(-1) < 64).sum()) for how in HOW}
    assert num_dark["contrast"] > 50   # a circle of 24.5 cells across passes through about 100 cells, 69 in a thin line
    assert num_dark["median"] < 5
    assert num_dark["mean"] == 0
    assert num_dark["dominant"] < 5


@pytest.mark.parametrize("how", HOW)
def test_what_is_behind_transparency_plays_no_part(how):
    rng = np.random.default_rng(5)
    for _ in range(30):
        image, rows, columns = random_case(rng, channels=4)
        image[..., 3] = rng.choice([0, 0, 100, 128, 255], image.shape[:2])
        cells, opaque = reduce(image, rows, columns, how=how)
        for row, column, pixels in each_cell(image, rows, columns):
            assert opaque[row, column] == (pixels[:, 3].sum() >= 128 * len(pixels))
        assert (cells[~opaque] == 0).all()
        other = image.copy()
        other[image[..., 3] == 0, :3] = rng.integers(0, 256, 3)
        assert (reduce(other, rows, columns, how=how)[0] == cells).all()


def test_no_fringe_of_the_background():
    image = np.zeros((8, 8, 4), np.uint8)
    image[..., :3] = (0, 255, 0)
    image[:, 2:5] = (200, 30, 40, 128)
    image[:, 5:] = (200, 30, 40, 255)
    for how in HOW:
        cells, opaque = reduce(image, edges(8, cell=8), edges(8, cell=8), how=how, alpha_threshold=100)
        assert cells.tolist() == [[[200, 30, 40]]]
        assert opaque.all()
    assert not reduce(image, edges(8, cell=8), edges(8, cell=8), alpha_threshold=200)[1].any()


def test_mean_weights_by_alpha():
    image = np.array([[[255, 0, 0, 255], [0, 0, 255, 85]]], np.uint8)
    cells, _ = reduce(image, np.array([0, 1]), np.array([0, 2]))
    assert cells.tolist() == [[[191, 0, 64]]]   # 255 * 255 / 340 = 191.25, 255 * 85 / 340 = 63.75


def test_opaque_alpha_is_no_alpha():
    image, rows, columns = random_case(np.random.default_rng(6))
    with_alpha = np.concatenate([image, np.full_like(image[..., :1], 255)], axis=-1)
    for how in HOW:
        assert (reduce(image, rows, columns, how=how)[0] == reduce(with_alpha, rows, columns, how=how)[0]).all()


def test_core_leaves_the_borders_out():
    image = np.full((16, 16, 3), 9, np.uint8)
    image[2:6, 2:6] = image[10:14, 2:6] = image[2:6, 10:14] = image[10:14, 10:14] = 200
    for how in HOW:
        assert (reduce(image, edges(16, cell=8), edges(16, cell=8), how=how, core=0.5)[0] == 200).all()


def test_bad_arguments_are_named():
    image = np.zeros((4, 4, 3), np.uint8)
    side = np.array([0, 4])
    with pytest.raises(ValueError, match=r"`how` must be one of mean, median, dominant, contrast\. Received: 'mode'"):
        reduce(image, side, side, how="mode")
    with pytest.raises(ValueError, match="`image` must be uint8"):
        reduce(image.astype(float), side, side)
    with pytest.raises(ValueError, match=r"`alpha_threshold` must be 1 to 255\. Received: 0"):
        reduce(image, side, side, alpha_threshold=0)
    with pytest.raises(ValueError, match="`core`"):
        reduce(image, side, side, core=0)
    for wrong in ([0, 5], [0, 2, 2], [0], [-1, 4]):
        with pytest.raises(ValueError, match="`row_edges`"):
            reduce(image, np.array(wrong), side)
    with pytest.raises(ValueError, match="`scale`"):
        enlarge(image, np.ones((4, 4), bool), 0)


def test_enlarging_and_reducing_give_the_cells_back():
    rng = np.random.default_rng(7)
    for _ in range(30):
        height, width, scale = rng.integers(1, 9, 3)
        cells = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        opaque = rng.random((height, width)) < rng.choice([0.5, 1])
        image = enlarge(cells, opaque, int(scale))
        assert image.shape == (height * scale, width * scale, 3 if opaque.all() else 4)
        sides = [edges(length, cell=scale) for length in image.shape[:2]]
        for how in HOW:
            back, solid = reduce(image, *sides, how=how)
            assert (solid == opaque).all()
            assert (back[opaque] == cells[opaque]).all()
