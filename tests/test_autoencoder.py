"""The autoencoder: what goes through its bottleneck, its loss, and that it learns pictures by heart."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import batch, four

from pixelart_tf.models.autoencoder import Autoencoder
from pixelart_tf.networks import autoencoder
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"target": (16, 16, 3)}
SMALL = {"base_width": 4, "latent_size": 8}


@pytest.mark.parametrize(("options", "bottleneck"), [
    ({}, (None, 128)), ({"latent_size": 0}, (None, 4, 4, 8)), ({"image_size": (32, 48), "latent_size": 5}, (None, 5)),
    ({"image_size": 256, "latent_size": 0, "bottleneck_channels": 2}, (None, 4, 4, 2)),
    ({"image_size": 24, "num_downsamplings": 1, "latent_size": 0}, (None, 12, 12, 8)),
], ids=str)
def test_a_picture_goes_through_the_bottleneck(options, bottleneck):
    network = autoencoder(**{"image_size": 64, "base_width": 4, "output_channels": 1} | options)
    assert network.get_layer("latent").output.shape == bottleneck
    assert network.output_shape == (*network.input_shape[:3], 1)
    # Nothing leads around it: with its output cut to nothing, all pictures give the same.
    kernel = network.get_layer("latent").kernel
    kernel.assign(np.zeros(kernel.shape))
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, *network.input_shape[1:])).astype("float32")
    one, other = ops.convert_to_numpy(network(pictures))
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(("distance", "error"), [("l1", np.abs), ("l2", np.square)])
@pytest.mark.parametrize("partner", [None, (16, 16, 1), (32, 64, 3)], ids=str)
def test_the_loss_is_the_distance_to_the_target(distance, error, partner):
    shapes = SHAPES | ({"partner": partner} if partner else {})
    model = Autoencoder(shapes, generator=SMALL, distance=distance)
    assert model.feed == (("partner", "target") if partner else ("target",))
    x = batch(model)
    made = ops.convert_to_numpy(model.autoencoder(x["partner" if partner else "target"]))
    assert made.shape == x["target"].shape
    tensors = {key: ops.convert_to_tensor(value) for key, value in x.items()}
    loss = float(model.compute_loss(x=tensors, y_pred=model(tensors)))
    assert loss == pytest.approx(error(made - x["target"]).mean(), rel=1e-5)
    rows = model.sheets({"autoencoder": model.autoencoder}, x)["samples"]
    assert len(rows) == (3 if partner else 2)
    np.testing.assert_allclose(rows["through the bottleneck"], made, atol=1e-6)


@pytest.mark.parametrize(("options", "message"), [
    ({"distance": "l3"}, "`distance` must be one of l1, l2. Received: 'l3'"),
    ({"generator": {"latent_size": -1}}, "`latent_size` must be at least 0. Received: -1"),
    ({"generator": {"num_downsamplings": 5}}, r"`image_size` must be at least 32. Received: \(16, 16\)"),
    ({"generator": {"name": "unet"}}, "`model.generator.name` must be one of autoencoder. Received: 'unet'"),
    ({"generator": {"latent_size": 10**8}}, "weights"),
    ({"shapes": {"target": (17, 16, 3)}}, r"`image_size` must be a multiple of 2. Received: \(17, 16\)"),
    ({"shapes": {"target": (6, 6, 3)}}, r"`image_size` must be at least 8. Received: \(6, 6\)"),
])
def test_what_is_not_possible_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(**{"shapes": SHAPES} | options)


@pytest.mark.slow
def test_it_learns_four_pictures_by_heart():
    """Sprites, 0.5 from their mean picture; 400 steps leave a mean absolute error of 0.05 at most."""
    keras.utils.set_random_seed(0)
    x = {"target": four("sprite", 32)}
    model = Autoencoder({"target": (32, 32, 3)}, generator={"base_width": 32, "latent_size": 8})
    optimizer = adam(num_steps=400, num_decay_steps=200, learning_rate=2e-3, beta_1=0.9)
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    for _ in range(400):
        model.train_on_batch(x)
    assert np.abs(x["target"] - x["target"].mean(0)).mean() > 0.5
    assert np.abs(model.made({"autoencoder": model.autoencoder}, x) - x["target"]).mean() < 0.05
