"""CycleGAN of pictures and their cells, of made pairs, and what its discriminators are fined for."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import batch, compile_for_few_steps, gradients, perturb, players_gradients

from pixelart_tf.generators.native import own_cell
from pixelart_tf.generators.tiling import axes_of
from pixelart_tf.layers.gradient import input_gradient
from pixelart_tf.models import penalties
from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.models.parts import before_clip, generator_of
from pixelart_tf.networks import cells, resnet, unet
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"source": (32, 48, 3), "target": (8, 12, 3)}
CELLS = {"name": "cells", "base_width": 8, "num_blocks": 1}
PATCHGAN = {"base_width": 4, "num_layers": 1, "norm": False}
OPTIONS = {
    "generator": CELLS, "discriminator": PATCHGAN, "identity_weight": 0.0, "color_weight": 1.0, "color_block": 2,
    "cycle_weight": 2.0,
}


def made(shapes=None, **options):
    keras.utils.set_random_seed(0)
    return perturb(CycleGAN(SHAPES if shapes is None else shapes, **OPTIONS | options))


def losses(model, x):
    """Name -> value of the losses of a batch, one step's, and the sum that is trained on."""
    terms = {}
    model.track = lambda given: terms.update({key: float(value) for key, value in given.items()})
    x = {key: ops.convert_to_tensor(value) for key, value in x.items()}
    total = model.compute_loss(x=x, y_pred=model(x, training=True), training=True)
    return terms | {"sum": float(total)}


# --- the network ---

@pytest.mark.parametrize(("scale", "size"), [(0.25, (8, 12)), (4, (128, 192)), (1, (32, 48)), (0.5, (16, 24))])
def test_cells_scale_pictures(scale, size):
    network = cells(scale=scale, base_width=8, num_blocks=1)
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 32, 48, 3)).astype("float32")
    out = ops.convert_to_numpy(network(pictures))
    assert out.shape == (2, *size, 3)
    assert np.abs(out).max() <= 1


def test_a_new_network_gives_about_the_box_means():
    """0.05 of He's gain in the last convolution: DESIGN's network starts at its base."""
    pictures = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype("float32")
    keras.utils.set_random_seed(0)
    out = ops.convert_to_numpy(cells()(pictures))
    means = pictures.reshape(1, 16, 4, 16, 4, 3).mean((2, 4))
    assert np.abs(out - means).mean() < 0.3 * np.abs(means - means.mean()).mean() + 0.2


def test_the_design_networks_size():
    """DESIGN: a generator of width 32 with 4 blocks has 83,000 parameters."""
    assert round(cells().count_params(), -3) == 83_000


def test_a_tile_is_what_the_whole_picture_is_there():
    """No norm: far from its border a piece gives what the picture does."""
    network = cells(base_width=8, num_blocks=1)
    pictures = np.random.default_rng(0).uniform(-1, 1, (1, 160, 160, 3)).astype("float32")
    whole = ops.convert_to_numpy(network(pictures))
    piece = ops.convert_to_numpy(network(pictures[:, 40:120, 40:120]))
    np.testing.assert_allclose(piece[:, 6:-6, 6:-6], whole[:, 16:-16, 16:-16], atol=1e-5)


@pytest.mark.parametrize(("network", "stride", "scale"), [
    (lambda: cells(base_width=4, num_blocks=1), 4, 1 / 4), (lambda: cells(scale=4, base_width=4, num_blocks=1), 1, 4),
    (lambda: resnet(base_width=4, num_blocks=1), 4, 1),
    (lambda: keras.Sequential([keras.Input((None, None, 3)), resnet(base_width=4, num_blocks=1)]), 4, 1),
])
def test_tiling_knows_the_stride_of_the_longest_way(network, stride, scale):
    """Of parallel ways the longest counts, not their product: the strides of `cells` multiply to 16."""
    rows, columns = axes_of(network(), 64, 16)
    assert (rows.stride, columns.stride) == (stride, stride)
    assert float(rows.scale) == scale


def test_pixelize_knows_its_input_factor():
    assert own_cell(cells()) == (4, 1)
    assert own_cell(cells(scale=0.125)) == (8, 1)
    assert own_cell(cells(scale=4)) is None


@pytest.mark.parametrize(("options", "message"), [
    ({"scale": 0.3}, "`scale` must be a power of two from 1/16 to 16. Received: 0.3"),
    ({"scale": 32}, "`scale` must be a power of two"),
    ({"output_channels": 1}, "`channels` must equal `output_channels`"),
    ({"image_size": 30}, "`image_size` must be a multiple of 4. Received: 30"),
    ({"base_width": 5000}, "`base_width` must be at most 1,024. Received: 5,000"),
])
def test_cells_say_what_is_wrong(options, message):
    with pytest.raises(ValueError, match=message):
        cells(**options)


def test_before_the_clip_nothing_is_cut_off():
    network = cells(base_width=4, num_blocks=1)
    network.get_layer("to_change").bias.assign([3.0, 0.0, -3.0])
    pictures = np.zeros((1, 16, 16, 3), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(network(pictures))[0, 0, 0], [1, 0, -1])
    np.testing.assert_allclose(ops.convert_to_numpy(before_clip(network)(pictures))[0, 0, 0], [3, 0, -3], atol=1e-5)
    plain = unet(image_size=16, base_width=4)
    assert before_clip(plain) is plain


# --- CycleGAN of two sizes ---

def test_the_sources_cycle_sees_means_over_cells_only():
    model = made()
    x = batch(model)
    x = {key: ops.convert_to_tensor(value) for key, value in x.items()}
    y = model(x, training=True)
    pattern = np.tile(np.array([[1, -1], [-1, 1]], "float32") * 0.3, (16, 24))[None, :, :, None]   # no mean in a cell
    hidden = y | {"cycled_source": y["cycled_source"] + pattern}
    found = []
    for outputs in (y, hidden):
        model.track = lambda terms: found.append(float(terms["cycle"]))
        model.compute_loss(x=x, y_pred=outputs, training=True)
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_colors_are_compared_over_cells_of_the_smaller_side():
    model = made(cycle_weight=0.0)
    x = batch(model)
    y = model({key: ops.convert_to_tensor(value) for key, value in x.items()})
    fake_target, fake_source = (ops.convert_to_numpy(y[key]) for key in ("fake_target", "fake_source"))

    def means(images, block):
        b, h, w, c = images.shape
        return images.reshape(b, h // block, block, w // block, block, c).mean((2, 4))

    wanted = np.abs(means(x["source"], 8) - means(fake_target, 2)).mean()
    wanted += np.abs(means(x["target"], 2) - means(fake_source, 8)).mean()
    assert losses(model, x)["color"] == pytest.approx(wanted, rel=1e-5)


def test_pairs_are_compared_both_ways_before_the_clip():
    shapes = SHAPES | {"partner": SHAPES["source"]}
    model = made(shapes, cycle_weight=0.0, pair_weight=3.0, color_weight=0.0)
    assert model.feed == ("source", "target", "partner")
    model.to_target.get_layer("to_change").bias.assign([2.0, 0.0, 0.0])   # beyond what a picture can be
    x = batch(model)
    there = ops.convert_to_numpy(before_clip(model.to_target)(x["partner"]))
    back = ops.convert_to_numpy(before_clip(model.to_source)(x["target"]))
    assert there.max() > 1
    wanted = np.abs(there - x["target"]).mean() + np.abs(back - x["partner"]).mean()
    found = losses(model, x)
    assert found["pair"] == pytest.approx(wanted, rel=1e-5)
    games = found["source_discriminator"] + found["target_discriminator"]
    assert found["sum"] == pytest.approx(found["to_target"] + found["to_source"] + games, rel=1e-5)


def test_without_a_game_there_is_no_discriminator():
    model = made(back_adversarial_weight=0.0, adversarial_weight=0.5)
    assert model.source_discriminator is None
    assert set(model.networks) == {"to_target", "to_source", "target_discriminator"}
    assert "source_discriminator" not in model.trackers
    generators = {name: getattr(model, name) for name in model.saved}
    assert set(model.sheets(generators, batch(model))) == {"samples", "samples_back", "patch_maps"}
    half, whole = (
        losses(made(cycle_weight=0.0, color_weight=0.0, adversarial_weight=weight), batch(model)) for weight in (0.5, 1)
    )
    assert half["to_target"] == pytest.approx(0.5 * whole["to_target"], rel=1e-5)


@pytest.mark.parametrize("options", [
    {}, {"pair_weight": 1.0, "r1_weight": 0.1, "pool_size": 4, "diff_augment": "translation"},
    {"objective": "wgangp", "adversarial_weight": 0.1, "back_adversarial_weight": 0.0},
], ids=["plain", "pairs", "wgangp"])
def test_it_trains_and_each_players_gradient_is_its_own(options):
    model = made(SHAPES | {"partner": SHAPES["source"]}, **options)
    x = {key: ops.convert_to_tensor(images) for key, images in batch(model).items()}
    if "pool_size" not in options and options.get("objective") != "wgangp":   # without what is drawn anew
        terms = {}
        model.track = terms.update

        def total_and_own():
            total = model.compute_loss(x=x, y_pred=model(x, training=True), training=True)
            return [total, *(terms[player] for player in model.networks)]

        for player, _, one, own in players_gradients(total_and_own, model.networks, model.trainable_variables):
            np.testing.assert_allclose(one, own, rtol=1e-3, atol=2e-5, err_msg=player)
        del model.track
    compile_for_few_steps(model, adam(num_steps=9))
    before = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    logs = model.train_on_batch(batch(model), return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    for old, new in zip(before, model.trainable_variables, strict=True):
        # The critic's last bias moves what is real and what is not alike.
        is_moot = options.get("objective") == "wgangp" and new.path == "to_logits/bias"
        assert is_moot or (old != ops.convert_to_numpy(new)).any(), new.path


@pytest.mark.parametrize(("shapes", "options", "message"), [
    ({"target": (8, 24, 3)}, {}, "a whole number of times as large. Received: \\(32, 48, 3\\) and \\(8, 24, 3\\)"),
    ({"target": (12, 18, 3)}, {}, "a whole number of times as large"),
    ({"target": (64, 24, 3)}, {}, "a whole number of times as large"),
    ({}, {"identity_weight": 1.0}, "`identity_weight` must be 0 where sizes differ, as no picture is in both."),
    ({}, {"color_block": 9}, "`color_block` must be 1 to 8, the image's size. Received: 9"),
    ({}, {"pair_weight": 1.0}, r"`pair_weight` needs partners of the source's shape, made by \[data.partner\]"),
    ({}, {"pair_weight": -1.0}, "`pair_weight` must be at least 0. Received: -1.0"),
    ({}, {"generator": {"name": "resnet"}}, "`generator.name` must be cells where pictures come out in another size"),
])
def test_what_does_not_fit_is_named(shapes, options, message):
    with pytest.raises(ValueError, match=message):
        CycleGAN(SHAPES | shapes, **OPTIONS | options)


# --- penalties ---

def test_input_gradient_is_each_pictures_own_and_has_a_gradient_itself():
    """Of sum(x^3): 3 x^2; and of its sum again: 6 x."""
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 1)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(input_gradient(lambda each: each**3, ops.convert_to_tensor(x))), 3 * x**2, rtol=1e-5
    )
    weight = keras.Variable(np.float32(2.0))

    def slope():
        return ops.sum(input_gradient(lambda each: weight**2 * each**3, ops.convert_to_tensor(x)))

    found, = gradients(slope, [weight])
    np.testing.assert_allclose(found, 2 * 2.0 * 3 * (x**2).sum(), rtol=1e-5)


def test_penalties_of_a_linear_discriminator():
    """D(x) = w.x has the slope w everywhere: r1 = |w|^2, and the gradient penalty is (|w| - 1)^2."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=(1, 4, 4, 3)).astype("float32")
    real, fake = (ops.convert_to_tensor(rng.normal(size=(5, 4, 4, 3)).astype("float32")) for _ in range(2))

    def logits(images):
        return ops.sum(w * images, axis=(1, 2, 3))

    length = np.sqrt((w**2).sum())
    assert float(penalties.r1(logits, real)) == pytest.approx(length**2, rel=1e-5)
    found = penalties.gradient_penalty(logits, real, fake, keras.random.SeedGenerator(0))
    assert float(found) == pytest.approx((length - 1) ** 2, rel=1e-5)


def test_other_sizes_than_the_generators_are_told():
    for size in ((10, 10, 3), (8, 4, 3), (1, 1, 3)):
        with pytest.raises(ValueError, match=r"`generator\.name` cells needs sizes of which one is 1, 2, 4"):
            generator_of(CELLS, (32, 32, 3), size, name="to_target")
