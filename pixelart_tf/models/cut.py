"""CUT and FastCUT: one generator, one discriminator, and patches that must be recognized where they were."""

import math
from typing import Annotated, ClassVar

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least, check_counts
from pixelart_tf.models.losses import Adversarial
from pixelart_tf.models.model import Model, patch_maps, predict, scalar
from pixelart_tf.models.parts import GIVEN, Discriminator, discriminator_of, generator_of
from pixelart_tf.models.patches import patch_nce, patches, places
from pixelart_tf.networks import resnet
from pixelart_tf.networks.projections import projections
from pixelart_tf.settings import config

FUNCTIONS = {"resnet": resnet}


class CUT(Model):
    """Unpaired translation one way, without a way back (Park et al. 2020, equations 1 and 4).

    The loss of the generator is that of the game, plus `nce_weight` times PatchNCE of the source and its translation,
    plus `identity_nce_weight` times the same of the target and what the generator makes of that. PatchNCE: features of
    the generator's own encoder, at random places, go through small heads; those of the output must be told to be of the
    input's same place, among all places of that picture. The layers are the pixels, each downsampling convolution, and
    the first and the middle residual block.

    CUT is the default; FastCUT is `nce_weight` 10, `identity_nce_weight` 0 and `flips` true.

    What differs from the paper and its code:

    - Places are random within the parts of an even grid, each picture's own, and not anywhere, so that all differ.
    - With `flips` each picture is mirrored or not by itself, not all of a batch.
    - Instance norms have a scale and a shift. `downsampling` and `upsampling` of `"blur"` make the generator that of
      its code.
    - Both players' losses are one sum with one backward pass, and each one's gradient is its own (see `Model.game`).

    The logged losses are means over the epoch:

    - `to_target`: all that generator and heads are trained on, weighted;
    - `target_discriminator`: half the sum of the losses on real and on made pictures;
    - `nce`, `identity_nce`: cross-entropies in nats, means over layers, not weighted; chance is ln `num_patches`.

    Args:
        shapes: (height, width, channels) of `source` and `target`, which are the same.
        generator: `name`, which is `"resnet"`, and the options of `networks.resnet`.
        discriminator: `name`, one of `networks.DISCRIMINATORS`, and the options of that function.
        objective: `"lsgan"` (the paper's), `"bce"` or `"hinge"`; or one a head, `"bce+hinge"`.
        top_k: share of each picture's patches, those that look most real, that the generator's game is about (Sinha et
            al. 2020; see `losses.Adversarial`). 1 for all.
        nce_weight: factor of the source's PatchNCE (lambda X of the paper).
        identity_nce_weight: factor of the target's (lambda Y). 0 leaves it out.
        num_patches: places of each layer, a square number; fewer where a layer has fewer.
        head_width: numbers of a patch's vector.
        flips: whether the generator is given each picture mirrored, or not, at random, and must make the same of it.

    Attributes:
        to_target: the generator.
        heads: see `networks.projections`.
        target_discriminator: from images to patch logits.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/2007.15651
    """

    domains = ("source", "target")
    saved = ("to_target",)
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "generator (weighted sum)": ("to_target",),
        "discriminator": ("target_discriminator",),
        "PatchNCE (nats, unweighted)": ("nce", "identity_nce"),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(FUNCTIONS, given=GIVEN)] = None,
        discriminator: Discriminator = None,
        objective: str = "lsgan",
        top_k: float = 1.0,
        nce_weight: float = 1.0,
        identity_nce_weight: float = 1.0,
        num_patches: int = 256,
        head_width: int = 256,
        flips: bool = False,
        name: str = "cut",
    ):
        check_at_least(0, nce_weight=nce_weight, identity_nce_weight=identity_nce_weight)
        check_counts(num_patches=num_patches)
        self._check(shapes, objective, num_patches)
        identity = ["identity_nce"] if identity_nce_weight else []
        super().__init__(shapes, losses=["to_target", "target_discriminator", "nce", *identity], name=name)
        shape = shapes["source"]
        self.to_target = generator_of(generator, shape, shapes["target"], name="to_target", functions=FUNCTIONS)
        self.target_discriminator = discriminator_of(
            discriminator, shapes["target"], name="target_discriminator", objective=objective, r1_weight=0.0,
            top_k=top_k,
        )
        self.heads = projections([layer.shape[-1] for layer in _levels(self.to_target)], width=head_width)
        self.side, self.flips, self.identity = math.isqrt(num_patches), flips, bool(identity)
        self.shapes["noise"] = (2 * num_patches + int(flips),)
        self.adversarial = Adversarial(objective, top_k=top_k)
        self.nce_weight = scalar(nce_weight, "nce_weight")
        self.identity_nce_weight = scalar(identity_nce_weight, "identity_nce_weight")

    @staticmethod
    def _check(shapes, objective, num_patches):
        if shapes["source"] != shapes["target"]:
            raise ValueError(
                f"source and target must be of one shape. Received: {shapes['source']} and {shapes['target']}"
            )
        if objective == "wgangp":
            raise ValueError("`objective` must be one of lsgan, bce, hinge. Received: 'wgangp'")
        if num_patches != math.isqrt(num_patches) ** 2:
            raise ValueError(f"`num_patches` must be a square number. Received: {num_patches}")

    @property
    def feed(self):
        return (*self.domains, "noise")

    def call(self, inputs, training=False):
        """The source translated, and vectors of patches of what goes in and what comes out.

        Returns:
            A dict of `fake_target`, float (B, H, W, C), and of lists of float32 (B, n, `head_width`), one for each
            layer: `keys` and `queries` and, with `identity_nce_weight`, `identity_keys` and `identity_queries`.
        """
        encoder, source, noise = _encoder(self.to_target), inputs["source"], inputs["noise"]
        mirrored = noise[:, -1] > 0 if self.flips else None
        pictures = {"": (source, mirrored)} | ({"identity_": (inputs["target"], None)} if self.identity else {})
        made = {}
        for name, (images, flipped) in pictures.items():
            *given, output = encoder(_mirrored(images, flipped), training=training)
            *found, _ = encoder(output, training=training)
            given, found = ([_mirrored(each, flipped) for each in features] for features in (given, found))
            if flipped is not None:   # the keys are those of pictures as they are
                *given, _ = encoder(images, training=training)
            chosen = [places(noise[:, : 2 * self.side**2], self.side, *each.shape[1:3]) for each in given]
            made[f"{name}keys"], made[f"{name}queries"] = (
                self.heads([patches(*pair) for pair in zip(features, chosen, strict=True)], training=training)
                for features in (given, found)
            )
            made |= {} if name else {"fake_target": output}
        return made

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        terms = {"nce": _mean_nce(y_pred["queries"], y_pred["keys"])}
        told, judged = self.game(
            self.target_discriminator, x["target"], y_pred["fake_target"], adversarial=self.adversarial,
            training=training,
        )
        to_target = told + self.nce_weight * terms["nce"]
        if self.identity:
            terms["identity_nce"] = _mean_nce(y_pred["identity_queries"], y_pred["identity_keys"])
            to_target += self.identity_nce_weight * terms["identity_nce"]
        self.track(terms | {"to_target": to_target, "target_discriminator": judged})
        return self.with_l2(to_target + judged)

    def sheets(self, generators, samples):
        """`samples`: the source, its translation, and what is made of the target; `patch_maps`: what the discriminator
        thinks."""
        made, target = self.made(generators, samples), samples["target"]
        rows = {"source": samples["source"], "source -> target": made, "target": target}
        rows["target -> target (identity)"] = predict(generators["to_target"], target)
        judged = {"target": target, "made target": made}
        return {"samples": rows, "patch_maps": patch_maps(self.target_discriminator, judged)}


def _levels(generator):
    """The layers of a ResNet that patches are taken from: KerasTensors."""
    names = [layer.name for layer in generator.layers]
    downs = [name for name in names if name.startswith("down_") and name[5:].isdigit()]
    blocks = [name for name in names if name.startswith("block_") and name[6:].isdigit()]
    chosen = dict.fromkeys([*downs, blocks[0], blocks[len(blocks) // 2]])
    return [generator.input, *(generator.get_layer(name).output for name in chosen)]


def _encoder(generator):
    """The generator, to a list of its features and of what it makes; made anew, as an attribute would be trained."""
    return keras.Model(generator.input, [*_levels(generator), generator.output], name=generator.name)


def _mirrored(images, which):
    """(B, h, w, C), left and right exchanged where `which`, bool (B,), says so; None for nowhere."""
    if which is None:
        return images
    return ops.where(which[:, None, None, None], ops.flip(images, axis=2), images)


def _mean_nce(queries, keys):
    return sum(patch_nce(*pair) for pair in zip(queries, keys, strict=True)) / len(queries)
