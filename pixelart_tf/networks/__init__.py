"""Networks: functions with keyword-only options that return functional Keras models."""

from pixelart_tf.networks.autoencoder import autoencoder
from pixelart_tf.networks.cells import cells
from pixelart_tf.networks.conditional_patchgan import conditional_patchgan
from pixelart_tf.networks.patchgan import patchgan, receptive_field
from pixelart_tf.networks.resnet import resnet
from pixelart_tf.networks.unet import unet

# What `name` in `[model.generator]` and in `[model.discriminator]` can be; the first is the default. A generator whose
# `image_size` is None by default takes pictures of any size.
GENERATORS = {"resnet": resnet, "unet": unet, "cells": cells}
DISCRIMINATORS = {"patchgan": patchgan}
# Those of pairs of an input and an output.
CONDITIONAL_DISCRIMINATORS = {"patchgan": conditional_patchgan}
# Those that squeeze a picture into few numbers.
AUTOENCODERS = {"autoencoder": autoencoder}

__all__ = [
    "AUTOENCODERS", "CONDITIONAL_DISCRIMINATORS", "DISCRIMINATORS", "GENERATORS", "autoencoder", "cells",
    "conditional_patchgan", "patchgan", "receptive_field", "resnet", "unet",
]
