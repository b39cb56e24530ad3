"""The whole state of a training run in one file: weights, optimizer, dropout's seeds, image pools, averages, place."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError

PLACE_BYTES = 2**20   # of the place, and more than it ever takes
HEAD_BYTES = 2**12    # of an array's own description


class CheckpointError(UserError):
    """A checkpoint that is missing, broken or of another model."""


def variables(model: keras.Model) -> list[keras.Variable]:
    """Every variable that training changes.

    Keras' own `save_weights` leaves out the states of the seed generators, without which dropout and the image pool go
    on with other numbers after a resume.
    """
    unique = {id(v): v for v in [*model.variables, *model.metrics_variables, *model.optimizer.variables]}
    return list(unique.values())


def save(path: Path, model: keras.Model, place: dict, *, write: bool = True) -> None:
    """Writes the state of `model` and its optimizer; a kill at any moment leaves the old file or the new one.

    Args:
        place: what else a resume needs, such as `{"epoch": 3, "step": 0}`; anything that JSON can hold.
        write: whether this process writes. Reading alone is what the other hosts of a run must do at the same moment,
            as some variables are sums over all hosts.
    """
    arrays = {f"v{i:04}": np.asarray(keras.ops.convert_to_numpy(v)) for i, v in enumerate(variables(model))}
    if not write:
        return
    arrays["place"] = np.asarray(json.dumps(place))
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def restore(path: Path, model: keras.Model) -> dict:
    """Puts the state back that `save` wrote; all of it, or nothing where something is wrong with the file.

    Returns:
        The `place` given to `save`.

    Raises:
        CheckpointError: no such file, a broken one, or one of another model.
    """
    mine = variables(model)
    try:
        place, values = _read(path, mine)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint") from None
    except CheckpointError:
        raise
    # zipfile, NumPy and json each raise their own on damaged files, NotImplementedError and RuntimeError among them.
    except (Exception, RecursionError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint, or a broken one: {reason}") from None
    for variable, value in zip(mine, values, strict=True):
        variable.assign(value)
    return place


def _read(path: Path, wanted: list[keras.Variable]) -> tuple[dict, list[np.ndarray]]:
    names = [f"v{i:04}" for i in range(len(wanted))]
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
    if "place" not in sizes:
        raise ValueError("no place in it")
    if sizes.keys() != {"place", *names}:
        raise CheckpointError(f"{path}: the checkpoint of another model")
    # Nothing is unpacked that is larger than it should be.
    limits = [variable_bytes(each) for each in wanted]
    if sizes["place"] > PLACE_BYTES or any(sizes[n] > size + HEAD_BYTES for n, size in zip(names, limits, strict=True)):
        raise CheckpointError(f"{path}: the checkpoint of another model")
    with np.load(path, allow_pickle=False) as arrays:
        place = _checked_place(json.loads(str(arrays["place"])))
        values = [arrays[name] for name in names]
    if [(v.shape, v.dtype.kind) for v in values] != [(tuple(v.shape), _kind(v)) for v in wanted]:
        raise CheckpointError(f"{path}: the checkpoint of another model")
    if not all(np.isfinite(value).all() for value in values if value.dtype.kind == "f"):
        raise ValueError("some of its numbers are not finite")
    return place, values


def variable_bytes(variable: keras.Variable) -> int:
    """What an array of a variable takes in a checkpoint."""
    return int(np.prod(variable.shape)) * np.dtype(keras.backend.standardize_dtype(variable.dtype)).itemsize


def _kind(variable: keras.Variable) -> str:
    return np.dtype(keras.backend.standardize_dtype(variable.dtype)).kind


def _checked_place(place) -> dict:
    """Raises ValueError for a place that no run can be at."""
    whole = [isinstance(place, dict) and place.get(key) for key in ("epoch", "step")]
    if not all(type(number) is int and number >= 0 for number in whole):
        raise ValueError("no epoch and step in it")
    row = place.get("row")
    if row is not None and not (isinstance(row, dict) and row.get("epoch") == place["epoch"]):
        raise ValueError("the log's line in it is of another epoch")
    return place
