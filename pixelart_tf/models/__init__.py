"""The models that an experiment's `[model]` table can name; the first is the default."""

from pixelart_tf.models.autoencoder import Autoencoder
from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.models.dcgan import DCGAN
from pixelart_tf.models.pix2pix import Pix2Pix

MODELS = {"cyclegan": CycleGAN, "pix2pix": Pix2Pix, "autoencoder": Autoencoder, "dcgan": DCGAN}
