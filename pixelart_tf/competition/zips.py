"""Zips of pictures as competitions take them: the names of what goes in, and how it is written."""

import itertools
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import images, opening, sources

SIZE = 256                       # pixels of a side, in the competition `gan-getting-started`
LEAST, MOST = 7_000, 10_000      # pictures there


def plan_names(
    photos: str | Path, *, size: int | None, limit: int, progress: Callable[[int, int | None], None]
) -> dict[str, str]:
    """Names photos for a zip, and looks at no more of them than their first bytes.

    Args:
        photos: see `sources.read`.
        size: pixels of a side that they must have; None for any.
        limit: take the first so many.
        progress: called with the photos done and to do.

    Returns:
        The `place` of each photo (see `sources.Encoded`) -> its name without folders and suffix, and .jpg; in order.

    Raises:
        UserError: a photo that is none or of another size, or two that would get the same name.
    """
    total = sources.count(photos)
    names, places = {}, {}
    items = itertools.islice(sources.read(photos), limit)
    for item, sides in ahead(lambda item: (item, _sides(item) if size else None), items):
        if sides is not None:
            check_size(item.place, sides, size)
        name = PurePosixPath(item.name).name
        if name.lower().endswith(images.SUFFIXES):   # a name in a shard has no suffix, but may have a dot
            name = PurePosixPath(name).stem
        name = f"{name}.jpg"
        if name in places:
            raise UserError(f"{places[name]} and {item.place}: both would be {name} in the zip")
        names[item.place], places[name] = name, item.place
        progress(len(names), total and min(total, limit))
    return names


def _sides(item: sources.Encoded) -> tuple[int, int]:
    """Width and height, by the picture's first bytes where those tell it: decoding takes far longer."""
    data = item.data
    try:
        with opening.open_picture(data) as image:
            return image.size
    except Exception:
        return item.decode().shape[1::-1]   # or it says what is wrong


def check_size(place: str, sides: tuple[int, int], size: int) -> None:
    """Raises UserError for a photo of another width and height."""
    if tuple(sides) != (size, size):
        raise UserError(f"{place}: {sides[0]}x{sides[1]} pixels, not {size}x{size}; --fit cuts and resamples")


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> int:
    """Writes a zip without folders or compression, as JPEGs do not get smaller; the same members give the same bytes.

    Args:
        path: of the zip. Nothing is seen there before all is written.
        members: names and contents, taken one by one.

    Returns:
        The number of members.

    Raises:
        OSError: the folder or the disk does not take it; names `path`.
    """
    number = 0
    with files.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))   # the first that a zip can tell
            info.create_system, info.external_attr = 3, 0o644 << 16   # Unix, also where this is not
            archive.writestr(info, content)
            number += 1
    return number


def wrong_count(number: int) -> str | None:
    """What is wrong with a number of pictures, as the competition has it."""
    fits = LEAST <= number <= MOST
    return None if fits else f"{number:,} pictures, not {LEAST:,} to {MOST:,} (--any-count takes any number)"
