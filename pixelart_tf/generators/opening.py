"""A saved generator, opened and checked."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf import devices
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats.keras_file import open_model
from pixelart_tf.generators import class_names, pretrained, styles

# What a generator makes pictures of.
PICTURES, NOISE = "pictures", "noise"


def load_generator(path: str | Path, *, of: Collection[str] = (PICTURES,), style: str | None = None) -> Any:
    """Opens a saved generator.

    Args:
        path: a `.keras` file, or the name of a bundled generator (see `pretrained.find`).
        of: what it may make pictures of: `PICTURES`, `NOISE` or both.
        style: of a network of several styles, see `styles.styled`.

    Returns:
        A `keras.Model` from images (B, H, W, 1 or 3), or from noise (B, n), to images (B, H', W', 1 or 3); H and W may
        be None.

    Raises:
        UserError: no such file or name, not a whole `.keras` file, or not a model of that to pictures.
    """
    file = pretrained.find(path)
    generator = open_model(file)
    if styles.has_styles(generator):
        generator = styles.styled(generator, class_names.read(file), style)
    elif style is not None:
        raise UserError(f"--class: is for --samples and for networks of several styles, and {path} is none")
    check_generator(generator, str(path), of=of)
    return generator


def load_on_devices(
    path: str | Path, chosen: devices.Devices | None = None, *, of: Collection[str] = (PICTURES,),
    style: str | None = None,
) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
    """Opens a saved generator for work on all devices.

    Args:
        path: see `load_generator`.
        chosen: the devices; None chooses all of this machine, which must be before anything is computed.
        of, style: see `load_generator`.

    Returns:
        The generator, and what runs it on the devices: takes and gives (B, H, W, C), see `Devices.predictor`.

    Raises:
        UserError: as `load_generator` does.
    """
    path = pretrained.find(path)   # a misspelt name is told at once
    chosen = chosen or devices.choose(precision="float32", join_hosts=False)
    with chosen.scope():
        generator = load_generator(path, of=of, style=style)
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
