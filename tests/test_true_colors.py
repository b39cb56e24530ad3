"""Palettes that are moved to a picture's colors, beside plain algebra and by what leaves `pixelize`."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf.generators import native
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import art, color
from pixelart_tf.pixelize.palette import nearest
from pixelart_tf.pixelize.style import Style
from pixelart_tf.pixelize.true_colors import true_colors
from pixelart_tf.scores import pixel_art

HELD_OUT = Path(__file__).parents[1] / "tfrecords" / "heldout_cartoon*.tfrec"
PALETTE = np.array([[20, 10, 30], [200, 60, 40], [255, 255, 255], [0, 0, 255]], np.uint8)


def drawn(rng, shape=(11, 14)):
    """Cells of the first three entries, and a picture that is elsewhere but where they are white."""
    index = rng.integers(0, 3, shape).astype(np.uint8)
    meant = np.clip(PALETTE[index] + rng.integers(0, 24, (*shape, 3)), 0, 255).astype(np.uint8)
    meant[index == 2] = 255
    return index, meant


def turned(palette, index, opaque, meant):
    """The palette in the mean hues of its entries' cells, entry by entry; a chroma below 0.02 has none."""
    made = palette.copy()
    for entry in np.unique(index[opaque]):
        light, *own = color.to_oklab(palette[entry])
        seen = color.to_oklab(meant[opaque & (index == entry)]).mean(axis=0)
        if min(np.hypot(*own), np.hypot(*seen[1:])) >= 0.02:
            hue = np.arctan2(seen[2], seen[1])
            made[entry] = color.from_oklab([light, *np.hypot(*own) * np.array([np.cos(hue), np.sin(hue)])])
    return made


def by_algebra(palette, index, opaque, meant, free):
    """The same least squares, row by row: a row for each block's mean and one for each cell that holds its entry."""
    rows, wanted = [], []
    for shift in (0, 2):
        for top in range(-shift, index.shape[0], 4):
            for left in range(-shift, index.shape[1], 4):
                inside = np.zeros_like(opaque)
                inside[max(0, top) : max(0, top + 4), max(0, left) : max(0, left + 4)] = True
                inside &= opaque
                if not inside.any():
                    continue
                weight = np.sqrt(inside.sum() / 2)
                rows.append([weight * (index[inside] == entry).mean() for entry in free])
                wanted.append(weight * (meant[inside].astype(float) - palette[index[inside]]).mean(axis=0))
    for nth, entry in enumerate(free):
        rows.append(np.sqrt(0.5 * (index[opaque] == entry).sum()) * np.eye(len(free))[nth])
        wanted.append(np.zeros(3))
    return np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]


@pytest.mark.parametrize("holes", [False, True])
def test_it_is_the_least_squares_of_the_means_of_blocks(holes):
    rng = np.random.default_rng(0)
    index, meant = drawn(rng)
    opaque = rng.random(index.shape) < (0.6 if holes else 1.0)
    moved = true_colors(PALETTE, index, opaque, meant)
    hues = turned(PALETTE, index, opaque, meant)
    wanted = hues.astype(float)
    wanted[:2] += by_algebra(hues, index, opaque, meant, (0, 1))
    np.testing.assert_array_equal(moved, np.clip(np.rint(wanted), 0, 255))
    assert (moved[:2] != PALETTE[:2]).any(axis=1).all()


def test_hues_are_the_pictures_and_greys_stay_grey():
    """Brown that was drawn reddish is brown again, as light and as colorful as it was drawn."""
    palette = np.array([[110, 60, 60], [60, 60, 60], [255, 255, 255]], np.uint8)
    index = np.arange(144).reshape(12, 12).astype(np.uint8) % 3
    meant = palette[index]
    meant[index == 0] = 128, 80, 35
    meant[index == 1] = 90, 60, 60
    opaque = np.ones_like(index, bool)
    hues = turned(palette, index, opaque, meant)
    before, after, true = (color.to_oklab(each) for each in (palette[0], hues[0], meant[0, 0]))
    assert np.hypot(*after[1:]) == pytest.approx(np.hypot(*before[1:]), abs=0.003)   # eight bits have no more
    assert after[0] == pytest.approx(before[0], abs=0.003)
    assert np.arctan2(after[2], after[1]) == pytest.approx(np.arctan2(true[2], true[1]), abs=0.05)
    np.testing.assert_array_equal(hues[1:], palette[1:])
    moved = true_colors(palette, index, opaque, meant)
    assert np.abs(moved - hues.astype(int)).max() <= 12
    np.testing.assert_array_equal(moved[2], 255)


def test_what_is_meant_to_be_dark_stays_dark():
    """Outlines, a sixth of the cells, of 50 levels below the picture: 12 of them are given back."""
    index = np.full((12, 12), 2, np.uint8)
    index[:, ::6] = 0
    meant = PALETTE[index]
    meant[index == 0] += 50
    opaque = np.ones_like(index, bool)
    moved = true_colors(PALETTE, index, opaque, meant)
    np.testing.assert_array_equal(moved[0], turned(PALETTE, index, opaque, meant)[0] + 12)


def test_a_generator_of_other_colors_keeps_them_but_for_their_hues():
    """Of means that differ by more than 10 levels, as `sprite-outlined` has them."""
    index, meant = drawn(np.random.default_rng(4))
    meant[index == 1] = PALETTE[1] + 40
    opaque = np.ones_like(index, bool)
    moved = true_colors(PALETTE, index, opaque, meant)
    np.testing.assert_array_equal(moved, turned(PALETTE, index, opaque, meant))


def test_what_is_nearly_true_becomes_so():
    index, meant = drawn(np.random.default_rng(2))
    nearly = PALETTE.copy()
    nearly[2] = 254
    moved = true_colors(nearly, index, np.ones_like(index, bool), meant)
    np.testing.assert_array_equal(moved, true_colors(PALETTE, index, np.ones_like(index, bool), meant))
    np.testing.assert_array_equal(moved[2], 255)


def test_what_is_true_already_stays_and_so_does_what_nothing_is_drawn_with():
    index, meant = drawn(np.random.default_rng(1))
    moved = true_colors(PALETTE, index, np.ones_like(index, bool), meant)
    np.testing.assert_array_equal(moved[2:], PALETTE[2:])
    as_drawn = PALETTE[index]
    np.testing.assert_array_equal(true_colors(PALETTE, index, np.ones_like(index, bool), as_drawn), PALETTE)
    np.testing.assert_array_equal(true_colors(PALETTE, index, np.zeros_like(index, bool), meant), PALETTE)


def made_of_drawings(generator, style, count=12):
    """For each of some held-out drawings: its name, itself, and the generator's cells."""
    found = {item.name: images.read(item.data) for item in sources.read(str(HELD_OUT))}
    found = dict([*found.items()][::5][:count])
    generate = native.generating(generator, style)
    made = generate.run((name, generate.prepare(image)) for name, image in found.items())
    return [(found[name], art.crisped(each, style)) for name, each in made]


@pytest.mark.keras_only
def test_drawings_come_nearer_to_their_colors_and_white_grounds_stay_white():
    """`sprite-inked` draws darker than a drawing is, and its palette gives that back: by a sixth of far on average."""
    style = Style(width=32, colors=16)
    before, after, white = [], [], 0
    for image, cells in made_of_drawings("sprite-inked", style):
        done = art.finish(cells, style)
        own = art.palette_of(cells, style)
        as_drawn = nearest(cells.colors, own)
        np.testing.assert_array_equal(done.index, as_drawn)
        before.append(pixel_art.far(own[as_drawn], image))
        after.append(pixel_art.far(done.image(), image))
        if (np.median(cells.meant[as_drawn == as_drawn[0, 0]], axis=0) == 255).all():
            assert (done.image()[0, 0] == 255).all()
            white += 1
    assert white >= 8   # most are on white
    assert np.mean(after) < 0.9 * np.mean(before)
    assert np.less(after, before).mean() > 0.8


@pytest.mark.keras_only
def test_palettes_that_are_given_and_plain_cells_are_left_alone():
    style = Style(width=24, colors=8)
    (_, cells), *_ = made_of_drawings("sprite-inked", style, count=1)
    own = art.palette_of(cells, style)
    for kept in (dataclasses.replace(style, palette=own), dataclasses.replace(style, crisp=False)):
        np.testing.assert_array_equal(art.finish(cells, kept).palette, own)
    assert (art.finish(cells, style).palette != own).any()


@pytest.mark.keras_only
def test_an_outline_that_is_drawn_around_does_not_count():
    """It is darker than the picture there, and nothing is to be made lighter for it."""
    style = Style(width=24, colors=8)
    (_, cells), *_ = made_of_drawings("sprite-inked", style, count=1)
    plain, outlined = (art.finish(cells, dataclasses.replace(style, outline=each)) for each in (False, True))
    np.testing.assert_array_equal(plain.palette, outlined.palette)
    assert (plain.index != outlined.index).any()
