"""The models that an experiment's `[model]` table can name; the first is the default."""

from pixelart_tf.models.autoencoder import Autoencoder
from pixelart_tf.models.cut import CUT
from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.models.dcgan import DCGAN
from pixelart_tf.models.deep_pixelization import DeepPixelization
from pixelart_tf.models.pix2pix import Pix2Pix
from pixelart_tf.models.pixel_artist import PixelArtist
from pixelart_tf.models.pixel_gan import PixelGAN
from pixelart_tf.models.style import Style
from pixelart_tf.models.super_resolution import SuperResolution
from pixelart_tf.models.unit import UNIT
from pixelart_tf.models.vae import VAE

MODELS = {
    "cyclegan": CycleGAN,
    "pix2pix": Pix2Pix,
    "pixel_artist": PixelArtist,
    "autoencoder": Autoencoder,
    "dcgan": DCGAN,
    "pixel_gan": PixelGAN,
    "vae": VAE,
    "super_resolution": SuperResolution,
    "style": Style,
    "deep_pixelization": DeepPixelization,
    "unit": UNIT,
    "cut": CUT,
}
