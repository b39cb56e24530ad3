"""pix2pix: a generator that learns from pairs, and a discriminator that sees both pictures of a pair."""

from typing import ClassVar

import keras

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.models.losses import Adversarial, l1
from pixelart_tf.models.model import patch_maps, scalar
from pixelart_tf.models.paired import Paired
from pixelart_tf.models.parts import (
    ConditionalDiscriminator,
    Generator,
    conditional_discriminator_of,
    generator_of,
)


class Pix2Pix(Paired):
    """A conditional GAN plus L1 as one scalar loss (Isola et al. 2017, equation 4: cGAN + `l1_weight` x L1).

    The input is the source's picture of the same name, or, with a `[data.partner]` table, a partner that is made from
    the target. Inputs and targets may be of any two sizes, such as 256x256 and 128x96: see
    `networks.conditional_patchgan`, and `networks.sizes.to_size` for generators that keep a picture's size.

    What differs from the paper:

    - Norms are instance norms, which at the paper's batch size of 1 its batch norms are; so the U-Net's innermost block
      is normed too only in the tutorials' layout (see `networks.unet`). The discriminator's may be batch norms.
    - Dropout is on while training only. The paper leaves it on as its only noise, and finds that it changes little.
    - Both players' losses are one sum with one backward pass; each one's gradient is its own (see `Model.game`).
      The generator meets the discriminator as it was before the step, and not after its update.
    - The logged loss of the discriminator is half the sum over reals and fakes, as the paper trains it.

    The logged losses are means over the epoch:

    - `to_target`: all that the generator is trained on, weighted;
    - `target_discriminator`: half the sum of the losses on real and on made pairs;
    - `l1`: mean absolute error in units of [-1, 1], not weighted.

    Args:
        shapes: (height, width, channels) of `target`, and of `source` or `partner`.
        generator: `name`, one of `networks.GENERATORS` (the U-Net by default), and the options of that function.
        discriminator: `name`, one of `networks.CONDITIONAL_DISCRIMINATORS`, and the options of that function.
        objective: `"bce"` (the paper's), `"lsgan"`, `"hinge"` or `"wgangp"`; or one a head, `"bce+hinge"`.
        adversarial_weight: factor of what the discriminator tells the generator; 1 in the paper. 0 leaves the game out,
            and the discriminator: the paper's "L1".
        l1_weight: factor of the L1 distance to the target (lambda of the paper). 0 is the paper's "cGAN".
        label_smoothing: real patches are trained towards 1 minus this.
        top_k: share of each picture's patches, those that look most real, that the generator's game is about (Sinha et
            al. 2020; see `losses.Adversarial`). 1 for all.
        r1_weight: factor of the discriminator's squared slopes at real pictures (see `penalties.r1`). 0 for none.

    Attributes:
        to_target: the generator (G of the paper).
        target_discriminator: from a dict of `condition` and `images` to patch logits (D); None without a game.
        l1_weight: a variable, so that a callback can change it.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1611.07004
    """

    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "generator (weighted sum)": ("to_target",),
        "discriminator": ("target_discriminator",),
        "mean absolute error (unweighted)": ("l1",),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Generator = None,
        discriminator: ConditionalDiscriminator = None,
        objective: str = "bce",
        adversarial_weight: float = 1.0,
        l1_weight: float = 100.0,
        label_smoothing: float = 0.0,
        top_k: float = 1.0,
        r1_weight: float = 0.0,
        name: str = "pix2pix",
    ):
        check_at_least(0, adversarial_weight=adversarial_weight, l1_weight=l1_weight, r1_weight=r1_weight)
        if not adversarial_weight and not l1_weight:
            raise ValueError("`adversarial_weight` or `l1_weight` must be above 0, else there is nothing to learn")
        judged = ["target_discriminator"] if adversarial_weight else []
        super().__init__(shapes, losses=["to_target", *judged, "l1"], name=name)
        given, wanted = shapes[self.input_key], shapes["target"]
        self.to_target = generator_of(generator, given, wanted, name="to_target", resize=True)
        self.target_discriminator = conditional_discriminator_of(
            discriminator, given, wanted, name="target_discriminator", objective=objective, r1_weight=r1_weight,
            top_k=top_k,
        ) if adversarial_weight else None
        self.adversarial = Adversarial(objective, label_smoothing=label_smoothing, top_k=top_k)
        self.adversarial_weight, self.r1_weight = adversarial_weight, r1_weight
        self.l1_weight = scalar(l1_weight, "l1_weight")
        if objective == "wgangp":
            self.seeds = keras.random.SeedGenerator()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        terms = {"l1": l1(x["target"], y_pred)}
        to_target, judged = self.l1_weight * terms["l1"], 0.0
        if self.target_discriminator is not None:
            fake = self.clipped(y_pred)
            generator_loss, judged = self.game(
                self.target_discriminator, x["target"], fake, condition=x[self.input_key],
                adversarial=self.adversarial, r1_weight=self.r1_weight, training=training,
            )
            to_target += self.adversarial_weight * generator_loss
            terms["target_discriminator"] = judged
        self.track(terms | {"to_target": to_target})
        return self.with_l2(to_target + judged)

    def sheets(self, generators, samples):
        """`samples`: input, output and truth; `patch_maps`: what the discriminator thinks of true and made pairs."""
        given, target, made = samples[self.input_key], samples["target"], self.made(generators, samples)
        sheets = {"samples": {self.input_key: given, f"{self.input_key} -> target": made, "target": target}}
        if self.target_discriminator is not None:
            judged = {"target": target, "made target": made}
            sheets["patch_maps"] = patch_maps(self.target_discriminator, judged, given)
        return sheets
