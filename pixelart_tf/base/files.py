"""Files that are written whole or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Gives a temporary name in the same folder; what was written there becomes `path` when the block ends well.

    A kill at any moment leaves the old file or the new one. The temporary name keeps the suffix, by which some writers
    choose the format.

    Args:
        path: of the file.
        sync: whether to wait until the disk holds it, so that after a power cut too it is whole.

    Raises:
        OSError: the disk or the folder does not take the file; it names `path`.
    """
    temporary = path.with_name(f".part.{path.name}")
    try:
        yield temporary
        if sync:
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
