"""A variational autoencoder: pictures through random codes and back, and new pictures from codes."""

from typing import Annotated, ClassVar

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.models.losses import distance_of, mean_of_pictures
from pixelart_tf.models.model import Model, predict, scalar
from pixelart_tf.models.parts import GIVEN, network_of
from pixelart_tf.models.walks import walks
from pixelart_tf.networks import VAES
from pixelart_tf.settings import config

MOST = 20.0   # of a logarithm of a variance, either way: beyond, its exponential is of no use


class VAE(Model):
    """An encoder of pictures to normal distributions of codes, and a decoder of codes to pictures (Kingma and Welling
    2013, equation 10 with appendix B; with `beta`, Higgins et al. 2017, equation 4).

    With a `[data.partner]` table the input is the partner that is made from the picture, such as one of low resolution:
    the picture is then what its partner may have been made from, and the codes what the partner leaves open.

    The loss is the mean of `distance` over a picture's values, plus `beta` times the divergence KL(q(z|x) || N(0, 1))
    for each of these values. That is the papers' bound on -log p(x), but for a constant and a factor: with `beta` 1 of
    a decoder whose values are normal with a variance of 1/2 ("l2"), or of Laplace's distribution with a scale of 1
    ("l1"); a smaller `beta` is a smaller variance or scale. In units of [-1, 1] pictures are within far less than that,
    so `beta` should be: 0.02 is a deviation of 0.1 of "l2".

    What differs from the papers: convolutions; one code a picture and step, which the trainer's feed draws (L = 1 of
    the paper); Adam.

    The logged losses are means over the epoch:

    - `decoder`: the mean of `distance`, in units of [-1, 1] (or their square), of pictures from random codes;
    - `encoder`: the whole loss;
    - `kl`: the divergence, in nats a picture.

    Args:
        shapes: (height, width, channels) of `target` and, if there are partners, of `partner`.
        generator: `name`, one of `networks.VAES`, and the options of that function.
        distance: `"l2"`, the mean squared error, or `"l1"`, the mean absolute error.
        beta: weight of the divergence.

    Attributes:
        encoder: from images to means and logarithms of variances.
        decoder: from codes to images.
        autoencoder: from images to images, by the means alone; its weights are those of the other two.
        beta: a variable, so that a callback can change it.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1312.6114; https://openreview.net/forum?id=Sy2fzU9gl
    """

    domains = ("target",)
    saved = ("autoencoder", "decoder", "encoder")
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "whole loss": ("encoder",), "distance": ("decoder",), "divergence (nats)": ("kl",),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(VAES, given=GIVEN)] = None,
        distance: str = "l2",
        beta: float = 0.02,
        name: str = "variational",
    ):
        distance = distance_of(distance)
        check_at_least(0, beta=beta)
        super().__init__(shapes, losses=["encoder", "decoder", "kl"], name=name)
        self.input_key = "partner" if "partner" in shapes else "target"
        given, wanted = shapes[self.input_key], shapes["target"]
        self.encoder, self.decoder = network_of(
            VAES, generator, "model.generator", image_size=tuple(wanted[:2]),
            condition_size=tuple(given[:2]), channels=given[2], output_channels=wanted[2],
        )
        means = self.encoder.get_layer("mean").output   # (B, n)
        self.autoencoder = keras.Model(self.encoder.input, self.decoder(means), name="autoencoder")
        self.shapes["noise"] = tuple(self.decoder.input_shape[1:])
        self.distance, self.num_values = distance, wanted[0] * wanted[1] * wanted[2]
        self.beta = scalar(beta, "beta")

    @property
    def feed(self):
        return (*dict.fromkeys((self.input_key, "target")), "noise")

    def call(self, inputs, training=False):
        """Pictures from codes: from random ones while training, from their means else.

        Returns:
            A dict of `made`, float (B, H, W, C), and `mean` and `log_variance`, float (B, n).
        """
        mean, log_variance = ops.split(self.encoder(inputs[self.input_key], training=training), 2, axis=1)
        log_variance = ops.clip(log_variance, -MOST, MOST)
        deviation = ops.exp(0.5 * log_variance)
        code = mean + deviation * ops.cast(inputs["noise"], mean.dtype) if training else mean
        return {"made": self.decoder(code, training=training), "mean": mean, "log_variance": log_variance}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        distance = self.distance(x["target"], y_pred["made"])
        kl = divergence(y_pred["mean"], y_pred["log_variance"])
        loss = distance + self.beta / self.num_values * kl
        self.track({"encoder": loss, "decoder": distance, "kl": kl})
        return self.with_l2(loss)

    def made(self, generators, samples):
        """Of partners what they may have been made from; else new pictures, of noise."""
        if self.input_key == "partner":
            return predict(generators["autoencoder"], samples["partner"])
        return predict(generators["decoder"], samples["noise"])

    def sheets(self, generators, samples):
        """`samples`: pictures, what comes through the codes' means, and pictures made of noise; `interpolation`: walks
        from one picture's mean to the next one's."""
        given = samples[self.input_key]
        rows = {self.input_key: given, "through the mean": predict(generators["autoencoder"], given)}
        rows |= {"target": samples["target"], "made of noise": predict(generators["decoder"], samples["noise"])}
        means = predict(generators["encoder"], given)[:, : samples["noise"].shape[1]]
        sheets = {"samples": rows}
        if len(given) > 1:
            sheets["interpolation"] = {self.input_key: given} | walks(generators["decoder"], means)
        return sheets


def divergence(mean, log_variance):
    """KL(N(mean, variance) || N(0, 1)) in nats, summed over the numbers of a code (B, n), as a mean over pictures.

    Returns:
        A scalar, as a `keras.losses` object gives it.

    Reference: Kingma and Welling (2013), appendix B
    """
    each = 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=1)   # (B,), at least 0
    return mean_of_pictures(each)
