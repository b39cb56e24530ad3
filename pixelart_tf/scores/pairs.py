"""How far pictures are from the originals that they should be: MSE, PSNR, SSIM and HFEN, in float64."""

import numpy as np
import scipy

SPAN = 2.0   # from black to white, of pictures in [-1, 1]
SIGMA, SSIM_SIDE, HFEN_SIDE = 1.5, 11, 15
K1, K2 = 0.01, 0.03


def mse(originals: np.ndarray, made: np.ndarray) -> np.ndarray:
    """The mean squared error of each picture: float64 (B,), of float (B, H, W, C) in [-1, 1]."""
    return np.square(np.subtract(originals, made, dtype=np.float64)).mean((1, 2, 3))


def psnr(originals: np.ndarray, made: np.ndarray) -> np.ndarray:
    """The peak signal-to-noise ratio of each picture in dB: float64 (B,); infinite where there is no difference."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(SPAN**2 / mse(originals, made))


def ssim(originals: np.ndarray, made: np.ndarray) -> np.ndarray:
    """The mean structural similarity of each picture: float64 (B,), 1 where there is no difference.

    Windows of 11x11 pixels, weighted by a Gaussian of 1.5, as far as they are within the picture; each channel by
    itself.

    Raises:
        ValueError: pictures smaller than a window.

    Reference: Wang et al. (2004), equation 13, with the constants of its section III-C
    """
    if min(originals.shape[1:3]) < SSIM_SIDE:
        raise ValueError(f"pictures must have {SSIM_SIDE} pixels a side or more. Received: {originals.shape[1:3]}")
    x, y = np.asarray(originals, np.float64), np.asarray(made, np.float64)
    mean_x, mean_y = _windows(x), _windows(y)
    variance_x, variance_y = _windows(x * x) - mean_x**2, _windows(y * y) - mean_y**2
    covariance = _windows(x * y) - mean_x * mean_y
    c1, c2 = (K1 * SPAN) ** 2, (K2 * SPAN) ** 2
    each = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    each /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return each.mean((1, 2, 3))


def hfen(originals: np.ndarray, made: np.ndarray) -> np.ndarray:
    """The high-frequency error norm of each picture: float64 (B,), the root of the mean square of the difference after
    a Laplacian of a Gaussian (see `log_kernel`), with nothing beyond the border; each channel by itself.

    Reference: Ravishankar and Bresler (2011), section IV-A, as a root of a mean instead of a sum, so that it does not
    grow with the picture
    """
    kernel = log_kernel()[None, :, :, None]
    filtered = scipy.ndimage.convolve(np.subtract(originals, made, dtype=np.float64), kernel, mode="constant")
    return np.sqrt(np.square(filtered).mean((1, 2, 3)))


def gaussian_kernel() -> np.ndarray:
    """The weights of SSIM's windows along a side: float64 (11,), their sum 1."""
    weights = np.exp(-0.5 * ((np.arange(SSIM_SIDE) - SSIM_SIDE // 2) / SIGMA) ** 2)
    return weights / weights.sum()


def log_kernel() -> np.ndarray:
    """The Laplacian of a Gaussian of 1.5 pixels on 15x15: float64, its sum 0, as Matlab's `fspecial` has it."""
    squared = np.square(np.arange(HFEN_SIDE) - HFEN_SIDE // 2)
    radius = squared[:, None] + squared
    gaussian = np.exp(-radius / (2 * SIGMA**2))
    kernel = gaussian / gaussian.sum() * (radius - 2 * SIGMA**2) / SIGMA**4
    return kernel - kernel.mean()


def _windows(pictures: np.ndarray) -> np.ndarray:
    """Gaussian means over windows that are whole: (B, H, W, C) -> (B, H - 10, W - 10, C)."""
    for axis in (1, 2):
        pictures = scipy.ndimage.correlate1d(pictures, gaussian_kernel(), axis=axis, mode="constant")
    half = SSIM_SIDE // 2
    return pictures[:, half:-half, half:-half]
