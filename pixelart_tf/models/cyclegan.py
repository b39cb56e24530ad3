"""CycleGAN: two generators that undo each other, two discriminators, one loss, one backward pass, stock `fit()`."""

from typing import ClassVar

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.layers.diff_augment import DiffAugment
from pixelart_tf.layers.image_pool import ImagePool, check_pool_size
from pixelart_tf.models.filters import means
from pixelart_tf.models.losses import Adversarial, l1
from pixelart_tf.models.model import Model, patch_maps, predict, scalar
from pixelart_tf.models.parts import Discriminator, Generator, before_clip, discriminator_of, generator_of, is_clipped
from pixelart_tf.models.topology import topology


class CycleGAN(Model):
    """The adversarial game of four networks as one scalar loss (Zhu et al. 2017, equations 1 to 3 and section 5.2).

    Each player's gradient of the sum is the gradient of its own loss (see `Model.game`). As Adam works weight by
    weight, one Adam over all four networks is the paper's two (or the tutorials' four) optimizers.

    The two domains may be of different sizes, as pictures of 128x128 and their 32x32 cells: the larger one is then
    compared by the means over cells, so that nothing can be hidden in them.

    The logged losses are means over the epoch:

    - `to_target`, `to_source`: all that the generator is trained on, weighted;
    - `source_discriminator`, `target_discriminator`: half the sum of the losses on real and on fake images;
    - `cycle`, `identity`, `color`, `pair`: mean absolute errors in units of [-1, 1], not weighted; both directions
      added.

    Args:
        shapes: (height, width, channels) of `source`, of `target` and, with `pair_weight`, of `partner`.
        generator: `name`, one of `networks.GENERATORS`, and the options of that function.
        discriminator: `name`, one of `networks.DISCRIMINATORS`, and the options of that function.
        objective: `"lsgan"` (the paper's), `"bce"`, `"hinge"` or `"wgangp"`; or one a head, `"bce+hinge"`.
        adversarial_weight: factor of what the discriminator of the target tells `to_target`; 1 in the paper. 0 leaves
            that game out, and its discriminator.
        back_adversarial_weight: the same of the way back, `to_source`.
        cycle_weight: factor of the cycle losses (lambda of the paper). 0 leaves them out.
        topology_weight: factor of the distance of features along the cycles (see `topology.topology`), which keeps
            outlines. Not in the paper; 0 leaves it out.
        identity_weight: factor of the identity losses; the paper has half the cycle weight. 0 leaves them out.
        pair_weight: factor of the pair losses, which hold `to_target` of a made partner to the picture that it was made
            from, and `to_source` of that picture to the partner; made partners are judged like translations. Not in the
            paper. 0 leaves them out.
        color_weight: factor of the color losses, which hold the local mean colors of a translation (means over
            `color_block` pixels square) to those of its input. Not in the paper. 0 leaves them out.
        color_block: in pixels of the smaller domain.
        label_smoothing: real patches are trained towards 1 minus this.
        top_k: share of each picture's patches, those that look most real, that the generator's game is about (Sinha et
            al. 2020; see `losses.Adversarial`). 1 for all.
        r1_weight: factor of the discriminators' squared slopes at real pictures (see `penalties.r1`). 0 for none.
        pool_size: number of earlier fakes that each discriminator is shown again (50 in the paper). 0 for none.
        diff_augment: augmentations of all that the discriminators see, such as `"color,translation,cutout"`
            (Zhao et al. 2020). Empty for none.

    Attributes:
        to_target, to_source: the generators (G and F of the paper), models that map images to images.
        source_discriminator, target_discriminator: models that map images to patch logits; None without a game.
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
        "mean absolute errors (unweighted)": ("cycle", "identity", "color", "pair"),
        "topology (unweighted)": ("topology",),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Generator = None,
        discriminator: Discriminator = None,
        objective: str = "lsgan",
        adversarial_weight: float = 1.0,
        back_adversarial_weight: float = 1.0,
        cycle_weight: float = 10.0,
        topology_weight: float = 0.0,
        identity_weight: float = 5.0,
        pair_weight: float = 0.0,
        color_weight: float = 0.0,
        color_block: int = 4,
        label_smoothing: float = 0.0,
        top_k: float = 1.0,
        r1_weight: float = 0.0,
        pool_size: int = 0,
        diff_augment: str = "",
        name: str = "cyclegan",
    ):
        check_at_least(
            0, adversarial_weight=adversarial_weight, back_adversarial_weight=back_adversarial_weight,
            cycle_weight=cycle_weight, identity_weight=identity_weight, pair_weight=pair_weight,
            color_weight=color_weight, r1_weight=r1_weight, pool_size=pool_size, topology_weight=topology_weight,
        )
        if topology_weight and not cycle_weight:
            raise ValueError(f"`topology_weight` must be 0 where `cycle_weight` is. Received: {topology_weight}")
        self._check(shapes, identity_weight, pair_weight, color_block)
        check_pool_size(pool_size, shapes["source"], shapes["target"])
        # What a run leaves out is left out of the graph: an identity costs a third of the generators' time.
        weights = {"cycle": cycle_weight, "identity": identity_weight, "color": color_weight, "pair": pair_weight}
        weights["topology"] = topology_weight
        used = tuple(term for term, weight in weights.items() if weight)
        games = {"source": back_adversarial_weight, "target": adversarial_weight}
        judged = [f"{domain}_discriminator" for domain, weight in games.items() if weight]
        super().__init__(shapes, losses=["to_target", "to_source", *judged, *used], name=name)
        self.used, self.pair_weight, self.color_block, self.r1_weight = used, pair_weight, color_block, r1_weight
        self.adversarial_weights, self.topology_weight = games, topology_weight
        self.topology = topology() if topology_weight else None
        source, target = shapes["source"], shapes["target"]
        self.to_target = generator_of(generator, source, target, name="to_target")
        self.to_source = generator_of(generator, target, source, name="to_source")
        self.source_discriminator, self.target_discriminator = (
            discriminator_of(
                discriminator, shapes[domain], name=f"{domain}_discriminator", objective=objective, r1_weight=r1_weight,
                top_k=top_k,
            ) if games[domain] else None
            for domain in self.domains
        )
        self.adversarial = Adversarial(objective, label_smoothing=label_smoothing, top_k=top_k)
        self.cycle_weight = scalar(cycle_weight, "cycle_weight")
        self.identity_weight = scalar(identity_weight, "identity_weight")
        self.color_weight = scalar(color_weight, "color_weight")
        self.augment = DiffAugment(diff_augment) if diff_augment else None
        self.source_pool = self.target_pool = None
        if pool_size:
            self.source_pool, self.target_pool = ImagePool(pool_size), ImagePool(pool_size)
            # Built now, so that a checkpoint can be restored before the first step.
            self.source_pool.build((None, *source))
            self.target_pool.build((None, *target))
        if objective == "wgangp":
            self.seeds = keras.random.SeedGenerator()

    @staticmethod
    def _check(shapes, identity_weight, pair_weight, color_block):
        source, target = shapes["source"], shapes["target"]
        ratios = {max(a, b) / min(a, b) for a, b in zip(source[:2], target[:2], strict=True)}
        if len(ratios) > 1 or ratios.pop() % 1 or (source[0] - target[0]) * (source[1] - target[1]) < 0:
            raise ValueError(
                f"source and target must be of one size, or one of them a whole number of times as large. "
                f"Received: {source} and {target}"
            )
        if identity_weight and source != target:
            why = "sizes differ" if source[:2] != target[:2] else "one domain is grey"
            raise ValueError(
                f"`identity_weight` must be 0 where {why}, as no picture is in both. Received: {identity_weight}"
            )
        if pair_weight and shapes.get("partner") != source:
            raise ValueError(
                f"`pair_weight` needs partners of the source's shape, made by [data.partner]. "
                f"Received: {shapes.get('partner')} and {source}"
            )
        smaller = min(source[:2], target[:2])
        if not 1 <= color_block <= min(smaller):
            raise ValueError(f"`color_block` must be 1 to {min(smaller)}, the image's size. Received: {color_block}")

    @property
    def feed(self):
        return (*self.domains, "partner") if "pair" in self.used else self.domains

    def call(self, inputs, training=False):
        """Translates a batch there and back.

        Returns:
            A dict of images, before the clip that a generator may end in: `fake_target`, `fake_source`; where cycles
            are trained `cycled_source`, `cycled_target`; where the identity is trained `same_target` (the target
            through `to_target`) and `same_source`; and with partners `paired_target` (the partner through `to_target`).
        """
        source, target = inputs["source"], inputs["target"]
        # Made here and not kept, as a network that is an attribute is one that is trained.
        to_target, to_source = before_clip(self.to_target), before_clip(self.to_source)
        there, back = {"fake_target": source}, {"fake_source": target}
        if "identity" in self.used:
            there["same_target"], back["same_source"] = target, source
        if "pair" in self.used:
            there["paired_target"] = inputs["partner"]
        outputs = _together(to_target, there, training) | _together(to_source, back, training)
        if "cycle" in self.used:
            fake_target, fake_source = self._seen(outputs["fake_target"]), self._seen(outputs["fake_source"])
            outputs["cycled_source"] = to_source(fake_target, training=training)
            outputs["cycled_target"] = to_target(fake_source, training=training)
        return outputs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        source, target = x["source"], x["target"]
        fakes = {"source": [y_pred["fake_source"]], "target": [y_pred["fake_target"]]}
        if "pair" in self.used:
            fakes["target"].append(y_pred["paired_target"])
        # Each generator's own terms, its discriminator's loss, and what both generators work on.
        to_target, judged_target = self._game("target", target, fakes["target"], training)
        to_source, judged_source = self._game("source", source, fakes["source"], training)
        terms, shared = {"target_discriminator": judged_target, "source_discriminator": judged_source}, 0.0
        if "cycle" in self.used:
            terms["cycle"] = self._distance(source, y_pred["cycled_source"]) + self._distance(
                target, y_pred["cycled_target"]
            )
            shared = self.cycle_weight * terms["cycle"]
        if "topology" in self.used:
            pairs = (source, y_pred["cycled_source"]), (target, y_pred["cycled_target"])
            terms["topology"] = sum(self.topology(*pair) for pair in pairs)
            shared += self.topology_weight * terms["topology"]
        generators = to_target + to_source + shared
        to_target, to_source = to_target + shared, to_source + shared
        for term, weight, (of_target, of_source) in self._own_terms(x, y_pred):
            terms[term] = of_target + of_source
            to_target += weight * of_target
            to_source += weight * of_source
            generators += weight * terms[term]
        self.track(terms | {"to_target": to_target, "to_source": to_source})
        return self.with_l2(generators + judged_source + judged_target)

    def _own_terms(self, x, y_pred):
        """Name and weight of a term, and its values for `to_target` and `to_source`."""
        source, target = x["source"], x["target"]
        if "identity" in self.used:
            same = l1(target, y_pred["same_target"]), l1(source, y_pred["same_source"])
            yield "identity", self.identity_weight, same
        if "color" in self.used:
            block = self.color_block
            yield "color", self.color_weight, (
                _between_means(source, y_pred["fake_target"], block),
                _between_means(target, y_pred["fake_source"], block),
            )
        if "pair" in self.used:
            # The partner holds more than its cells say, and the way back may say it its own way within them.
            yield "pair", self.pair_weight, (
                l1(target, y_pred["paired_target"]), l1(x["partner"], y_pred["fake_source"]),
            )

    def _game(self, domain, real, fakes, training):
        """The adversarial losses of the generator, weighted, and of the discriminator; zeros without a game."""
        discriminator, weight = getattr(self, f"{domain}_discriminator"), self.adversarial_weights[domain]
        if discriminator is None:
            return 0.0, 0.0
        fake = fakes[0] if len(fakes) == 1 else ops.concatenate(fakes)
        generator_loss, loss = self.game(
            discriminator, real, self._seen(fake), adversarial=self.adversarial, augment=self.augment,
            pool=getattr(self, f"{domain}_pool"), r1_weight=self.r1_weight, training=training,
        )
        return generator_loss if weight == 1 else weight * generator_loss, loss

    def _seen(self, fake):
        """What others see of a translation: clipped, where a generator ends in a clip."""
        return ops.clip(fake, -1.0, 1.0) if is_clipped(self.to_target) else fake

    def _distance(self, images, translated):
        """The mean absolute error; of the larger domain's pictures, of their means over cells."""
        smaller = min(self.shapes["source"][0], self.shapes["target"][0])
        cell = images.shape[1] // smaller
        return l1(means(images, cell), means(translated, cell))

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
        if source.shape[1:] == target.shape[1:]:   # else no picture is in both domains
            there["source -> source (identity)"] = predict(to_source, source)
            back["target -> target (identity)"] = predict(to_target, target)
        sheets = {"samples": there, "samples_back": back}
        if "partner" in samples:
            made = predict(to_target, samples["partner"])
            sheets["pairs"] = {"partner": samples["partner"], "partner -> target": made, "target": target}
        if self.target_discriminator is not None:
            judged = {"target": target, "made target": fake_target}
            sheets["patch_maps"] = patch_maps(self.target_discriminator, judged)
        if self.source_discriminator is not None:
            judged = {"source": source, "made source": fake_source}
            sheets["patch_maps_back"] = patch_maps(self.source_discriminator, judged)
        return sheets


def _together(network, inputs, training):
    """Name -> pictures, all through a network as one batch: instance norm keeps them apart, and it is faster."""
    if len(inputs) == 1:
        return {name: network(images, training=training) for name, images in inputs.items()}
    made = network(ops.concatenate(list(inputs.values())), training=training)   # (nB, H, W, C)
    return dict(zip(inputs, ops.split(made, len(inputs)), strict=True))


def _between_means(images, translated, block):
    """Mean absolute error of the local mean colors, over `block` pixels of the smaller: grey where one side is grey."""
    smaller, found = min(images.shape[1], translated.shape[1]), []
    for side in (images, translated):
        if images.shape[-1] != translated.shape[-1]:
            side = ops.mean(side, axis=-1, keepdims=True)
        found.append(means(side, block * side.shape[1] // smaller))
    return l1(*found)
