"""Thin dark lines made wider before cells are made, so that more of them come through.

As PixelOE grows outlines before it makes a picture small; but whole colors are copied instead of mixed, and what is no
thin line stays as it is.
"""

import numpy as np
import scipy

from pixelart_tf.pixelize import color

_DARKER = 0.15   # in OKLab's lightness than what is around
_GROWTH = 0.25   # of a cell, on either side
_THIN = 0.5   # of a cell; what is wider comes through as it is


def thickened(image: np.ndarray, cell: float) -> np.ndarray:
    """Grows thin dark lines by a quarter of a cell on either side.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4), whose alpha stays as it is.
        cell: pixels of a cell's side. Below 3 nothing is done, as there is no room.

    Returns:
        uint8 of the same shape. A pixel beside a line has the color of the line's nearest pixel.
    """
    if cell < 3:
        return image
    lightness = color.to_oklab(image[..., :3])[..., 0]
    if image.shape[-1] == 4:   # what is transparent has no color: as light as can be
        lightness = np.where(image[..., 3] < 128, np.float32(1), lightness)
    side = 2 * max(1, round(_THIN * cell / 2)) + 1
    thin = scipy.ndimage.grey_closing(lightness, size=(side, side)) - lightness > _DARKER
    if not thin.any():
        return image
    distance, (rows, columns) = scipy.ndimage.distance_transform_edt(~thin, return_indices=True)
    grown = (distance > 0) & (distance <= _GROWTH * cell + 0.3)
    made = image.copy()
    made[..., :3][grown] = image[..., :3][rows[grown], columns[grown]]
    return made
