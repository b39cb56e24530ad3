"""Gradients with respect to pictures inside a loss, which Keras has no operation for: a tape, or `jax.grad`.

The only file among networks, layers and models that knows a backend.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def input_gradient(function: Callable[[Any], Any], x: Any) -> Any:
    """The gradient of the sum of what `function` gives, with respect to `x`; it can be differentiated again.

    As pictures of a batch do not meet in a network without batch norm, it is each picture's own.

    Args:
        function: of a float32 tensor of the shape of `x`, to a tensor of any shape.
        x: float (B, ...).

    Returns:
        float32, of the shape of `x`.

    Raises:
        NotImplementedError: a Keras backend other than TensorFlow and JAX.
    """
    x = ops.cast(x, "float32")

    def total(images):
        return ops.sum(ops.cast(function(images), "float32"))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = total(x)
        return tape.gradient(value, x)
    if backend == "jax":
        import jax

        return jax.grad(total)(x)
    raise NotImplementedError(f"gradients of pictures on the {backend} backend")
