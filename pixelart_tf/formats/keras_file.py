"""Saves a Keras model for inference, and opens one or says in one line why not."""

import contextlib
import io
import json
import math
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.stderr import quiet

WEIGHTS = "model.weights.h5"   # the member of a `.keras` file that holds them
HDF5 = b"\x89HDF\r\n\x1a\n"
DESCRIPTION = "config.json"    # the one that holds its layers
ZEROS = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
CONVERT = "`python -m pixelart_tf.convert {} generator.keras` makes a .keras file of them"


def save_model(model: Any, path: Path) -> None:
    """Saves a `.keras` file for inference that each Keras which the package supports opens.

    Keras 3.15 describes random initializers by arguments that Keras 3.13 refuses. They mean nothing once there are
    weights, and drawing numbers takes time at each opening: so all initializers are saved as zeros.

    Args:
        model: a functional model, built.
        path: ends in .keras.

    Raises:
        OSError: the file cannot be written.
    """
    encoded = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.keras"
        model.save(whole)
        with zipfile.ZipFile(whole) as given, zipfile.ZipFile(encoded, "w") as archive:
            for name in given.namelist():
                content = given.read(name)
                archive.writestr(name, _without_initializers(content) if name == DESCRIPTION else content)
    path.write_bytes(encoded.getvalue())


def _without_initializers(description: bytes) -> bytes:
    def zeros(each):
        return ZEROS if each.get("module") == ZEROS["module"] else each

    return json.dumps(json.loads(description, object_hook=zeros)).encode()


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
        if whose := foreign(path):
            raise UserError(f"{path}: {whose}: {CONVERT.format(path)}")
        raise UserError(f"{path}: not a .keras file, or cut off")
    try:
        check_archive(path)
        if whose := foreign(path):
            raise UserError(f"{path}: {whose}: {CONVERT.format(path)}")
        with quiet():   # the first weight starts TensorFlow up, which misses a GPU aloud
            import keras

            # Nothing is trained here, so that losses and optimizers of other code need not be known.
            with _called_keras(path) as named:
                model = keras.saving.load_model(named, compile=False)
        broken = [weight.path for weight in model.weights if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()]
    except UserError:
        raise
    except Exception as error:   # zipfile, json, h5py and Keras each raise their own on a damaged or foreign file
        why = _newer(path) or _reason(error)
        raise UserError(f"{path}: cannot be opened as a Keras model ({why})") from error
    if broken:
        raise UserError(
            f"{path}: {len(broken)} of its {len(model.weights)} weights hold NaN or infinity (the first: {broken[0]}): "
            "its training failed"
        )
    return model


@contextlib.contextmanager
def _called_keras(path: Path) -> Iterator[Path]:
    """The file by a name that ends in .keras, without which Keras does not look at it."""
    if path.suffix == ".keras":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / "model.keras"
        named.symlink_to(path.resolve())
        yield named


def foreign(path: Path) -> str:
    """Whose weights a file holds that `open_model` does not take but `convert` may, in words; else ""."""
    with open(path, "rb") as file:
        start = file.read(len(HDF5))
    if start == HDF5:
        return "Keras 2 weights"
    if not zipfile.is_zipfile(path):
        return "PyTorch weights" if start[:1] == b"\x80" else ""
    try:
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/data.pkl") for name in archive.namelist()):
                return "PyTorch weights"
    except Exception:   # what a damaged archive, or another kind of zip, raises; who opens it says what it is
        return ""
    version = _version(path)
    return f"Keras {version} weights" if version.startswith("2.") else ""


def _version(path: Path) -> str:
    """The Keras that wrote a `.keras` file; "" where the file does not tell."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("metadata.json") as file:
            return str(json.loads(file.read(2**16))["keras_version"])
    except Exception:   # as above
        return ""


def _newer(path: Path) -> str:
    """Says so where a newer Keras than this one wrote a file; else ""."""
    import keras

    def number(version):
        return tuple(map(int, re.findall(r"\d+", version)[:2]))

    written, here = _version(path), keras.__version__
    return f"written by Keras {written}, and this is {here}" if number(written) > number(here) else ""


def check_archive(path: Path) -> None:
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
        if WEIGHTS in archive.namelist():
            size = _claimed(archive.read(WEIGHTS))
            limits.check_size(path, size, limits.NETWORK_BYTES)
            limits.check_growth(path, size)


def _claimed(encoded: bytes) -> int:
    """Bytes of all arrays in an HDF5 file: each may be compressed once more, or claim what was never written."""
    import h5py

    with h5py.File(io.BytesIO(encoded), "r") as file:
        return sum(map(num_bytes, datasets_of(file).values()))


def datasets_of(file: Any) -> dict[str, Any]:
    """Name -> array of an open HDF5 file, whose links into other files are not followed.

    Raises:
        ValueError: an array that is kept in another file.
    """
    import h5py

    found = {}

    def note(name, each):
        if isinstance(each, h5py.Dataset):
            if each.external or each.is_virtual:
                raise ValueError(f"{name} is kept in another file")
            found[name] = each

    file.visititems(note)
    return found


def num_bytes(dataset: Any) -> int:
    """What an array of an HDF5 file claims to take."""
    return math.prod(dataset.shape or ()) * dataset.dtype.itemsize


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, MemoryError):
        return "not enough memory"
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
