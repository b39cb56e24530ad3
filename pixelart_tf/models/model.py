"""What the trainer asks of a model, and what every GAN needs."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from pixelart_tf.models import penalties
from pixelart_tf.models.losses import Adversarial, l1
from pixelart_tf.networks.blocks import has_batch_norm

# Caption -> pictures of a row, float32 (B, H, W, 1 or 3) in [-1, 1].
Rows = dict[str, np.ndarray]


class Model(keras.Model):
    """A model that `training` can train: networks, and one scalar loss for all of them.

    It has `call` and `compute_loss`, which ends in `with_l2`, and no `train_step`: stock `fit()` trains it. Its
    keyword-only options are the keys of the `[model]` table, checked by name and type against the signature. A batch is
    a dict of the keys in `feed`: `"source"`, `"target"` and `"partner"` are float32 images (B, H, W, C) in [-1, 1],
    `"noise"` is float32 (B, n), `"label"` int32 (B,).

    Args:
        shapes: name of a domain -> (height, width, channels) of its pictures.
        losses: names of what is logged, each a mean over the epoch; `track` takes their values.
        name: of the model.

    Class attributes, which say what the model is:
        domains: the sets of pictures that it learns from: the keys of `[data]`, `[samples]` and `[score]`.
        pairs: whether the pictures of source and target belong together by name.
        saved: the networks that are saved as NAME.keras, which are attributes of the same names, and the keys of
            `[finetune]`. The first one is what is scored.
        curves: title of a panel of the curves' picture -> names of losses.
        has_classes: whether it learns the classes of the target's pictures, where there are several: their number is
            then the shape of `"label"`.

    Attributes:
        classes: their names, which the trainer sets.
        trackers: name of a loss -> its `keras.metrics.Mean`.
        has_several_hosts: set where several hosts train together: `fit` then joins the hosts' logs, which scalars do
            not bear.
        seeds: of what `game` draws; to be set by a model whose objective is "wgangp".
    """

    domains: ClassVar[tuple[str, ...]] = ("source", "target")
    pairs: ClassVar[bool] = False
    saved: ClassVar[tuple[str, ...]] = ("to_target",)
    curves: ClassVar[dict[str, tuple[str, ...]]] = {}
    has_classes: ClassVar[bool] = False

    def __init__(self, shapes: dict[str, tuple[int, int, int]], *, losses: Iterable[str], name: str):
        super().__init__(name=name)
        self.domains = self.domains_with("partner" in shapes)
        self.shapes = {each: tuple(shape) for each, shape in shapes.items()}
        self.trackers = {name: keras.metrics.Mean(name=name) for name in losses}
        self.has_several_hosts, self.classes = False, ()
        self.seeds: keras.random.SeedGenerator | None = None
        self.built = True

    @classmethod
    def domains_with(cls, partner: bool) -> tuple[str, ...]:
        """The domains that the model needs where partners are made from the target, or where none are."""
        return cls.domains

    @property
    def feed(self) -> tuple[str, ...]:
        """The keys of a batch; of the built model, as options may ask for more."""
        return self.domains

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks that are trained, by their names, in the order in which they were made."""
        return {layer.name: layer for layer in self.layers if isinstance(layer, keras.Model)}

    def sheets(self, generators: dict[str, keras.Model], samples: dict[str, np.ndarray]) -> dict[str, Rows]:
        """Pictures that show what the networks do.

        Args:
            generators: the networks of `saved`, with averaged weights where averages are kept.
            samples: name of a domain -> float32 (B, H, W, C) in [-1, 1].

        Returns:
            Name of a sheet -> its rows. The default is one sheet: what goes in, and what the first network makes of it.
        """
        first = self.domains[0]
        return {"samples": {first: samples[first], self.saved[0]: self.made(generators, samples)}}

    def made(self, generators: dict[str, keras.Model], samples: dict[str, np.ndarray]) -> np.ndarray:
        """The pictures that are scored: float32 (B, H, W, C) in [-1, 1]. Arguments as of `sheets`."""
        return predict(generators[self.saved[0]], samples[self.domains[0]])

    def game(
        self, discriminator: keras.Model, real, fake, *, adversarial: Adversarial, condition: Any = None,
        augment: Callable | None = None, pool: keras.layers.Layer | None = None, r1_weight: float = 0.0,
        training: bool = True,
    ) -> tuple:
        """The adversarial losses of both players, such that the gradient of their sum is each player's own.

        The generator's loss sees the discriminator through frozen weights, and the discriminator's loss sees the fakes
        through `stop_gradient`. What the discriminator keeps between steps besides its weights (batch norm's means)
        is updated by its own pass alone. Real and fake pictures go through it as one batch, or, where they would meet
        in it, in batch norm, one after the other.

        Args:
            discriminator: images to logits.
            real: float (B, H, W, C).
            fake: likewise, as a generator made it; as many as there are real ones, or more.
            adversarial: the two losses of logits.
            condition: float (B, h, w, c) or (B, n): what each real picture, and the fake of the same row, belongs to.
                The discriminator then takes a dict of `condition` and `images`. Without `pool`, which would part them,
                and, where it is a picture too, without `augment`.
            augment: of all that the discriminator sees, called with `training`.
            pool: exchanges fakes for earlier ones before the discriminator is trained on them.
            r1_weight: see `penalties.r1`.
            training: as in `call`.

        Returns:
            The generator's loss and the discriminator's, scalars.
        """
        if condition is not None and (pool is not None or (augment is not None and len(condition.shape) == 4)):
            raise ValueError("`condition` is for a game without `pool` and, of pictures, without `augment`")
        # Each weight is read once for both, by the copy. With a read of its own for the frozen discriminator,
        # TensorFlow's graph optimizer would lose the order of that read and the weight's update (TensorFlow 2.20 and
        # 2.21, its dependency optimization), and now and then a fake would be judged by the next step's weights.
        weights = [ops.copy(w) for w in discriminator.trainable_variables]
        kept = [ops.copy(v) for v in discriminator.non_trainable_variables]

        def judge(images, weights, beside=condition, state=kept):
            images = images if augment is None else augment(images, training=training)
            images = images if beside is None else {"condition": beside, "images": images}
            return discriminator.stateless_call(weights, state, images, training=training)

        frozen = [ops.stop_gradient(w) for w in weights]
        generator_loss = adversarial.generator(judge(fake, frozen)[0])
        fake = ops.stop_gradient(fake)
        if pool is not None:
            fake = pool(fake, training=training)
        fake = ops.cast(fake, real.dtype)
        number = ops.shape(real)[0]
        if has_batch_norm(discriminator):
            of_real, state = judge(real, weights)
            of_fake, state = judge(fake, weights, state=state)
        else:
            twice = None if condition is None else ops.concatenate([condition, condition])
            both, state = judge(ops.concatenate([real, fake]), weights, twice)   # (2B, h, w, 1)
            of_real, of_fake = _halves(both, number)
        if training:
            for variable, value in zip(discriminator.non_trainable_variables, state, strict=True):
                variable.assign(value)
        loss = adversarial.discriminator(of_real, of_fake)

        def logits(images):
            found = judge(images, weights)[0]
            return _joined(found) if isinstance(found, list) else found

        if r1_weight:
            loss += r1_weight * penalties.r1(logits, real)
        if adversarial.objective == "wgangp":
            loss += penalties.GRADIENT_WEIGHT * penalties.gradient_penalty(logits, real, fake[:number], self.seeds)
        return generator_loss, loss

    def with_l2(self, loss):
        """A loss, and what the networks' kernels are fined with, where their `l2` asks for it: a part of the one loss
        that belongs to no term, and so is not logged by itself.
        """
        weights = {id(weight): weight for network in self.networks.values() for weight in network.trainable_weights}
        fines = [weight.regularizer(weight) for weight in weights.values() if weight.regularizer]   # each one once
        # As a `keras.losses` object gives it, since a bare sum would count once for each replica.
        return loss + l1(ops.zeros((1, 1)), ops.reshape(sum(fines), (1, 1))) if fines else loss

    def track(self, terms: dict) -> None:
        """Adds a batch's losses to the log.

        Args:
            terms: name of a tracker -> scalar, as a `keras.losses` object gives it.
        """
        # tf.distribute makes Keras divide each loss by the number of replicas. A loss that is 1 by construction tells
        # that number, and the log shows the losses as they are on one device.
        scale = l1(ops.ones((1, 1)), ops.zeros((1, 1)))
        for name, tracker in self.trackers.items():
            tracker.update_state(ops.stop_gradient(terms[name] / scale))

    def get_metrics_result(self):
        logs = super().get_metrics_result()
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()} if self.has_several_hosts else logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: all is built, and under a strategy the stock method would use up a batch of the data."""


def _halves(logits, number):
    """The logits of the first `number` pictures and of the others; of lists, two lists."""
    if not isinstance(logits, list):
        return logits[:number], logits[number:]
    return [each[:number] for each in logits], [each[number:] for each in logits]


def _joined(heads):
    """All logits of a picture in a row: float (B, n)."""
    return ops.concatenate([ops.reshape(each, (ops.shape(each)[0], -1)) for each in heads], axis=1)


def scalar(value: float, name: str) -> keras.Variable:
    """A loss weight that a callback can change: a Python float would be baked into the compiled step."""
    return keras.Variable(float(value), trainable=False, dtype="float32", name=name)


def predict(
    network: keras.Model, inputs: np.ndarray | dict[str, np.ndarray], batch_size: int = 1
) -> np.ndarray | list[np.ndarray]:
    """What a network makes of its inputs, on this host alone.

    Args:
        network: images, noise or a dict of such to images or to logits.
        inputs: float32 (B, ...), or a dict of such.
        batch_size: pictures that go through it together.

    Returns:
        float32 (B, ...), or a list of such, where the network has several outputs.
    """
    def some(start):
        return keras.tree.map_structure(lambda each: each[start : start + batch_size], inputs)

    # Not Keras' `predict`, which under a strategy would distribute the pictures over hosts that do not take part.
    made = [
        keras.tree.map_structure(ops.convert_to_numpy, network(some(start), training=False))
        for start in range(0, len(keras.tree.flatten(inputs)[0]), batch_size)
    ]
    return keras.tree.map_structure(lambda *each: np.concatenate(each), *made)


def patch_maps(
    discriminator: keras.Model, judged: dict[str, np.ndarray], condition: np.ndarray | None = None
) -> Rows:
    """A discriminator's opinion of each patch as pictures: white looks real to it, black looks made.

    Args:
        discriminator: images to patch logits; of several heads the last one is shown.
        judged: caption -> float32 (B, H, W, C) in [-1, 1].
        condition: see `Model.game`.

    Returns:
        Each row, and below it its maps, float32 (B, H, W, 1) in [-1, 1]. All maps have one scale, from the least to the
        greatest logit of them all, so that they compare.
    """
    seen = judged if condition is None else {
        caption: {"condition": condition, "images": pictures} for caption, pictures in judged.items()
    }
    logits = {caption: predict(discriminator, pictures) for caption, pictures in seen.items()}
    logits = {key: each[-1] if isinstance(each, list) else each for key, each in logits.items()}   # (B, h, w, 1)
    low, high = min(map(np.min, logits.values())), max(map(np.max, logits.values()))
    rows = {}
    for caption, pictures in judged.items():
        scaled = 2 * (logits[caption] - low) / max(high - low, 1e-6) - 1
        places = (np.arange(n) * m // n for n, m in zip(pictures.shape[1:3], scaled.shape[1:3], strict=True))
        down, across = places
        rows[caption] = pictures
        rows[f"{caption}: patches that look real are bright"] = scaled[:, down][:, :, across]
    return rows
