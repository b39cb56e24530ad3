"""Lone cells that a generator makes of texture."""

import numpy as np

from pixelart_tf.pixelize.lone import without_lone

SIZE = 4


def textured(rows=8, columns=8, seed=0):
    """A picture whose cells are all alike, each of many colors: uint8 (rows * 4, columns * 4, 3)."""
    block = np.random.default_rng(seed).integers(60, 140, (SIZE, SIZE, 3))
    return np.tile(block, (rows, columns, 1)).astype(np.uint8)


def made_with(*cells, shape=(8, 8), color=(100, 100, 100)):
    made = np.full((*shape, 3), color, np.uint8)
    for row, column, value in cells:
        made[row, column] = value
    return made


def test_a_lone_cell_in_texture_takes_its_nearest_neighbors_color():
    made = made_with((3, 4, 200), (3, 5, 120))
    cleaned = without_lone(made, textured())
    assert cleaned[3, 4].tolist() == [100] * 3   # that of the two passes; 120 went first
    assert (cleaned == 100).all()
    assert (without_lone(made_with((0, 0, 200), (7, 3, 0)), textured()) == 100).all()


def test_what_shows_little_or_has_company_stays():
    for made in (made_with((3, 4, 116)), made_with((3, 4, 200), (3, 5, 200)), made_with((2, 2, 30), (3, 2, 40))):
        np.testing.assert_array_equal(without_lone(made, textured()), made)


def test_where_the_picture_has_it_too_or_has_no_texture_it_stays():
    made = made_with((3, 4, 200))
    picture = textured()
    picture[12:16, 16:20] += 70   # the same cell, lighter by as much as that is told
    np.testing.assert_array_equal(without_lone(made, picture), made)
    picture = textured()
    picture[4:8, 8:12] = 90       # a cell of one color, two up and two to the left of it
    np.testing.assert_array_equal(without_lone(made, picture), made)
    picture = textured()
    picture[0:4, 16:20] = 90      # three up
    assert (without_lone(made, picture) == 100).all()
    np.testing.assert_array_equal(without_lone(made, np.full((32, 32, 3), 90, np.uint8)), made)


def test_a_picture_of_one_pixel_a_cell_has_no_texture():
    made = made_with((3, 4, 200))
    np.testing.assert_array_equal(without_lone(made, made_with()), made)
