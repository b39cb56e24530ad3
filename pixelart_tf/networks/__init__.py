"""Networks: functions with keyword-only options that return functional Keras models."""

from pixelart_tf.networks.autoencoder import autoencoder
from pixelart_tf.networks.cells import cells
from pixelart_tf.networks.conditional_patchgan import conditional_patchgan
from pixelart_tf.networks.dcgan import dcgan_discriminator, dcgan_generator
from pixelart_tf.networks.mlp import mlp_discriminator, mlp_generator
from pixelart_tf.networks.patchgan import patchgan, receptive_field
from pixelart_tf.networks.pixelation import pixelation
from pixelart_tf.networks.resnet import resnet
from pixelart_tf.networks.style import style_net
from pixelart_tf.networks.unet import unet
from pixelart_tf.networks.unet_discriminator import unet_discriminator
from pixelart_tf.networks.unit import unit
from pixelart_tf.networks.vae import vae

# What `name` in `[model.generator]` and in `[model.discriminator]` can be; the first is the default. A generator whose
# `image_size` is None by default takes pictures of any size.
GENERATORS = {"unet": unet, "resnet": resnet, "cells": cells}
DISCRIMINATORS = {"patchgan": patchgan, "unet_discriminator": unet_discriminator}
# Those of pairs of an input and an output.
CONDITIONAL_DISCRIMINATORS = {"patchgan": conditional_patchgan}
# Those that keep a picture's size.
ENLARGERS = {"unet": unet, "resnet": resnet}
# Those that squeeze a picture into few numbers.
AUTOENCODERS = {"autoencoder": autoencoder}
# Those that make distributions of numbers of it, and pictures of numbers: each function gives two networks.
VAES = {"vae": vae}
# Those that make pictures of noise, and what judges them.
NOISE_GENERATORS = {"dcgan": dcgan_generator}
NOISE_DISCRIMINATORS = {"dcgan": dcgan_discriminator}
# The same of dense layers alone, which do for small pictures.
MLP_GENERATORS = {"mlp": mlp_generator}
MLP_DISCRIMINATORS = {"mlp": mlp_discriminator}
# Those that make pixel art by grids, and pictures of it: each function gives three networks.
PIXELATORS = {"grids": pixelation}
# Those of two domains with one space of codes: each function gives two encoders and two decoders.
UNITS = {"unit": unit}
# Those that repaint pictures.
STYLE_NETWORKS = {"style_net": style_net}

__all__ = [
    "AUTOENCODERS", "CONDITIONAL_DISCRIMINATORS", "DISCRIMINATORS", "ENLARGERS", "GENERATORS", "MLP_DISCRIMINATORS",
    "MLP_GENERATORS", "NOISE_DISCRIMINATORS", "NOISE_GENERATORS", "PIXELATORS", "STYLE_NETWORKS", "UNITS", "VAES",
    "autoencoder", "cells", "conditional_patchgan", "dcgan_discriminator", "dcgan_generator", "mlp_discriminator",
    "mlp_generator", "patchgan", "pixelation", "receptive_field", "resnet", "style_net", "unet",
    "unet_discriminator", "unit", "vae",
]
