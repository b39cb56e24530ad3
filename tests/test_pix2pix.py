"""pix2pix: its one loss against equation 4 of the paper, pairs of any two sizes, and that it learns pairs by heart."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import batch, compile_for_few_steps, four, perturb

from pixelart_tf.models.pix2pix import Pix2Pix
from pixelart_tf.networks import conditional_patchgan, patchgan
from pixelart_tf.networks.sizes import to_size
from pixelart_tf.settings import config
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only

RESNET = {"name": "resnet", "base_width": 4, "num_blocks": 1, "num_downsamplings": 1}
# At 1x1 pixels a norm leaves nothing of its input, which the other layout has there.
UNET = {"name": "unet", "base_width": 4, "dropout": 0.0, "layout": "pytorch"}
PATCHGAN = {"base_width": 4, "num_layers": 1}
SHAPES = {"source": (16, 16, 3), "target": (16, 16, 3)}


def made(shapes=None, **options):
    keras.utils.set_random_seed(0)
    return perturb(Pix2Pix(shapes or SHAPES, **{"generator": RESNET, "discriminator": PATCHGAN} | options))


def tensors(arrays):
    return {key: ops.convert_to_tensor(value) for key, value in arrays.items()}


def losses(model, x):
    """Name -> value of the losses of a batch, and the sum that is trained on."""
    terms = {}
    model.track = lambda given: terms.update({key: float(value) for key, value in given.items()})
    x = tensors(x)
    total = model.compute_loss(x=x, y_pred=model(x, training=True), training=True)
    return terms | {"sum": float(total)}


def cross_entropy(logits, label):
    """-log of the probability that logits give to a label of 1 or 0."""
    return np.logaddexp(0, -logits if label else logits).mean()


# The loss -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("input_key", ["source", "partner"])
def test_the_loss_is_equation_4(input_key):
    """Each player's own, with the paper's log loss, its half for the discriminator, and 100 x L1."""
    shapes = {input_key: (16, 16, 1), "target": (16, 16, 3)}
    model = made(shapes)
    assert model.feed == (input_key, "target")
    assert model.domains == (("source", "target") if input_key == "source" else ("target",))
    x = batch(model)
    fake = ops.convert_to_numpy(model.to_target(x[input_key]))

    def judge(pictures):
        return ops.convert_to_numpy(model.target_discriminator({"condition": x[input_key], "images": pictures}))

    found, real, faked = losses(model, x), judge(x["target"]), judge(fake)
    l1 = np.abs(fake - x["target"]).mean()
    assert found["l1"] == pytest.approx(l1, rel=1e-5)
    assert found["to_target"] == pytest.approx(cross_entropy(faked, 1) + 100 * l1, rel=1e-5)
    discriminator = (cross_entropy(real, 1) + cross_entropy(faked, 0)) / 2
    assert found["target_discriminator"] == pytest.approx(discriminator, rel=1e-5)
    assert found["sum"] == pytest.approx(found["to_target"] + found["target_discriminator"], rel=1e-6)


def test_either_part_of_the_loss_can_be_left_out():
    alone = made(adversarial_weight=0.0, l1_weight=2.0)
    assert alone.target_discriminator is None
    assert set(alone.trackers) == {"to_target", "l1"}
    x = batch(alone)
    found = losses(alone, x)
    assert found["sum"] == found["to_target"] == pytest.approx(2 * found["l1"])
    assert set(alone.sheets({"to_target": alone.to_target}, x)) == {"samples"}
    game, half = losses(made(l1_weight=0.0), x), losses(made(l1_weight=0.0, adversarial_weight=0.5), x)
    assert half["to_target"] == pytest.approx(0.5 * game["to_target"], rel=1e-5)
    assert half["target_discriminator"] == pytest.approx(game["target_discriminator"], rel=1e-5)


def test_a_clipped_generator_is_compared_before_its_clip():
    model = made({"source": (32, 32, 3), "target": (8, 8, 3)}, generator={"name": "cells", "base_width": 4})
    model.to_target.get_layer("to_change").bias.assign([3.0, 0.0, 0.0])
    x = batch(model)
    y = ops.convert_to_numpy(model(tensors(x)))
    assert y.max() > 1
    assert losses(model, x)["l1"] == pytest.approx(np.abs(y - x["target"]).mean(), rel=1e-5)
    assert np.abs(model.made({"to_target": model.to_target}, x)).max() == 1


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["lsgan", "hinge", "wgangp"])
def test_other_objectives_and_penalties_train(objective):
    model = made(objective=objective, r1_weight=0.1)
    compile_for_few_steps(model, adam(num_steps=9))
    logs = model.train_on_batch(batch(model), return_dict=True)
    assert np.isfinite(list(logs.values())).all()


# Two sizes ------------------------------------------------------------------------------------------------------------


def test_of_one_size_it_is_the_patchgan_of_both_pictures():
    """The same convolutions, C64-C128-C256-C512, over the concatenated channels."""
    plain, pair = patchgan(image_size=256, channels=4), conditional_patchgan(condition_channels=1)
    assert [tuple(w.shape) for w in pair.weights] == [tuple(w.shape) for w in plain.weights]
    pair.set_weights(plain.get_weights())
    rng = np.random.default_rng(0)
    condition, images = (rng.uniform(-1, 1, (1, 256, 256, c)).astype("float32") for c in (1, 3))
    one = ops.convert_to_numpy(pair({"condition": condition, "images": images}))
    assert one.shape == (1, 30, 30, 1)
    other = ops.convert_to_numpy(plain(np.concatenate([condition, images], axis=-1)))
    np.testing.assert_allclose(one, other, atol=1e-5)


def widths(network):
    return [layer.filters for layer in network._flatten_layers() if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize(("condition", "image", "num_layers", "wanted", "logits"), [
    (256, (128, 96), 1, [64, 128, 256, 1], (62, 46)),   # the input halved once, 128x128 to 128x96
    (256, (128, 96), 3, [64, 128, 256, 512, 512, 1], (14, 10)),
    (256, 64, 1, [64, 128, 256, 512, 1], (30, 30)),   # C64-C128, concatenation, C256-C512
    ((128, 96), 256, 3, [64, 128, 256, 512, 1], (30, 30)),   # the input enlarged
    ((37, 51), (16, 24), 1, [64, 128, 256, 1], (6, 10)),
    ((200, 40), (16, 24), 1, [64, 128, 1], (6, 10)),   # means over 12 rows, then interpolation
], ids=str)
def test_any_two_sizes_can_be_judged(condition, image, num_layers, wanted, logits):
    network = conditional_patchgan(condition_size=condition, image_size=image, num_layers=num_layers)
    assert widths(network) == wanted
    assert network.output_shape == (None, *logits, 1)


@pytest.mark.parametrize("image", [(16, 16), (8, 12), (32, 32)], ids=str)
def test_both_pictures_of_a_pair_count(image):
    network = perturb(conditional_patchgan(condition_size=16, image_size=image, base_width=4, num_layers=1))
    rng = np.random.default_rng(0)
    condition, images = (rng.uniform(-1, 1, (1, *size, 3)).astype("float32") for size in ((16, 16), image))
    one = ops.convert_to_numpy(network({"condition": condition, "images": images}))
    for changed in ({"condition": -condition, "images": images}, {"condition": condition, "images": -images}):
        assert np.abs(ops.convert_to_numpy(network(changed)) - one).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unet", "resnet"])
def test_the_first_seeds_sizes_train_save_and_translate(name, tmp_path):
    """256x256 in, 128x96 out, at an eighth of it."""
    from pixelart_tf.generators.translating import translate

    shapes = {"source": (32, 32, 3), "target": (16, 12, 3)}
    model = made(shapes, generator=UNET if name == "unet" else RESNET, discriminator=PATCHGAN)
    compile_for_few_steps(model, adam(num_steps=9))
    before = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    model.train_on_batch(batch(model))
    for old, new in zip(before, model.trainable_variables, strict=True):
        assert (old != ops.convert_to_numpy(new)).any(), new.path
    model.to_target.save(tmp_path / "to_target.keras")
    opened = keras.saving.load_model(tmp_path / "to_target.keras", compile=False)
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    (_, result), = translate(opened, [("a", picture)])
    assert result.shape == (16, 12, 3)


def test_to_size_is_means_and_then_interpolation():
    """Of 8x8 to 4x3: pairs of rows and of columns averaged, then 4 columns read at 1/6, 9/6 and 17/6."""
    inputs = keras.Input((8, 8, 1))
    network = keras.Model(inputs, to_size(inputs, (4, 3), name="x"))
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    means = picture.reshape(4, 2, 4, 2).mean((1, 3))
    wanted = np.stack([means[:, 0] * 5 / 6 + means[:, 1] / 6, means[:, 1:3].mean(1),
                       means[:, 2] / 6 + means[:, 3] * 5 / 6], axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(network(picture))[0, :, :, 0], wanted, atol=1e-6)


# Settings -------------------------------------------------------------------------------------------------------------


def test_the_u_net_is_the_default():
    assert config.options(Pix2Pix, {}, "model")["generator"]["name"] == "unet"
    assert [layer.name for layer in Pix2Pix(SHAPES, discriminator=PATCHGAN).to_target.layers][1] == "down_0"


@pytest.mark.parametrize(("shapes", "options", "message"), [
    ({}, {"adversarial_weight": 0.0, "l1_weight": 0.0}, "`adversarial_weight` or `l1_weight` must be above 0"),
    ({}, {"l1_weight": -1.0}, "`l1_weight` must be at least 0. Received: -1.0"),
    ({}, {"objective": "l2"}, "`objective` must be one of lsgan, bce, hinge, wgangp. Received: 'l2'"),
    ({"source": (17, 16, 3)}, {"generator": UNET}, r"`image_size` must be a multiple of 2. Received: \(17, 16\)"),
    ({}, {"discriminator": PATCHGAN | {"norm": "batch"}, "r1_weight": 1.0}, "`r1_weight` must be 0 with batch norm"),
    ({"target": (4, 4, 3)}, {}, r"`image_size` must be at least 6. Received: \(4, 4\)"),
    ({"target": (10, 10, 3)}, {"generator": {"name": "cells"}}, "`generator.name` cells needs sizes"),
    ({}, {"discriminator": {"norms": False}}, "`model.discriminator.norms` is not a setting. Did you mean `norm`?"),
])
def test_what_is_not_possible_is_named(shapes, options, message):
    with pytest.raises(ValueError, match=message):
        Pix2Pix(SHAPES | shapes, **{"generator": RESNET, "discriminator": PATCHGAN} | options)


# Learning -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_learns_four_pairs_by_heart():
    """Cartoons and unrelated sprites, 0.73 apart; 300 steps leave a mean absolute error of 0.06 at most."""
    keras.utils.set_random_seed(0)
    x = {"source": four("cartoon", 32), "target": four("sprite", 32)}
    model = Pix2Pix(
        {key: images.shape[1:] for key, images in x.items()},
        generator={"name": "unet", "base_width": 16, "dropout": 0.0}, discriminator={"base_width": 16, "num_layers": 1},
    )
    model.compile(optimizer=adam(num_steps=300, learning_rate=2e-3), jit_compile=keras.backend.backend() == "jax")
    for _ in range(300):
        model.train_on_batch(x)
    assert np.abs(x["source"] - x["target"]).mean() > 0.7
    assert np.abs(model.made({"to_target": model.to_target}, x) - x["target"]).mean() < 0.06
