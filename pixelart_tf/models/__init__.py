"""The models that an experiment's `[model]` table can name; the first is the default."""

from pixelart_tf.models.cyclegan import CycleGAN

MODELS = {"cyclegan": CycleGAN}
