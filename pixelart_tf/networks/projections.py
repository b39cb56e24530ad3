"""CUT's heads: small dense networks, one for each layer of features, that make comparable vectors of them."""

from collections.abc import Sequence

import keras
from keras import ops

from pixelart_tf.base.checks import check_counts
from pixelart_tf.networks.blocks import normal


def projections(channels: Sequence[int], *, width: int = 256, stddev: float = 0.02, name: str = "heads") -> keras.Model:
    """For each layer of features two dense layers, a ReLU between them, to vectors of length 1.

    Args:
        channels: of the layers.
        width: numbers of the vectors.
        stddev: of the N(0, stddev) initialisers.
        name: of the model.

    Returns:
        A functional `keras.Model` from a list of float (B, n, channels[i]) to a list of float32 (B, n, width):
        of length 1, or 0 where nothing passes the ReLU.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Park et al., CUT (2020), https://arxiv.org/abs/2007.15651, section 3 and appendix C
    """
    check_counts(at_most=4096, width=width)
    inputs, outputs = [], []
    for i, number in enumerate(channels):
        x = keras.Input((None, number), name=f"features_{i}")
        inputs.append(x)
        x = keras.layers.Dense(width, activation="relu", kernel_initializer=normal(stddev), name=f"head_{i}_0")(x)
        x = keras.layers.Dense(width, kernel_initializer=normal(stddev), name=f"head_{i}_1")(x)
        outputs.append(_of_length_1(ops.cast(x, "float32")))
    return keras.Model(inputs, outputs, name=name)


def _of_length_1(vectors):
    """Vectors over their length. Where all ReLUs of a head are closed the vector is 0, at which the gradient of Keras'
    `UnitNormalization` is not a number; here it is finite."""
    return vectors * ops.rsqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + 1e-10)
