"""A saved generator, opened and checked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf import devices
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats.keras_file import open_model


def load_generator(path: str | Path) -> Any:
    """Opens a saved generator.

    Args:
        path: a `.keras` file.

    Returns:
        A `keras.Model` from images (B, H, W, 1 or 3) to images (B, H', W', 1 or 3); H and W may be None.

    Raises:
        UserError: no such file, not a whole `.keras` file, or not a model of pictures to pictures.
    """
    generator = open_model(path)
    check_generator(generator, str(path))
    return generator


def load_on_devices(
    path: str | Path, chosen: devices.Devices | None = None
) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
    """Opens a saved generator for work on all devices.

    Args:
        path: a `.keras` file.
        chosen: the devices; None chooses all of this machine, which must be before anything is computed.

    Returns:
        The generator, and what runs it on the devices: takes and gives (B, H, W, C), see `Devices.predictor`.

    Raises:
        UserError: as `load_generator` does.
    """
    chosen = chosen or devices.choose(precision="float32", join_hosts=False)
    with chosen.scope():
        generator = load_generator(path)
    return generator, chosen.predictor(generator)


def check_generator(generator: Any, name: str) -> None:
    shapes = [getattr(generator, "input_shape", None), getattr(generator, "output_shape", None)]
    for shape in shapes:
        if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] not in (1, 3):
            received = " -> ".join(map(str, shapes))
            raise UserError(f"{name}: must map pictures (B, H, W, 1 or 3) to pictures. Received: {received}")
