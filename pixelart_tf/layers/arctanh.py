"""The arctanh, for what has no operation of that name."""

import keras
from keras import ops


class Arctanh(keras.layers.Layer):
    """(log(1 + x) - log(1 - x)) / 2, by operations that every format has.

    Not by `log1p`, of which no valid ONNX file comes.

    Call: float32 of any shape, in (-1, 1) -> the same shape.
    """

    def call(self, values):
        return 0.5 * (ops.log(1 + values) - ops.log(1 - values))

    def compute_output_shape(self, input_shape):
        return input_shape
