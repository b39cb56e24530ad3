"""DCGAN: pictures from noise, and a discriminator of whole pictures."""

import itertools
from typing import Annotated, ClassVar

from pixelart_tf.layers.diff_augment import DiffAugment
from pixelart_tf.models.losses import Adversarial
from pixelart_tf.models.model import Model, predict
from pixelart_tf.models.parts import GIVEN, network_of
from pixelart_tf.networks import NOISE_DISCRIMINATORS, NOISE_GENERATORS, noise
from pixelart_tf.settings import config


class DCGAN(Model):
    """The first GAN of convolutions that trained steadily, as one scalar loss (Radford et al. 2015; the losses are
    those of Goodfellow et al. 2014: equation 1, with -log D(G(z)) for the generator as their section 3 has it).

    What differs from the paper:

    - The noise is standard normal and not uniform.
    - Both players' losses are one sum with one backward pass; each one's gradient is its own (see `Model.game`). The
      generator meets the discriminator as it was before the step, and not after its update.
    - The discriminator's loss is the mean of what it loses on real and on made pictures, not their sum.
    - Batch norm is over all devices' pictures together; real and made pictures are normed apart, as in the paper's
      code.
    - Kernels are of 4x4 pixels (see `networks.dcgan`), and batch norm's scales start at 1.

    The paper trains by Adam with a learning rate of 0.0002 and a beta_1 of 0.5, as this project does by default, and in
    batches of 128.

    The logged losses are means over the epoch: `generator` and `discriminator`.

    Args:
        shapes: (height, width, channels) of `target`: square, of 16, 32, 64, 128 or 256 pixels a side.
        generator: `name`, one of `networks.NOISE_GENERATORS`, and the options of that function.
        discriminator: `name`, one of `networks.NOISE_DISCRIMINATORS`, and the options of that function.
        objective: `"bce"` (the paper's), `"lsgan"` or `"hinge"`.
        label_smoothing: real pictures are trained towards 1 minus this.
        diff_augment: augmentations of all that the discriminator sees, such as `"color,translation,cutout"`
            (Zhao et al. 2020). Empty for none.

    Attributes:
        generator: from noise to images (G of the paper).
        discriminator: from images to a logit (D).

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1511.06434; https://arxiv.org/abs/1406.2661
    """

    domains = ("target",)
    saved = ("generator",)
    curves: ClassVar[dict[str, tuple[str, ...]]] = {"losses": ("generator", "discriminator")}

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(NOISE_GENERATORS, given=GIVEN)] = None,
        discriminator: Annotated[dict | None, config.Table(NOISE_DISCRIMINATORS, given=GIVEN)] = None,
        objective: str = "bce",
        label_smoothing: float = 0.0,
        diff_augment: str = "",
        name: str = "dcgan",
    ):
        if objective == "wgangp":
            raise ValueError(
                "`objective` must be one of bce, lsgan, hinge, as pictures that meet in batch norm have no gradients "
                "of their own to be fined for. Received: 'wgangp'"
            )
        super().__init__(shapes, losses=["generator", "discriminator"], name=name)
        height, width, channels = shapes["target"]
        self.generator = network_of(
            NOISE_GENERATORS, generator, "model.generator", name="generator", image_size=(height, width),
            output_channels=channels,
        )
        self.discriminator = network_of(
            NOISE_DISCRIMINATORS, discriminator, "model.discriminator", name="discriminator",
            image_size=(height, width), channels=channels,
        )
        self.shapes["noise"] = tuple(self.generator.input_shape[1:])
        self.adversarial = Adversarial(objective, label_smoothing=label_smoothing)
        self.augment = DiffAugment(diff_augment) if diff_augment else None

    @property
    def feed(self):
        return (*self.domains, "noise")

    def call(self, inputs, training=False):
        """The pictures that the generator makes of a batch's noise: float (B, H, W, C)."""
        return self.generator(inputs["noise"], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        generator, discriminator = self.game(
            self.discriminator, x["target"], y_pred, adversarial=self.adversarial, augment=self.augment, apart=True,
            training=training,
        )
        self.track({"generator": generator, "discriminator": discriminator})
        return generator + discriminator

    def made(self, generators, samples):
        return predict(generators["generator"], samples["noise"])

    def sheets(self, generators, samples):
        """`samples`: real pictures, made ones, and walks through the noise between each two of the first of them."""
        given, number = samples["noise"], len(samples["noise"])
        made = self.made(generators, samples)
        rows = {"target": samples["target"], "made of noise": made}
        if number > 1:
            ends = given[: min(4, number)]
            for i, (start, end) in enumerate(itertools.pairwise(ends), 1):
                between = noise.walk(start, end, number)
                rows[f"from {i} to {i + 1}"] = predict(generators["generator"], between)
        return {"samples": rows}
