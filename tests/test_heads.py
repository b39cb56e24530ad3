"""What public Monet notebooks added to the discriminators: spectral norm, several heads, a U-Net, top-k."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import PATCHGAN, RESNET, SHAPES, TINY, batch, gradients, perturb, values_and_gradients

from pixelart_tf.layers.spectral_conv import SpectralConv2D
from pixelart_tf.models import MODELS
from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.models.losses import Adversarial
from pixelart_tf.models.model import Model, patch_maps
from pixelart_tf.networks import conditional_patchgan, patchgan, unet_discriminator

pytestmark = pytest.mark.keras_only
RNG = np.random.default_rng(0)
FAKE, REAL = (RNG.normal(0, 2, (2, 5, 5, 1)).astype("float32") for _ in range(2))
UNET = {"name": "unet_discriminator", "base_width": 4, "num_layers": 2}


def convolution(filters=6, channels=4):
    layer = SpectralConv2D(filters, 3, padding="same")
    layer.build((None, 8, 8, channels))
    layer.kernel.assign(RNG.normal(size=layer.kernel.shape).astype("float32"))
    return layer


def largest(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]


# Spectral norm --------------------------------------------------------------------------------------------------------


def test_a_kernel_is_divided_by_its_largest_singular_value():
    # Source: NumPy's singular values.
    layer, images = convolution(), RNG.normal(size=(2, 8, 8, 4)).astype("float32")
    for _ in range(100):
        layer(images, training=True)
    kernel = ops.convert_to_numpy(layer.kernel)
    plain = keras.layers.Conv2D(6, 3, padding="same")
    plain.build(images.shape)
    plain.set_weights([kernel / largest(kernel), ops.convert_to_numpy(layer.bias)])
    for training in (True, False):
        np.testing.assert_allclose(layer(images, training=training), plain(images), atol=1e-4)


def test_one_step_of_training_is_one_of_power_iteration():
    # Source: Miyato et al. 2018, algorithm 1, in NumPy.
    layer, images = convolution(), RNG.normal(size=(1, 8, 8, 4)).astype("float32")
    kernel = ops.convert_to_numpy(layer.kernel)
    matrix, u = kernel.reshape(-1, 6).astype("float64").T, ops.convert_to_numpy(layer.direction)
    layer(images, training=False)
    np.testing.assert_array_equal(layer.direction, u)
    v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
    u = matrix @ v / np.linalg.norm(matrix @ v)
    made = layer(images, training=True)
    np.testing.assert_allclose(layer.direction, u, atol=1e-5)
    plain = ops.conv(images, kernel / (u @ matrix @ v).astype("float32"), padding="same")
    np.testing.assert_allclose(made, plain, atol=1e-4)


def test_the_gradient_goes_through_the_norm():
    """Nothing is won by a larger kernel: along itself a kernel has no slope (Miyato et al. 2018, equation 12)."""
    layer, images = convolution(), RNG.normal(size=(1, 8, 8, 4)).astype("float32")
    layer.trainable_variables[0].assign(ops.convert_to_numpy(layer.kernel))
    slope, _ = gradients(lambda: ops.sum(ops.square(layer(images))), layer.trainable_variables)
    assert np.abs(slope).max() > 1
    assert abs((slope * ops.convert_to_numpy(layer.kernel)).sum()) < 1e-3 * np.abs(slope).sum()


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="about layers, which are the same on any backend")
@pytest.mark.parametrize("make", [patchgan, conditional_patchgan, unet_discriminator])
def test_all_of_a_discriminators_convolutions_are_normed_where_it_is_asked_for(make):
    for spectral_norm in (True, False):
        network = make(image_size=32, base_width=4, num_layers=2, norm="none", spectral_norm=spectral_norm)
        convolutions = [each for each in network._flatten_layers() if isinstance(each, keras.layers.Conv2D)]
        assert convolutions
        assert all(isinstance(each, SpectralConv2D) == spectral_norm for each in convolutions)
        assert len(network.non_trainable_variables) == spectral_norm * len(convolutions)


def test_a_kernel_of_zeros_stays_one():
    layer = convolution()
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    assert np.isfinite(layer(np.ones((1, 8, 8, 4), "float32"), training=True)).all()


def test_mixed_precision_ends_in_float32():
    full = unet_discriminator(image_size=16, base_width=4, num_layers=2)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = unet_discriminator(image_size=16, base_width=4, num_layers=2)
    finally:
        keras.config.set_dtype_policy("float32")
    network.set_weights([RNG.normal(scale=0.3, size=each.shape) for each in full.get_weights()])
    full.set_weights(network.get_weights())
    assert network.get_layer("to_logits").compute_dtype == "float16"
    assert all(each.dtype == "float32" for each in network.weights)
    images = batch_of_16()
    for one, other in zip(network(images, training=True), full(images, training=True), strict=True):
        assert keras.backend.standardize_dtype(one.dtype) == "float32"
        np.testing.assert_allclose(one, other, atol=0.05)
    for one, other in zip(network.non_trainable_variables, full.non_trainable_variables, strict=True):
        np.testing.assert_allclose(one, other, atol=0.01)


# Heads ----------------------------------------------------------------------------------------------------------------


def test_heads_have_weights_of_their_own_on_one_body():
    one, two = (patchgan(image_size=32, base_width=4, num_layers=2, num_heads=number) for number in (1, 2))
    first, second = two(RNG.normal(size=(3, 32, 32, 3)).astype("float32"))
    assert first.shape == second.shape == (3, *one.output_shape[1:])
    assert np.abs(first - second).max() > 1e-6
    names = {each.name for each in two.layers}
    assert {each.name for each in one.layers} < names
    head = {"top_pad_1", "top_1", "top_norm_1", "top_relu_1", "to_logits_pad_1", "to_logits_1", "logits_1"}
    assert names - {each.name for each in one.layers} == head


def test_unet_discriminator_judges_the_whole_and_each_pixel():
    network = unet_discriminator(image_size=(32, 48), base_width=4, num_layers=3)
    whole, pixels = network(RNG.normal(size=(2, 32, 48, 3)).astype("float32"))
    assert whole.shape == (2, 1, 1, 1)
    assert pixels.shape == (2, 32, 48, 1)
    with pytest.raises(ValueError, match=r"`image_size` must be a multiple of 8\. Received: 36"):
        unet_discriminator(image_size=36, num_layers=3)


def test_losses_of_heads_are_averaged_and_each_may_have_an_objective():
    # Source: the objectives of one head, which test_losses holds to their closed forms.
    whole, pixels = FAKE[:, :1, :1], FAKE
    bce, hinge = Adversarial("bce"), Adversarial("hinge")
    both = (bce.generator(whole) + bce.generator(pixels)) / 2
    assert float(bce.generator([whole, pixels])) == pytest.approx(float(both), rel=1e-6)
    mixed = Adversarial("bce+hinge")
    both = (bce.generator(whole) + hinge.generator(pixels)) / 2
    assert float(mixed.generator([whole, pixels])) == pytest.approx(float(both), rel=1e-6)
    both = (bce.discriminator(REAL, FAKE) + hinge.discriminator(FAKE, REAL)) / 2
    assert float(mixed.discriminator([REAL, FAKE], [FAKE, REAL])) == pytest.approx(float(both), rel=1e-6)


@pytest.mark.parametrize("top_k", [0.5, 0.75, 0.001])
def test_top_k_tells_the_generator_of_the_patches_that_look_most_real(top_k):
    # Source: Sinha et al. 2020, of patches: the greatest logits of each picture.
    number = max(1, round(top_k * 25))
    best = np.sort(FAKE.reshape(2, -1))[:, -number:]
    for objective in ("lsgan", "bce", "hinge"):
        all_of_them, some = Adversarial(objective), Adversarial(objective, top_k=top_k)
        assert float(some.generator(FAKE)) == pytest.approx(float(all_of_them.generator(best)), rel=1e-5)
        assert float(some.discriminator(REAL, FAKE)) == float(all_of_them.discriminator(REAL, FAKE))
    variable = keras.Variable(FAKE)
    (slope,) = gradients(lambda: Adversarial("hinge", top_k=top_k).generator(variable), [variable])
    assert ((slope != 0).sum(axis=(1, 2, 3)) == number).all()


# In the game ----------------------------------------------------------------------------------------------------------


def test_each_players_gradient_of_the_one_loss_is_that_of_its_own():
    model = perturb(CycleGAN(SHAPES, generator=RESNET, discriminator=UNET))
    state = [ops.convert_to_numpy(v) for v in model.non_trainable_variables]
    judge, adversarial = model.target_discriminator, Adversarial("bce+hinge", top_k=0.5)
    pictures = batch(model)
    fake = keras.Variable(pictures["source"])
    players = [fake, *judge.trainable_variables]

    def losses():
        for variable, value in zip(model.non_trainable_variables, state, strict=True):
            variable.assign(value)
        return Model.game(model, judge, pictures["target"], ops.convert_to_tensor(fake), adversarial=adversarial)

    def total_and_own():
        both = losses()
        return [sum(both), *both]

    total, generators, discriminators = values_and_gradients(total_and_own, players)[1]
    np.testing.assert_allclose(total[0], generators[0], atol=1e-6)
    assert np.abs(generators[0]).max() > 0
    for one, other, none in zip(total[1:], discriminators[1:], generators[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(none, 0)
    assert not np.any(discriminators[0])


def test_a_step_of_training_iterates_once():
    """Though the discriminator is asked twice in it."""
    model = CycleGAN(SHAPES, generator=RESNET, discriminator=PATCHGAN | {"spectral_norm": True})
    judge, pictures = model.target_discriminator, batch(model)
    layer = judge.get_layer("down_0").layers[0]
    matrix, u = ops.convert_to_numpy(layer.kernel).reshape(-1, 4).T, ops.convert_to_numpy(layer.direction)
    u = matrix @ (matrix.T @ u)
    Model.game(model, judge, pictures["target"], pictures["source"], adversarial=Adversarial())
    np.testing.assert_allclose(layer.direction, u / np.linalg.norm(u), atol=1e-5)


def test_patch_maps_show_the_pixels_of_a_unet():
    rows = patch_maps(unet_discriminator(image_size=16, base_width=4, num_layers=2), {"one": batch_of_16()})
    shown = rows["one: patches that look real are bright"]
    assert shown.shape == (2, 16, 16, 1)
    assert len(np.unique(shown)) > 100


def batch_of_16():
    return RNG.uniform(-1, 1, (2, 16, 16, 3)).astype("float32")


TWO = PATCHGAN | {"num_heads": 2}


@pytest.mark.parametrize(("name", "options", "message"), [
    ("cyclegan", {"top_k": 0.0}, r"`top_k` must be above 0 and at most 1, a share. Received: 0.0"),
    ("cyclegan", {"objective": "bce+hinge"}, "one for each of the discriminator's heads.*'bce\\+hinge' for one head"),
    ("cyclegan", {"objective": "bce+bce+bce", "discriminator": TWO}, "Received: 'bce\\+bce\\+bce' for 2 heads"),
    ("cyclegan", {"objective": "bce+l1", "discriminator": TWO}, "`objective` must be one of .* Received: 'bce\\+l1'"),
    ("cyclegan", {"objective": "wgangp", "discriminator": TWO}, '`objective` must not be "wgangp" with several heads'),
    ("cyclegan", {"objective": "bce+hinge", "discriminator": TWO, "label_smoothing": 0.1}, "which has no labels"),
    ("cyclegan", {"discriminator": UNET | {"num_layers": 5}}, "`image_size` must be at least 32"),
    ("pix2pix", {"discriminator": UNET}, r"`model\.discriminator\.name` must be"),
    ("dcgan", {"objective": "bce+hinge"}, "one for each of the discriminator's heads"),
    ("pixel_gan", {"objective": "bce+hinge"}, "one for each of the discriminator's heads"),
    ("cut", {"top_k": 0.5, "discriminator": PATCHGAN | {"num_layers": 2}}, "`top_k` must be 1 where"),
])
def test_what_makes_no_sense_is_refused(name, options, message):
    shapes = {"source": (12, 12, 3), "target": (12, 12, 3)} if name == "cut" else SHAPES
    with pytest.raises(ValueError, match=message):
        MODELS[name](**{"shapes": shapes} | TINY[name] | options)
