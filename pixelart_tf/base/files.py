"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from pixelart_tf.base.cli import UserError


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


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Gives a temporary name in the same place; what was made there becomes `path` when the block ends well.

    Raises:
        OSError: the disk or the folder does not take it; it names `path`.
    """
    temporary = path.with_name(f".part.{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)   # of a run that was killed
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def expanded(path: str | Path) -> Path:
    """The same path with `~` as the home folder, which no shell does within quotes; `~x` stays where no user is x."""
    return Path(os.path.expanduser(path))


def may_be_name(given: str | Path) -> bool:
    """Whether what stands where a path is asked for may be a name instead: a single word, without a suffix."""
    path = Path(given)
    return len(path.parts) == 1 and not path.suffix and path.name != ".."


def check_output(
    path: Path, *, overwrite: bool, suffixes: Iterable[str] = (), inputs: Iterable[str | Path] = ()
) -> None:
    """Asks, before any work is done, whether a file may be written.

    Args:
        path: of the file.
        overwrite: whether a file that is there may be replaced.
        suffixes: one of which `path` must end in, such as `(".csv",)`; empty for any.
        inputs: files that are read, which are never replaced.

    Raises:
        UserError: another suffix, no folder to write in, a folder in the way, an input, or a file that is there.
    """
    suffixes = tuple(suffixes)
    if suffixes and path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: must end in {'one of ' if len(suffixes) > 1 else ''}{' '.join(suffixes)}")
    if not path.parent.is_dir():
        raise UserError(f"{path.parent}: no such folder")
    if path.is_dir():
        raise UserError(f"{path}: a folder")
    if not path.exists():
        return
    if path.resolve() in {Path(each).resolve() for each in inputs}:
        raise UserError(f"{path}: an input, which is never overwritten; choose another name")
    if not overwrite:
        raise UserError(f"{path}: already there; --overwrite replaces it")
