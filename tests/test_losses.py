"""The objectives against their closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.models.losses import OBJECTIVES, Adversarial, l1

pytestmark = pytest.mark.keras_only

RNG = np.random.default_rng(0)
REAL = RNG.normal(0, 2, (2, 5, 5, 1)).astype("float32")
FAKE = RNG.normal(0, 2, (2, 5, 5, 1)).astype("float32")


def softplus(x):
    return np.logaddexp(0, x)


@pytest.mark.parametrize(
    ("objective", "generator", "discriminator"), [("bce", np.log(2), np.log(2)), ("lsgan", 1, 0.5), ("hinge", 0, 1)]
)
def test_at_zero_logits(objective, generator, discriminator):
    # Source: -log sigmoid(0) = ln 2; (0 - 1)^2 = 1 and half of 1 + 0; -0 and half of 1 + 1.
    zeros = ops.zeros((2, 30, 30, 1))
    adversarial = Adversarial(objective)
    assert float(adversarial.generator(zeros)) == pytest.approx(generator, rel=2e-5)  # a sum of 1,800 float32
    assert float(adversarial.discriminator(zeros, zeros)) == pytest.approx(discriminator, rel=2e-5)


def test_bce():
    # Source: -log sigmoid(x) = softplus(-x), -log(1 - sigmoid(x)) = softplus(x).
    assert float(Adversarial("bce").generator(FAKE)) == pytest.approx(softplus(-FAKE).mean(), rel=1e-5)
    expected = (softplus(-REAL).mean() + softplus(FAKE).mean()) / 2
    assert float(Adversarial("bce").discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-5)


def test_lsgan():
    assert float(Adversarial("lsgan").generator(FAKE)) == pytest.approx(((FAKE - 1) ** 2).mean(), rel=1e-5)
    expected = (((REAL - 1) ** 2).mean() + (FAKE**2).mean()) / 2
    assert float(Adversarial("lsgan").discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-5)


def test_hinge():
    assert float(Adversarial("hinge").generator(FAKE)) == pytest.approx(-FAKE.mean(), rel=1e-5)
    expected = (np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean()) / 2
    assert float(Adversarial("hinge").discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-5)


def test_wgangp():
    # Source: Gulrajani et al. 2017, equation 3 without its penalty, which is tested in test_two_sizes.
    assert float(Adversarial("wgangp").generator(FAKE)) == pytest.approx(-FAKE.mean(), rel=1e-5)
    assert float(Adversarial("wgangp").discriminator(REAL, FAKE)) == pytest.approx(FAKE.mean() - REAL.mean(), rel=1e-5)


@pytest.mark.parametrize("s", [0.1, 0.3])
def test_label_smoothing_is_one_sided(s):
    # Source: Salimans et al. 2016, 3.4: only the positive labels are smoothed, and only for the discriminator.
    bce = Adversarial("bce", label_smoothing=s)
    expected = (((1 - s) * softplus(-REAL) + s * softplus(REAL)).mean() + softplus(FAKE).mean()) / 2
    assert float(bce.discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-5)
    assert float(bce.generator(FAKE)) == pytest.approx(softplus(-FAKE).mean(), rel=1e-5)
    lsgan = Adversarial("lsgan", label_smoothing=s)
    expected = (((REAL - (1 - s)) ** 2).mean() + (FAKE**2).mean()) / 2
    assert float(lsgan.discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-5)
    assert float(lsgan.generator(FAKE)) == pytest.approx(((FAKE - 1) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_losses_are_scalars_that_large_logits_do_not_break(objective):
    adversarial = Adversarial(objective)
    for sign in (-1, 1):
        logits = np.full((1, 3, 3, 1), sign * 1e4, "float32")
        for loss in (adversarial.generator(logits), adversarial.discriminator(logits, logits)):
            assert loss.shape == ()
            assert np.isfinite(float(loss))


def test_l1():
    assert float(l1(REAL, FAKE)) == pytest.approx(np.abs(REAL - FAKE).mean(), rel=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_losses_divide_by_the_number_of_replicas(monkeypatch):
    # Under a strategy, gradients are summed over replicas, so each replica's loss must be its share of the mean.
    import tensorflow as tf

    class TwoReplicas:
        num_replicas_in_sync = 2

    whole = {name: Adversarial(name) for name in OBJECTIVES}
    expected = {name: (float(a.generator(FAKE)), float(a.discriminator(REAL, FAKE))) for name, a in whole.items()}
    distance = float(l1(REAL, FAKE))
    monkeypatch.setattr(tf.distribute, "get_strategy", TwoReplicas)
    for name, adversarial in whole.items():
        shares = float(adversarial.generator(FAKE)), float(adversarial.discriminator(REAL, FAKE))
        assert shares == pytest.approx([value / 2 for value in expected[name]], rel=1e-5)
    assert float(l1(REAL, FAKE)) == pytest.approx(distance / 2, rel=1e-5)


def test_arguments():
    with pytest.raises(ValueError, match=r"`objective` must be one of lsgan, bce, hinge, wgangp. Received: 'wgan'"):
        Adversarial("wgan")
    with pytest.raises(ValueError, match=r"`label_smoothing` must be at least 0 and below 1. Received: 1.0"):
        Adversarial("bce", label_smoothing=1.0)
    with pytest.raises(ValueError, match=r"`label_smoothing` must be 0 with the objective \"hinge\""):
        Adversarial("hinge", label_smoothing=0.1)
