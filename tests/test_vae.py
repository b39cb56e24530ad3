"""The variational autoencoder: its bound, its codes, pictures learnt by heart, a divergence that means something."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import batch, four, perturb

from pixelart_tf.models.vae import VAE, divergence
from pixelart_tf.networks import noise, vae
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"target": (16, 16, 3)}
SMALL = {"base_width": 4, "latent_size": 8}


def test_the_divergence_is_the_closed_form():
    """Of N(m, s^2) to N(0, 1): by the definition, E log q - log p, from a million draws."""
    means, deviations = np.array([0.5, -1.0]), np.array([0.5, 2.0])
    drawn = means + deviations * np.random.default_rng(0).standard_normal((1_000_000, 2))
    ratio = 0.5 * drawn**2 - 0.5 * ((drawn - means) / deviations) ** 2 - np.log(deviations)
    found = float(divergence(ops.convert_to_tensor(means[None]), ops.convert_to_tensor(2 * np.log(deviations)[None])))
    assert found == pytest.approx(ratio.sum(1).mean(), rel=0.01)
    assert float(divergence(ops.zeros((3, 4)), ops.zeros((3, 4)))) == 0


@pytest.mark.parametrize(("options", "codes"), [
    ({}, 8), ({"latent_size": 0, "bottleneck_channels": 2}, 4 * 4 * 2),
    ({"condition_size": 16, "latent_size": 0, "bottleneck_channels": 3}, 4 * 4 * 3),
    ({"image_size": (32, 48), "condition_size": (8, 12), "num_downsamplings": 3}, 8),
], ids=str)
def test_pictures_become_codes_and_codes_pictures(options, codes):
    encoder, decoder = vae(**{"image_size": 32, "output_channels": 1} | SMALL | options)
    assert encoder.output_shape == (None, 2 * codes)
    assert encoder.get_layer("mean").output.shape == (None, codes)
    assert decoder.input_shape == (None, codes)
    size = options.get("image_size", 32)
    assert decoder.output_shape == (None, *(size if isinstance(size, tuple) else (size, size)), 1)


@pytest.mark.parametrize(("distance", "error"), [("l1", np.abs), ("l2", np.square)])
@pytest.mark.parametrize("partner", [None, (8, 8, 1)], ids=str)
def test_the_loss_is_the_bound(distance, error, partner):
    shapes = SHAPES | ({"partner": partner} if partner else {})
    model = perturb(VAE(shapes, generator=SMALL, distance=distance, beta=3.0))
    assert model.feed == (("partner", "target", "noise") if partner else ("target", "noise"))
    x = batch(model)
    mean, log_variance = np.split(ops.convert_to_numpy(model.encoder(x[model.input_key])), 2, axis=1)
    made = ops.convert_to_numpy(model.decoder(mean + np.exp(log_variance / 2) * x["noise"]))
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(1).mean()
    tensors = {key: ops.convert_to_tensor(value) for key, value in x.items()}
    loss = float(model.compute_loss(x=tensors, y_pred=model(tensors, training=True)))
    assert loss == pytest.approx(error(made - x["target"]).mean() + 3.0 * kl / (16 * 16 * 3), rel=1e-4)
    # What is shown and saved goes by the means.
    through = ops.convert_to_numpy(model.autoencoder(x[model.input_key]))
    np.testing.assert_allclose(through, ops.convert_to_numpy(model.decoder(mean)), atol=1e-5)
    sheets = model.sheets({key: getattr(model, key) for key in model.saved}, x)
    assert set(sheets) == {"samples", "interpolation"}
    np.testing.assert_allclose(sheets["samples"]["through the mean"], through, atol=1e-5)


@pytest.mark.parametrize(("options", "message"), [
    ({"distance": "l3"}, "`distance` must be one of l1, l2. Received: 'l3'"),
    ({"beta": -1.0}, "`beta` must be at least 0. Received: -1.0"),
    ({"shapes": SHAPES | {"partner": (5, 5, 3)}}, "must be the 4x4 grid at the bottleneck, doubled .* Received: 5x5"),
    ({"shapes": SHAPES | {"partner": (4, 4, 3)}}, "must be the 4x4 grid at the bottleneck, doubled .* Received: 4x4"),
    ({"generator": {"name": "unet"}}, "`model.generator.name` must be one of vae. Received: 'unet'"),
])
def test_what_is_not_possible_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        VAE(**{"shapes": SHAPES} | options)


@pytest.mark.slow
def test_it_learns_four_pictures_by_heart_in_few_nats():
    """Sprites, 0.5 from their mean picture; 600 steps leave a mean absolute error of 0.08 at most.

    To tell four pictures apart takes ln 4 = 1.4 nats, so less would be too little. Much more than 100 would be codes of
    8 numbers that are told to more than five digits each, where no divergence holds them.
    """
    keras.utils.set_random_seed(0)
    pictures = four("sprite", 32)
    model = VAE({"target": (32, 32, 3)}, generator={"base_width": 16, "latent_size": 8}, beta=1.0)
    optimizer = adam(num_steps=600, num_decay_steps=300, learning_rate=2e-3, beta_1=0.9)
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    for step in range(600):
        logs = model.train_on_batch({"target": pictures, "noise": noise.draw(4, 8, seed=step)}, return_dict=True)
    assert np.abs(pictures - pictures.mean(0)).mean() > 0.5
    through = ops.convert_to_numpy(model.autoencoder(pictures))
    assert np.abs(through - pictures).mean() < 0.08
    assert np.log(4) < float(logs["kl"]) < 100
    # New pictures: each of the four is made of some noise, and they differ.
    made = model.made({"decoder": model.decoder}, {"noise": noise.draw(64, 8, seed=1)})
    assert np.abs(made[:, None] - made).mean() > 0.1
