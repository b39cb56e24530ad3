"""Deep unsupervised pixelization: grids of three sizes, pixel art of them, and the way back, of unpaired pictures."""

import math
from typing import Annotated, ClassVar

import numpy as np
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.models.losses import Adversarial, l1
from pixelart_tf.models.model import Model, patch_maps, predict, scalar
from pixelart_tf.models.parts import GIVEN, Discriminator, discriminator_of, network_of
from pixelart_tf.networks import DISCRIMINATORS, PIXELATORS
from pixelart_tf.networks.pixelation import FEATURES, GRIDS, STEP, whole, with_features
from pixelart_tf.settings import config

# Across and down.
SOBEL = np.stack([[[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]], axis=-1)


class DeepPixelization(Model):
    """Pictures to pixel art of three grids, and back, in three stages (Han et al. 2018, section 4).

    GridNet makes a picture three small grids at once, of 1/8, 3/16 and 1/4 of its size (32, 48 and 64 cells at 256
    pixels). PixelNet makes pixel art of each grid, enlarged to the picture's size by the nearest cell. DepixelNet makes
    pictures of pixel art. Each has its group of losses:

    - GridNet: the game of its grids against the target's, brought to the same size by the nearest pixel, plus
      `grid_weight` x L1 to the source, brought to that size likewise, plus `gradient_weight` x L1 between their Sobel
      slopes; each summed over the three sizes;
    - PixelNet: the game against the target's pictures, plus `pixel_weight` x L1 to the grid that it was given, plus
      `gradient_weight` x L1 between their slopes; each summed over the three sizes;
    - DepixelNet: the game of the target's pictures, made pictures, against the source's, plus `source_weight` x L1 to
      what it was given, plus `mirror_weight` x the mirror loss: L1 between the source and what comes back of its pixel
      art, plus L1 between DepixelNet's features there and GridNet's of the source at three levels.

    As in the published code, each stage learns from its own losses alone: a stage's input and GridNet's features are
    taken as they are. What differs from that code:

    - the mirror loss is the mean over the pixel art of the three sizes, not of one of them that is drawn at random;
    - instance norms have a scale and a shift, and the discriminators are shown no earlier fakes;
    - of GridNet's convolutions see `networks.pixelation`;
    - all losses are one sum with one backward pass, and each player's gradient is its own (see `Model.game`).

    It trains best on what is on white, as in the paper, and with pixel art whose cells are as large as some grid's.

    The logged losses are means over the epoch:

    - `gridnet`, `pixelnet`, `to_source`: all that the network is trained on, weighted;
    - `grid_discriminator`, `pixel_discriminator`, `source_discriminator`: half the sums over reals and fakes;
    - `grid`, `pixel`, `same`, `mirror`: mean absolute errors in units of [-1, 1], not weighted.

    Args:
        shapes: (height, width, channels) of `source` and `target`, of one size, in multiples of 16 pixels.
        generator: `name`, one of `networks.PIXELATORS`, and the options of that function.
        discriminator: `name`, one of `networks.DISCRIMINATORS`, and the options of that function. It must leave a patch
            of the coarsest grid.
        objective: `"lsgan"` (the paper's), `"bce"` or `"hinge"`.
        grid_weight, pixel_weight, source_weight, gradient_weight, mirror_weight: factors of the losses above.

    Attributes:
        gridnet, pixelnet: see `networks.pixelation`.
        to_fine, to_medium, to_coarse: both of them as one network, pictures to pixel art by one of the grids.
        to_source: DepixelNet, from pixel art to pictures.
        grid_discriminator, pixel_discriminator, source_discriminator: models that map images to patch logits.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://doi.org/10.1145/3272127.3275082
    """

    domains = ("source", "target")
    saved = ("to_fine", "to_medium", "to_coarse", "to_source")
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "generators (weighted sums)": ("gridnet", "pixelnet", "to_source"),
        "discriminators": ("grid_discriminator", "pixel_discriminator", "source_discriminator"),
        "mean absolute errors (unweighted)": ("grid", "pixel", "same", "mirror"),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(PIXELATORS, given=GIVEN)] = None,
        discriminator: Discriminator = None,
        objective: str = "lsgan",
        grid_weight: float = 100.0,
        pixel_weight: float = 5.0,
        source_weight: float = 10.0,
        gradient_weight: float = 0.5,
        mirror_weight: float = 100.0,
        name: str = "deep_pixelization",
    ):
        weights = {"grid": grid_weight, "pixel": pixel_weight, "source": source_weight, "gradient": gradient_weight}
        weights["mirror"] = mirror_weight
        check_at_least(0, **{f"{each}_weight": weight for each, weight in weights.items()})
        self._check(shapes, objective)
        super().__init__(shapes, losses=[each for names in self.curves.values() for each in names], name=name)
        self.gridnet, self.pixelnet, self.to_source = network_of(
            PIXELATORS, generator, "model.generator", channels=shapes["source"][2], output_channels=shapes["target"][2]
        )
        self.to_fine, self.to_medium, self.to_coarse = (
            whole(self.gridnet, self.pixelnet, size, name=f"to_{size}") for size in ("fine", "medium", "coarse")
        )
        self.grid_discriminator = _of_grids(discriminator, shapes["target"])
        self.pixel_discriminator, self.source_discriminator = (
            discriminator_of(
                discriminator, shapes["target"], name=f"{each}_discriminator", objective=objective, r1_weight=0.0
            )
            for each in ("pixel", "source")
        )
        self.adversarial = Adversarial(objective)
        self.weights_of = {each: scalar(weight, f"{each}_weight") for each, weight in weights.items()}

    @staticmethod
    def _check(shapes, objective):
        source, target = shapes["source"], shapes["target"]
        if source != target or any(side % STEP for side in source[:2]):
            raise ValueError(
                f"source and target must be of one shape, with sides that are multiples of {STEP}. "
                f"Received: {source} and {target}"
            )
        if objective == "wgangp":
            raise ValueError("`objective` must be one of lsgan, bce, hinge. Received: 'wgangp'")

    def call(self, inputs, training=False):
        """Pixel art of the source, and pictures of that and of the target.

        Returns:
            A dict of what GridNet makes (see `networks.pixelation`); `given` and `pixels`, the enlarged grids and the
            pixel art, float (3B, H, W, C), the sizes in the order of `GRIDS` one after the other; and what DepixelNet
            makes of the target and of these, float (4B, ...): `back` and its features, `back_feature_1` and the like.
        """
        made = dict(self.gridnet(inputs["source"], training=training))
        given = ops.stop_gradient(ops.concatenate([made[f"{size}_cells"] for size in GRIDS]))
        pixels = self.pixelnet(given, training=training)
        art = ops.concatenate([ops.cast(inputs["target"], pixels.dtype), ops.stop_gradient(pixels)])
        # Made here and not kept, as a network that is an attribute is one that is trained.
        back = with_features(self.to_source)(art, training=training)
        made |= {"given": given, "pixels": pixels, "back": back["pixels"]}
        return made | {f"back_{name}": back[name] for name in FEATURES}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        groups = self._grids(x, y_pred, training), self._pixels(x, y_pred, training), self._back(x, y_pred, training)
        terms = {name: value for group in groups for name, value in group.items()}
        self.track(terms)
        return self.with_l2(sum(terms[name] for names in list(self.curves.values())[:2] for name in names))

    def _grids(self, x, made, training):
        """The losses of GridNet and of its discriminator."""
        game, judged, distance, slope = 0.0, 0.0, 0.0, 0.0
        for size, number in GRIDS.items():
            wanted, real = sampled(x["source"], number), sampled(x["target"], number)
            told, loss = self._game(self.grid_discriminator, real, made[size], training)
            game, judged = game + told, judged + loss
            distance += l1(wanted, made[size])
            slope += _between_slopes(wanted, made[size])
        total = game + self.weights_of["grid"] * distance + self.weights_of["gradient"] * slope
        return {"gridnet": total, "grid_discriminator": judged, "grid": distance / len(GRIDS)}

    def _pixels(self, x, made, training):
        """The losses of PixelNet and of its discriminator."""
        told, judged = self._game(self.pixel_discriminator, x["target"], made["pixels"], training)
        distance = l1(made["given"], made["pixels"])
        slope = _between_slopes(made["given"], made["pixels"])
        # Means over the sizes, whose sum it is.
        total = len(GRIDS) * (told + self.weights_of["pixel"] * distance + self.weights_of["gradient"] * slope)
        return {"pixelnet": total, "pixel_discriminator": len(GRIDS) * judged, "pixel": distance}

    def _back(self, x, made, training):
        """The losses of DepixelNet and of its discriminator."""
        number = ops.shape(x["target"])[0]
        told, judged = self._game(self.source_discriminator, x["source"], made["back"][:number], training)
        same = l1(x["target"], made["back"][:number])
        mirror = l1(ops.concatenate([x["source"]] * len(GRIDS)), made["back"][number:])
        features = sum(
            l1(ops.concatenate([ops.stop_gradient(made[name])] * len(GRIDS)), made[f"back_{name}"][number:])
            for name in FEATURES
        )
        weights = self.weights_of
        total = told + weights["source"] * same + weights["mirror"] * (mirror + features)
        return {"to_source": total, "source_discriminator": judged, "same": same, "mirror": mirror}

    def _game(self, discriminator, real, fake, training):
        return self.game(discriminator, real, fake, adversarial=self.adversarial, training=training)

    def sheets(self, generators, samples):
        """`samples`: the source and its pixel art by each grid, the target and its picture in `samples_back`;
        `patch_maps`: what the discriminator of pixel art thinks of the target and of the finest."""
        source, target = samples["source"], samples["target"]
        made = {f"to_{size}": predict(generators[f"to_{size}"], source) for size in reversed(GRIDS)}
        back = {"target": target, "target -> source": predict(generators["to_source"], target)}
        back |= {"source -> fine -> source": predict(generators["to_source"], made["to_fine"])}
        judged = {"target": target, "made target": made["to_fine"]}
        return {
            "samples": {"source": source} | made, "samples_back": back,
            "patch_maps": patch_maps(self.pixel_discriminator, judged),
        }


def sampled(images, number):
    """(B, H, W, C) -> (B, H * `number` / 16, W * `number` / 16, C), the nearest pixels, as PyTorch takes them."""
    common = math.gcd(number, STEP)
    for axis in (1, 2) if number > common else ():
        images = ops.repeat(images, number // common, axis=axis)
    return images[:, :: STEP // common, :: STEP // common]


def slopes(images):
    """Sobel slopes across and down of the sum of channels, beyond the border zeros: (B, H, W, C) -> (B, H, W, 2)."""
    total = ops.sum(ops.cast(images, "float32"), axis=-1, keepdims=True)
    kernel = ops.convert_to_tensor(SOBEL[:, :, None], dtype="float32")   # (3, 3, 1, 2)
    return ops.conv(total, kernel, padding="same", data_format="channels_last")


def _between_slopes(images, made):
    """The mean absolute difference of slopes across, plus that of slopes down."""
    return 2 * l1(slopes(images), slopes(made))


def _of_grids(table, shape):
    """A fresh discriminator of grids of each size of pictures of `shape`."""
    made = network_of(
        DISCRIMINATORS, table, "model.discriminator", name="grid_discriminator", image_size=None, channels=shape[2]
    )
    if len(made.outputs) > 1:
        raise ValueError(f"`discriminator` must have one head, of patches. Received: {len(made.outputs)} heads")
    coarse = tuple(side * GRIDS["coarse"] // STEP for side in shape[:2])
    try:
        patches = made.compute_output_shape((None, *coarse, shape[2]))[1:3]
    except ValueError:
        patches = (0,)
    if min(patches) < 1:
        raise ValueError(
            f"`discriminator.num_layers` must leave a patch of the coarsest grid of {coarse[0]}x{coarse[1]} cells"
        )
    return made
