"""Super-resolution: larger pictures of small ones, by losses of any combination, with a discriminator or without."""

from typing import Annotated, ClassVar

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.models.losses import Adversarial
from pixelart_tf.models.model import patch_maps
from pixelart_tf.models.paired import Paired
from pixelart_tf.models.parts import (
    GIVEN,
    Discriminator,
    discriminator_of,
    generator_of,
)
from pixelart_tf.models.picture_losses import PictureLosses
from pixelart_tf.networks import AUTOENCODERS, ENLARGERS
from pixelart_tf.networks.enlarging import from_enlarged
from pixelart_tf.settings import config

FUNCTIONS = ENLARGERS | AUTOENCODERS


class SuperResolution(Paired):
    """A network of pictures of low resolution to such of high resolution, trained on the weighted sum of `loss`:
    Ledig et al. 2017 (SRGAN, equation 3) with other networks, Johnson et al. 2016 (section 3.2) with its perceptual
    loss alone, a plain U-Net or autoencoder with `{ mse = 1 }`.

    The input is a partner that is made from the target (`[data.partner]` with `made = "low_resolution"`), or the
    source's picture of the same name, 1, 2, 4 or any whole number of times as small.

    With `adversarial` in `loss` training has three stages, as its tutorial has them: the generator alone, the
    discriminator alone, as a classifier of real pictures and such that the generator makes by then, and then both.

    What differs from the papers:

    - Pictures are enlarged before the network by bicubic interpolation (Dong et al. 2014), not within it, and it learns
      the difference to them (Kim et al. 2016), unless `residual` is false.
    - The discriminator judges patches; both players' losses are one sum with one backward pass, and each one's gradient
      is its own (see `Model.game`). In a stage of one player the other's loss has the weight 0, so that it keeps to its
      weights but for what Adam's first moments still hold.

    The logged losses are means over the epoch:

    - `to_target`: all that the generator is trained on, weighted, which in a stage without it is 0;
    - `target_discriminator`: half the sum of the losses on real and on made pictures, 0 in a stage without it;
    - those of `loss`, not weighted: `mse`, `l1`, `ssim` (1 - SSIM), `psnr` (dB, negative), `hfen`, `perceptual`.

    Args:
        shapes: (height, width, channels) of `target`, and of `source` or `partner`.
        generator: `name`, one of `networks.ENLARGERS` (the U-Net by default) or `networks.AUTOENCODERS`, and the
            options of that function.
        discriminator: `name`, one of `networks.DISCRIMINATORS`, and the options of that function.
        loss: weights of losses, one or more: see `PictureLosses`.
        residual: whether the network's output is added to the enlarged input.
        stages: steps of the generator alone, and then of the discriminator alone, before both are trained. Without
            `adversarial` in `loss` they mean nothing and must be 0. They want a `beta_2` of 0.99 or less, as Adam's
            second moments fade in a stage without a gradient and the steps after it are long.
        objective: of the discriminator: `"bce"` (SRGAN's), `"lsgan"` or `"hinge"`.

    Attributes:
        to_target: the generator.
        target_discriminator: from images to patch logits; None without `adversarial` in `loss`.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1609.04802; https://arxiv.org/abs/1603.08155; https://arxiv.org/abs/1501.00092;
    https://arxiv.org/abs/1511.04587
    """

    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "generator (weighted sum)": ("to_target",),
        "discriminator": ("target_discriminator",),
        "losses (unweighted)": ("mse", "l1", "ssim", "hfen"),
        "perceptual (unweighted)": ("perceptual",),
        "-PSNR (dB)": ("psnr",),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(FUNCTIONS, given=GIVEN)] = None,
        discriminator: Discriminator = None,
        loss: Annotated[dict | None, config.Table({"weighted": PictureLosses})] = None,
        residual: bool = True,
        stages: tuple[int, int] = (0, 0),
        objective: str = "bce",
        name: str = "super_resolution",
    ):
        given = config.Table({"weighted": PictureLosses}).filled(loss or {}, "model.loss")
        given.pop("name")
        distances = PictureLosses(**given)
        self._check(distances.adversarial, stages, objective)
        judged = ["target_discriminator"] if distances.adversarial else []
        super().__init__(shapes, losses=["to_target", *judged, *distances.weights], name=name)
        self.to_target = _enlarger(generator, shapes[self.input_key], shapes["target"], residual)
        self.target_discriminator = discriminator_of(
            discriminator, shapes["target"], name="target_discriminator", objective=objective, r1_weight=0.0
        ) if distances.adversarial else None
        self.distances, self.stages = distances, tuple(stages)
        self.adversarial = Adversarial(objective)
        self.num_steps = keras.Variable(
            0, trainable=False, dtype="int32", aggregation="only_first_replica", name="num_steps"
        ) if any(stages) else None

    @staticmethod
    def _check(adversarial, stages, objective):
        for steps in stages:
            check_at_least(0, stages=steps)
        if any(stages) and not adversarial:
            raise ValueError(f"`stages` must be 0, 0 without `adversarial` in `loss`. Received: {tuple(stages)}")
        if objective == "wgangp":
            raise ValueError("`objective` must be one of bce, lsgan, hinge. Received: 'wgangp'")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        terms = self.distances.terms(x["target"], y_pred)
        to_target = self.distances.total(terms)
        if self.target_discriminator is None:
            self.track(terms | {"to_target": to_target})
            return self.with_l2(to_target)
        fake = self.clipped(y_pred)
        told, judged = self.game(
            self.target_discriminator, x["target"], fake, adversarial=self.adversarial, training=training
        )
        makes, judges, both = self._stage(training)
        to_target = makes * (to_target + both * self.distances.adversarial * told)
        judged = judges * judged
        self.track(terms | {"to_target": to_target, "target_discriminator": judged})
        return self.with_l2(to_target + judged)

    def _stage(self, training):
        """0 or 1: whether the generator is trained, whether the discriminator is, and whether both are."""
        if self.num_steps is None:
            return 1.0, 1.0, 1.0
        done = ops.copy(self.num_steps)   # read now, and not after the update
        if training:
            self.num_steps.assign(done + 1)
        alone, end = self.stages[0], sum(self.stages)
        both = ops.cast(done >= end, "float32")
        judges = ops.cast(done >= alone, "float32")
        return 1 - judges + both, judges, both

    def sheets(self, generators, samples):
        """`samples`: input, output and truth; `patch_maps`: what the discriminator thinks of true and made pictures."""
        given, target, made = samples[self.input_key], samples["target"], self.made(generators, samples)
        sheets = {"samples": {self.input_key: given, "made": made, "target": target}}
        if self.target_discriminator is not None:
            sheets["patch_maps"] = patch_maps(self.target_discriminator, {"target": target, "made": made})
        return sheets


def _enlarger(table, given, wanted, residual):
    """A fresh generator of `wanted` shape from `given` shape."""
    factor = wanted[0] // given[0]
    if factor < 1 or (given[0] * factor, given[1] * factor) != tuple(wanted[:2]):
        raise ValueError(
            f"the target must be a whole number of times as large as what goes in. Received: {tuple(given[:2])} and "
            f"{tuple(wanted[:2])}"
        )
    enlarged = *wanted[:2], given[2]
    network = generator_of(table, enlarged, wanted, name="differences" if residual else "pictures", functions=FUNCTIONS)
    if network.input_shape[1] is None:   # open to any size, which interpolation beside it is not
        inputs = keras.Input(enlarged, name="images")
        network = keras.Model(inputs, network(inputs), name=network.name)
    return from_enlarged(network, factor, residual=residual, name="to_target")
