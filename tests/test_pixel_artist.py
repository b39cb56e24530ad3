"""The model of pixel art by made pairs and patches: its distance of patches, its terms, and that it learns."""

import keras
import numpy as np
import pytest
import scipy
from keras import ops
from tiny_models import SHAPES, batch, four, gradients, perturb, train_on

from pixelart_tf.models.pixel_artist import PixelArtist
from pixelart_tf.models.sliced import FLAT, PATCH, quantiles, sliced_wasserstein
from pixelart_tf.scores import pixel_art

pytestmark = pytest.mark.keras_only
CELLS = {"name": "cells", "base_width": 8, "num_blocks": 1}
LARGE = {"source": (64, 64, 3), "partner": (64, 64, 3), "target": (16, 16, 3)}


def distance(made, real, directions):
    pairs = [quantiles(ops.convert_to_tensor(each), ops.convert_to_tensor(directions)) for each in (made, real)]
    return float(sliced_wasserstein(*pairs))


def contrasts(pictures):
    """The patches as `scores.pixel_art.style` has them, written out: float32 (n, 25)."""
    luminance = pictures @ np.float32([0.299, 0.587, 0.114])
    found = np.lib.stride_tricks.sliding_window_view(luminance, (PATCH, PATCH), axis=(1, 2)).reshape(-1, PATCH**2)
    found = found[found.std(axis=1) > FLAT]
    return (found - found.mean(axis=1, keepdims=True)) / found.std(axis=1, keepdims=True)


def test_the_distance_of_patches_is_scipys_wasserstein_distance_in_each_direction():
    made, real = four("cartoon", 32), four("sprite", 32)
    directions = np.random.default_rng(0).normal(size=(PATCH**2, 8)).astype("float32")
    units = directions / np.linalg.norm(directions, axis=0)
    expected = np.mean([
        scipy.stats.wasserstein_distance(contrasts(made) @ unit, contrasts(real) @ unit) for unit in units.T
    ])
    # 512 quantiles stand for some thousand patches, without the outermost of them.
    assert distance(made, real, directions) == pytest.approx(expected, rel=0.02)
    assert distance(made, made, directions) == 0


def test_the_distance_of_patches_is_what_style_measures():
    made, real = four("cartoon", 32), four("sprite", 32)
    levels = [np.rint((each + 1) * 127.5).astype(np.uint8) for each in (made, real)]
    directions = np.random.default_rng(0).normal(size=(PATCH**2, 256)).astype("float32")
    # Both draw directions, and the score draws patches too.
    assert 1000 * distance(made, real, directions) == pytest.approx(pixel_art.style(*levels), rel=0.1)


@pytest.mark.parametrize("made", [np.full((2, 16, 16, 3), 0.3, "float32"), np.zeros((2, 16, 16, 1), "float32")])
def test_flat_pictures_have_no_patches_and_finite_slopes(made):
    directions = np.ones((PATCH**2, 2), "float32")
    real = np.random.default_rng(0).uniform(-1, 1, made.shape).astype("float32")
    assert distance(made, real, directions) == distance(real, made, directions) == 0
    variable, real = keras.Variable(made), quantiles(ops.convert_to_tensor(real), ops.convert_to_tensor(directions))
    (slopes,) = gradients(
        lambda: sliced_wasserstein(quantiles(variable.value, ops.convert_to_tensor(directions)), real), [variable]
    )
    assert np.isfinite(slopes).all()


def test_its_terms_are_those_of_the_scores():
    model = perturb(PixelArtist(LARGE, generator=CELLS))
    x = {key: ops.convert_to_tensor(pictures) for key, pictures in batch(model).items()}
    terms = {}
    model.track = terms.update
    total = model.compute_loss(x=x, y_pred=model(x, training=True), training=True)
    made = model(x)
    fake, paired = (ops.convert_to_numpy(made[key]) for key in ("fake_target", "paired_target"))
    source = ops.convert_to_numpy(x["source"]).reshape(2, 16, 4, 16, 4, 3).mean((2, 4))
    both = [scipy.ndimage.gaussian_filter(each, (0, 1, 1, 0), mode="reflect") for each in (fake, source)]
    assert float(terms["color"]) == pytest.approx(np.abs(both[0] - both[1]).mean(), rel=1e-3)
    assert float(terms["pair"]) == pytest.approx(np.abs(paired - ops.convert_to_numpy(x["target"])).mean(), rel=1e-4)
    together = np.concatenate([fake, paired])
    padded = np.pad(together, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    beside = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
    nearest = np.min([np.abs(together - each).max(-1) for each in beside], axis=0)
    assert float(terms["orphans"]) == pytest.approx(nearest.mean(), rel=1e-4)
    calm = terms["flat"] + terms["haze"] + terms["texture"]
    weighted = terms["pair"] + terms["color"] + 1.5 * terms["patches"] + 3 * calm + 0.6 * terms["orphans"]
    assert float(total) == pytest.approx(float(weighted), rel=1e-5)


def terms_of(drawing, fake=0.0, **options):
    """Of a drawing, float32 (64, 64, 3), and what is made of it: of zeros unless given, float32 (16, 16, 3)."""
    model = PixelArtist(LARGE, generator=CELLS, **options)
    terms = {}
    model.track = terms.update
    x = {key: ops.convert_to_tensor(pictures) for key, pictures in batch(model, size=1).items()}
    x["source"] = ops.convert_to_tensor(drawing[None])
    made = {"fake_target": ops.zeros((1, 16, 16, 3)) + fake, "paired_target": ops.zeros((1, 16, 16, 3))}
    model.compute_loss(x=x, y_pred=made, training=True)
    return {name: float(value) for name, value in terms.items()}


def calm_terms(drawing):
    terms = terms_of(drawing)
    return [terms[name] for name in ("flat", "haze", "texture")]


def test_flat_areas_are_to_stay_and_beside_outlines_what_is_not_meant():
    """A drawing of a dark square on light ground: only cells that are two or more away from its border are flat."""
    drawing = np.full((64, 64, 3), 0.8, "float32")
    drawing[24:40, 24:40] = -0.8   # cells 6 to 9
    # Of 256 cells 36 are within the square or beside it, of which the inner 2x2 are flat: 224 cells are 0.8 from zero,
    # and 32, whose own pixels have one color, count as changed by 0.125.
    assert calm_terms(drawing) == pytest.approx([0.8 * 224 / 256, 0.125 * 32 / 256, 0], rel=1e-5)


def test_texture_is_to_stay():
    """Pixels of 0.2 and 0.6 in turn on the left half: there, too, each cell is 0.4 from zero."""
    drawing = np.full((64, 64, 3), 0.4, "float32")
    drawing[:, :32:2] -= 0.2
    drawing[:, 1:32:2] += 0.2
    # Of 16 columns of cells 8 are flat, and the last of them is beside the texture; of the texture's 8 the two that are
    # beside what is flat may have an outline.
    assert calm_terms(drawing) == pytest.approx([0.4 * 7 / 16, 0.125 / 16, 0.4 * 6 / 16], rel=1e-5)


def test_patches_of_texture_do_not_count():
    """The left half is texture but for two columns of cells: there what is made has no say, and on the right it has."""
    drawing = np.full((64, 64, 3), 0.4, "float32")
    drawing[:, :32:2] -= 0.2
    drawing[:, 1:32:2] += 0.2
    noise = np.random.default_rng(0).uniform(-1, 1, (16, 16, 3)).astype("float32")
    left, right = noise.copy(), noise.copy()
    left[:, 4:], right[:, :4] = 0, 0   # patches around cells of column 6 begin at column 4
    assert terms_of(drawing, left)["patches"] == 0
    assert terms_of(drawing, right)["patches"] > 0.1


def test_what_is_lighter_than_any_pixel_of_a_cell_or_beside_it_overshoots():
    """A drawing of a light square on dark ground: cells 6 to 9, of which those around them have pixels beside it."""
    drawing = np.full((64, 64, 3), -0.5, "float32")
    drawing[24:40, 24:40] = 0.5
    # Zero is 0.5 above the ground, of which 1/16 hardly shows, and nowhere above the square or the ring around it.
    assert terms_of(drawing, overshoot_weight=1.0)["overshoot"] == pytest.approx((0.5 - 1 / 16) * 220 / 256, rel=1e-5)
    assert terms_of(drawing, fake=-0.5, overshoot_weight=1.0)["overshoot"] == 0
    red = np.float32([1, 0, 0])   # of three channels one overshoots, wherever it is
    assert terms_of(drawing, fake=red - 0.5, overshoot_weight=1.0)["overshoot"] == pytest.approx(
        (1 - 1 / 16) * 220 / 256 / 3, rel=1e-5
    )
    assert "overshoot" not in terms_of(drawing)


def test_what_differs_more_from_its_neighbors_than_the_drawing_does_is_ragged():
    """An edge through the drawing, dark above row 8 of cells and light from there on."""
    drawing = np.full((64, 64, 3), -0.2, "float32")
    drawing[32:] = 0.2
    rows = np.full((16, 16, 3), -0.5, "float32")
    rows[8:] = 0.5   # 2.5 times as steep
    made = rows.copy()
    assert terms_of(drawing, made, ragged_weight=1.0)["ragged"] == 0
    made[7] = -0.6   # an outline along the edge
    assert terms_of(drawing, made, ragged_weight=1.0)["ragged"] == 0
    made = rows.copy()
    made[7, ::2] = 0.5   # one in two cells of the row before it is as those below
    # Beside each other 15 pairs of the 16 x 15 differ by 1, where the drawing's do not, and above each other 8 of them.
    # Of those that touch at corners in either direction, 8 and 7, or 7 and 8 above row 7; below it the drawing has the
    # edge, and those that are light twice differ by less than it.
    pairs = [15 / 240, 8 / 240, 7 / 225, 8 / 225]
    expected = (1 - 0.15) * np.mean(pairs)
    assert terms_of(drawing, made, ragged_weight=1.0)["ragged"] == pytest.approx(expected, rel=1e-4)
    assert "ragged" not in terms_of(drawing)


@pytest.mark.slow
def test_it_learns_to_draw_patches_as_the_target_has_them():
    """Four drawings and four sprites: from the generator's own start, which is the drawings' box means."""
    keras.utils.set_random_seed(0)
    weights = {"color_weight": 0.3, "haze_weight": 0.0, "texture_weight": 0.0}
    model = PixelArtist(LARGE, generator=CELLS | {"base_width": 16}, **weights)
    sprites = four("sprite", 16)
    partners = sprites.repeat(4, axis=1).repeat(4, axis=2)
    pictures = {"source": four("cartoon", 64), "partner": partners, "target": sprites}
    directions = np.random.default_rng(0).normal(size=(PATCH**2, 64)).astype("float32")

    def made_and_distance():
        made = ops.convert_to_numpy(model.to_target(pictures["source"]))
        return made, distance(made, sprites, directions)

    before, far_before = made_and_distance()
    train_on(model, pictures, 200, learning_rate=3e-3, beta_2=0.99)
    after, far_after = made_and_distance()
    assert far_after < 0.85 * far_before   # 0.77 of it was measured
    assert np.abs(after - before).mean() < 0.25   # 0.16, in [-1, 1]


@pytest.mark.parametrize(("shapes", "message"), [
    (SHAPES, "needs partners of the source's shape"),
    (SHAPES | {"partner": (32, 32, 3)}, "needs partners of the source's shape"),
    ({"source": (16, 16, 3), "partner": (16, 16, 3), "target": (32, 32, 3)}, "whole number of times as large"),
    ({"source": (16, 24, 3), "partner": (16, 24, 3), "target": (16, 16, 3)}, "whole number of times as large"),
    ({"source": (16, 16, 1), "partner": (16, 16, 1), "target": (4, 4, 1)}, "at least 5 pixels"),
])
def test_shapes_that_do_not_suit_it_are_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        PixelArtist(shapes, generator=CELLS)


@pytest.mark.parametrize("option", [
    "pair_weight", "color_weight", "patch_weight", "step_weight", "flat_weight", "haze_weight",
    "texture_weight", "orphan_weight", "overshoot_weight", "ragged_weight", "num_directions",
])
def test_options_below_their_least_are_refused(option):
    with pytest.raises(ValueError, match=option):
        PixelArtist(LARGE, generator=CELLS, **{option: -1})
