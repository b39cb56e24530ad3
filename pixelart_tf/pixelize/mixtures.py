"""The mixtures of light that a palette can make."""

import functools

import numpy as np

from pixelart_tf.pixelize import color

_BITS = 5   # of each channel, by which colors are looked at together
_SHIFT = 8 - _BITS
_ROUNDS, _STEPS = 3, 20   # of Gauss and Newton's, and in each of Frank and Wolfe's
_SEEN = 0.01   # in OKLab: a mixture that comes as near to the color is the color itself
_LEAST = 1e-3   # of a cone's response, below which the eye's answer is taken for linear


def mixable(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The light of each color, or the mixture of a palette's that is nearest to it for the eye.

    Each mixture depends on its color and the palette alone. It is found for the middle of a cube of 8x8x8 colors; what
    it is off by is for all of the cube. A color of the palette is its own mixture, exactly.

    Args:
        colors: uint8 (n, 3).
        palette: uint8 (k, 3).

    Returns:
        float64 (n, 3), linear light 0 to 1.
    """
    red, green, blue = (colors[:, channel].astype(np.int32) for channel in range(3))
    cubes = (red >> _SHIFT) << 2 * _BITS | (green >> _SHIFT) << _BITS | blue >> _SHIFT
    known, offsets = _table(palette.tobytes())
    new = np.unique(cubes[~known[cubes]])
    if len(new):
        middles = np.stack([new >> 2 * _BITS, new >> _BITS, new], axis=-1) & (1 << _BITS) - 1
        middles = color.to_linear((middles << _SHIFT) + (1 << _SHIFT) // 2)
        offsets[new] = _mixtures(middles, color.to_linear(palette)) - middles
        known[new] = True   # after the offsets, for other threads
    own = np.isin(red << 16 | green << 8 | blue, palette.astype(np.int32) @ (65536, 256, 1))
    return color.to_linear(colors) + np.where(own[:, None], 0, offsets[cubes])


@functools.lru_cache(maxsize=4)
def _table(palette: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Of each cube whether it is known, bool, and what its mixture is off by, float64 (cubes, 3): for films."""
    return np.zeros(1 << 3 * _BITS, bool), np.zeros((1 << 3 * _BITS, 3))


def _mixtures(goals: np.ndarray, lights: np.ndarray) -> np.ndarray:
    """float64 (n, 3): the point of the convex hull of `lights` (k, 3) that is nearest to each goal in OKLab.

    By rounds of Gauss and Newton's: OKLab is taken for linear around where the last round came to.
    """
    wanted = color.of_linear(goals, "oklab")
    found = goals
    for _ in range(_ROUNDS):
        eye = color.oklab_derivative(found, _LEAST)   # (n, 3, 3)
        aims = np.einsum("nij,nj->ni", eye, found) + wanted - color.of_linear(found, "oklab")
        found = _nearest_of_hull(aims, np.einsum("nij,kj->nki", eye, lights), lights)
    near = ((wanted - color.of_linear(found, "oklab")) ** 2).sum(axis=1) < _SEEN**2
    return np.where(near[:, None], goals, found)


def _nearest_of_hull(aims: np.ndarray, seen: np.ndarray, lights: np.ndarray) -> np.ndarray:
    """float64 (n, 3): the mixtures of `lights` (k, 3) that come nearest to `aims` (n, 3), as `seen` (n, k, 3).

    Reference: Frank and Wolfe, "An algorithm for quadratic programming", 1956.
    """
    every = np.arange(len(aims))
    first = ((seen - aims[:, None]) ** 2).sum(axis=2).argmin(axis=1)
    mixed, mixtures = seen[every, first], lights[first]
    for _ in range(_STEPS):
        lacking = aims - mixed
        best = np.einsum("nki,ni->nk", seen, lacking).argmax(axis=1)
        way = seen[every, best] - mixed
        share = (way * lacking).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-12)
        share = np.clip(share, 0, 1)[:, None]
        mixed, mixtures = mixed + share * way, mixtures + share * (lights[best] - mixtures)
    return mixtures
