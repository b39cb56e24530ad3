"""A convolution whose kernel is divided by its largest singular value."""

import keras
from keras import ops

LEAST = 1e-12   # a kernel of zeros stays one


class SpectralConv2D(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` with spectral normalization: it convolves with kernel / sigma(kernel).

    sigma is the largest singular value of the kernel as a matrix of (height x width x channels in) rows and (channels
    out) columns, as one step of power iteration in each training step finds it; the direction that it starts from is
    kept in between, as a variable that is not trained. Outside training it stays as it is. The gradient goes through
    sigma, with the singular vectors held fixed.

    Not `keras.layers.SpectralNormalization`, which overwrites the kernel in training and outside training convolves
    with whatever it finds there: a model that is one loss judges with the kernel that the optimizer changes.

    Args:
        filters, kernel_size, **kwargs: as of `keras.layers.Conv2D`.

    Call arguments:
        inputs: as of `keras.layers.Conv2D`.
        training: whether to iterate.

    Reference: Miyato et al., Spectral Normalization for GANs (2018), algorithm 1, https://arxiv.org/abs/1802.05957
    """

    def build(self, input_shape):
        super().build(input_shape)
        # All replicas have the same kernel and find the same.
        self.direction = self.add_weight(
            name="direction", shape=(self.filters,), initializer="random_normal", trainable=False, autocast=False,
            aggregation="only_first_replica",
        )

    def call(self, inputs, training=False):
        matrix = ops.cast(ops.reshape(self.kernel, (-1, self.filters)), "float32")   # (h w in, out)
        fixed, right = ops.stop_gradient(matrix), ops.convert_to_tensor(self.direction)
        left = _unit(ops.matmul(fixed, right))
        if training:
            right = ops.stop_gradient(_unit(ops.matmul(left, fixed)))
            self.direction.assign(right)
        sigma = ops.maximum(ops.sum(left * ops.matmul(matrix, right)), LEAST)
        outputs = self.convolution_op(inputs, self.kernel / ops.cast(sigma, self.compute_dtype))
        if self.use_bias:
            outputs += self.bias
        return outputs if self.activation is None else self.activation(outputs)


def _unit(vector):
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), LEAST)
