"""Stronger or weaker colors and contrasts, for who wants pixel art vivid."""

import numpy as np

from pixelart_tf.pixelize import color

_MIDDLE = 0.5   # OKLab's lightness that contrast leaves as it is
_HALVINGS = 12   # of the range in which the strongest chroma is that sRGB has


def graded(colors: np.ndarray, *, saturation: float = 1.0, contrast: float = 1.0) -> np.ndarray:
    """Multiplies the chroma of colors in OKLab, and the distance of their lightness from the middle.

    Hues stay, also where sRGB has no color as strong: then the chroma is as large as sRGB has it.

    Args:
        colors: uint8 (..., 3).
        saturation: 0 gives greys, 1 changes nothing.
        contrast: 0 gives one lightness, 1 changes nothing.

    Returns:
        uint8 (..., 3).
    """
    if saturation == contrast == 1 or not colors.size:
        return colors
    lab = color.to_oklab(colors).astype(np.float64)
    lab[..., 0] = np.clip(_MIDDLE + (lab[..., 0] - _MIDDLE) * contrast, 0, 1)
    lab[..., 1:] *= saturation
    low, high = np.zeros((*lab.shape[:-1], 1)), np.ones((*lab.shape[:-1], 1))
    share = high
    for _ in range(_HALVINGS):
        inside = color.is_srgb(lab * np.concatenate([np.ones_like(share), share, share], axis=-1))[..., None]
        low, high = np.where(inside, share, low), np.where(inside, high, share)
        share = (low + high) / 2
    lab[..., 1:] *= low
    return color.from_oklab(lab)
