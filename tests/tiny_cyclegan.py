"""A tiny CycleGAN, pictures for it, and its losses."""

import keras
import numpy as np
from keras import ops
from tiny_models import PATCHGAN, RESNET

from pixelart_tf.models.cyclegan import CycleGAN

SIZE = 16


def gan(seed=0, size=(SIZE, SIZE), channels=(3, 3), **options):
    keras.utils.set_random_seed(seed)
    shapes = {name: (*size, c) for name, c in zip(("source", "target"), channels, strict=True)}
    made = CycleGAN(shapes, **{"generator": RESNET, "discriminator": PATCHGAN} | options)
    # Larger than at the start of a run, so that no term is negligible.
    rng = np.random.default_rng(seed)
    for weight in made.trainable_variables:
        weight.assign(weight + rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return made


def pictures(batch=2, channels=(3, 3), seed=1):
    rng = np.random.default_rng(seed)
    source, target = (rng.uniform(-1, 1, (batch, SIZE, SIZE, c)).astype("float32") for c in channels)
    return {"source": source, "target": target}


def tensors(pair):
    return {name: ops.convert_to_tensor(images) for name, images in pair.items()}


def loss_of(model, pair, training=True):
    pair = tensors(pair)
    return model.compute_loss(x=pair, y_pred=model(pair, training=training), training=training)


def logged(model):
    return {name: float(tracker.result()) for name, tracker in model.trackers.items()}


def losses(model, pair, training=True):
    """The logged losses of one batch."""
    model.reset_metrics()
    total = float(loss_of(model, pair, training))
    return logged(model) | {"total": total}
