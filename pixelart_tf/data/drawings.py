"""The smooth drawings of which a native sprite could be the pixel art."""

import numpy as np
from PIL import Image, ImageFilter

VARIANTS = 4


def drawings(sprite: np.ndarray, scale: int) -> np.ndarray:
    """Draws a sprite smoothly, in each of four manners.

    Round shapes (edges followed by EPX, then a blur), a soft photo (bicubic), a blurred one (nearest, then a blur), and
    flat fills with clear borders (EPX, a median and a bilateral filter).

    Args:
        sprite: uint8 (H, W, 3), a pixel a cell.
        scale: pixels a cell of the drawings, a power of two.

    Returns:
        uint8 (4, H * scale, W * scale, 3).
    """
    fine = 2 * scale   # drawn at twice the size and made smaller, as a drawing's borders are antialiased
    followed = epx(sprite, times=fine.bit_length() - 1)
    height, width = sprite.shape[:2]
    size, small = (width * fine, height * fine), (width * scale, height * scale)
    followed, blocky = Image.fromarray(followed), Image.fromarray(sprite).resize(size, Image.Resampling.NEAREST)
    drawn = (
        followed.filter(ImageFilter.GaussianBlur(0.375 * fine)),
        Image.fromarray(sprite).resize(size, Image.Resampling.BICUBIC),
        blocky.filter(ImageFilter.GaussianBlur(0.31 * fine)),
        followed.filter(ImageFilter.MedianFilter(5)),
    )
    *others, filled = (np.asarray(each.resize(small, Image.Resampling.BOX)) for each in drawn)
    return np.stack([*others, bilateral(filled)])


def epx(image: np.ndarray, times: int = 1) -> np.ndarray:
    """Twice as large, with edges followed: EPX, or Scale2x.

    Each pixel becomes four. A corner takes the color of the two neighbours beside it where these are equal, unless the
    neighbours above and below, or those to the left and right, are equal too.

    Args:
        image: uint8 (H, W, C).
        times: how often.

    Returns:
        uint8 (H * 2 ** times, W * 2 ** times, C).

    Reference: https://www.scale2x.it/algorithm
    """
    # A number a color, as numbers compare faster than rows of them.
    colors, pixels = np.unique(image.reshape(-1, image.shape[-1]), axis=0, return_inverse=True)
    pixels = pixels.reshape(image.shape[:2])
    for _ in range(times):
        pixels = _twice(pixels)
    return colors[pixels]


def _twice(pixels: np.ndarray) -> np.ndarray:
    """EPX of colors that are numbers: (H, W) -> (2H, 2W)."""
    padded = np.pad(pixels, 1, mode="edge")
    above, below, left, right = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    is_corner = (above != below) & (left != right)
    out = np.empty((2 * pixels.shape[0], 2 * pixels.shape[1]), pixels.dtype)
    out[::2, ::2] = np.where(is_corner & (left == above), left, pixels)
    out[::2, 1::2] = np.where(is_corner & (above == right), right, pixels)
    out[1::2, ::2] = np.where(is_corner & (left == below), left, pixels)
    out[1::2, 1::2] = np.where(is_corner & (below == right), right, pixels)
    return out


def bilateral(image: np.ndarray, *, radius: int = 2, levels: float = 40.0, sigma: float = 2.0) -> np.ndarray:
    """A blur that leaves borders alone: each pixel the mean of those near it in place and in color.

    Args:
        image: uint8 (H, W, 3).
        radius: of the window, in pixels.
        levels: deviation of the weights in color, of the summed absolute difference.
        sigma: deviation of the weights in place, in pixels.

    Reference: Tomasi and Manduchi, Bilateral filtering for gray and color images (1998)
    """
    height, width = image.shape[:2]
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge").astype(np.float32)
    middle = image.astype(np.float32)
    total, weights = np.zeros_like(middle), np.zeros((height, width, 1), np.float32)
    for down in range(2 * radius + 1):
        for across in range(2 * radius + 1):
            near = padded[down : down + height, across : across + width]
            place = ((down - radius) ** 2 + (across - radius) ** 2) / (2 * sigma**2)
            color = np.abs(near - middle).sum(axis=-1, keepdims=True) ** 2 / (2 * levels**2)
            weight = np.exp(-place - color)
            total += weight * near
            weights += weight
    return np.rint(total / weights).astype(np.uint8)
