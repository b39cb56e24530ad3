"""Files of a set that get their names together: all of them or none, whatever kills the process.

A set is written into a hidden folder. Where its own folder is new, that one is renamed. Else a rename says that the set
is whole, its files are moved one by one, and whoever next lists the folder first finishes a move that was interrupted.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from pixelart_tf.base.cli import UserError

STARTED, WHOLE = ".packing-", ".packed-"   # and the name of the set; the first also the number of its process
LIST = "names.json"


@contextlib.contextmanager
def together(folder: Path, name: str, replaced: Collection[str] = ()) -> Iterator[Path]:
    """Gives a hidden folder; the files that were written there are in `folder` when the block ends well.

    What an earlier process that was killed has left there is finished or removed first.

    Args:
        folder: made if missing.
        name: of the set.
        replaced: names of files in `folder` that go when the new ones come.

    Raises:
        OSError: the disk or the folder does not take the files.
        UserError: an earlier set cannot be moved into place.
    """
    finish(folder)
    is_new = not folder.exists()
    home = folder.parent if is_new else folder
    home.mkdir(parents=True, exist_ok=True)
    _clean(home)
    temporary = home / f"{STARTED}{folder.name if is_new else name}-{os.getpid()}"
    temporary.mkdir()
    try:
        yield temporary
        if is_new:
            os.rename(temporary, folder)
            return
        names = {"made": sorted(path.name for path in temporary.iterdir()), "replaced": sorted(replaced)}
        (temporary / LIST).write_text(json.dumps(names), encoding="utf-8")
        os.rename(temporary, folder / f"{WHOLE}{name}")   # from here on the new files are those that count
        finish(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def finish(folder: Path) -> None:
    """Moves into place what was whole when its process was killed.

    Raises:
        UserError: the folder does not take it.
    """
    try:
        sets = [each for each in os.listdir(folder) if each.startswith(WHOLE)]
    except OSError:   # whoever wants its files will say what is wrong
        return
    for each in sets:
        try:
            _finish(folder, folder / each)
        except OSError as error:
            raise UserError(
                f"{folder}: new files of `{each.removeprefix(WHOLE)}` are half moved into place, and the rest cannot "
                f"be: {error.strerror}"
            ) from None


def _finish(folder: Path, whole: Path) -> None:
    try:
        names = json.loads((whole / LIST).read_text(encoding="utf-8"))
    except FileNotFoundError:   # all had been moved
        shutil.rmtree(whole, ignore_errors=True)
        return
    for name in names["made"]:
        with contextlib.suppress(FileNotFoundError):   # it had been moved
            os.replace(whole / name, folder / name)
    for name in set(names["replaced"]) - set(names["made"]):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(whole)


def _clean(home: Path) -> None:
    """Removes what processes that are no more had begun to write."""
    for each in os.listdir(home):
        number = each.rpartition("-")[2]
        if each.startswith(STARTED) and number.isdecimal() and not _is_alive(int(number)):
            shutil.rmtree(home / each, ignore_errors=True)


def _is_alive(process: int) -> bool:
    if process == os.getpid():   # an earlier one of the same number
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:   # another user's
        return True
    return True
