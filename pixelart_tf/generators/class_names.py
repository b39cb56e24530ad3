"""The names of the classes that a generator of noise knows: in its own file, beside what Keras keeps there."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from pixelart_tf.base.cli import UserError

MEMBER = "classes.json"   # which Keras does not look at


def write(path: str | Path, names: Sequence[str]) -> None:
    """Adds the names to a saved `.keras` file."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, json.dumps(list(names)))


def read(path: str | Path) -> tuple[str, ...]:
    """The names in a `.keras` file that has been opened before; none where its generator knows no classes.

    Raises:
        UserError: what is kept there is no list of names.
    """
    with zipfile.ZipFile(path) as archive:
        if MEMBER not in archive.namelist():
            return ()
        try:
            names = json.loads(archive.read(MEMBER))
        except (ValueError, RecursionError):
            names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path}: {MEMBER} in it must be a list of names")
    return tuple(names)
