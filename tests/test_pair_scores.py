"""MSE, PSNR, SSIM and HFEN of pictures: closed forms, TensorFlow's, and the losses of the same names."""

import numpy as np
import pytest
from keras import ops
from tiny_models import four

from pixelart_tf.models import picture_losses
from pixelart_tf.scores import pairs


def blurred(pictures):
    return (pictures + np.roll(pictures, 1, 1) + np.roll(pictures, 1, 2) + np.roll(pictures, -1, 2)) / 4


def test_they_are_tensorflows():
    """`tf.image.ssim` and `tf.image.psnr` of real pictures."""
    import tensorflow as tf

    pictures = four("cartoon", 32)
    made = blurred(pictures)
    np.testing.assert_allclose(pairs.psnr(pictures, made), tf.image.psnr(pictures, made, max_val=2.0), rtol=1e-5)
    np.testing.assert_allclose(pairs.ssim(pictures, made), tf.image.ssim(pictures, made, max_val=2.0), rtol=1e-4)
    np.testing.assert_allclose(pairs.ssim(pictures, pictures), 1, rtol=1e-6)


def test_closed_forms():
    black, half = -np.ones((2, 32, 32, 1)), np.zeros((2, 32, 32, 1))
    np.testing.assert_allclose(pairs.mse(black, half), 1)
    np.testing.assert_allclose(pairs.psnr(black, half), 10 * np.log10(4))
    assert np.isinf(pairs.psnr(black, black)).all()
    # A Laplacian sees no level, away from the border; and it is linear.
    np.testing.assert_allclose(pairs.log_kernel().sum(), 0, atol=1e-12)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(1, 32, 32, 1))
    np.testing.assert_allclose(pairs.hfen(3 * noise, 0 * noise), 3 * pairs.hfen(noise, 0 * noise))
    # Of one bright pixel the answer is the kernel itself.
    point = np.zeros((1, 32, 32, 1))
    point[0, 16, 16] = 1
    wanted = np.sqrt(np.square(pairs.log_kernel()).sum() / 32**2)
    np.testing.assert_allclose(pairs.hfen(point, 0 * point), wanted)
    # The kernel's middle is -1 / (pi sigma^4), as the Laplacian of a Gaussian is there.
    assert pairs.log_kernel()[7, 7] == pytest.approx(-1 / (np.pi * 1.5**4), rel=0.02)
    with pytest.raises(ValueError, match="11 pixels a side or more"):
        pairs.ssim(point[:, :8], point[:, :8])


@pytest.mark.parametrize("name", ["ssim", "psnr", "hfen"])
def test_the_losses_are_the_figures(name):
    pictures = four("cartoon", 32)
    made = blurred(pictures)
    found = ops.convert_to_numpy(getattr(picture_losses, name)(ops.convert_to_tensor(pictures), made))
    np.testing.assert_allclose(found, getattr(pairs, name)(pictures, made), rtol=1e-3)
