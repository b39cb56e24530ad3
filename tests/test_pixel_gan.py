"""The pixelated-face GAN: its report's layers, its losses, pictures learnt by heart, samples that differ."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import batch, four, perturb

from pixelart_tf.models.pixel_gan import PixelGAN
from pixelart_tf.networks import mlp_discriminator, mlp_generator, noise
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"target": (20, 20, 1)}


def test_the_layers_are_the_reports():
    """Latent vector -> 128 -> 512 -> 40 x 40, tanh; the discriminator 40 x 40 -> 128 -> 1."""
    def sizes(network):
        return [layer.units for layer in network.layers if isinstance(layer, keras.layers.Dense)]

    generator, discriminator = mlp_generator(), mlp_discriminator()
    assert sizes(generator) == [128, 512, 40 * 40]
    assert generator.output_shape == (None, 40, 40, 1)
    assert generator.layers[-1].activation is keras.activations.tanh
    assert sizes(discriminator) == [128, 1]
    assert discriminator.input_shape == (None, 40, 40, 1)
    # And so of a model of 40 boxes in grey that is told nothing.
    model = PixelGAN({"target": (40, 40, 1)})
    assert (sizes(model.generator), sizes(model.discriminator)) == ([128, 512, 40 * 40], [128, 1])


def test_the_losses_are_the_papers():
    model = perturb(PixelGAN(SHAPES))
    x = {key: ops.convert_to_tensor(value) for key, value in batch(model, size=4).items()}
    fake = model(x, training=True)
    terms = {}
    model.track = lambda given: terms.update({key: float(value) for key, value in given.items()})
    total = float(model.compute_loss(x=x, y_pred=fake, training=True))
    real, faked = (ops.convert_to_numpy(model.discriminator(each)) for each in (x["target"], fake))
    assert terms["generator"] == pytest.approx(np.logaddexp(0, -faked).mean(), rel=1e-4)
    wanted = (np.logaddexp(0, -real).mean() + np.logaddexp(0, faked).mean()) / 2
    assert terms["discriminator"] == pytest.approx(wanted, rel=1e-4)
    assert total == pytest.approx(sum(terms.values()), rel=1e-5)


@pytest.mark.parametrize(("options", "message"), [
    ({"objective": "l1"}, "`objective` must be one of"),
    ({"r1_weight": -1.0}, "`r1_weight` must be at least 0. Received: -1.0"),
    ({"generator": {"hidden": ()}}, "`hidden` must name at least one layer"),
    ({"generator": {"hidden": (0,)}}, "`hidden` must be a whole number of at least 1. Received: 0"),
    ({"generator": {"hidden": (60000, 60000)}}, "weights"),
    ({"discriminator": {"dropout": 1.0}}, "`dropout` must be at least 0 and below 1. Received: 1.0"),
    ({"discriminator": {"name": "patchgan"}}, "`model.discriminator.name` must be one of mlp. Received: 'patchgan'"),
])
def test_what_is_not_possible_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        PixelGAN(SHAPES, **options)


@pytest.mark.slow
def test_it_learns_four_pictures_by_heart():
    """Cartoons of 16 boxes; after 1,600 steps each is within 0.25 of one of 64 samples, which differ (before: 0.3)."""
    keras.utils.set_random_seed(0)
    pictures = four("cartoon", 16).mean(-1, keepdims=True)
    model = PixelGAN({"target": (16, 16, 1)}, generator={"latent_size": 8})
    model.compile(optimizer=adam(num_steps=1600, learning_rate=1e-3), jit_compile=keras.backend.backend() == "jax")

    def made():
        return model.made({"generator": model.generator}, {"noise": noise.draw(64, 8, seed=1)})

    def nearest():
        """Of each picture: mean absolute distance to the most alike of 64 samples."""
        return np.abs(made()[:, None] - pictures).mean((2, 3, 4)).min(0)

    assert nearest().min() > 0.3
    for step in range(1600):
        model.train_on_batch({"target": np.repeat(pictures, 4, axis=0), "noise": noise.draw(16, 8, seed=step)})
    assert nearest().max() < 0.25
    samples = made()
    assert np.abs(samples[:, None] - samples).mean() > 0.1
