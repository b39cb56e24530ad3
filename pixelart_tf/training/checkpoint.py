"""The whole state of a training run in one file: weights, optimizer, dropout's seeds, image pools, averages, place."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError


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
    """Puts the state back that `save` wrote.

    Returns:
        The `place` given to `save`.

    Raises:
        CheckpointError: no such file, a broken one, or one of another model.
    """
    mine = variables(model)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            place = json.loads(str(arrays["place"]))
            values = [arrays[f"v{i:04}"] for i in range(len(arrays.files) - 1)]
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint") from None
    except (OSError, ValueError, TypeError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: not a checkpoint, or a broken one: {error}") from None
    if [v.shape for v in values] != [tuple(v.shape) for v in mine]:
        raise CheckpointError(f"{path}: the checkpoint of another model")
    for variable, value in zip(mine, values, strict=True):
        variable.assign(value)
    return place
