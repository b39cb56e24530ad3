"""The models that an experiment's `[model]` table can name."""

from pixelart_tf.models.cyclegan import cyclegan

MODELS = {"cyclegan": cyclegan}
