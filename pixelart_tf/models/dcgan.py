"""DCGAN: pictures from noise, and a discriminator of whole pictures."""

from typing import Annotated, ClassVar

import numpy as np
from keras import ops

from pixelart_tf.layers.diff_augment import DiffAugment
from pixelart_tf.models.losses import Adversarial, check_heads
from pixelart_tf.models.model import Model, predict
from pixelart_tf.models.parts import GIVEN, network_of
from pixelart_tf.models.penalties import NO_SLOPES
from pixelart_tf.models.walks import walks
from pixelart_tf.networks import NOISE_DISCRIMINATORS, NOISE_GENERATORS
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
    - Where the pictures have classes, both networks are told them (Mirza and Osindero 2014, equation 2): a made picture
      is of the class of the real one in its row.

    The paper trains by Adam with a learning rate of 0.0002 and a beta_1 of 0.5, as this project does by default, and in
    batches of 128.

    The logged losses are means over the epoch: `generator` and `discriminator`.

    Args:
        shapes: (height, width, channels) of `target`: square, of 16, 32, 64, 128 or 256 pixels a side; and where there
            are classes (their number,) of `label`.
        generator: `name`, one of `networks.NOISE_GENERATORS`, and the options of that function.
        discriminator: `name`, one of `networks.NOISE_DISCRIMINATORS`, and the options of that function.
        objective: `"bce"` (the paper's), `"lsgan"` or `"hinge"`.
        label_smoothing: real pictures are trained towards 1 minus this.
        diff_augment: augmentations of all that the discriminator sees, such as `"color,translation,cutout"`
            (Zhao et al. 2020). Empty for none.

    Attributes:
        generator: from noise, and a class, to images (G of the paper); see `networks.dcgan_generator`.
        discriminator: from images, or a dict of images and classes, to a logit (D).
        num_classes: 0 where the pictures are of one kind.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1511.06434; https://arxiv.org/abs/1406.2661; https://arxiv.org/abs/1411.1784
    """

    domains = ("target",)
    saved = ("generator",)
    has_classes = True
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
            raise ValueError(f"`objective` must be one of bce, lsgan, hinge, as {NO_SLOPES}. Received: 'wgangp'")
        super().__init__(shapes, losses=["generator", "discriminator"], name=name)
        height, width, channels = shapes["target"]
        self.num_classes = shapes["label"][0] if "label" in shapes else 0
        self.generator = network_of(
            NOISE_GENERATORS, generator, "model.generator", name="generator", image_size=(height, width),
            output_channels=channels, num_classes=self.num_classes,
        )
        self.discriminator = network_of(
            NOISE_DISCRIMINATORS, discriminator, "model.discriminator", name="discriminator",
            image_size=(height, width), channels=channels, num_classes=self.num_classes,
        )
        self.shapes["noise"] = (self.generator.input_shape[1] - self.num_classes,)
        check_heads(self.discriminator, objective)
        self.adversarial = Adversarial(objective, label_smoothing=label_smoothing)
        self.augment = DiffAugment(diff_augment) if diff_augment else None

    @property
    def feed(self):
        return (*self.domains, "noise", "label") if self.num_classes else (*self.domains, "noise")

    def call(self, inputs, training=False):
        """The pictures that the generator makes of a batch's noise and classes: float (B, H, W, C)."""
        given = inputs["noise"]
        if self.num_classes:
            given = ops.concatenate([given, ops.cast(self._condition(inputs), given.dtype)], axis=1)
        return self.generator(given, training=training)

    def _condition(self, inputs):
        """float32 (B, num_classes), 1 for the class of each row; None without classes."""
        return ops.one_hot(inputs["label"], self.num_classes, dtype="float32") if self.num_classes else None

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        generator, discriminator = self.game(
            self.discriminator, x["target"], y_pred, adversarial=self.adversarial, augment=self.augment,
            condition=self._condition(x), training=training,
        )
        self.track({"generator": generator, "discriminator": discriminator})
        return self.with_l2(generator + discriminator)

    def made(self, generators, samples):
        return predict(generators["generator"], self._given(samples))

    def _given(self, samples):
        """What the generator is given for samples: NumPy float32 (B, n)."""
        classes = [np.eye(self.num_classes, dtype=np.float32)[samples["label"]]] if self.num_classes else []
        return np.concatenate([samples["noise"], *classes], axis=1)

    def sheets(self, generators, samples):
        """`samples`: real pictures, made ones, and walks through the noise between each two of the first of them, and
        from one class to the next where there are some."""
        rows = {"target": samples["target"], "made of noise": self.made(generators, samples)}
        return {"samples": rows | walks(generators["generator"], self._given(samples), fixed=self.num_classes)}
