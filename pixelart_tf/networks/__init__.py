"""Networks: functions with keyword-only options that return functional Keras models."""

from pixelart_tf.networks.patchgan import patchgan, receptive_field
from pixelart_tf.networks.resnet import resnet
from pixelart_tf.networks.unet import unet

NETWORKS = {"unet": unet, "resnet": resnet, "patchgan": patchgan}

__all__ = ["NETWORKS", "patchgan", "receptive_field", "resnet", "unet"]
