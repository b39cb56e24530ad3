"""The smooth drawings of which a native sprite could be the pixel art."""

from collections.abc import Iterable

import numpy as np
import scipy
from PIL import Image, ImageFilter

from pixelart_tf.pictures.images import LUMA


def drawings(sprite: np.ndarray, scale: int, thinner: Iterable[float] = (0.0,)) -> np.ndarray:
    """Draws a sprite smoothly, in several manners.

    With lines as wide as they are there are four: round shapes (edges followed by EPX, then a blur), a soft photo
    (bicubic), a blurred one (nearest, then a blur), and flat fills with clear borders (EPX, a median and a bilateral
    filter). With thinner lines there are the first and the last, as a blurred picture has no lines.

    Who learns the way back from thinner lines learns to draw a whole cell for a hairline; from lines that are gone, to
    draw outlines of his own.

    Args:
        sprite: uint8 (H, W, 3), a pixel a cell.
        scale: pixels a cell of the drawings, a power of two.
        thinner: by how many cells dark lines lose width to what is lighter beside them, one after the other.

    Returns:
        uint8 (n, H * scale, W * scale, 3): four for each 0 of `thinner`, two for each other number.
    """
    fine = 2 * scale   # drawn at twice the size and made smaller, as a drawing's borders are antialiased
    colors, ranks = _by_lightness(sprite)
    ranks = _followed(ranks, fine.bit_length() - 1)
    drawn = []
    for cells in thinner:
        followed = Image.fromarray(colors[_thinned(ranks, cells * fine / 2)])
        soft = [] if cells else [
            Image.fromarray(sprite).resize(followed.size, Image.Resampling.BICUBIC),
            Image.fromarray(sprite).resize(followed.size, Image.Resampling.NEAREST).filter(
                ImageFilter.GaussianBlur(0.31 * fine)
            ),
        ]
        rounded = followed.filter(ImageFilter.GaussianBlur((0.19 if cells else 0.375) * fine))
        drawn += [_smaller(each, scale, fine) for each in (rounded, *soft)]
        drawn.append(bilateral(_smaller(followed.filter(ImageFilter.MedianFilter(5)), scale, fine)))
    return np.stack(drawn)


def _smaller(picture: Image.Image, scale: int, fine: int) -> np.ndarray:
    width, height = picture.size
    return np.asarray(picture.resize((width * scale // fine, height * scale // fine), Image.Resampling.BOX))


def _by_lightness(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The colors of a picture from dark to light, uint8 (n, 3), and the number of each pixel's, (H, W)."""
    colors, pixels = _numbered(image)
    order = np.argsort(colors @ np.array(LUMA), kind="stable")
    ranks = np.empty(len(colors), np.int32)
    ranks[order] = np.arange(len(colors), dtype=np.int32)
    return colors[order], ranks[pixels]


def _numbered(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The colors of a picture (n, C), and the number of each pixel's (H, W): numbers compare faster than colors."""
    colors, pixels = np.unique(image.reshape(-1, image.shape[-1]), axis=0, return_inverse=True)
    return colors, pixels.reshape(image.shape[:2])


def _thinned(ranks: np.ndarray, radius: float) -> np.ndarray:
    """Each pixel the lightest one around it, in a disc of `radius` pixels."""
    reach = int(radius)
    if not reach:
        return ranks
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return scipy.ndimage.maximum_filter(ranks, footprint=down**2 + across**2 <= (reach + 0.5) ** 2, mode="nearest")


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
    colors, pixels = _numbered(image)
    return colors[_followed(pixels, times)]


def _followed(pixels: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        pixels = _twice(pixels)
    return pixels


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
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.int16)   # in which rows are summed quickly
    padded = np.pad(planes, ((0, 0), (radius, radius), (radius, radius)), mode="edge")
    by_difference = np.exp(-np.arange(3 * 255 + 1) ** 2 / (2 * levels**2)).astype(np.float32)
    total, weights = np.zeros(planes.shape, np.float32), np.zeros((height, width), np.float32)
    for down in range(2 * radius + 1):
        for across in range(2 * radius + 1):
            near = padded[:, down : down + height, across : across + width]
            by_place = np.float32(np.exp(-((down - radius) ** 2 + (across - radius) ** 2) / (2 * sigma**2)))
            weight = by_place * by_difference[np.abs(near - planes).sum(axis=0, dtype=np.int16)]
            total += weight * near
            weights += weight
    return np.rint(total / weights).astype(np.uint8).transpose(1, 2, 0)
