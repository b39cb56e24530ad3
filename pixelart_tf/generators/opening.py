"""A saved generator, opened and checked."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf import devices
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats.keras_file import open_model

# What a generator makes pictures of.
PICTURES, NOISE = "pictures", "noise"


def load_generator(path: str | Path, *, of: Collection[str] = (PICTURES,)) -> Any:
    """Opens a saved generator.

    Args:
        path: a `.keras` file.
        of: what it may make pictures of: `PICTURES`, `NOISE` or both.

    Returns:
        A `keras.Model` from images (B, H, W, 1 or 3), or from noise (B, n), to images (B, H', W', 1 or 3); H and W may
        be None.

    Raises:
        UserError: no such file, not a whole `.keras` file, or not a model of that to pictures.
    """
    generator = open_model(path)
    check_generator(generator, str(path), of=of)
    return generator


def load_on_devices(
    path: str | Path, chosen: devices.Devices | None = None, *, of: Collection[str] = (PICTURES,)
) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
    """Opens a saved generator for work on all devices.

    Args:
        path: a `.keras` file.
        chosen: the devices; None chooses all of this machine, which must be before anything is computed.
        of: see `load_generator`.

    Returns:
        The generator, and what runs it on the devices: takes and gives (B, H, W, C), see `Devices.predictor`.

    Raises:
        UserError: as `load_generator` does.
    """
    chosen = chosen or devices.choose(precision="float32", join_hosts=False)
    with chosen.scope():
        generator = load_generator(path, of=of)
    return generator, chosen.predictor(generator)


def check_generator(generator: Any, name: str, *, of: Collection[str] = (PICTURES,)) -> None:
    """Raises UserError, which calls the generator `name`, unless it makes pictures of what is wanted."""
    given, made = (getattr(generator, each, None) for each in ("input_shape", "output_shape"))
    takes = PICTURES if _is_pictures(given) else NOISE if _is_noise(given) else None
    if takes is None or not _is_pictures(made):
        raise UserError(f"{name}: must map pictures (B, H, W, 1 or 3) to pictures. Received: {given} -> {made}")
    if takes not in of:
        why = (
            f"makes pictures of {given[1]} numbers of noise, and takes none: `translate --samples` draws some"
            if takes == NOISE else "makes pictures of pictures, and not of noise: name some, without --samples"
        )
        raise UserError(f"{name}: {why}")


def _is_pictures(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) == 4 and shape[-1] in (1, 3)


def _is_noise(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[-1], int)
