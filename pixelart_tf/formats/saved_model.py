"""A network as a SavedModel, TensorFlow's folder of a graph and its weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ()
GRAPH = "saved_model.pb"


def write(network: Any, path: Path, shape: tuple[int | None, ...]) -> None:
    """Writes a network of one input and one output as the endpoint `serve`, and as `serving_default`.

    Args:
        network: a functional `keras.Model` on the TensorFlow backend.
        path: of the folder.
        shape: of the input, (B, H, W, C) or (B, n); None is any.

    Raises:
        UserError: TensorFlow cannot compute it for pictures of any size.
    """
    import keras

    from pixelart_tf.formats import signatures

    with signatures.any_size_or_told():
        network.export(
            path, format="tf_saved_model", verbose=False,
            input_signature=[keras.InputSpec(shape=shape, dtype="float32", name=signatures.names(network)[0])],
        )


def runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What runs such a folder: takes and gives float32 (B, ...)."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda values: loaded.serve(tf.constant(values)).numpy()
