"""Weights of the FID Inception by a rule, and what is said of files that hold none."""

import zlib

import numpy as np
import pytest

from pixelart_tf.formats.torch_file import WeightsError


def refusal(function, *arguments) -> str:
    with pytest.raises(WeightsError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def by_rule(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith(("running_var", "moving_variance")):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if name.endswith(("bn.weight", "gamma")):
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    if len(shape) == 1:
        return rng.normal(0, 0.1, shape).astype(np.float32)
    return (rng.normal(0, 1, shape) * np.sqrt(2 * max(shape[0], shape[-1]) / np.prod(shape))).astype(np.float32)
