"""What native code writes to stderr, kept away from it."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drops what native code writes to stderr: `with quiet(): import tensorflow`.

    TensorFlow 2.21 prints some lines while it is imported, before any log level is read, and a command's stderr is kept
    for one clear line. Python's exceptions pass as usual.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
