"""DCGAN: the paper's networks and losses, walks through the noise, pictures learnt by heart."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import batch, four, perturb

from pixelart_tf.models.dcgan import DCGAN
from pixelart_tf.networks import dcgan_discriminator, dcgan_generator, noise
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"target": (16, 16, 3)}
TINY = {"generator": {"base_width": 4, "latent_size": 8}, "discriminator": {"base_width": 4}}


def norms(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


def shapes_of(network):
    """Of what the convolutions and the first reshape give."""
    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Reshape)
    return [layer.output.shape[1:] for layer in network.layers if isinstance(layer, kinds)]


# The networks ---------------------------------------------------------------------------------------------------------


def test_at_64_pixels_they_are_the_papers():
    """Figure 1 and section 3: no norm at the generator's output and at the discriminator's input."""
    generator, discriminator = dcgan_generator(), dcgan_discriminator()
    assert shapes_of(generator) == [(4, 4, 1024), (8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3)]
    assert [layer.output.shape[-1] for layer in norms(generator)] == [1024, 512, 256, 128]
    assert shapes_of(discriminator) == [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert [layer.output.shape[-1] for layer in norms(discriminator)] == [128, 256, 512]
    assert {layer.negative_slope for layer in discriminator.layers if hasattr(layer, "negative_slope")} == {0.2}
    kernels = [w for network in (generator, discriminator) for w in network.weights if w.path.endswith("kernel")]
    for kernel in kernels:
        assert np.std(ops.convert_to_numpy(kernel)) == pytest.approx(0.02, rel=0.1)
    assert generator.input_shape == (None, 100)
    assert discriminator.output_shape == (None, 1)


@pytest.mark.parametrize("size", [16, 32, 128, 256])
def test_any_power_of_two(size):
    generator = dcgan_generator(image_size=size, base_width=4, latent_size=5, output_channels=1)
    discriminator = dcgan_discriminator(image_size=size, channels=1, base_width=4)
    made = ops.convert_to_numpy(generator(noise.draw(2, 5, 0)))
    assert made.shape == (2, size, size, 1)
    assert np.abs(made).max() <= 1
    assert ops.convert_to_numpy(discriminator(made)).shape == (2, 1)


# The loss -------------------------------------------------------------------------------------------------------------


def test_the_losses_are_the_papers_and_batches_are_normed_apart():
    model = perturb(DCGAN(SHAPES, **TINY))
    x = {key: ops.convert_to_tensor(value) for key, value in batch(model, size=6).items()}
    before = [ops.convert_to_numpy(v) for v in model.discriminator.non_trainable_variables]
    fake = model(x, training=True)
    terms = {}
    model.track = lambda given: terms.update({key: float(value) for key, value in given.items()})
    total = float(model.compute_loss(x=x, y_pred=fake, training=True))
    kept = [ops.convert_to_numpy(v) for v in model.discriminator.non_trainable_variables]
    for variable, value in zip(model.discriminator.non_trainable_variables, before, strict=True):
        variable.assign(value)
    # One pass of the real pictures, one of the made ones, each with its own means; the state has seen both, once.
    real, faked = (ops.convert_to_numpy(model.discriminator(each, training=True)) for each in (x["target"], fake))
    for variable, value in zip(model.discriminator.non_trainable_variables, kept, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(variable), value, rtol=1e-5, atol=1e-6)
    assert terms["generator"] == pytest.approx(np.logaddexp(0, -faked).mean(), rel=1e-4)
    wanted = (np.logaddexp(0, -real).mean() + np.logaddexp(0, faked).mean()) / 2
    assert terms["discriminator"] == pytest.approx(wanted, rel=1e-4)
    assert total == pytest.approx(terms["generator"] + terms["discriminator"], rel=1e-5)


def test_classes_are_beside_the_noise_and_in_the_logit():
    plain, of_classes = DCGAN(SHAPES, **TINY), DCGAN(SHAPES | {"label": (3,)}, **TINY)
    assert plain.feed == ("target", "noise")
    assert of_classes.feed == ("target", "noise", "label")
    assert of_classes.shapes["noise"] == plain.shapes["noise"]
    numbers = [model.generator.input_shape[1] for model in (plain, of_classes)]
    assert numbers == [8, 8 + 3]
    x = {key: ops.convert_to_tensor(value) for key, value in batch(perturb(of_classes), size=4).items()}
    made, judged = [], []
    for label in range(3):
        x |= {"label": ops.full((4,), label, dtype="int32")}
        made.append(ops.convert_to_numpy(of_classes(x)))
        given = {"images": x["target"], "condition": ops.one_hot(x["label"], 3)}
        judged.append(ops.convert_to_numpy(of_classes.discriminator(given)))
    for found in (made, judged):   # another class, another picture, and another logit of the same picture
        assert all(np.abs(found[i] - found[i - 1]).max() > 1e-3 for i in range(3))


@pytest.mark.parametrize(("options", "message"), [
    ({"shapes": {"target": (48, 48, 3)}}, r"square, one of 16, 32, 64, 128, 256 pixels a side. Received: \(48, 48\)"),
    ({"shapes": {"target": (32, 64, 3)}}, r"must be square, .* Received: \(32, 64\)"),
    ({"objective": "wgangp"}, "`objective` must be one of bce, lsgan, hinge, as pictures that meet in batch norm"),
    ({"objective": "l1"}, "`objective` must be one of"),
    ({"generator": {"latent_size": 0}}, "`latent_size` must be a whole number of at least 1. Received: 0"),
    ({"generator": {"name": "unet"}}, "`model.generator.name` must be one of dcgan. Received: 'unet'"),
    ({"discriminator": {"norm": False}}, "`model.discriminator.norm` is not a setting"),
])
def test_what_is_not_possible_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        DCGAN(**{"shapes": SHAPES} | options)


# The noise ------------------------------------------------------------------------------------------------------------


def test_noise_is_normal_and_a_row_is_the_same_however_many_there_are():
    drawn = noise.draw(2000, 50, seed=3)
    np.testing.assert_array_equal(noise.draw(5, 50, seed=3), drawn[:5])
    assert abs(drawn.mean()) < 0.01
    assert drawn.std() == pytest.approx(1, abs=0.01)
    assert np.abs(noise.draw(5, 50, seed=4) - drawn[:5]).max() > 1


def test_a_walk_keeps_to_the_sphere_in_equal_steps():
    start, end = noise.draw(2, 64, seed=0)
    way = noise.walk(start, end, 9)
    np.testing.assert_allclose(way[[0, -1]], [start, end], atol=1e-5)
    lengths = np.linalg.norm(way, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 9), rtol=1e-5)
    directions = way / lengths[:, None]
    cosines = (directions[1:] * directions[:-1]).sum(1)
    np.testing.assert_allclose(cosines, cosines[0], atol=1e-5)   # Shoemake: constant angular speed
    np.testing.assert_allclose(noise.walk(start, start, 3), [start] * 3, atol=1e-5)
    assert np.isfinite(noise.walk(start, -start, 3)).all()


# Learning -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_learns_four_pictures_by_heart():
    """Sprites, 0.5 from each other; after 500 steps each is within 0.2 of one of 64 samples (untrained: 0.36)."""
    keras.utils.set_random_seed(0)
    pictures = four("sprite", 16)
    model = DCGAN(SHAPES, generator={"base_width": 32, "latent_size": 8}, discriminator={"base_width": 16})
    model.compile(optimizer=adam(num_steps=500, learning_rate=1e-3), jit_compile=keras.backend.backend() == "jax")

    def nearest():
        """Of each picture: mean absolute distance to the most alike of 64 samples."""
        made = model.made({"generator": model.generator}, {"noise": noise.draw(64, 8, seed=1)})
        return np.abs(made[:, None] - pictures).mean((2, 3, 4)).min(0)

    assert nearest().min() > 0.3
    for step in range(500):
        model.train_on_batch({"target": np.repeat(pictures, 4, axis=0), "noise": noise.draw(16, 8, seed=step)})
    assert nearest().max() < 0.2


@pytest.mark.slow
def test_it_learns_which_pictures_belong_to_which_class():
    """Two classes of two sprites each: of 64 samples of a class almost all are nearer to its own pictures."""
    keras.utils.set_random_seed(0)
    pictures, labels = four("sprite", 16), np.array([0, 0, 1, 1], np.int32)
    model = DCGAN(
        SHAPES | {"label": (2,)}, generator={"base_width": 32, "latent_size": 8}, discriminator={"base_width": 16}
    )
    model.compile(optimizer=adam(num_steps=500, learning_rate=1e-3), jit_compile=keras.backend.backend() == "jax")
    for step in range(500):
        model.train_on_batch({
            "target": np.repeat(pictures, 4, axis=0), "noise": noise.draw(16, 8, seed=step),
            "label": np.repeat(labels, 4),
        })
    for label in (0, 1):
        given = {"noise": noise.draw(64, 8, seed=1), "label": np.full(64, label)}
        made = model.made({"generator": model.generator}, given)
        distances = np.abs(made[:, None] - pictures).mean((2, 3, 4))   # (64, 4)
        assert (labels[distances.argmin(1)] == label).mean() > 0.9
        assert distances[:, labels == label].min(0).max() < 0.2   # both of its pictures come
