"""What keeps films still: palettes a shot, cuts, cells that noise does not move and motion does."""

import itertools

import numpy as np
import pytest
from making_films import PICTURES, pan, still

from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Art, Style, cells
from pixelart_tf.pixelize.painting import dithered, outlined
from pixelart_tf.pixelize.shots import is_cut, step
from pixelart_tf.pixelize.steady import Flicker, steady

PHOTOS = ("gc-bison.jpg", "gc-chicken.jpg", "gc-cow.jpg")
CARTOONS = ("nt-cat.png", "nt-owl.png", "nt-pie.png")


def reduced(frames, cell=8):
    """The cells of frames, as `steady` takes them."""
    for frame in frames:
        height, width = frame.shape[:2]
        yield cells.reduce(frame, cells.edges(height, cell=cell), cells.edges(width, cell=cell))


def flat(values, number=1):
    """A frame, or several, whose cells have these colors: (rows, columns, 3)."""
    values = np.asarray(values, np.uint8)
    return [(values, np.ones(values.shape[:2], bool))] * number


def drawn(arts):
    return [art.palette[art.index] for art in arts]


@pytest.mark.parametrize("dither", ["none", "bayer4", "floyd-steinberg"])
@pytest.mark.parametrize("name", ["gc-cow.jpg", "nt-owl.png"])
def test_noise_on_a_still_flickers_at_least_five_times_less(name, dither):
    # The bound is the issue's; sigma 8 is a camera's noise at a high ISO. Frame by frame with one and the same palette.
    style = Style(dither=dither)
    frames = list(reduced(still(name, 40, sigma=8)))
    arts = list(steady(frames, style))
    before, after = Flicker(), Flicker()
    changes = {"before": 0, "after": 0}
    single = []
    for (values, opaque), art in zip(frames, arts, strict=True):
        index = dithered(values, opaque, art.palette, style)
        single.append(index)
        before(Art(index=index, palette=art.palette, opaque=opaque, cell=8))
        after(art)
    changes["before"] = np.mean([(one != other).mean() for one, other in itertools.pairwise(single)])
    changes["after"] = np.mean([(a.index != b.index).mean() for a, b in itertools.pairwise(arts)])
    assert before.share > 0.005
    assert after.share <= before.share / 5
    assert changes["after"] <= changes["before"] / 5


@pytest.mark.parametrize("dither", ["none", "bayer8", "atkinson"])
def test_without_noise_a_still_is_what_each_frame_is(dither):
    style = Style(dither=dither, colors=12)
    (values, opaque), *_ = frames = list(reduced(still("gc-bison.jpg", 1, sigma=0))) * 5
    for art in steady(frames, style):
        index = dithered(values, opaque, art.palette, style)
        np.testing.assert_array_equal(art.index, index)


def test_what_moves_leaves_no_trail():
    # A light square over a dark ground, one cell a frame; each frame must be exact, where it was included.
    ground, square = (40, 44, 90), (230, 200, 120)
    frames = []
    for nth in range(20):
        values = np.full((12, 24, 3), ground, np.uint8)
        values[4:8, nth : nth + 4] = square
        frames += flat(values)
    for (values, _), picture in zip(frames, drawn(steady(frames, Style(colors=2))), strict=True):
        np.testing.assert_array_equal(picture, values)


@pytest.mark.parametrize("dither", ["none", "bayer4"])
def test_a_moving_photograph_is_drawn_as_exactly_as_frame_by_frame(dither):
    # A pan over a photograph: the mean error to the true cells may grow by the dead band at most; here by under 5 %.
    style = Style(dither=dither)
    frames = list(reduced(pan("gc-chicken.jpg", 40, step=3), cell=4))
    errors = np.zeros(2)
    for (values, opaque), art in zip(frames, steady(frames, style), strict=True):
        index = dithered(values, opaque, art.palette, style)
        for nth, each in enumerate((index, art.index)):
            errors[nth] += np.abs(art.palette[each].astype(int) - values).mean()
    assert errors[1] <= 1.05 * errors[0]


def test_a_gradient_that_moves_leaves_no_specks():
    # An owl's belly, enlarged, from top to bottom; between two entries of the palette lies a clean line. Cells that lag
    # would be specks beside it.
    owl = images.fit(images.read(PICTURES / "nt-owl.png"), 1024, how="stretch")
    random = np.random.default_rng(0)
    frames = [owl[450 + 3 * nth : 690 + 3 * nth, 350:670] + random.normal(0, 2, (240, 320, 3)) for nth in range(60)]
    frames = list(reduced([np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in frames]))
    other = 0
    for (values, opaque), art in zip(frames, steady(frames, Style(colors=6)), strict=True):
        index = dithered(values, opaque, art.palette, Style())
        other += (index != art.index).mean() / len(frames)
    assert other < 0.03   # 0.023; were cells to know nothing of those around them, 0.106


def test_a_slow_fade_is_followed():
    # From black to white in 200 frames: of 16 greys the drawn one is never further from the true value than half
    # the greys' spacing (8.5) and the distance by which it may lag, of 1.3 levels a frame.
    frames = [each for level in np.linspace(0, 255, 200) for each in flat(np.full((4, 4, 3), round(level)))]
    greys = np.repeat(np.arange(0, 256, 17, dtype=np.uint8)[:, None], 3, axis=1)
    pictures = drawn(steady(frames, Style(palette=greys)))
    apart = [abs(int(picture[0, 0, 0]) - int(values[0, 0, 0])) for (values, _), picture in zip(
        frames, pictures, strict=True)]
    assert max(apart) <= 8.5 + 8 * 1.3 + 1
    assert pictures[-1][0, 0, 0] == 255
    levels = [int(picture[0, 0, 0]) for picture in pictures]
    assert levels == sorted(levels)   # and never back


def test_each_shot_has_a_palette_and_cuts_are_found():
    # Pans over six real pictures cut together; the cuts are where they were made, all of them and no others.
    lengths, frames = (20, 9, 31, 14, 25, 12), []
    for name, length in zip(PHOTOS + CARTOONS, lengths, strict=True):
        frames += reduced(pan(name, length, step=5))
    arts = list(steady(frames, Style(colors=12)))
    starts = [nth for nth, art in enumerate(arts) if not nth or art.palette is not arts[nth - 1].palette]
    assert starts == [0, *np.cumsum(lengths)[:-1]]
    for start, end in zip(starts, [*starts[1:], len(arts)], strict=True):
        assert len(arts[start].palette) <= 12
        error = np.mean([np.abs(arts[nth].palette[arts[nth].index].astype(int) - frames[nth][0]).mean()
                         for nth in range(start, end)])
        assert error < 12   # of 255; with the first shot's palette the last ones are at 25 and more


@pytest.mark.parametrize("name", PHOTOS + CARTOONS)
def test_a_fast_pan_and_noise_are_no_cut(name):
    moving = list(reduced(pan(name, 40, step=24)))   # 3 cells a frame
    standing = list(reduced(still(name, 20, sigma=12)))
    for frames in (moving, standing):
        values = [values for values, _ in frames]
        steps = [step(*each) for each in zip(values[:1] + values, values, values[1:], strict=False)]
        assert not any(is_cut(steps, nth) for nth in range(len(steps)))


def test_a_long_shot_that_changes_gets_another_palette():
    # Two pictures that fade into each other over 700 frames: no cut, but the first palette cannot draw the second.
    one, other = (next(reduced([images.read(PICTURES / name)], cell=16))[0] for name in ("gc-bison.jpg", "nt-owl.png"))
    mixed = [one + (other.astype(float) - one) * share for share in np.linspace(0, 1, 700)]
    arts = list(steady((flat(values)[0] for values in mixed), Style(colors=8)))
    palettes = {id(art.palette) for art in arts}
    assert len(arts) == 700
    assert 2 <= len(palettes) <= 4
    values, opaque = flat(mixed[-1])[0]
    errors = []
    for palette in (arts[0].palette, arts[-1].palette):
        index = dithered(values, opaque, palette, Style())
        errors.append(np.abs(palette[index].astype(int) - values).mean())
    assert errors[1] <= errors[0] / 2


def test_a_given_palette_is_kept_over_cuts_and_reading_is_bounded():
    palette = np.array([[0, 0, 0], [90, 90, 90], [180, 180, 180], [255, 255, 255]], np.uint8)
    read = 0

    def endless():
        nonlocal read
        for name in PHOTOS * 1000:
            for frame in reduced(pan(name, 12), cell=16):
                read += 1
                yield frame

    arts = steady(endless(), Style(palette=palette))
    for _ in range(30):
        assert next(arts).palette is palette
    assert read <= 30 + 256


def test_transparency_comes_and_goes_with_the_frame():
    style = Style(colors=4, outline=True)
    frames = []
    for nth in range(8):
        opaque = np.zeros((12, 20), bool)
        opaque[4:8, 3 + nth : 8 + nth] = True
        frames.append((np.where(opaque[..., None], np.uint8(200), np.uint8(0)).repeat(3, -1)[..., :3], opaque))
    for (values, opaque), art in zip(frames, steady(frames, style), strict=True):
        index, with_outline = outlined(dithered(values, opaque, art.palette, style), opaque, art.palette, style)
        np.testing.assert_array_equal(art.opaque, with_outline)
        np.testing.assert_array_equal(art.index[with_outline], index[with_outline])


def test_no_frames_give_no_art():
    assert list(steady([], Style())) == []


def test_flicker_counts_what_changes_back():
    # 4 cells: one stands, one changes once, one comes back at once, one after 20 frames. 1 flicker in 4 x 29 cells.
    palette, flicker = np.array([[0, 0, 0], [255, 255, 255]], np.uint8), Flicker()
    for nth in range(30):
        index = np.array([[0, nth >= 5, nth == 5, 3 <= nth < 23]], np.uint8)
        flicker(Art(index=index, palette=palette, opaque=np.ones((1, 4), bool), cell=1))
    assert flicker.share == pytest.approx(1 / (4 * 29))
