"""Where pictures come from: a file, a folder, a glob, a zip or TFRecord shards, as one stream of encoded files."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pixelart_tf import images, records


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A picture that is not decoded yet.

    Attributes:
        name: its path, its name in the zip, or its `image_name` in a shard.
        place: what a message calls it: names the file that it is in too.
        data: the bytes of a JPEG, PNG, ... file.
    """

    name: str
    place: str
    data: bytes


def read(pattern: str | Path) -> Iterator[Encoded]:
    """Reads a set of pictures in its order, one after the other.

    Args:
        pattern: a picture, a folder or a glob of pictures; a `.zip`; a shard, a folder or a glob of shards.

    Raises:
        UserError: nothing there, or a file that cannot be read; says which, in one line.
    """
    path = Path(pattern)
    if is_shards(pattern):
        empty = True
        for shard in records.list_shards(pattern):
            for index, (name, data) in enumerate(records.read(shard)):
                empty = False
                yield Encoded(name=name, place=f"{shard}: record {index} ({name})", data=data)
        if empty:
            raise records.RecordError(f"{pattern}: no records there")
    elif path.suffix.lower() == ".zip" and path.is_file():
        yield from _read_zip(path)
    else:
        for file in images.find(pattern):
            try:
                data = file.read_bytes()
            except OSError as error:
                raise images.ImageError(f"{file}: {error.strerror}") from None
            yield Encoded(name=str(file), place=str(file), data=data)


def count(pattern: str | Path) -> int | None:
    """How many pictures `read` will give; None for shards, whose names are not to be trusted. Raises UserError."""
    path = Path(pattern)
    if is_shards(pattern):
        records.list_shards(pattern)
        return None
    if path.suffix.lower() == ".zip" and path.is_file():
        with _open_zip(path) as archive:
            return len(_members(path, archive))
    return len(images.find(pattern))


def is_shards(pattern: str | Path) -> bool:
    """Whether shards are meant: by the suffix, or by what the folder holds."""
    path = Path(pattern)
    return path.suffix == ".tfrec" or (path.is_dir() and any(path.glob("*.tfrec")))


def _read_zip(path: Path) -> Iterator[Encoded]:
    with _open_zip(path) as archive:
        for member in _members(path, archive):
            try:
                data = archive.read(member)
            except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
                raise images.ImageError(f"{path}: {member.filename}: {error}") from None
            yield Encoded(name=member.filename, place=f"{path}: {member.filename}", data=data)


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
        if member.file_size > 3 * images.MAX_PIXELS:   # no picture that `images.read` takes is larger
            raise images.ImageError(f"{path}: {member.filename}: {member.file_size:,} bytes, refused as a zip bomb")
    return sorted(found, key=lambda member: member.filename)
