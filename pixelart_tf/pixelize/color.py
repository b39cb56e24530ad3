"""sRGB <-> OKLab, and the spaces in which the distance of two colors is measured.

All but `of_linear` is done number by number, without matrix products of a library whose rounding depends on the
array's shape: the same color has the same coordinates wherever it stands, so a color of a palette is at a distance of
exactly 0.

Reference: B. Ottosson, "A perceptual color space for image processing", 2020,
https://bottosson.github.io/posts/oklab/.
"""

import numpy as np

# Linear sRGB -> the three cone responses, and their cube roots -> L, a, b; each with its inverse, as published.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_FROM_CONES = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def _decode(values: np.ndarray) -> np.ndarray:
    """sRGB 0 to 1 -> linear light 0 to 1 (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)


_LINEAR = _decode(np.arange(256) / 255)
# What each linear channel adds to each cone response, by its 8-bit value.
_CONES = (_TO_CONES.T[:, :, None] * _LINEAR).astype(np.float32)   # (channel, cone, 256)


def _mixed(matrix: np.ndarray, channels: list[np.ndarray]) -> list[np.ndarray]:
    """The product of a 3x3 matrix with three arrays of one shape."""
    first, second, third = channels
    rows = matrix.astype(first.dtype)
    return [row[0] * first + row[1] * second + row[2] * third for row in rows]


def to_oklab(colors: np.ndarray) -> np.ndarray:
    """sRGB -> OKLab.

    Args:
        colors: uint8 or float (..., 3), 0 to 255.

    Returns:
        float32 (..., 3): lightness L 0 (black) to 1 (white), then a (green to red) and b (blue to yellow), both
        within -0.4 to 0.4.
    """
    colors = np.asarray(colors)
    if colors.dtype == np.uint8:
        red, green, blue = (colors[..., channel] for channel in range(3))
        cones = [_CONES[0, i][red] + _CONES[1, i][green] + _CONES[2, i][blue] for i in range(3)]
    else:
        linear = _decode(colors.astype(np.float32) / np.float32(255))
        cones = _mixed(_TO_CONES, [linear[..., channel] for channel in range(3)])
    return np.stack(_mixed(_TO_LAB, [np.cbrt(cone) for cone in cones]), axis=-1)


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """OKLab -> sRGB, rounded; colors that sRGB does not have are clipped channel by channel.

    Args:
        lab: float (..., 3), as `to_oklab` gives.

    Returns:
        uint8 (..., 3). Undoes `to_oklab` exactly on 8-bit colors.
    """
    return np.rint(_encode(np.clip(_linear_of_oklab(lab), 0, 1))).astype(np.uint8)


def is_srgb(lab: np.ndarray) -> np.ndarray:
    """Which colors of OKLab (..., 3) sRGB has, but for a ten-thousandth of light: bool (...)."""
    return np.abs(_linear_of_oklab(lab) - 0.5).max(axis=-1) <= 0.5 + 1e-4


def _linear_of_oklab(lab: np.ndarray) -> np.ndarray:
    lab = np.asarray(lab, np.float64)
    cones = _mixed(_FROM_LAB, [lab[..., channel] for channel in range(3)])
    return np.stack(_mixed(_FROM_CONES, [cone**3 for cone in cones]), axis=-1)


def _encode(linear: np.ndarray) -> np.ndarray:
    """Linear light 0 to 1 -> sRGB 0 to 255, not rounded."""
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def to_linear(colors: np.ndarray) -> np.ndarray:
    """sRGB uint8 (..., 3) -> linear light, in which colors mix as the eye mixes what it sees from afar.

    Returns:
        float64 (..., 3), 0 to 1.
    """
    return _LINEAR[colors]


def _oklab_of_linear(linear: np.ndarray) -> np.ndarray:
    return np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T


def _to_rgb(colors: np.ndarray) -> np.ndarray:
    return np.asarray(colors, np.float32)


def _from_rgb(coordinates: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(coordinates), 0, 255).astype(np.uint8)


# Name -> function from sRGB 0 to 255 to float32 coordinates in which the Euclidean distance is the colors' distance.
SPACES = {"oklab": to_oklab, "rgb": _to_rgb}
# And back, to uint8.
FROM_SPACES = {"oklab": from_oklab, "rgb": _from_rgb}
# From linear light, float64 0 to 1, to float64 coordinates.
_OF_LINEAR = {"oklab": _oklab_of_linear, "rgb": _encode}


def coordinates(colors: np.ndarray, space: str) -> np.ndarray:
    """sRGB (..., 3), 0 to 255 -> float32 (..., 3) in a space of `SPACES`."""
    if space not in SPACES:
        raise ValueError(f"`space` must be one of {', '.join(SPACES)}. Received: {space!r}")
    return SPACES[space](colors)


def of_linear(linear: np.ndarray, space: str) -> np.ndarray:
    """Linear light (..., 3) -> float64 (..., 3) in a space of `SPACES`; what is outside of 0 to 1 is clipped.

    Equal colors have coordinates that differ by up to 1e-15.
    """
    if space not in SPACES:
        raise ValueError(f"`space` must be one of {', '.join(SPACES)}. Received: {space!r}")
    return _OF_LINEAR[space](np.clip(linear, 0, 1))


def oklab_derivative(linear: np.ndarray, least: float) -> np.ndarray:
    """How OKLab changes with linear light (n, 3): float64 (n, 3, 3), [:, i, j] is its i-th number by the j-th channel.

    Args:
        least: cone responses below this are taken for it, as the derivative at 0 is infinite.
    """
    slopes = np.maximum(linear @ _TO_CONES.T, least) ** (-2 / 3) / 3
    return np.einsum("ic,nc,cj->nij", _TO_LAB, slopes, _TO_CONES)
