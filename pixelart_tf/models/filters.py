"""Filters that losses see pictures through."""

from typing import Any

import numpy as np
from keras import ops


def means(images: Any, block: int) -> Any:
    """The means of squares of `block` pixels: float (B, H, W, C) -> (B, H / block, W / block, C)."""
    # Strides are given, as their default fails on JAX.
    return ops.average_pool(images, block, strides=block, data_format="channels_last") if block > 1 else images


def depthwise(images: Any, filters: np.ndarray, padding: str = "valid") -> Any:
    """Filters each channel by itself: float (B, H, W, C) by (h, w), as `keras.ops.depthwise_conv` pads."""
    kernel = np.repeat(filters[:, :, None, None], images.shape[-1], axis=2).astype(np.float32)   # (h, w, C, 1)
    return ops.depthwise_conv(images, kernel, padding=padding, data_format="channels_last")
