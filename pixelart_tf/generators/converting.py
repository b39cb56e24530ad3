"""A file of another maker -> a generator of ours."""

import inspect
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import keras_file
from pixelart_tf.formats.found import Found
from pixelart_tf.generators.opening import check_generator

ImageSize = int | tuple[int, int] | None


def read_foreign(path: str | Path, *, slope: float | None = None, image_size: ImageSize = None) -> Found:
    """Opens what PyTorch or Keras 2 saved; what the file holds decides, not its name.

    Args:
        path: a `.pth` of the PyTorch CycleGAN or of CUT, see `formats.torch_networks`; or an `.h5`, a `.weights.h5` or
            a `.keras` of Keras 2, see `formats.keras2`.
        slope: of the leaky ReLUs; for weights of Keras 2 alone, which do not carry it.
        image_size: pixels of a side, or (height, width); None is the network's own.

    Raises:
        UserError: no such file, or no network that is known.
    """
    from pixelart_tf.formats import keras2, torch_networks

    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}")
    with open(path, "rb") as file:
        start = file.read(len(keras_file.HDF5))
    if start == keras_file.HDF5 or keras_file.foreign(path).startswith("Keras"):
        found = keras2.read(path, slope=slope, image_size=image_size)
    elif start[:1] == b"\x80" or start[:2] == b"PK" or path.suffix.lower() in (".pth", ".pt"):
        if slope is not None:
            raise UserError(f"{path}: --slope is for weights of Keras 2; those of PyTorch have a slope of 0.2")
        found = torch_networks.read(path, image_size=image_size)
    else:
        raise UserError(f"{path}: of no kind that is taken (.pth, .h5, .weights.h5, .keras)")
    if found.is_generator:
        check_generator(found.model, str(path))
    return found


def is_foreign(path: Path) -> bool:
    """Whether a file is one for `read_foreign`, as far as its beginning tells."""
    return path.is_file() and bool(keras_file.foreign(path))


def is_ours(path: Path) -> bool:
    """Whether a file is a `.keras` file of Keras 3, as far as its beginning tells."""
    return path.is_file() and zipfile.is_zipfile(path) and not keras_file.foreign(path)


def settings_of(found: Found) -> dict[str, Any]:
    """The options that `[model.generator]` needs to train the same network on; what has its default is left out."""
    from pixelart_tf import networks

    function: Callable = getattr(networks, found.name)
    defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    given = {name: value for name, value in found.options.items() if value != defaults[name]}
    of_pictures = ("image_size", "channels", "output_channels")   # which a run has from its pictures
    return {"name": found.name} | {name: value for name, value in given.items() if name not in of_pictures}


def advice(found: Found, out: Path) -> str:
    """How to train a network on that was saved at `out`, as options of `train`."""
    part = "generator" if found.is_generator else "discriminator"
    given = " ".join(f"--set model.{part}.{name}={value}" for name, value in settings_of(found).items())
    start = f"--set finetune.to_target={out} " if found.is_generator else ""
    return f"in a training: {start}{given}"
