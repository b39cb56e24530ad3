"""Where pictures come from: a file, a folder, a glob, a zip or TFRecord shards, as one stream of encoded files."""

import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.files import expanded
from pixelart_tf.pictures import finding, images, opening, shards


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A picture that is not decoded yet.

    Attributes:
        name: its path, its name in the zip, or its `image_name` in a shard.
        place: what a message calls it: names the file that it is in too.
        source: the bytes of a JPEG, PNG, ... file; or the file, which is read when its `data` are asked for; or why
            there are none.
    """

    name: str
    place: str
    source: bytes | Path | images.ImageError

    @property
    def data(self) -> bytes:
        """The bytes of the file. Raises ImageError."""
        if isinstance(self.source, bytes):
            return self.source
        if isinstance(self.source, images.ImageError):
            raise self.source
        return opening.read_bytes(self.source)

    def decode(self) -> np.ndarray:
        """The picture as `images.read` gives it: uint8 (H, W, 3). Raises ImageError."""
        return images.read(self.data, name=self.place)


Pattern = str | Path | Encoded | Sequence[str | Path | Encoded]


def standard_input() -> Encoded:
    """The picture that comes in by standard input, read to its end. Raises ImageError."""
    most = 4 * limits.PICTURE_PIXELS   # no picture that `images.read` takes is larger
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise images.ImageError(f"stdin: over {most:,} bytes, refused as a bomb")
    return Encoded(name="stdin", place="stdin", source=data)


def read(pattern: Pattern) -> Iterator[Encoded]:
    """Reads a set of pictures in its order, one after the other.

    Args:
        pattern: a picture, a folder or a glob of pictures; a `.zip`; a shard, a folder or a glob of shards; an
            `Encoded`; or several of these, of which a file that is in more than one is taken once.

    Raises:
        UserError: nothing there, or a file that cannot be read; says which, in one line.
    """
    if isinstance(pattern, Encoded):
        yield pattern
        return
    if not isinstance(pattern, str | Path):
        yield from _once(item for each in pattern for item in read(each))
        return
    path = expanded(pattern)
    if shards.are_meant(pattern):
        empty = True
        for shard in shards.list_shards(pattern):
            for index, (name, data) in enumerate(shards.read(shard)):
                if empty:   # not earlier, as a mistake is told in one line
                    shards.note_others(pattern)
                empty = False
                yield Encoded(name=name, place=f"{shard}: record {index} ({name})", source=data)
        if empty:
            raise shards.RecordError(f"{pattern}: no records there")
    elif _is_zip(path):
        yield from _read_zip(path)
    else:
        for file in finding.pictures(pattern):
            yield Encoded(name=str(file), place=str(file), source=file)


def _once(items: Iterator[Encoded]) -> Iterator[Encoded]:
    seen = set()
    for item in items:
        place = str(item.source.resolve()) if isinstance(item.source, Path) else item.place
        if place not in seen:
            seen.add(place)
            yield item


def described(pattern: Pattern) -> str:
    """What messages call a pattern, or several."""
    return str(pattern) if isinstance(pattern, str | Path) else ", ".join(map(str, pattern))


def count(pattern: str | Path) -> int | None:
    """How many pictures `read` will give; None for shards, whose names are not to be trusted. Raises UserError."""
    path = expanded(pattern)
    if shards.are_meant(pattern):
        shards.list_shards(pattern)
        return None
    if _is_zip(path):
        with _open_zip(path) as archive:
            return len(_members(path, archive))
    return len(finding.pictures(pattern))


def is_container(pattern: str | Path) -> bool:
    """Whether a zip or shards are meant, which hold many pictures in a file."""
    return shards.are_meant(pattern) or _is_zip(expanded(pattern))


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def _read_zip(path: Path) -> Iterator[Encoded]:
    with _open_zip(path) as archive:
        for member in _members(path, archive):
            place = f"{path}: {member.filename}"
            try:
                source = archive.read(member)
            except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError) as error:
                source = images.ImageError(f"{place}: {error}")
            yield Encoded(name=member.filename, place=place, source=source)


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise images.ImageError(f"{path}: not a zip, or cut off ({error})") from None


def _members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    found = [member for member in archive.infolist() if images.is_picture_name(Path(member.filename).name)]
    if not found:
        raise images.ImageError(f"{path}: no pictures in it ({' '.join(images.SUFFIXES)})")
    for member in found:
        if member.file_size > 4 * limits.PICTURE_PIXELS:   # no picture that `images.read` takes is larger
            raise images.ImageError(f"{path}: {member.filename}: {member.file_size:,} bytes, refused as a zip bomb")
    return sorted(found, key=lambda member: member.filename)
