"""Means over exact areas: a pixel that lies in two boxes gives each its share."""

import numpy as np
import scipy

BAND = 64   # rows that are made at once, for small temporary arrays


def shrunk(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Makes a picture smaller.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4), whose alpha weighs the colors.
        size: height and width in pixels, at most those of the picture.

    Returns:
        uint8 (height, width, 3 or 4), the rounded means.
    """
    means = resized(image, size)
    if image.shape[-1] == 4:
        means[..., :3] /= np.maximum(means[..., 3:], 1e-6)
        means[..., 3] *= 255
    return np.rint(means).clip(0, 255).astype(np.uint8)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Means over exact areas along a side that becomes smaller, linear interpolation along one that becomes larger.

    Args:
        image: uint8 (H, W, 3 or 4).
        size: height and width in pixels; the shape is not kept.

    Returns:
        float32 (height, width, 3 or 4), 0 to 255, not rounded; alpha is 0 to 1, and the colors are weighted by it.
    """
    down, across = (_weights(side, wanted) for side, wanted in zip(image.shape, size, strict=False))
    made = np.empty((*size, image.shape[-1]), np.float32)
    for first in range(0, size[0], BAND):
        weights = down[first : first + BAND]
        rows = slice(weights.indices.min(), weights.indices.max() + 1)
        values = image[rows].astype(np.float32)
        if image.shape[-1] == 4:
            values[..., 3] /= 255
            values[..., :3] *= values[..., 3:]
        flat = weights[:, rows] @ values.reshape(len(values), -1)   # (b, W * C)
        turned = flat.reshape(-1, *values.shape[1:]).swapaxes(0, 1).reshape(image.shape[1], -1)   # (W, b * C)
        turned = (across @ turned).reshape(size[1], -1, image.shape[-1])
        made[first : first + BAND] = turned.swapaxes(0, 1)
    return made


def _weights(length: int, count: int) -> "scipy.sparse.csr_array":
    """float32 (count, length): what each of `length` pixels gives to each of `count`; rows add up to 1."""
    if count <= length:   # the share of the area that both have in common
        edges = np.arange(count + 1) * length / count
        points = np.union1d(edges, np.arange(length + 1))
        middles = (points[1:] + points[:-1]) / 2
        rows, columns = np.searchsorted(edges, middles) - 1, middles.astype(int)
        values = np.diff(points) * count / length
    else:   # linear, between the middles of pixels
        middles = ((np.arange(count) + 0.5) * length / count - 0.5).clip(0, length - 1)
        below = middles.astype(int)
        rows = np.arange(count).repeat(2)
        columns = np.stack([below, np.minimum(below + 1, length - 1)], axis=1).ravel()
        values = np.stack([1 - (middles - below), middles - below], axis=1).ravel()
    return scipy.sparse.csr_array((values.astype(np.float32), (rows, columns)), shape=(count, length))
