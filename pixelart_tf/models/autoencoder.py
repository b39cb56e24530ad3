"""An autoencoder: a picture through a bottleneck to itself, or from its made partner to it."""

from typing import Annotated, ClassVar

from pixelart_tf.models.losses import distance_of
from pixelart_tf.models.model import Model, predict
from pixelart_tf.models.parts import GIVEN, generator_of
from pixelart_tf.networks import AUTOENCODERS
from pixelart_tf.settings import config


class Autoencoder(Model):
    """One network, trained to give back the target's pictures through few numbers.

    The input is the picture itself (Hinton and Salakhutdinov 2006), or, with a `[data.partner]` table, the partner that
    is made from it: then it is a denoising autoencoder (Vincent et al. 2008, equation 5; equation 1 without), and its
    noise whatever makes partners. Partners may be of another size: the output is brought to the target's (see
    `networks.sizes.to_size`).

    What differs from both: convolutions, all layers trained at once from a random start, and `distance` instead of the
    cross-entropy of values taken for probabilities.

    The logged loss is the mean of `distance` over the epoch, in units of [-1, 1] (or their square).

    Args:
        shapes: (height, width, channels) of `target` and, if there are partners, of `partner`.
        generator: `name`, one of `networks.AUTOENCODERS`, and the options of that function.
        distance: `"l1"`, the mean absolute error, which leaves sharper edges, or `"l2"`, the mean squared error.

    Attributes:
        autoencoder: the network, a model that maps images to images.

    Raises:
        ValueError: an option that is not known or not possible, or shapes that do not suit it.

    Reference: https://doi.org/10.1126/science.1127647; https://doi.org/10.1145/1390156.1390294
    """

    domains = ("target",)
    saved = ("autoencoder",)
    curves: ClassVar[dict[str, tuple[str, ...]]] = {"distance": ("autoencoder",)}

    def __init__(
        self,
        shapes: dict[str, tuple[int, int, int]],
        *,
        generator: Annotated[dict | None, config.Table(AUTOENCODERS, given=GIVEN)] = None,
        distance: str = "l1",
        name: str = "autoencoding",
    ):
        distance = distance_of(distance)
        super().__init__(shapes, losses=["autoencoder"], name=name)
        self.input_key = "partner" if "partner" in shapes else "target"
        self.autoencoder = generator_of(
            generator, shapes[self.input_key], shapes["target"], name="autoencoder", functions=AUTOENCODERS,
            resize=True,
        )
        self.distance = distance

    @property
    def feed(self):
        return tuple(dict.fromkeys((self.input_key, "target")))

    def call(self, inputs, training=False):
        """What the network makes of a batch's inputs: float (B, H, W, C)."""
        return self.autoencoder(inputs[self.input_key], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = self.distance(x["target"], y_pred)
        self.track({"autoencoder": loss})
        return self.with_l2(loss)

    def made(self, generators, samples):
        return predict(generators["autoencoder"], samples[self.input_key])

    def sheets(self, generators, samples):
        """`samples`: input, output, and, where it is not the input, the truth."""
        made = {self.input_key: samples[self.input_key], "through the bottleneck": self.made(generators, samples)}
        return {"samples": made | {"target": samples["target"]}}
