"""Networks: functions with keyword-only options that return functional Keras models."""

from pixelart_tf.networks.autoencoder import autoencoder
from pixelart_tf.networks.cells import cells
from pixelart_tf.networks.conditional_patchgan import conditional_patchgan
from pixelart_tf.networks.dcgan import dcgan_discriminator, dcgan_generator
from pixelart_tf.networks.patchgan import patchgan, receptive_field
from pixelart_tf.networks.resnet import resnet
from pixelart_tf.networks.unet import unet

# What `name` in `[model.generator]` and in `[model.discriminator]` can be; the first is the default. A generator whose
# `image_size` is None by default takes pictures of any size.
GENERATORS = {"unet": unet, "resnet": resnet, "cells": cells}
DISCRIMINATORS = {"patchgan": patchgan}
# Those of pairs of an input and an output.
CONDITIONAL_DISCRIMINATORS = {"patchgan": conditional_patchgan}
# Those that squeeze a picture into few numbers.
AUTOENCODERS = {"autoencoder": autoencoder}
# Those that make pictures of noise, and what judges them.
NOISE_GENERATORS = {"dcgan": dcgan_generator}
NOISE_DISCRIMINATORS = {"dcgan": dcgan_discriminator}

__all__ = [
    "AUTOENCODERS", "CONDITIONAL_DISCRIMINATORS", "DISCRIMINATORS", "GENERATORS", "NOISE_DISCRIMINATORS",
    "NOISE_GENERATORS", "autoencoder", "cells", "conditional_patchgan", "dcgan_discriminator", "dcgan_generator",
    "patchgan", "receptive_field", "resnet", "unet",
]
