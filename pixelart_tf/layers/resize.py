"""Resizing inside a network, the same on each Keras backend and for sizes that are known only when it runs."""

import keras
from keras import ops


class Resize(keras.layers.Layer):
    """Brings pictures to one size, each side for itself: larger ones are averaged (antialiased bilinear, as Pillow's).

    Each side is a product with a matrix of weights, so that a side of unknown length needs no branch, and the backends
    agree to rounding (their own resizes are several algorithms by one name).

    Args:
        height: of the result in pixels; None leaves that side as it is.
        width: likewise.
        enlarge: how smaller sides grow: `"nearest"` repeats pixels, so that pixel art stays crisp squares;
            `"bilinear"` blends them.

    Call: float32 (B, H, W, C) -> float32 (B, height, width, C).
    """

    def __init__(self, height: int | None, width: int | None, *, enlarge: str = "bilinear", **kwargs):
        super().__init__(dtype="float32", **kwargs)
        if enlarge not in ("nearest", "bilinear"):
            raise ValueError(f"`enlarge` must be 'nearest' or 'bilinear'. Received: {enlarge!r}")
        self.height, self.width, self.enlarge = height, width, enlarge

    def call(self, images):
        if self.height not in (None, images.shape[1]):   # None there is a size not known before it runs
            weights = self._weights(ops.shape(images)[1], self.height)
            images = ops.einsum("oi,biwc->bowc", weights, images)   # (B, height, W, C)
        if self.width not in (None, images.shape[2]):
            weights = self._weights(ops.shape(images)[2], self.width)
            images = ops.einsum("oi,bhic->bhoc", weights, images)   # (B, height, width, C)
        return images

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, self.height or height, self.width or width, channels)

    def _weights(self, size_in, size_out):
        """What each input pixel adds to each output pixel: float32 (size_out, size_in), rows of sum 1."""
        scale = ops.cast(size_in, "float32") / size_out
        inputs = ops.arange(size_in)   # (size_in,)
        # An output pixel's middle in input pixels, times 2 * size_out: whole numbers, so that nothing is rounded.
        middles = (2 * ops.arange(size_out)[:, None] + 1) * size_in   # (size_out, 1)
        distances = ops.cast((2 * inputs + 1) * size_out - middles, "float32") / (2 * size_out)
        weights = ops.relu(1 - ops.abs(distances) / ops.maximum(scale, 1.0))   # (size_out, size_in)
        weights = weights / ops.sum(weights, axis=1, keepdims=True)
        if self.enlarge == "nearest":
            nearest = ops.cast(ops.equal(ops.floor_divide(middles, 2 * size_out), inputs), "float32")
            weights = ops.where(scale > 1, weights, nearest)
        return weights
