"""UNIT: two variational autoencoders with one space of codes, so that each decodes what the other encodes."""

import math
from typing import Annotated, ClassVar

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.models.losses import Adversarial, l1, l2
from pixelart_tf.models.model import Model, patch_maps, predict, scalar
from pixelart_tf.models.parts import GIVEN, Discriminator, discriminator_of, network_of
from pixelart_tf.networks import UNITS
from pixelart_tf.settings import config

GENERATORS = ("source_encoder", "target_encoder", "source_decoder", "target_decoder")


class UNIT(Model):
    """Unpaired translation by a pair of variational autoencoders with a shared latent space, and a game (Liu et al.
    2017, equations 2 to 6).

    A code is normal about what the encoder says, with a variance of 1. As the encoders' last block and the decoders'
    first are shared, both domains' pictures have codes of one kind; a translation is the one domain's code, decoded by
    the other's decoder. The loss is the sum, for both domains, of

    - `same_weight` x L1 between a picture and what is decoded of its code, plus `kl_weight` x KL(code || N(0, 1));
    - `adversarial_weight` x the game of translations against the other domain's pictures;
    - `cycle_weight` x L1 between a picture and what comes back of its translation, plus `cycle_kl_weight` x the
      divergence of the translation's code.

    With an `adversarial_weight` of 0 there is no discriminator: autoencoders alone, whose codes nothing but their
    shared blocks brings together.

    What differs from the paper:

    - Distances and divergences are means over values, as in its authors' code, not sums.
    - A picture's divergence counts once, with `kl_weight`, not once more with `cycle_kl_weight`.
    - The discriminators judge patches at one scale. Both players' losses are one sum with one backward pass, and each
      one's gradient is its own (see `Model.game`).

    The logged losses are means over the epoch:

    - `generators`: all that the encoders and decoders are trained on, weighted;
    - `source_discriminator`, `target_discriminator`: half the sums of the losses on real and on made pictures;
    - `same`, `cycle`: mean absolute errors in units of [-1, 1], not weighted, both domains added;
    - `kl`: the divergence of pictures' codes in nats for each number, both domains added.

    Args:
        shapes: (height, width, channels) of `source` and `target`, of one size.
        generator: `name`, one of `networks.UNITS`, and the options of that function.
        discriminator: `name`, one of `networks.DISCRIMINATORS`, and the options of that function.
        objective: `"bce"` (the paper's), `"lsgan"` (its code's) or `"hinge"`; or one a head, `"bce+hinge"`.
        adversarial_weight, kl_weight, same_weight, cycle_kl_weight, cycle_weight: factors (lambda 0 to 4 of the paper).

    Attributes:
        source_encoder, target_encoder, source_decoder, target_decoder: see `networks.unit`.
        to_target, to_source: an encoder and the other domain's decoder as one network, by the mean of the code.
        source_discriminator, target_discriminator: models that map images to patch logits; None without a game.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1703.00848
    """

    domains = ("source", "target")
    saved = ("to_target", "to_source")
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "encoders and decoders (weighted sum)": ("generators",),
        "discriminators": ("target_discriminator", "source_discriminator"),
        "mean absolute errors (unweighted)": ("same", "cycle"),
        "divergence (nats a number)": ("kl",),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(UNITS, given=GIVEN)] = None,
        discriminator: Discriminator = None,
        objective: str = "bce",
        adversarial_weight: float = 10.0,
        kl_weight: float = 0.1,
        same_weight: float = 100.0,
        cycle_kl_weight: float = 0.1,
        cycle_weight: float = 100.0,
        name: str = "unit",
    ):
        weights = {"adversarial": adversarial_weight, "kl": kl_weight, "same": same_weight}
        weights |= {"cycle_kl": cycle_kl_weight, "cycle": cycle_weight}
        check_at_least(0, **{f"{each}_weight": weight for each, weight in weights.items()})
        if objective == "wgangp":
            raise ValueError("`objective` must be one of bce, lsgan, hinge. Received: 'wgangp'")
        source, target = shapes["source"], shapes["target"]
        judged = [f"{domain}_discriminator" for domain in self.domains] if adversarial_weight else []
        super().__init__(shapes, losses=["generators", *judged, "same", "cycle", "kl"], name=name)
        made = network_of(UNITS, generator, "model.generator", channels=source[2], output_channels=target[2])
        self.source_encoder, self.target_encoder, self.source_decoder, self.target_decoder = map(made.get, GENERATORS)
        self.to_target = _through(self.source_encoder, self.target_decoder, "to_target")
        self.to_source = _through(self.target_encoder, self.source_decoder, "to_source")
        if source[:2] != target[:2] or self.to_target.compute_output_shape((None, *source))[1:] != target:
            raise ValueError(
                f"source and target must be of one size, with sides that suit the downsamplings. "
                f"Received: {source[:2]} and {target[:2]}"
            )
        self.code = tuple(self.source_encoder.compute_output_shape((None, *source))[1:])
        self.shapes["noise"] = (2 * math.prod(self.code),)
        self.source_discriminator, self.target_discriminator = (
            discriminator_of(
                discriminator, shapes[domain], name=f"{domain}_discriminator", objective=objective, r1_weight=0.0
            ) if adversarial_weight else None
            for domain in self.domains
        )
        self.adversarial = Adversarial(objective)
        self.weights_of = {each: scalar(weight, f"{each}_weight") for each, weight in weights.items()}

    @property
    def feed(self):
        return (*self.domains, "noise")

    def call(self, inputs, training=False):
        """Pictures through their codes, there and back; codes are drawn while training, and their means else.

        Returns:
            A dict of images, `same_source`, `fake_target`, `cycled_source` and the like of the target; and of the means
            of codes, `source_mean`, `target_mean`, `fake_source_mean` and `fake_target_mean`.
        """
        # One draw for the pictures of both domains, as no term sees both; another one for their translations.
        drawn = ops.reshape(inputs["noise"], (-1, 2, *self.code))
        of_pictures, of_fakes = (drawn[:, 0], drawn[:, 1]) if training else (0.0, 0.0)
        made = {
            f"{domain}_mean": getattr(self, f"{domain}_encoder")(inputs[domain], training=training)
            for domain in self.domains
        }
        # Both codes through a decoder as one batch: instance norm keeps them apart.
        codes = ops.concatenate([made["source_mean"] + of_pictures, made["target_mean"] + of_pictures])
        for domain in self.domains:
            decoded = ops.split(getattr(self, f"{domain}_decoder")(codes, training=training), 2)
            of_source, of_target = decoded
            own, other = (of_source, of_target) if domain == "source" else (of_target, of_source)
            made |= {f"same_{domain}": own, f"fake_{domain}": other}
        for domain, other in (("source", "target"), ("target", "source")):
            mean = getattr(self, f"{other}_encoder")(made[f"fake_{other}"], training=training)
            back = getattr(self, f"{domain}_decoder")(mean + of_fakes, training=training)
            made |= {f"fake_{other}_mean": mean, f"cycled_{domain}": back}
        return made

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        weights, terms = self.weights_of, {}
        for term, made in (("same", "same"), ("cycle", "cycled")):
            terms[term] = sum(l1(x[domain], y_pred[f"{made}_{domain}"]) for domain in self.domains)
        terms["kl"] = sum(_divergence(y_pred[f"{domain}_mean"]) for domain in self.domains)
        again = sum(_divergence(y_pred[f"fake_{domain}_mean"]) for domain in self.domains)
        generators = weights["cycle_kl"] * again + sum(weights[term] * value for term, value in terms.items())
        judged = 0.0
        for domain in self.domains:
            discriminator = getattr(self, f"{domain}_discriminator")
            if discriminator is None:
                continue
            told, loss = self.game(
                discriminator, x[domain], y_pred[f"fake_{domain}"], adversarial=self.adversarial, training=training
            )
            generators, judged = generators + weights["adversarial"] * told, judged + loss
            terms[discriminator.name] = loss
        self.track(terms | {"generators": generators})
        return self.with_l2(generators + judged)

    def sheets(self, generators, samples):
        """`samples`: there and back again, and `samples_back` the other way; `patch_maps`: what the target's
        discriminator thinks."""
        source, target = samples["source"], samples["target"]
        there, back = predict(generators["to_target"], source), predict(generators["to_source"], target)
        sheets = {
            "samples": {
                "source": source, "source -> target": there,
                "source -> target -> source": predict(generators["to_source"], there),
            },
            "samples_back": {
                "target": target, "target -> source": back,
                "target -> source -> target": predict(generators["to_target"], back),
            },
        }
        if self.target_discriminator is not None:
            judged = {"target": target, "made target": there}
            sheets["patch_maps"] = patch_maps(self.target_discriminator, judged)
        return sheets


def _through(encoder, decoder, name):
    return keras.Model(encoder.input, decoder(encoder.output), name=name)


def _divergence(mean):
    """KL(N(mean, 1) || N(0, 1)) in nats, the mean over numbers (B, h, w, c)."""
    return 0.5 * l2(ops.zeros_like(mean), mean)
