"""Fast style transfer: a network that repaints pictures in the manner of one picture, or of several."""

from typing import Annotated, ClassVar

import keras
import numpy as np
from keras import ops

from pixelart_tf.base.checks import check_at_least
from pixelart_tf.features.maps import feature_maps
from pixelart_tf.models.losses import l2
from pixelart_tf.models.model import Model, predict, scalar
from pixelart_tf.models.parts import GIVEN, network_of
from pixelart_tf.networks import STYLE_NETWORKS
from pixelart_tf.settings import config

# Network of features -> the layer that content is compared on, and those that manners are compared on.
CONTENT = {"lite0": "block_2", "vgg16": "relu3_3", "vgg19": "relu3_4"}
MANNER = {
    "lite0": ("stem", "block_0", "block_2", "block_4"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
    "vgg19": ("relu1_2", "relu2_2", "relu3_4", "relu4_4"),
}


class Style(Model):
    """Repaints the source's pictures in the manner of the target's (Johnson et al. 2016, equation 5).

    The loss is `content_weight` times the distance of features to those of the input (equation 2), plus
    `style_weight` times the squared distance of Gram matrices to those of a style picture, summed over layers
    (equations 3 and 4), plus `variation_weight` times the total variation. Where the target's pictures lie in several
    folders each folder is a style (conditional instance norm, Dumoulin et al. 2017, equation 5): of the saved network
    one is chosen, or several are mixed, by weights.

    What differs from the papers:

    - The style picture is a batch's target, so that a folder of several pictures gives their mean manner. With one
      picture and no augmentation it is the paper's.
    - Features are those of `lite0`, which comes along, unless VGG is asked for. They are linear there, not behind a
      ReLU, so that weights do not compare with those for VGG.
    - Distances of Gram matrices and the total variation are means over values, not sums, so that weights depend neither
      on the number of channels nor on the size.

    The logged losses are means over the epoch: `to_target`, all of it, weighted; `content`, `manner` and `variation`,
    not weighted.

    Args:
        shapes: (height, width, channels) of `source` and `target`; (number,) of `label` where there are styles.
        generator: `name`, one of `networks.STYLE_NETWORKS`, and the options of that function.
        features: `"lite0"`, `"vgg16"` or `"vgg19"`.
        weights: VGG's file; empty for the published ones, which are fetched once.
        content_weight, style_weight, variation_weight: factors of the three terms.

    Attributes:
        to_target: the network.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://arxiv.org/abs/1603.08155; https://arxiv.org/abs/1610.07629
    """

    domains = ("source", "target")
    saved = ("to_target",)
    has_classes: ClassVar[bool] = True
    curves: ClassVar[dict[str, tuple[str, ...]]] = {
        "all (weighted sum)": ("to_target",),
        "content": ("content",),
        "Gram distance": ("manner",),
        "total variation": ("variation",),
    }

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(STYLE_NETWORKS, given=GIVEN)] = None,
        features: str = "lite0",
        weights: Annotated[str, config.PATH] = "",
        content_weight: float = 1.0,
        style_weight: float = 10.0,
        variation_weight: float = 1.0,
        name: str = "style",
    ):
        check_at_least(
            0, content_weight=content_weight, style_weight=style_weight, variation_weight=variation_weight
        )
        if features not in MANNER:
            raise ValueError(f"`features` must be one of {', '.join(MANNER)}. Received: {features!r}")
        if shapes["source"][2] != 3 or shapes["target"][2] != 3:
            raise ValueError(f"pictures must be in color. Received: {shapes['source']} and {shapes['target']}")
        super().__init__(shapes, losses=["to_target", "content", "manner", "variation"], name=name)
        self.num_classes = shapes["label"][0] if "label" in shapes else 0
        self.to_target = network_of(
            STYLE_NETWORKS, generator, "model.generator", name="to_target", num_classes=self.num_classes,
        )
        self._check_size(shapes["source"])
        self.seen = Features(features, weights)
        self.content_weight = scalar(content_weight, "content_weight")
        self.style_weight = scalar(style_weight, "style_weight")
        self.variation_weight = scalar(variation_weight, "variation_weight")

    def _check_size(self, shape):
        made = self.to_target.compute_output_shape(
            {"images": (1, *shape), "style": (1, self.num_classes)} if self.num_classes else (1, *shape)
        )
        if tuple(made[1:3]) != tuple(shape[:2]):
            raise ValueError(f"`image_size` must be a multiple of what is downsampled. Received: {tuple(shape[:2])}")

    @property
    def feed(self):
        return (*self.domains, "label") if self.num_classes else self.domains

    def call(self, inputs, training=False):
        """The repainted pictures: float (B, H, W, 3)."""
        if not self.num_classes:
            return self.to_target(inputs["source"], training=training)
        style = ops.one_hot(inputs["label"], self.num_classes, dtype="float32")
        return self.to_target({"images": inputs["source"], "style": style}, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        made = ops.cast(y_pred, "float32")
        content, manners = self.seen(made)
        wanted, _ = self.seen(x["source"])
        _, wanted_manners = self.seen(x["target"])
        terms = {
            "content": l2(ops.stop_gradient(wanted), content),
            "manner": sum(
                l2(ops.stop_gradient(other), each)
                for each, other in zip(manners, wanted_manners, strict=True)
            ),
            "variation": l2(made[:, 1:], made[:, :-1]) + l2(made[:, :, 1:], made[:, :, :-1]),
        }
        loss = (
            self.content_weight * terms["content"] + self.style_weight * terms["manner"]
            + self.variation_weight * terms["variation"]
        )
        self.track(terms | {"to_target": loss})
        return self.with_l2(loss)

    def made(self, generators, samples):
        return self._repainted(generators["to_target"], samples["source"], np.arange(len(samples["source"])))

    def _repainted(self, network, pictures, styles):
        """Pictures in styles (of that number, which goes round); NumPy float32."""
        if not self.num_classes:
            return predict(network, pictures)
        weights = np.eye(self.num_classes, dtype=np.float32)[np.broadcast_to(styles, len(pictures)) % self.num_classes]
        return predict(network, {"images": pictures, "style": weights})

    def sheets(self, generators, samples):
        """`samples`: the source's pictures, repainted, in each style and in the mean of all; and the target's."""
        network, source = generators["to_target"], samples["source"]
        rows = {"source": source}
        if self.num_classes:
            for index in range(self.num_classes):
                rows[f"style {index}"] = self._repainted(network, source, index)
            mean = np.full((len(source), self.num_classes), 1 / self.num_classes, np.float32)
            rows["all styles mixed"] = predict(network, {"images": source, "style": mean})
        else:
            rows["repainted"] = predict(network, source)
        return {"samples": rows | {"target": samples["target"]}}


class Features:
    """What content and manners are compared on: features of a frozen network, which is no part of the model.

    Args:
        network: a key of `MANNER`.
        weights: see `features.maps.feature_maps`.
    """

    def __init__(self, network: str, weights: str = ""):
        self.maps = feature_maps(network, [CONTENT[network], *MANNER[network]], weights=weights)

    def __call__(self, images):
        """Pictures (B, H, W, 3) in [-1, 1] -> features of the content (B, h, w, c), and Gram matrices (B, c, c)."""
        content, *others = self.maps(ops.cast(images, "float32"), training=False)
        return content, [gram(each) for each in others]


def gram(features: keras.KerasTensor) -> keras.KerasTensor:
    """(B, h, w, c) -> (B, c, c): products of channels, divided by h w c (Johnson et al. 2016, equation 3)."""
    _, height, width, channels = ops.shape(features)
    flat = ops.reshape(features, (-1, height * width, channels))
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / ops.cast(height * width * channels, "float32")
