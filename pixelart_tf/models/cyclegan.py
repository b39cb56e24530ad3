"""CycleGAN: two generators that undo each other, two discriminators, one loss, one backward pass, stock `fit()`."""

from typing import Annotated

import keras
from keras import ops

from pixelart_tf.layers.diff_augment import DiffAugment
from pixelart_tf.layers.image_pool import ImagePool
from pixelart_tf.models.losses import Adversarial, l1
from pixelart_tf.networks import patchgan, resnet, unet
from pixelart_tf.settings import config

GENERATORS = {"resnet": resnet, "unet": unet}
DISCRIMINATORS = {"patchgan": patchgan}
# What the pictures decide, and no setting.
_SHAPES = ("image_size", "channels", "output_channels")


class CycleGAN(keras.Model):
    """The adversarial game of four networks as one scalar loss (Zhu et al. 2017, equations 1 to 3 and section 5.2).

    Each player's gradient of the sum is the gradient of its own loss, because the generators' terms see the
    discriminators through frozen weights and the discriminators' terms see the fakes through `stop_gradient`. As Adam
    works weight by weight, one Adam over all four networks is the paper's two (or the tutorials' four) optimizers.

    Inputs are pairs `(source, target)` of float32 images (B, H, W, C) in [-1, 1]; a data set for `fit()` yields
    `((source, target),)`. The logged losses are means over the epoch:

    - `to_target`, `to_source`: all that the generator is trained on, weighted;
    - `source_discriminator`, `target_discriminator`: half the sum of the losses on real and on fake images;
    - `cycle`, `identity`, `color`: mean absolute errors in units of [-1, 1], not weighted; both directions added.

    Args:
        to_target, to_source: the generators (G and F of the paper), models that map images to images.
        source_discriminator, target_discriminator: models that map images to patch logits.
        image_size: (height, width) in pixels, needed by the image pools only.
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

    Reference: https://arxiv.org/abs/1703.10593
    """

    def __init__(
        self,
        to_target: keras.Model,
        to_source: keras.Model,
        source_discriminator: keras.Model,
        target_discriminator: keras.Model,
        *,
        image_size: tuple[int, int],
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
        for key, weight in (weights | {"pool_size": pool_size}).items():
            if weight < 0:
                raise ValueError(f"`{key}` must not be negative. Received: {weight}")
        if identity_weight and to_target.input_shape[-1] != to_target.output_shape[-1]:
            raise ValueError(
                f"`identity_weight` must be 0 where one domain is grey, as no picture is in both. "
                f"Received: {identity_weight}"
            )
        if not 1 <= color_block <= min(image_size):
            raise ValueError(f"`color_block` must be 1 to {min(image_size)}, the image's size. Received: {color_block}")
        super().__init__(name=name)
        self.to_target, self.to_source = to_target, to_source
        self.source_discriminator, self.target_discriminator = source_discriminator, target_discriminator
        self.adversarial = Adversarial(objective, label_smoothing=label_smoothing)
        # Variables, so that a callback can change them: a Python float would be baked into the compiled step.
        self.cycle_weight = _scalar(cycle_weight, "cycle_weight")
        self.identity_weight = _scalar(identity_weight, "identity_weight")
        self.color_weight = _scalar(color_weight, "color_weight")
        # What a run leaves out is left out of the graph: an identity costs a third of the generators' time.
        self.use_identity, self.use_color, self.color_block = identity_weight > 0, color_weight > 0, color_block
        self.augment = DiffAugment(diff_augment) if diff_augment else None
        self.source_pool = self.target_pool = None
        if pool_size:
            self.source_pool, self.target_pool = ImagePool(pool_size), ImagePool(pool_size)
            # Built now, so that a checkpoint can be restored before the first step.
            self.source_pool.build((None, *image_size, source_discriminator.input_shape[-1]))
            self.target_pool.build((None, *image_size, target_discriminator.input_shape[-1]))
        names = ["to_target", "to_source", "source_discriminator", "target_discriminator", "cycle"]
        names += ["identity"] * self.use_identity + ["color"] * self.use_color
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        # Set where several hosts train together: `fit` then joins the hosts' logs, which scalars do not bear.
        self.has_several_hosts = False
        self.built = True

    def get_metrics_result(self):
        logs = super().get_metrics_result()
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()} if self.has_several_hosts else logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: all is built, and under a strategy the stock method would use up a batch of the data."""

    def call(self, inputs, training=False):
        """Translates `(source, target)` there and back.

        Returns:
            A dict of images like the inputs: `fake_target`, `fake_source`, `cycled_source`, `cycled_target`, and where
            the identity is trained `same_target` (the target through `to_target`) and `same_source`.
        """
        source, target = inputs
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
        source, target = x
        fake_source, fake_target = y_pred["fake_source"], y_pred["fake_target"]
        to_target, target_discriminator = self._game(
            self.target_discriminator, target, fake_target, self.target_pool, training
        )
        to_source, source_discriminator = self._game(
            self.source_discriminator, source, fake_source, self.source_pool, training
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
        self._track(terms | {"to_target": to_target, "to_source": to_source})
        return generators + source_discriminator + target_discriminator

    def _game(self, discriminator, real, fake, pool, training):
        """The adversarial losses of the generator that made `fake` (B, H, W, C) and of the discriminator."""
        # Each weight is read once for both, by the copy. With a read of its own for the frozen discriminator,
        # TensorFlow's graph optimizer would lose the order of that read and the weight's update (TensorFlow 2.20 and
        # 2.21, its dependency optimization), and now and then a fake would be judged by the next step's weights.
        weights = [ops.copy(w) for w in discriminator.trainable_variables]

        def judge(images, weights):
            images = images if self.augment is None else self.augment(images, training=training)
            state = discriminator.non_trainable_variables
            return discriminator.stateless_call(weights, state, images, training=training)[0]

        frozen = [ops.stop_gradient(w) for w in weights]
        generator_loss = self.adversarial.generator(judge(fake, frozen))
        fake = ops.stop_gradient(fake)
        if pool is not None:
            fake = pool(fake, training=training)
        both = judge(ops.concatenate([real, ops.cast(fake, real.dtype)]), weights)   # (2B, h, w, 1)
        return generator_loss, self.adversarial.discriminator(*ops.split(both, 2))

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

    def _track(self, terms):
        # tf.distribute makes Keras divide each loss by the number of replicas. A loss that is 1 by construction tells
        # that number, and the log shows the losses as they are on one device.
        scale = l1(ops.ones((1, 1)), ops.zeros((1, 1)))
        for name, tracker in self.trackers.items():
            tracker.update_state(ops.stop_gradient(terms[name] / scale))


def _scalar(value: float, name: str) -> keras.Variable:
    return keras.Variable(float(value), trainable=False, dtype="float32", name=name)


def cyclegan(
    *,
    image_size: tuple[int, int],
    source_channels: int = 3,
    target_channels: int = 3,
    generator: Annotated[dict | None, config.Table(GENERATORS, given=_SHAPES)] = None,
    discriminator: Annotated[dict | None, config.Table(DISCRIMINATORS, given=_SHAPES)] = None,
    **options,
) -> CycleGAN:
    """A CycleGAN of fresh networks.

    Args:
        image_size: (height, width) in pixels of both domains.
        source_channels, target_channels: 3 for RGB, 1 for grey.
        generator: `name` (`"resnet"`, the default, or `"unet"`) and the options of that function in
            `pixelart_tf.networks`.
        discriminator: `name` (`"patchgan"`) and the options of that function.
        **options: those of `CycleGAN`.

    Raises:
        ValueError: an option that is not known or not possible.
    """
    # Checked here too, for callers that have no experiment file; what is complete already stays as it is.
    filled = config.options(cyclegan, {"generator": generator or {}, "discriminator": discriminator or {}}, "model",
                            given=("image_size", "source_channels", "target_channels"))
    generator, discriminator = dict(filled["generator"]), dict(filled["discriminator"])
    make_generator, make_critic = GENERATORS[generator.pop("name")], DISCRIMINATORS[discriminator.pop("name")]
    # A U-Net is made for one size; the others are left open to any, so that the saved generator takes any picture.
    generator_size = image_size if make_generator is unet else None

    def translator(name, channels, output_channels):
        shape = {"image_size": generator_size, "channels": channels, "output_channels": output_channels}
        network = make_generator(name=name, **shape, **generator)
        if network.compute_output_shape((None, *image_size, channels))[1:3] != tuple(image_size):
            raise ValueError(f"`image_size` must suit the generator's downsamplings. Received: {image_size}")
        return network

    def critic(name, channels):
        return make_critic(name=name, image_size=image_size, channels=channels, **discriminator)

    return CycleGAN(
        translator("to_target", source_channels, target_channels),
        translator("to_source", target_channels, source_channels),
        critic("source_discriminator", source_channels),
        critic("target_discriminator", target_channels),
        image_size=image_size,
        **options,
    )
