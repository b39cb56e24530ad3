"""One training in a run folder at a time."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pixelart_tf.base.cli import UserError


class FolderInUse(UserError):
    """Another process trains in this folder."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the operating system's lock of a folder, which goes with the process, whatever ends it.

    Nothing is written: it is the folder itself that is locked. Where the file system knows no locks, that is told, and
    the block runs without.

    Args:
        folder: must be there.

    Raises:
        FolderInUse: another process holds it.
    """
    import fcntl  # of POSIX systems, which are the ones that TensorFlow trains on

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"{folder}: another training is going on here; wait for its end, or --run another "
                              "folder") from None
        except OSError as error:
            print(f"note: {folder} cannot be locked ({error.strerror}): do not start a second training in it",
                  file=sys.stderr)
        yield
    finally:
        os.close(handle)
