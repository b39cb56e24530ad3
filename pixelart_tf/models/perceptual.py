"""The distance of what a frozen network makes of pictures: the perceptual loss."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from pixelart_tf.features.maps import DEFAULTS, feature_maps
from pixelart_tf.models.losses import l2


class Perceptual:
    """The mean squared distance of activations: the squared distance divided by height, width and channels (Johnson et
    al. 2016, equation 2), as a mean over pictures; of several layers the sum.

    It is no Keras object, so that a model that has one does not train its network, save it or keep it in checkpoints.

    Args:
        network: see `features.maps.feature_maps`.
        layers: likewise; empty for relu3_3 of VGG16, relu3_4 of VGG19 and block_2 of lite0.
        weights: likewise.

    Raises:
        ValueError: a network or a layer that is not known.
        WeightsError: weights that are not those of the network, or cannot be fetched.

    Reference: https://arxiv.org/abs/1603.08155
    """

    def __init__(self, network: str = "lite0", layers: Sequence[str] = (), weights: str = ""):
        self.maps = feature_maps(network, layers or [DEFAULTS.get(network, "")], weights=weights)

    def __call__(self, images: Any, made: Any) -> Any:
        """The distance between two batches (B, H, W, 1 or 3) in [-1, 1], a scalar; gradients flow into `made` alone."""
        wanted, given = self.features(ops.stop_gradient(images)), self.features(made)
        return sum(l2(ops.stop_gradient(one), other) for one, other in zip(wanted, given, strict=True))

    def features(self, images: Any) -> list[Any]:
        """float32 (B, h, w, channels) of each layer."""
        images = ops.cast(images, "float32")
        if images.shape[-1] == 1:
            images = ops.repeat(images, 3, axis=-1)
        found = self.maps(images, training=False)
        return found if isinstance(found, list) else [found]   # Keras gives a lone output without its list
