"""Rows of pictures on the way from one code to the next."""

import itertools

import keras
import numpy as np

from pixelart_tf.models.model import Rows, predict
from pixelart_tf.networks import noise

MOST = 3   # rows, as a person does not take in more beside the pictures themselves


def walks(network: keras.Model, codes: np.ndarray, *, fixed: int = 0) -> Rows:
    """Walks between each two of the first codes, along the sphere: as many pictures in a row as there are codes.

    Args:
        network: codes to images.
        codes: float32 (B, n), noise or the like.
        fixed: see `noise.walk`.

    Returns:
        At most `MOST` rows; none of a single code.
    """
    ends = codes[: MOST + 1]
    return {
        f"from {i} to {i + 1}": predict(network, noise.walk(start, end, len(codes), fixed=fixed))
        for i, (start, end) in enumerate(itertools.pairwise(ends), 1)
    }
