"""Distances between pictures, by weight and in combination: what super-resolution is trained on."""

from typing import Annotated, Any

import numpy as np
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.models import losses
from pixelart_tf.models.filters import depthwise
from pixelart_tf.models.perceptual import Perceptual
from pixelart_tf.settings.config import PATH

SPAN = 2.0   # from black to white
SIGMA, SSIM_SIDE, HFEN_SIDE = 1.5, 11, 15
C1, C2 = (0.01 * SPAN) ** 2, (0.03 * SPAN) ** 2
LEAST = 1e-12   # under a root or in a logarithm, whose slopes would have no end
PICTURES = ("mse", "l1", "ssim", "psnr", "hfen", "perceptual")


class PictureLosses:
    """Losses of pictures against their originals, by weight; what has no weight is not computed.

    Args:
        mse: weight of the mean squared error, in units of [-1, 1].
        l1: weight of the mean absolute error.
        ssim: weight of 1 - SSIM, in windows of 11x11 pixels.
        psnr: weight of the peak signal-to-noise ratio in dB, which is subtracted.
        hfen: weight of the high-frequency error norm: of the difference after a Laplacian of a Gaussian.
        perceptual: weight of the squared distance of a frozen network's activations (see `Perceptual`).
        adversarial: weight of what a discriminator tells; without it there is none.
        network: of the perceptual loss: `"lite0"`, which comes along, `"vgg16"` or `"vgg19"`.
        layer: of that network, such as `"relu3_3"` or `"block_2"`; empty for these two (`"relu3_4"` of VGG19).
        weights: Keras' file of VGG's weights without the classifier; empty for Keras to fetch them.

    Raises:
        ValueError: no weight, a negative one, or a network or layer that is not known.
        WeightsError: see `Perceptual`.

    Reference: Wang et al. (2004), equation 13 (SSIM); Ravishankar and Bresler (2011), section IV-A (HFEN); Johnson et
    al. (2016), equation 2; as `scores.pairs` has the figures of the same names
    """

    def __init__(
        self, *, mse: float = 0.0, l1: float = 0.0, ssim: float = 0.0, psnr: float = 0.0, hfen: float = 0.0,
        perceptual: float = 0.0, adversarial: float = 0.0, network: str = "lite0", layer: str = "",
        weights: Annotated[str, PATH] = "",
    ):
        given = {"mse": mse, "l1": l1, "ssim": ssim, "psnr": psnr, "hfen": hfen, "perceptual": perceptual}
        check_at_least(0, adversarial=adversarial, **given)
        self.weights = {name: weight for name, weight in given.items() if weight}
        if not self.weights:
            raise ValueError(f"`loss` must give one of {', '.join(PICTURES)} a weight, such as {{ mse = 1 }}")
        self.adversarial = adversarial
        self.perceptual = Perceptual(network, [layer] if layer else [], weights) if perceptual else None

    def terms(self, images: Any, made: Any) -> dict[str, Any]:
        """Each loss that has a weight, not weighted: scalars, of float (B, H, W, C) in [-1, 1]."""
        known = {
            "mse": losses.l2, "l1": losses.l1, "perceptual": self.perceptual,
            "ssim": lambda *pair: losses.mean_of_pictures(1 - ssim(*pair)),
            "psnr": lambda *pair: losses.mean_of_pictures(-psnr(*pair)),
            "hfen": lambda *pair: losses.mean_of_pictures(hfen(*pair)),
        }
        return {name: known[name](images, made) for name in self.weights}

    def total(self, terms: dict[str, Any]) -> Any:
        """The weighted sum of terms."""
        return sum(weight * terms[name] for name, weight in self.weights.items())


def ssim(images: Any, made: Any) -> Any:
    """The mean structural similarity of each picture: float32 (B,)."""
    filters = np.exp(-0.5 * ((np.arange(SSIM_SIDE) - SSIM_SIDE // 2) / SIGMA) ** 2)
    filters /= filters.sum()

    def windows(pictures):
        x = depthwise(pictures, filters[:, None])
        return depthwise(x, filters[None])   # (B, H - 10, W - 10, C)

    mean_x, mean_y = windows(images), windows(made)
    variance_x = windows(ops.square(images)) - ops.square(mean_x)
    variance_y = windows(ops.square(made)) - ops.square(mean_y)
    covariance = windows(images * made) - mean_x * mean_y
    alike = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    most = (ops.square(mean_x) + ops.square(mean_y) + C1) * (variance_x + variance_y + C2)
    return ops.mean(alike / most, axis=(1, 2, 3))


def psnr(images: Any, made: Any) -> Any:
    """The peak signal-to-noise ratio of each picture in dB, at most 126: float32 (B,)."""
    error = ops.mean(ops.square(images - made), axis=(1, 2, 3))
    return 10 * ops.log(SPAN**2 / (error + LEAST)) / np.log(10)


def hfen(images: Any, made: Any) -> Any:
    """The high-frequency error norm of each picture, as a root of a mean: float32 (B,)."""
    squared = np.square(np.arange(HFEN_SIDE) - HFEN_SIDE // 2)
    radius = squared[:, None] + squared
    filters = np.exp(-radius / (2 * SIGMA**2))
    filters *= (radius - 2 * SIGMA**2) / SIGMA**4 / filters.sum()
    filtered = depthwise(images - made, filters - filters.mean(), "same")
    return ops.sqrt(ops.mean(ops.square(filtered), axis=(1, 2, 3)) + LEAST)
