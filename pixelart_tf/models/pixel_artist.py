"""Drawings to pixel art, one way and without a game: made pairs, and patches like those of real pixel art."""

from typing import ClassVar

import numpy as np
from keras import ops

from pixelart_tf.base.checks import check_at_least, check_counts
from pixelart_tf.models.filters import depthwise, means
from pixelart_tf.models.losses import l1, mean_of_pictures
from pixelart_tf.models.model import Model, predict, scalar
from pixelart_tf.models.parts import Generator, before_clip, generator_of
from pixelart_tf.models.sliced import PATCH, quantiles, sliced_wasserstein, steps

REACH = 4      # deviations of the blur that are summed
UNEVEN = 0.1   # a difference within an area, in units of [-1, 1], that shows
NEAR = 2       # cells to the nearest one of one color, beyond which there is texture
SLIGHT = 1 / 16   # an overshoot that hardly shows, 8 of 255 levels
STEEPER = 2.5   # times as much as the source's cells differ from each other, those of pixel art may
ROUGH = 0.15   # and so much more
BESIDE = ((0, 1), (1, 0), (1, 1), (1, -1))   # from a cell to those that touch it, (down, across), each pair once
SEEN = 0.125   # a change of a cell that is meant to be seen


class PixelArtist(Model):
    """A generator of pixel art at its native size: one pixel a cell comes out.

    It learns from drawings that have no pixel art of their own, the source, and from pixel art, the target, with the
    smooth drawings that are made of it, the partners. Its loss is the weighted sum of

    - `pair`: how far it is from the pixel art that a partner was made of;
    - `color`: how far the colors of what it makes of the source are from the source's own, after a blur of one cell, as
      `scores.pixel_art.far` has it: mean absolute errors, in units of [-1, 1], both of them;
    - `patches`: how differently small patches are drawn than in the target: the sliced Wasserstein distance of their
      contrasts (`sliced.sliced_wasserstein`), as `scores.pixel_art.style` has it, in random directions that change with
      every step; of what it makes of the source, but for its texture, and of the partners, added up;
    - `steps`: how differently large steps of luminance are from a cell to the next than in the target, likewise (see
      `sliced.steps`). It makes outlines darker, as patches are compared whatever their contrast is. Off by default;
    - `flat`: how far cells of the source's flat areas are from its own colors: those around which 3x3 cells of pixels
      differ by less than 0.1;
    - `haze`: the same of cells beside these, whose own pixels differ by less, but at most 0.125: an outline may be
      there, and what is not meant to be seen may not;
    - `texture`: the same as `flat` where no such cell is within two, as in the grass of a photograph; all three are
      means over all cells;
    - `orphans`: how far cells are from the nearest of their four neighbors, by the channel that differs most;
    - `overshoot`: how far what it makes of the source is above the highest pixel in a cell or right beside it, channel
      by channel, by more than 1/16. Off by default;
    - `ragged`: how much more cells differ from those beside them than 2.5 times as much as the source's cells do there,
      by more than 0.15, of the channel that differs most. Off by default.

    `patches` draws outlines and hard steps, as a discriminator would, but there is no game to lose. `color_weight` is
    the dial between true colors and strong outlines. `flat` keeps grounds and fills clean, and `orphans` keeps
    outlines from hues of their own. To `color`, a cell that is too dark beside one that is too light is as good as two
    that are true, so that outlines were dotted and borders ragged; `overshoot` and `ragged` leave less of both. Across
    an edge the source's cells differ too, so that an outline along it may be there. With `haze` from the start
    outlines are hardly begun: `experiments/sprites_1.toml` and those that follow add term by term.

    Several replicas compare the patches of their own share of the batch each, with directions of their own.

    Args:
        shapes: (height, width, channels) of `source`, of `target` and of `partner`, which is the source's.
        generator: `name`, one of `networks.GENERATORS`, and the options of that function.
        pair_weight: factor of `pair`.
        color_weight: factor of `color`.
        patch_weight: factor of `patches`. 0 leaves it out.
        step_weight: factor of `steps`. 0 leaves it out.
        flat_weight: factor of `flat`.
        haze_weight: factor of `haze`.
        texture_weight: factor of `texture`.
        orphan_weight: factor of `orphans`.
        overshoot_weight: factor of `overshoot`. 0 leaves it out.
        ragged_weight: factor of `ragged`. 0 leaves it out.
        num_directions: number of directions in which patches are compared in one step.

    Attributes:
        to_target: the generator.
        color_weight: a variable, so that a callback can change it.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Of no paper as a whole; the distance of patches is that of https://arxiv.org/abs/2203.11862, without its pyramid and
    of contrasts alone.
    """

    domains = ("source", "target")
    saved = ("to_target",)
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "generator (weighted sum)": ("to_target",),
        "mean absolute errors (unweighted)": (
            "pair", "color", "flat", "haze", "texture", "orphans", "overshoot", "ragged",
        ),
        "distances of patches and of steps (unweighted)": ("patches", "steps"),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Generator = None,
        pair_weight: float = 1.0,
        color_weight: float = 1.0,
        patch_weight: float = 1.5,
        step_weight: float = 0.0,
        flat_weight: float = 3.0,
        haze_weight: float = 3.0,
        texture_weight: float = 3.0,
        orphan_weight: float = 0.6,
        overshoot_weight: float = 0.0,
        ragged_weight: float = 0.0,
        num_directions: int = 16,
        name: str = "pixel_artist",
    ):
        check_at_least(
            0, pair_weight=pair_weight, color_weight=color_weight, patch_weight=patch_weight,
            step_weight=step_weight, flat_weight=flat_weight, haze_weight=haze_weight, texture_weight=texture_weight,
            orphan_weight=orphan_weight, overshoot_weight=overshoot_weight,
            ragged_weight=ragged_weight,
        )
        check_counts(num_directions=num_directions)
        self._check(shapes)
        factors = {
            "pair": pair_weight, "flat": flat_weight, "haze": haze_weight, "texture": texture_weight,
            "orphans": orphan_weight,
        }
        # The costly ones, and those that came later, are left out of the graph where they have no weight.
        optional = {
            "patches": patch_weight, "steps": step_weight, "overshoot": overshoot_weight, "ragged": ragged_weight,
        }
        factors |= {name: weight for name, weight in optional.items() if weight}
        super().__init__(shapes, losses=["to_target", "color", *factors], name=name)
        self.to_target = generator_of(generator, shapes["source"], shapes["target"], name="to_target")
        self.shapes["noise"] = (PATCH**2 * num_directions,)
        self.color_weight = scalar(color_weight, "color_weight")
        self.factors = factors

    @staticmethod
    def _check(shapes):
        source, target = shapes["source"], shapes["target"]
        if shapes.get("partner") != source:
            raise ValueError(
                f"the model needs partners of the source's shape, made by [data.partner]. "
                f"Received: {shapes.get('partner')} and {source}"
            )
        if source[0] % target[0] or source[0] * target[1] != source[1] * target[0] or source[2] != target[2]:
            raise ValueError(
                f"source must be a whole number of times as large as target, a pixel a cell. "
                f"Received: {source} and {target}"
            )
        if min(target[:2]) < PATCH:
            raise ValueError(f"target must be of at least {PATCH} pixels a side. Received: {target}")

    @property
    def feed(self):
        return (*self.domains, "partner", "noise")

    def call(self, inputs, training=False):
        """What the generator makes of a batch, before the clip that it may end in.

        Returns:
            A dict of `fake_target`, of the source, and `paired_target`, of the partner: float (B, H, W, C).
        """
        both = ops.concatenate([inputs["source"], inputs["partner"]])
        fake, paired = ops.split(before_clip(self.to_target)(both, training=training), 2)
        return {"fake_target": fake, "paired_target": paired}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        source, target = x["source"], x["target"]
        fake, paired = y_pred["fake_target"], y_pred["paired_target"]
        cell = source.shape[1] // fake.shape[1]
        cells = means(source, cell)
        terms = {
            "pair": l1(target, paired),
            "color": l1(_blurred(cells), _blurred(fake)),
            "orphans": _orphans(ops.concatenate([fake, paired])),
        }
        calm = _calm_areas(source, cell)
        terms |= _changes(fake, cells, calm)
        if "patches" in self.factors:
            directions = ops.reshape(ops.cast(x["noise"][0], "float32"), (PATCH**2, -1))
            real, drawn = quantiles(target, directions), ops.logical_not(calm["texture"])
            made = quantiles(fake, directions, drawn), quantiles(paired, directions)
            terms["patches"] = sum(sliced_wasserstein(each, real) for each in made)
        if "steps" in self.factors:
            real = steps(target)
            terms["steps"] = sum(sliced_wasserstein(steps(made), real) for made in (fake, paired))
        if "overshoot" in self.factors:
            terms["overshoot"] = _overshoot(fake, source, cell)
        if "ragged" in self.factors:
            terms["ragged"] = _ragged(fake, cells)
        weighted = [weight * terms[name] for name, weight in self.factors.items()]
        terms["to_target"] = sum(weighted, self.color_weight * terms["color"])
        self.track(terms)
        return self.with_l2(terms["to_target"])

    def sheets(self, generators, samples):
        """`samples`: the source and what is made of it; `pairs`: partners, what is made of them, and the target."""
        sheets = super().sheets(generators, samples)
        if "partner" in samples:
            made = predict(generators["to_target"], samples["partner"])
            sheets["pairs"] = {"partner": samples["partner"], "partner -> target": made, "target": samples["target"]}
        return sheets


def _calm_areas(source, cell):
    """The source's calm areas by the reason why they are calm, bool (B, H / cell, W / cell, 1): see `PixelArtist`."""
    within, flat = _is_even(source, cell, 0), _is_even(source, cell, cell)
    near = ops.cast(within, "float32")
    near = ops.max_pool(near, 2 * NEAR + 1, strides=1, padding="same", data_format="channels_last")
    return {"flat": flat, "haze": ops.logical_and(within, ops.logical_not(flat)), "texture": near == 0}


def _changes(made, cells, areas):
    """How far what is made is from the source's cells in each kind of calm area: a mean over all cells."""
    change = ops.abs(ops.cast(made, "float32") - ops.cast(cells, "float32"))
    counted = {"flat": change, "haze": ops.minimum(change, SEEN), "texture": change}
    return {
        name: mean_of_pictures(ops.mean(ops.where(areas[name], each, 0.0), axis=(1, 2, 3)))
        for name, each in counted.items()
    }


def _is_even(images, cell, margin):
    """Where the pixels of a cell, and so many around it, have about one color: bool (B, H / cell, W / cell, 1)."""
    most, least = _highest(images, cell, margin), -_highest(-images, cell, margin)
    return ops.max(most - least, axis=-1, keepdims=True) < UNEVEN


def _highest(images, cell, margin):
    """The highest pixel of each cell and so many around it, by channel: float32 (B, H / cell, W / cell, C)."""
    x = ops.pad(ops.cast(images, "float32"), [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="symmetric")
    return ops.max_pool(x, cell + 2 * margin, strides=cell, padding="valid", data_format="channels_last")


def _overshoot(made, source, cell):
    """How far cells are above the highest pixel in or right beside them, by more than what hardly shows."""
    above = ops.cast(made, "float32") - _highest(source, cell, 1) - SLIGHT
    return mean_of_pictures(ops.mean(ops.relu(above), axis=(1, 2, 3)))


def _blurred(images):
    """float32 (B, H, W, C), blurred with a deviation of one pixel; borders are mirrored."""
    weights = np.exp(-0.5 * np.arange(-REACH, REACH + 1, dtype=np.float32) ** 2)
    weights /= weights.sum()
    x = ops.pad(ops.cast(images, "float32"), [(0, 0), (REACH, REACH), (REACH, REACH), (0, 0)], mode="symmetric")
    return depthwise(depthwise(x, weights[:, None]), weights[None])


def _ragged(made, cells):
    """How much more cells differ from their eight neighbors than the source's may, a mean over all pairs of a kind."""
    excess = []
    for down, across in BESIDE:
        drawn, seen = (_differences(each, down, across) for each in (made, cells))
        excess.append(ops.mean(ops.relu(drawn - STEEPER * seen - ROUGH), axis=(1, 2)))
    return mean_of_pictures(ops.mean(ops.stack(excess), axis=0))


def _differences(images, down, across):
    """Of pixels and those so far below and to the right, by the channel that differs most: float32 (B, h, w)."""
    x = ops.cast(images, "float32")[:, :, ::-1 if across < 0 else 1]
    across = abs(across)
    first, second = x[:, : x.shape[1] - down, : x.shape[2] - across], x[:, down:, across:]
    return ops.max(ops.abs(first - second), axis=-1)


def _orphans(images):
    """The mean difference of cells from the nearest of their neighbors above, below, left and right."""
    x = ops.pad(ops.cast(images, "float32"), [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    neighbors = x[:, :-2, 1:-1], x[:, 2:, 1:-1], x[:, 1:-1, :-2], x[:, 1:-1, 2:]
    differences = [ops.max(ops.abs(x[:, 1:-1, 1:-1] - each), axis=-1) for each in neighbors]
    nearest = ops.min(ops.stack(differences), axis=0)   # (B, H, W)
    return mean_of_pictures(ops.mean(nearest, axis=(1, 2)))
