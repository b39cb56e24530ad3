"""Opens a saved Keras model, or says in one line why not."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.stderr import quiet

_WEIGHTS = "model.weights.h5"


def open_model(path: str | Path) -> Any:
    """Opens a `.keras` file for inference.

    Only that format is taken: Keras 3.13.2 never comes back from some older `.h5` files.

    Raises:
        UserError: there is no such file, it is not a whole `.keras` file, it has layers that are not Keras' own, it
            unpacks to more than `base.limits` allows, or its weights are not finite numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file, a model is saved as one .keras file")
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: not a .keras file, or cut off")
    try:
        _check_archive(path)
        with quiet():   # the first weight starts TensorFlow up, which misses a GPU aloud
            import keras

            # Nothing is trained here, so that losses and optimizers of other code need not be known.
            model = keras.saving.load_model(path, compile=False)
        broken = [weight.path for weight in model.weights if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()]
    except UserError:
        raise
    except Exception as error:   # zipfile, json, h5py and Keras each raise their own on a damaged or foreign file
        raise UserError(f"{path}: cannot be opened as a Keras model ({_reason(error)})") from error
    if broken:
        raise UserError(
            f"{path}: {len(broken)} of its {len(model.weights)} weights hold NaN or infinity (the first: {broken[0]}): "
            "its training failed"
        )
    return model


def _check_archive(path: Path) -> None:
    """Raises UserError for a bomb, before anything is unpacked, and ValueError for a member that is damaged."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        limits.check_members(path, members, limits.NETWORK_BYTES)
        limits.check_size(
            path, max((member.file_size for member in members if member.filename.endswith(".json")), default=0),
            limits.NETWORK_TEXT_BYTES,
        )
        # Keras does not compare checksums: it would take damaged weights for good ones.
        damaged = archive.testzip()
        if damaged:
            raise ValueError(f"{damaged} in it is damaged")
        if _WEIGHTS in archive.namelist():
            size = _claimed(archive.read(_WEIGHTS))
            limits.check_size(path, size, limits.NETWORK_BYTES)
            limits.check_growth(path, size)


def _claimed(encoded: bytes) -> int:
    """Bytes of all arrays in an HDF5 file: each may be compressed once more, or claim what was never written."""
    import h5py

    sizes = []

    def note(_, found):
        if isinstance(found, h5py.Dataset):
            sizes.append(math.prod(found.shape or ()) * found.dtype.itemsize)

    with h5py.File(io.BytesIO(encoded), "r") as file:
        file.visititems(note)
    return sum(sizes)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, MemoryError):
        return "not enough memory"
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
