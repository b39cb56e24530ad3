"""For each entry of MODELS what makes it tiny, so that the contract test is quick: one line a model."""

import numpy as np

SHAPES = {"source": (16, 16, 3), "target": (16, 16, 3)}
RESNET = {"name": "resnet", "base_width": 4, "num_blocks": 1, "num_downsamplings": 1}
PATCHGAN = {"base_width": 4, "num_layers": 1}
TINY = {
    "cyclegan": {"generator": RESNET, "discriminator": PATCHGAN, "cycle_weight": 2.0, "color_weight": 1.0},
}
# What draws random numbers while training, or remembers what it was shown.
STATEFUL = {
    "cyclegan": {"generator": RESNET | {"dropout": 0.5}, "pool_size": 2, "diff_augment": "color,translation,cutout"},
}


def batch(model, size=2, seed=1):
    """A batch of random pictures: the dict that `model.feed` asks for, of NumPy arrays."""
    rng = np.random.default_rng(seed)
    return {key: rng.uniform(-1, 1, (size, *model.shapes[key])).astype("float32") for key in model.feed}


def perturb(model, seed=0):
    """Makes the weights larger than at the start of a run, so that no term of the loss is negligible."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(weight + rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return model
