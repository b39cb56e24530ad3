"""Keras and TensorFlow, imported without what they take along only because it is there."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from pixelart_tf.base.stderr import quiet

# Each of these imports is in a `try` there, for a use that nothing here makes: TensorFlow has JAX for turning JAX'
# functions into LiteRT files, Keras has Matplotlib for galleries of its own and IPython for looking into files.
# Together they took a third of TensorFlow's import: 15.4 of 44.8 s of a slow one.
PLOTTING = ("matplotlib", "IPython")
OTHER_BACKENDS = ("jax",)


def import_keras() -> Any:
    """Keras, with the backend of `select_backend`, without a word, and without what is not needed.

    What was left out can be imported afterwards as usual.
    """
    names = PLOTTING + (OTHER_BACKENDS if os.environ.get("KERAS_BACKEND") == "tensorflow" else ())
    with quiet(), _without(names):
        import keras
    return keras


@contextlib.contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """On this thread, packages that were not imported yet are as if they were not there."""
    finder = _Nothing(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Nothing:
    """Refuses to find some packages; others, and those that were imported before, are not its business."""

    def __init__(self, names: tuple[str, ...]):
        self._names, self._thread = names, threading.get_ident()

    def find_spec(self, name: str, *_: Any) -> None:
        if name in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
