"""A GAN of dense layers that makes grids of a few cells from noise: pixelated faces, in its report."""

from typing import Annotated, ClassVar

import keras

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.layers.diff_augment import DiffAugment
from pixelart_tf.models.losses import Adversarial, check_heads
from pixelart_tf.models.model import Model, predict
from pixelart_tf.models.parts import GIVEN, network_of
from pixelart_tf.models.walks import walks
from pixelart_tf.networks import MLP_DISCRIMINATORS, MLP_GENERATORS
from pixelart_tf.settings import config


class PixelGAN(Model):
    """The pixelated-face GAN: a vector of noise through dense layers of 128 and 512 numbers to boxes x boxes values,
    and dense layers that judge them, as one scalar loss (Goodfellow et al. 2014, equation 1, with -log D(G(z)) for the
    generator as their section 3 has it).

    Its pictures are grey squares out of the middle, each cell the mean of its box: `grey = true`, `boxes = 40` and
    `enlarge = false` of `[data.target]`, in [-1, 1], which is what a tanh can reach.

    What differs from the report, which names the sizes of its layers and no more:

    - Leaky ReLUs of slope 0.2 between them.
    - Both players' losses are one sum with one backward pass; each one's gradient is its own (see `Model.game`). The
      generator meets the discriminator as it was before the step, and not after its update.
    - The discriminator's loss is the mean of what it loses on real and on made pictures, not their sum.
    - Colors and any shape of picture are possible.

    The logged losses are means over the epoch: `generator` and `discriminator`.

    Args:
        shapes: (height, width, channels) of `target`.
        generator: `name`, one of `networks.MLP_GENERATORS`, and the options of that function.
        discriminator: `name`, one of `networks.MLP_DISCRIMINATORS`, and the options of that function.
        objective: `"bce"`, `"lsgan"`, `"hinge"` or `"wgangp"`.
        label_smoothing: real pictures are trained towards 1 minus this.
        r1_weight: factor of the discriminator's squared slopes at real pictures (see `penalties.r1`). 0 for none.
        diff_augment: augmentations of all that the discriminator sees, such as `"color,translation,cutout"`
            (Zhao et al. 2020). Empty for none.

    Attributes:
        generator: from noise to images (G of the paper).
        discriminator: from images to a logit (D).

    Raises:
        ValueError: an option that is not known or not possible, or pictures too large for dense layers.

    Reference: https://arxiv.org/abs/1406.2661
    """

    domains = ("target",)
    saved = ("generator",)
    curves: ClassVar[dict[str, tuple[str, ...]]] = {"losses": ("generator", "discriminator")}

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(MLP_GENERATORS, given=GIVEN)] = None,
        discriminator: Annotated[dict | None, config.Table(MLP_DISCRIMINATORS, given=GIVEN)] = None,
        objective: str = "bce",
        label_smoothing: float = 0.0,
        r1_weight: float = 0.0,
        diff_augment: str = "",
        name: str = "pixel_gan",
    ):
        check_at_least(0, r1_weight=r1_weight)
        super().__init__(shapes, losses=["generator", "discriminator"], name=name)
        height, width, channels = shapes["target"]
        self.generator = network_of(
            MLP_GENERATORS, generator, "model.generator", name="generator", image_size=(height, width),
            output_channels=channels,
        )
        self.discriminator = network_of(
            MLP_DISCRIMINATORS, discriminator, "model.discriminator", name="discriminator",
            image_size=(height, width), channels=channels,
        )
        self.shapes["noise"] = tuple(self.generator.input_shape[1:])
        check_heads(self.discriminator, objective)
        self.adversarial, self.r1_weight = Adversarial(objective, label_smoothing=label_smoothing), r1_weight
        self.augment = DiffAugment(diff_augment) if diff_augment else None
        if objective == "wgangp":
            self.seeds = keras.random.SeedGenerator()

    @property
    def feed(self):
        return (*self.domains, "noise")

    def call(self, inputs, training=False):
        """The pictures that the generator makes of a batch's noise: float (B, H, W, C)."""
        return self.generator(inputs["noise"], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        generator, discriminator = self.game(
            self.discriminator, x["target"], y_pred, adversarial=self.adversarial, augment=self.augment,
            r1_weight=self.r1_weight, training=training,
        )
        self.track({"generator": generator, "discriminator": discriminator})
        return self.with_l2(generator + discriminator)

    def made(self, generators, samples):
        return predict(generators["generator"], samples["noise"])

    def sheets(self, generators, samples):
        """`samples`: real pictures, made ones, and walks through the noise between the first of them."""
        made = self.made(generators, samples)
        rows = {"target": samples["target"], "made of noise": made}
        return {"samples": rows | walks(generators["generator"], samples["noise"])}
