"""Pictures brought to the pixels that a generator of cells takes, without what is behind their transparency."""

import numpy as np
import scipy

from pixelart_tf.pictures import areas, images

SOLID = 0.5   # alpha from which a pixel's color is that of the thing, and not of what is left of it at its rim


def fit(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Brings a picture to a size: means over exact areas where that is smaller, interpolation where it is larger.

    What is transparent becomes a ground that has the nearest edge's color everywhere: colors are weighted by alpha, so
    that what is behind it plays no part, and nothing of another color lies next to the edge. So no fringe comes of it,
    whatever a network makes of the pixels there.

    Args:
        image: uint8 (H, W, 3 or 4).
        size: height and width in pixels; the shape is not kept.

    Returns:
        uint8 (height, width, 3); white where all of the picture is transparent.
    """
    if image.shape[-1] == 4 and image[..., 3].min() == 255:
        image = image[..., :3]
    if image.shape[-1] == 3 and all(side % wanted == 0 for side, wanted in zip(image.shape, size, strict=False)):
        return images.fit(image, size, how="stretch", resample="area")   # the same, and quicker
    values = areas.resized(image, size)
    if image.shape[-1] == 3:
        return np.rint(values).astype(np.uint8)
    weighted, alpha = values[..., :3], values[..., 3:]
    if not alpha.any():
        return np.full((*size, 3), 255, np.uint8)
    solid = alpha[..., 0] >= min(SOLID, alpha.max())
    rows, columns = scipy.ndimage.distance_transform_edt(~solid, return_distances=False, return_indices=True)
    ground = (weighted / np.maximum(alpha, 1e-6))[rows, columns]
    return np.rint(weighted + (1 - alpha) * ground).clip(0, 255).astype(np.uint8)
