"""Enlarged pixel art of very few cells, such as icons of 8x8, in which no rhythm can be heard.

So few cells can all be tried: at the right number, and not below it, they and a usual filter explain the picture.
"""

import numpy as np

from pixelart_tf.pictures import images
from pixelart_tf.pixelize import unblur
from pixelart_tf.pixelize.evidence import MIDDLE, WIDTH, softness

LEAST, MOST = 4, 11   # cells along the shorter side; of more there is a rhythm
SIDE = 96   # pixels of the longer side that are enough for them
SQUARENESS = 0.03   # by how much a cell's height and width may differ
# Of the picture's variance, what may be left: of icons, up to 0.003 for soft filters and JPEG 75; of 26 photographs and
# 26 cartoons at 16 cells 0.013 and more. And what that may be of what any smaller number leaves: of pictures that are
# only blurred it falls little by little.
LEFT, LESS = 0.006, 0.25
STEP, LINES = 48, 3   # levels of a step between cells, and lines along each side that must have one
FACTOR = 3   # pixels a cell at least


def _hard(apart: np.ndarray) -> np.ndarray:
    """What cells of hard edges give to the pixels of a picture that was made small by means over areas."""
    pixel = np.abs(np.diff(apart[:, 0])).max(initial=1e-6)   # in cells
    return np.clip((1 + pixel - 2 * apart) / (2 * pixel), 0, 1)


_KERNELS = [_hard, *(kernel for name, kernel in unblur.KERNELS.items() if name != "nearest")]


def find(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The few square cells that a whole picture was enlarged from, by a factor and with a filter of any usual kind.

    Args:
        image: uint8 (H, W, 3).

    Returns:
        Cells down and across, and a confidence from 0 to 1; None where no number of cells stands out.
    """
    small = _small(image).astype(np.float32)
    height, width = small.shape[:2]
    variance = float(small.reshape(-1, 3).var(axis=0).mean())
    if variance < 1:
        return None
    sides = [(side.swapaxes(1, 2), side.shape[1]) for side in (small.swapaxes(0, 1), small)]   # (lines, 3, length)
    least_left = 1.0
    for count in range(2, min(MOST, min(height, width) // FACTOR) + 1):
        counts = [round(length * count / min(height, width)) for length in (height, width)]
        if abs(height * counts[1] / (width * counts[0]) - 1) > SQUARENESS:
            continue
        edges = [np.linspace(0, length, number + 1) for (_, length), number in zip(sides, counts, strict=True)]
        lines = [(side, at) for (side, _), at in zip(sides, edges, strict=True)]
        left = {kernel: unblur.left(lines, kernel) ** 2 / variance for kernel in _KERNELS}
        kernel = min(left, key=left.get)
        if count >= LEAST and left[kernel] <= min(LEFT, LESS * least_left):
            colors = unblur.solved(small, *edges, kernel)
            return (*counts, _confidence(colors)) if _has_lines(colors) else None
        least_left = min(least_left, left[kernel])
    return None


def _small(image: np.ndarray) -> np.ndarray:
    step = max(image.shape[:2]) / SIDE
    if step <= 1:
        return image
    return images.fit(image, [max(1, round(side / step)) for side in image.shape[:2]], how="stretch", resample="area")


def _has_lines(colors: np.ndarray) -> bool:
    """Whether cells, uint8 (rows, columns, 3), need enough of their lines: stripes are made of any number of cells."""
    steps = [np.abs(np.diff(colors.astype(np.int16), axis=axis)).max(axis=(1 - axis, 2)) for axis in (0, 1)]
    return all(np.count_nonzero(each > STEP) >= LINES for each in steps)


def _confidence(colors: np.ndarray) -> float:
    return float(1 / (1 + np.exp((softness(colors) - MIDDLE) / WIDTH)))
