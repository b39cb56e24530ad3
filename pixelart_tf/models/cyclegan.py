"""CycleGAN: two generators that undo each other, two discriminators, one loss, one backward pass, stock `fit()`."""

from typing import ClassVar

from keras import ops

from pixelart_tf.base.checks import told
from pixelart_tf.layers.diff_augment import DiffAugment
from pixelart_tf.layers.image_pool import ImagePool, check_pool_size
from pixelart_tf.models.losses import Adversarial, l1
from pixelart_tf.models.model import Model, patch_maps, predict, scalar
from pixelart_tf.models.parts import Discriminator, Generator, discriminator_of, generator_of


class CycleGAN(Model):
    """The adversarial game of four networks as one scalar loss (Zhu et al. 2017, equations 1 to 3 and section 5.2).

    Each player's gradient of the sum is the gradient of its own loss (see `Model.game`). As Adam works weight by
    weight, one Adam over all four networks is the paper's two (or the tutorials' four) optimizers.

    The logged losses are means over the epoch:

    - `to_target`, `to_source`: all that the generator is trained on, weighted;
    - `source_discriminator`, `target_discriminator`: half the sum of the losses on real and on fake images;
    - `cycle`, `identity`, `color`: mean absolute errors in units of [-1, 1], not weighted; both directions added.

    Args:
        shapes: (height, width, channels) of `source` and of `target`, of one height and width.
        generator: `name`, one of `networks.GENERATORS`, and the options of that function.
        discriminator: `name`, one of `networks.DISCRIMINATORS`, and the options of that function.
        objective: `"lsgan"` (the paper's), `"bce"` or `"hinge"`.
        cycle_weight: factor of the cycle losses (lambda of the paper).
        identity_weight: factor of the identity losses; the paper has half the cycle weight. 0 leaves them out.
        color_weight: factor of the color losses, which hold the local mean colors of a translation (means over
            `color_block` pixels square) to those of its input. Not in the paper. 0 leaves them out.
        color_block: in pixels.
        label_smoothing: real patches are trained towards 1 minus this.
        pool_size: number of earlier fakes that each discriminator is shown again (50 in the paper). 0 for none.
        diff_augment: augmentations of all that the discriminators see, such as `"color,translation,cutout"`
            (Zhao et al. 2020). Empty for none.

    Attributes:
        to_target, to_source: the generators (G and F of the paper), models that map images to images.
        source_discriminator, target_discriminator: models that map images to patch logits.
        cycle_weight, identity_weight, color_weight: variables, so that a callback can change them.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1703.10593
    """

    domains = ("source", "target")
    saved = ("to_target", "to_source")
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "generators (weighted sums)": ("to_target", "to_source"),
        "discriminators": ("target_discriminator", "source_discriminator"),
        "mean absolute errors (unweighted)": ("cycle", "identity", "color"),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Generator = None,
        discriminator: Discriminator = None,
        objective: str = "lsgan",
        cycle_weight: float = 10.0,
        identity_weight: float = 5.0,
        color_weight: float = 0.0,
        color_block: int = 4,
        label_smoothing: float = 0.0,
        pool_size: int = 0,
        diff_augment: str = "",
        name: str = "cyclegan",
    ):
        weights = {"cycle_weight": cycle_weight, "identity_weight": identity_weight, "color_weight": color_weight}
        self._check(shapes, weights | {"pool_size": pool_size}, color_block)
        losses = ["to_target", "to_source", "source_discriminator", "target_discriminator", "cycle"]
        losses += ["identity"] if identity_weight else []
        losses += ["color"] if color_weight else []
        super().__init__(shapes, losses=losses, name=name)
        source, target = shapes["source"], shapes["target"]
        self.to_target = generator_of(generator, source, target, name="to_target")
        self.to_source = generator_of(generator, target, source, name="to_source")
        self.source_discriminator = discriminator_of(discriminator, source, name="source_discriminator")
        self.target_discriminator = discriminator_of(discriminator, target, name="target_discriminator")
        self.adversarial = Adversarial(objective, label_smoothing=label_smoothing)
        self.cycle_weight = scalar(cycle_weight, "cycle_weight")
        self.identity_weight = scalar(identity_weight, "identity_weight")
        self.color_weight = scalar(color_weight, "color_weight")
        # What a run leaves out is left out of the graph: an identity costs a third of the generators' time.
        self.use_identity, self.use_color, self.color_block = identity_weight > 0, color_weight > 0, color_block
        self.augment = DiffAugment(diff_augment) if diff_augment else None
        self.source_pool = self.target_pool = None
        if pool_size:
            self.source_pool, self.target_pool = ImagePool(pool_size), ImagePool(pool_size)
            # Built now, so that a checkpoint can be restored before the first step.
            self.source_pool.build((None, *source))
            self.target_pool.build((None, *target))

    @staticmethod
    def _check(shapes, at_least_0, color_block):
        source, target = shapes["source"], shapes["target"]
        if source[:2] != target[:2]:
            raise ValueError(f"source and target must be of one size. Received: {source} and {target}")
        for key, value in at_least_0.items():
            if value < 0:
                raise ValueError(f"`{key}` must not be negative. Received: {told(value)}")
        check_pool_size(at_least_0["pool_size"], source, target)
        if at_least_0["identity_weight"] and source[2] != target[2]:
            raise ValueError(
                f"`identity_weight` must be 0 where one domain is grey, as no picture is in both. "
                f"Received: {at_least_0['identity_weight']}"
            )
        if not 1 <= color_block <= min(source[:2]):
            raise ValueError(
                f"`color_block` must be 1 to {min(source[:2])}, the image's size. Received: {color_block}"
            )

    def call(self, inputs, training=False):
        """Translates a batch there and back.

        Returns:
            A dict of images like the inputs: `fake_target`, `fake_source`, `cycled_source`, `cycled_target`, and where
            the identity is trained `same_target` (the target through `to_target`) and `same_source`.
        """
        source, target = inputs["source"], inputs["target"]
        outputs = {}
        if self.use_identity:
            # One batch through each generator: instance norm keeps the halves apart, and it is faster than two.
            both = self.to_target(ops.concatenate([source, target]), training=training)   # (2B, H, W, C)
            outputs["fake_target"], outputs["same_target"] = ops.split(both, 2)
            both = self.to_source(ops.concatenate([target, source]), training=training)
            outputs["fake_source"], outputs["same_source"] = ops.split(both, 2)
        else:
            outputs["fake_target"] = self.to_target(source, training=training)
            outputs["fake_source"] = self.to_source(target, training=training)
        outputs["cycled_source"] = self.to_source(outputs["fake_target"], training=training)
        outputs["cycled_target"] = self.to_target(outputs["fake_source"], training=training)
        return outputs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        source, target = x["source"], x["target"]
        fake_source, fake_target = y_pred["fake_source"], y_pred["fake_target"]
        rules = {"adversarial": self.adversarial, "augment": self.augment, "training": training}
        to_target, target_discriminator = self.game(
            self.target_discriminator, target, fake_target, pool=self.target_pool, **rules
        )
        to_source, source_discriminator = self.game(
            self.source_discriminator, source, fake_source, pool=self.source_pool, **rules
        )
        terms = {"cycle": l1(source, y_pred["cycled_source"]) + l1(target, y_pred["cycled_target"])}
        shared = self.cycle_weight * terms["cycle"]   # both generators work on both cycles
        generators = to_target + to_source + shared
        to_target, to_source = to_target + shared, to_source + shared
        if self.use_identity:
            same_target, same_source = l1(target, y_pred["same_target"]), l1(source, y_pred["same_source"])
            terms["identity"] = same_target + same_source
            to_target += self.identity_weight * same_target
            to_source += self.identity_weight * same_source
            generators += self.identity_weight * terms["identity"]
        if self.use_color:
            color_target, color_source = self._color_loss(source, fake_target), self._color_loss(target, fake_source)
            terms["color"] = color_target + color_source
            to_target += self.color_weight * color_target
            to_source += self.color_weight * color_source
            generators += self.color_weight * terms["color"]
        terms |= {"source_discriminator": source_discriminator, "target_discriminator": target_discriminator}
        self.track(terms | {"to_target": to_target, "to_source": to_source})
        return generators + source_discriminator + target_discriminator

    def _color_loss(self, images, translated):
        """Mean absolute error of the local mean colors: grey where one side is grey."""
        means = []
        for side in (images, translated):
            if images.shape[-1] != translated.shape[-1]:
                side = ops.mean(side, axis=-1, keepdims=True)
            # Strides are given, as their default fails on JAX.
            side = ops.average_pool(side, self.color_block, strides=self.color_block)   # (B, H/block, W/block, C)
            means.append(side)
        return l1(*means)

    def sheets(self, generators, samples):
        """`samples`: there, back again and the identity, and `samples_back` the other way; `patch_maps` and
        `patch_maps_back`: what the discriminators of what is made think."""
        to_target, to_source = generators["to_target"], generators["to_source"]
        source, target = samples["source"], samples["target"]
        fake_target, fake_source = predict(to_target, source), predict(to_source, target)
        there = {"source": source, "source -> target": fake_target}
        there["source -> target -> source"] = predict(to_source, fake_target)
        back = {"target": target, "target -> source": fake_source}
        back["target -> source -> target"] = predict(to_target, fake_source)
        if source.shape[-1] == target.shape[-1]:   # else no picture is in both domains
            there["source -> source (identity)"] = predict(to_source, source)
            back["target -> target (identity)"] = predict(to_target, target)
        return {
            "samples": there,
            "samples_back": back,
            "patch_maps": patch_maps(self.target_discriminator, {"target": target, "made target": fake_target}),
            "patch_maps_back": patch_maps(self.source_discriminator, {"source": source, "made source": fake_source}),
        }
