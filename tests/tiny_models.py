"""For each entry of MODELS what makes it tiny, so that the contract test is quick: one line a model."""

import itertools
from pathlib import Path

import keras
import numpy as np
from keras import ops

from pixelart_tf.pictures import sources

SHAPES = {"source": (16, 16, 3), "target": (16, 16, 3)}
RESNET = {"name": "resnet", "base_width": 4, "num_blocks": 1, "num_downsamplings": 1}
PATCHGAN = {"base_width": 4, "num_layers": 1}
TINY = {
    "cyclegan": {"generator": RESNET, "discriminator": PATCHGAN, "cycle_weight": 2.0, "color_weight": 1.0},
    "pix2pix": {"generator": RESNET, "discriminator": PATCHGAN, "l1_weight": 2.0},
    "autoencoder": {"generator": {"base_width": 4, "latent_size": 8}},
    "dcgan": {"generator": {"base_width": 4, "latent_size": 8}, "discriminator": {"base_width": 4}},
}
# What draws random numbers while training, or remembers what it was shown.
STATEFUL = {
    "cyclegan": {"generator": RESNET | {"dropout": 0.5}, "pool_size": 2, "diff_augment": "color,translation,cutout"},
    "pix2pix": {"generator": RESNET | {"dropout": 0.5}},
    "dcgan": {"diff_augment": "color,translation,cutout"},
}


def batch(model, size=2, seed=1):
    """A batch of random pictures: the dict that `model.feed` asks for, of NumPy arrays."""
    rng = np.random.default_rng(seed)
    return {key: rng.uniform(-1, 1, (size, *model.shapes[key])).astype("float32") for key in model.feed}


def four(domain, size):
    """float32 (4, size, size, 3): four of the bundled held-out pictures, box-downscaled."""
    shards = Path(__file__).parents[1] / "tfrecords" / f"heldout_{domain}*.tfrec"
    pictures = [each.decode() for each in itertools.islice(sources.read(shards), 4)]
    blocks = [p.reshape(size, len(p) // size, size, -1, 3).mean((1, 3)) for p in pictures]
    return (np.stack(blocks) / 127.5 - 1).astype("float32")


def perturb(model, seed=0):
    """Makes the weights larger than at the start of a run, so that no term of the loss is negligible."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(weight + rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return model


def gradients(loss, variables):
    """Of a function without arguments, with respect to variables, on any backend; zeros where there is none."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [v.value for v in variables])
    else:
        import jax

        def stateless(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return loss()

        found = jax.jit(jax.grad(stateless))([v.value for v in variables])
    return [np.zeros(v.shape) if g is None else ops.convert_to_numpy(g) for g, v in zip(found, variables, strict=True)]
