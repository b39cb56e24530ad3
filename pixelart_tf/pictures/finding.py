"""Which files a person means by a path, a folder or a pattern."""

import fnmatch
import glob
import os
import re
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from pixelart_tf.base.cli import printable
from pixelart_tf.base.files import expanded
from pixelart_tf.pictures.images import SUFFIXES, is_picture_name
from pixelart_tf.pictures.opening import HAS_HEIC, HEIC, ImageError

# What lies beside pictures and is meant by nobody: not worth a word.
_BY_FILES = re.compile(
    r"\..*|(ehthumbs|thumbs)\.db|desktop\.ini|(licen[cs]es?|readme|attributions?|credits|copying|authors|notice)"
    r"([-_.][\w.-]*)?", re.IGNORECASE
)
_told: set[str] = set()   # notes of this process: a set of pictures is looked through more than once


def pictures(pattern: str | Path) -> list[Path]:
    """The picture files that a person means, sorted. One line on stderr tells of files that are left out.

    Args:
        pattern: a picture, a folder (with all folders in it, hidden ones excepted) or a glob such as `art/*.png`. `~`
            is the home folder.

    Raises:
        ImageError: nothing is there, in one line.
    """
    if not str(pattern):   # an unset variable of a shell, not the current folder
        raise ImageError("an empty path: no such file or folder")
    path = expanded(pattern)
    if path.is_file():
        return [path]
    if path.is_dir():
        files = [Path(folder, name) for folder, names in walk(path) for name in names]
    elif glob.has_magic(str(path)):
        files = [file for file in matches(path) if file.is_file()]
    else:
        raise ImageError(f"{pattern}: no such file or folder")
    found = [file for file in files if is_picture_name(file.name)]
    num_others, others = _kinds(file.name for file in files if not is_picture_name(file.name))
    if not found:
        raise ImageError(f"{pattern}: no pictures there ({' '.join(SUFFIXES)})" + (f", but {others}" if others else ""))
    if others:
        if not HAS_HEIC and any(kind in others for kind in HEIC):
            others += ' (HEIC takes pillow-heif: pip install "pixelart-tf[heic]")'
        files_are = "1 file in {} is no picture" if num_others == 1 else "{1:,} files in {0} are no pictures"
        note(f"{files_are.format(pattern, num_others)} that can be read here: {others}")
    return sorted(found)


def note(line: str) -> None:
    """Tells something on stderr, once."""
    if line not in _told:
        _told.add(line)
        print(printable(f"note: {line}"), file=sys.stderr)


def _kinds(names: Iterable[str]) -> tuple[int, str]:
    """Such as `(12, "10 .heic, 2 .txt")`, without the files that usually lie beside pictures."""
    kinds = Counter(Path(name).suffix.lower() or "without a suffix" for name in names if not _BY_FILES.fullmatch(name))
    return kinds.total(), ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())


def walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder in a folder, itself first, and the names of its files; hidden folders are left out.

    Links to folders are followed after all else, and no folder is given twice, so that a link in a circle ends.

    Raises:
        ImageError: a folder cannot be read.
    """
    def refuse(error: OSError) -> None:
        raise ImageError(f"{error.filename}: {error.strerror}") from None

    waiting, seen = deque([str(folder)]), set()
    while waiting:
        for path, folders, names in os.walk(waiting.popleft(), onerror=refuse):
            real = os.path.realpath(path)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            waiting.extend(each for name in folders if os.path.islink(each := os.path.join(path, name)))
            yield path, names


def matches(pattern: str | Path) -> list[Path]:
    """What a glob means, sorted. A part of it that is there as it is written is no pattern, such as `photos [2024]`."""
    path = expanded(pattern)
    return sorted(set(_matches(Path(path.anchor), path.parts[1:] if path.anchor else path.parts)))


def _matches(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if os.path.lexists(folder / part):
        yield from _matches(folder / part, rest)
    elif part == "**":
        for each, names in walk(folder):
            if rest:
                yield from _matches(Path(each), rest)
            else:
                yield from (Path(each, name) for name in names if not name.startswith("."))
    elif glob.has_magic(part):
        try:
            names = os.listdir(folder)
        except OSError:   # a file, or a folder that is closed: nothing in it matches
            return
        for name in fnmatch.filter(names, part):
            if not name.startswith(".") or part.startswith("."):
                yield from _matches(folder / name, rest)
