"""Super-resolution: its losses in combination, its stages, frozen networks, and that it beats bicubic interpolation."""

import hashlib

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import PATCHGAN, batch, compile_for_few_steps, four, perturb

from pixelart_tf.features import vgg
from pixelart_tf.features.lite0 import lite0
from pixelart_tf.features.maps import feature_maps
from pixelart_tf.formats.torch_file import WeightsError
from pixelart_tf.models import picture_losses
from pixelart_tf.models.perceptual import Perceptual
from pixelart_tf.models.super_resolution import SuperResolution
from pixelart_tf.training.checkpoint import variables
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"target": (32, 32, 3), "partner": (8, 8, 3)}
SMALL = {"base_width": 4}


def made(shapes=SHAPES, **options):
    return SuperResolution(shapes, **{"generator": SMALL, "loss": {"mse": 1.0}} | options)


def tensors(model, **options):
    return {key: ops.convert_to_tensor(value) for key, value in batch(model, **options).items()}


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_it_begins_with_the_enlarged_picture(factor):
    """Of a constant picture it is that picture, where the last layer begins with next to nothing."""
    shapes = {"target": (32, 32, 3), "partner": (32 // factor, 32 // factor, 3)}
    model = made(shapes, generator=SMALL | {"stddev": 1e-4})
    assert model.feed == ("partner", "target")
    assert model.to_target.output_shape == (None, 32, 32, 3)
    flat = np.full((1, *model.shapes["partner"]), 0.5, np.float32)
    np.testing.assert_allclose(ops.convert_to_numpy(model.to_target(flat)), 0.5, atol=0.01)


def test_losses_are_weighted_sums():
    weights = {"mse": 1.0, "l1": 0.5, "ssim": 0.3, "psnr": 0.01, "hfen": 2.0, "perceptual": 0.1}
    model = perturb(made(loss=weights))
    x, terms = tensors(model), {}
    model.track = lambda given: terms.update({key: float(value) for key, value in given.items()})
    y = model(x)
    loss = float(model.compute_loss(x=x, y_pred=y))
    assert loss == pytest.approx(sum(weights[name] * terms[name] for name in weights), rel=1e-4)
    assert loss == pytest.approx(terms["to_target"], rel=1e-5)
    difference = ops.convert_to_numpy(y) - ops.convert_to_numpy(x["target"])
    assert terms["mse"] == pytest.approx(np.square(difference).mean(), rel=1e-4)
    assert terms["ssim"] == pytest.approx(1 - float(ops.mean(picture_losses.ssim(x["target"], y))), rel=1e-4)


def test_stages_are_of_one_player_and_then_of_both():
    """The generator alone, the discriminator alone, both: by what changes, with plain gradient descent."""
    model = perturb(made(discriminator=PATCHGAN, loss={"mse": 1.0, "adversarial": 1.0}, stages=(1, 1)))
    compile_for_few_steps(model, keras.optimizers.SGD(0.01))
    changed = []
    for step in range(3):
        networks = model.to_target, model.target_discriminator
        before = [[ops.convert_to_numpy(v) for v in network.trainable_variables] for network in networks]
        model.train_on_batch(batch(model, seed=step))
        changed.append([
            any((ops.convert_to_numpy(v) != old).any() for v, old in zip(each.trainable_variables, olds, strict=True))
            for each, olds in zip(networks, before, strict=True)
        ])
    assert changed == [[True, False], [False, True], [True, True]]


@pytest.mark.parametrize(("options", "message"), [
    ({"loss": {}}, "`loss` must give one of mse, l1, ssim, psnr, hfen, perceptual a weight"),
    ({"loss": {"adversarial": 1.0}}, "`loss` must give one of"),
    ({"loss": {"mes": 1.0}}, "`model.loss.mes` is not a setting. Did you mean `mse`?"),
    ({"loss": {"mse": -1.0}}, "`mse` must be at least 0. Received: -1.0"),
    ({"loss": {"perceptual": 1.0, "network": "vgg"}}, "`network` must be one of lite0, vgg16, vgg19. Received: 'vgg'"),
    ({"loss": {"perceptual": 1.0, "layer": "relu3_3"}}, "`layer` must be one of stem, block_0, .* of lite0"),
    ({"stages": (5, 0)}, r"`stages` must be 0, 0 without `adversarial` in `loss`. Received: \(5, 0\)"),
    ({"objective": "wgangp", "loss": {"mse": 1.0, "adversarial": 1.0}}, "`objective` must be one of"),
    ({"shapes": {"target": (32, 32, 3), "partner": (12, 12, 3)}}, "a whole number of times as large"),
    ({"shapes": {"target": (32, 32, 3), "partner": (8, 8, 1)}}, "`residual` must be false"),
])
def test_what_is_not_possible_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        made(**options)


# Frozen networks ------------------------------------------------------------------------------------------------------


def test_lite0s_maps_are_those_within_lite0():
    """At its own size, where it resizes nothing: the last block, through the head, gives the same features."""
    whole = lite0()
    pictures = np.random.default_rng(0).uniform(-1, 1, (1, 224, 224, 3)).astype("float32")
    stem, last = feature_maps("lite0", ["stem", "block_15"])(pictures)
    assert (stem.shape, last.shape) == ((1, 112, 112, 32), (1, 7, 7, 320))
    head = keras.Model(whole.get_layer("conv_head").input, whole.output)
    np.testing.assert_allclose(
        ops.convert_to_numpy(head(last)), ops.convert_to_numpy(whole((pictures + 1) * 127.5)), atol=1e-3
    )


def test_a_frozen_network_is_no_part_of_the_model():
    model = made(loss={"mse": 1.0, "perceptual": 1.0})
    plain = made()
    assert len(model.variables) == len(plain.variables)
    assert not model.distances.perceptual.maps.trainable_variables
    for each in (model, plain):
        compile_for_few_steps(each, adam(num_steps=2))
        each.optimizer.build(each.trainable_variables)
    assert len(variables(model)) == len(variables(plain)) + 2   # the mean of one more logged loss, and its count
    before = [ops.convert_to_numpy(v) for v in model.distances.perceptual.maps.variables]
    model.train_on_batch(batch(model))
    for old, new in zip(before, model.distances.perceptual.maps.variables, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))
    # It is 0 for the same pictures, and grey ones count as such of three equal channels.
    grey = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype("float32")
    loss = Perceptual()
    assert float(loss(grey, grey)) == 0
    assert float(loss(grey, -grey)) == pytest.approx(float(loss(np.repeat(grey, 3, 3), -np.repeat(grey, 3, 3))))


def test_the_perceptual_loss_is_of_all_pictures_of_a_batch():
    """It was of the first alone, as a lone layer's activations come without a list around them."""
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32, 3)).astype("float32")
    loss = Perceptual()
    each = [float(loss(x[i : i + 1], y[i : i + 1])) for i in range(3)]
    assert float(loss(x, y)) == pytest.approx(np.mean(each), rel=1e-4)
    layers = ("stem", "block_2")
    alone = [float(Perceptual("lite0", [layer])(x, y)) for layer in layers]
    assert float(Perceptual("lite0", layers)(x, y)) == pytest.approx(sum(alone), rel=1e-4)


def test_vggs_weights_are_a_file_whose_hash_is_known(tmp_path, monkeypatch):
    """Random weights in Keras' own file format stand in for the published ones, which nothing here may fetch."""
    network = keras.applications.VGG16(include_top=False, weights=None)
    path = tmp_path / "vgg16.weights.h5"
    network.save_weights(path)
    with pytest.raises(WeightsError, match=f"{path}: not Keras' weights of vgg16 .* theirs with 6d6bbae1"):
        Perceptual("vgg16", weights=str(path))
    with pytest.raises(WeightsError, match=r"nowhere\.h5: No such file"):
        Perceptual("vgg16", weights=str(tmp_path / "nowhere.h5"))
    monkeypatch.setitem(vgg.MD5, "vgg16", hashlib.md5(path.read_bytes()).hexdigest())
    pictures = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    early, late = feature_maps("vgg16", ["relu1_2", "relu3_3"], weights=str(path))(pictures)
    wanted = keras.Model(network.input, [network.get_layer(f"block{i}_conv{j}").output for i, j in ((1, 2), (3, 3))])(
        keras.applications.vgg16.preprocess_input((pictures + 1) * 127.5)
    )
    for one, other in zip((early, late), wanted, strict=True):
        scale = np.abs(ops.convert_to_numpy(other)).max()
        np.testing.assert_allclose(ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=1e-4 * scale)


# Learning -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_learns_four_pictures_by_heart():
    """Cartoons from an eighth of their pixels: 300 steps leave a quarter of the squared error that it begins with."""
    keras.utils.set_random_seed(0)
    target = four("cartoon", 32)
    x = {"target": target, "partner": target.reshape(4, 4, 8, 4, 8, 3).mean((2, 4))}
    model = made({"target": (32, 32, 3), "partner": (4, 4, 3)}, generator={"base_width": 16, "dropout": 0.0})
    model.compile(optimizer=adam(num_steps=300, learning_rate=2e-3), jit_compile=keras.backend.backend() == "jax")

    def error():
        return np.square(model.made({"to_target": model.to_target}, x) - target).mean()

    before = error()
    for _ in range(300):
        model.train_on_batch(x)
    assert error() < before / 4
