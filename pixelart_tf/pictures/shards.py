"""TFRecord shards of pictures, as the Monet competition has them: pack, read, check.

A record is a `tf.train.Example` of three byte strings: `image_name`, `image` (a JPEG or PNG file) and `target` (the
name of its domain). Shards are called `<domain><shard>-<records>.tfrec`.
"""

import glob
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.stderr import quiet
from pixelart_tf.pictures import images, opening

FEATURES = ("image_name", "image", "target")
# `photo19-350.tfrec`: domain, number of the shard, number of records
_SHARD_NAME = re.compile(r"(.*?)(\d+)-(\d+)\.tfrec")


class RecordError(UserError):
    """A shard that cannot be used. The message is one line: `path: reason`."""


def list_shards(pattern: str | Path) -> list[Path]:
    """The shards that a person means, in order: domain by domain, each by the number of the shard.

    Args:
        pattern: a shard, a folder of `*.tfrec` files, or a glob such as `tfrecords/photo*.tfrec`.

    Raises:
        RecordError: there is none.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    try:
        if path.is_dir():
            shards = [file for file in path.iterdir() if file.suffix == ".tfrec" and not file.name.startswith(".")]
        else:
            shards = [Path(name) for name in glob.glob(str(pattern), recursive=True) if Path(name).is_file()]
    except OSError as error:
        raise RecordError(f"{pattern}: {error.strerror}") from None
    if not shards:
        raise RecordError(f"{pattern}: no shards (*.tfrec) there")
    return sorted(shards, key=_shard_order)


def _shard_order(path: Path) -> tuple:
    match = _SHARD_NAME.fullmatch(path.name)
    return (str(path.parent), match[1], int(match[2])) if match else (str(path.parent), path.name, 0)


def read(pattern: str | Path) -> Iterator[tuple[str, bytes]]:
    """Reads pictures from shards in order, each record's checksums verified.

    Args:
        pattern: see `list_shards`.

    Yields:
        The picture's name and the bytes of its JPEG or PNG file.

    Raises:
        RecordError: there are no shards, or one of them is damaged, cut off or of another schema; names the shard.
    """
    for shard in list_shards(pattern):
        for name, encoded, _ in _read_shard(shard):
            yield name, encoded


def _read_shard(shard: Path) -> Iterator[tuple[str, bytes, str]]:
    """Yields name, picture and target of each record."""
    with quiet():
        import tensorflow as tf  # takes seconds: not before the arguments are known to be good

    index = size = 0
    try:
        num_whole = _num_whole(shard)
        with quiet():   # here TensorFlow looks for GPUs and complains if there are none
            options = tf.data.Options()
            options.autotune.enabled = False   # its thread can make the iterator's end wait; see `data.feeds`
            records = tf.data.TFRecordDataset(str(shard), buffer_size=2**20).take(num_whole)
            serialized = records.with_options(options).as_numpy_iterator()
        while True:
            with quiet():   # here it tells of damage, which we tell ourselves
                record = next(serialized, None)
            if record is None:
                break
            features = tf.train.Example.FromString(record).features.feature
            values = [features[key].bytes_list.value if key in features else [] for key in FEATURES]
            if any(len(value) != 1 for value in values):
                wanted, found = ", ".join(FEATURES), ", ".join(sorted(features)) or "nothing"
                reason = f"not of our schema: wanted the byte strings {wanted}, found {found}"
                raise RecordError(f"{shard}: record {index} is {reason}")
            name, encoded, target = (value[0] for value in values)
            yield name.decode(errors="replace"), encoded, target.decode(errors="replace")
            index, size = index + 1, size + len(record) + 16   # a length and two checksums
        if size != shard.stat().st_size:   # TensorFlow takes a piece of a length for the end of the file
            raise RecordError(f"{shard}: damaged after {index} good records (cut off)")
    except OSError as error:
        raise RecordError(f"{shard}: {error.strerror}") from None
    except tf.errors.DataLossError as error:
        reason = "cut off" if "truncated" in error.message else "wrong checksum"
        raise RecordError(f"{shard}: damaged after {index} good records ({reason})") from None
    except DecodeError:
        raise RecordError(f"{shard}: record {index} is not a tf.train.Example") from None


def _num_whole(shard: Path) -> int:
    """How many records end within the file, by the lengths that are told before them.

    TensorFlow makes room for whatever length it reads, and dies of one that no memory holds.

    Raises:
        RecordError: an empty file.
        OSError: a file that cannot be read.
    """
    size = shard.stat().st_size
    if not size:
        raise RecordError(f"{shard}: empty file (0 bytes)")
    number = end = 0
    with open(shard, "rb") as file:
        while end < size:
            file.seek(end)
            end += int.from_bytes(file.read(8), "little") + 16   # the length, its checksum, the record, its checksum
            number += end <= size
    return number


def count(pattern: str | Path) -> int:
    """Counts the records by reading them; the number in a file's name is not trusted. Raises RecordError."""
    return sum(1 for _ in read(pattern))


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What `check_shards` found in one shard.

    Attributes:
        path: the file.
        named: records by the file's name, None if the name says nothing.
        count: good records.
        sizes: records per picture size, such as `{"256x256": 60}` (width x height).
        formats: records per format, such as `{"jpeg": 60}`.
        faults: what is wrong, a line each.
    """

    path: Path
    named: int | None
    count: int
    sizes: dict[str, int]
    formats: dict[str, int]
    faults: list[str]


def check_shards(pattern: str | Path) -> Iterator[Shard]:
    """Reads every record, verifies its checksums and decodes its picture.

    Args:
        pattern: see `list_shards`.

    Yields:
        A `Shard` for each shard; faults are told there, not raised.

    Raises:
        RecordError: there are no shards.
    """
    for path in list_shards(pattern):
        match = _SHARD_NAME.fullmatch(path.name)
        named, found, sizes, formats, faults = int(match[3]) if match else None, 0, Counter(), Counter(), []
        try:
            for name, encoded, _ in _read_shard(path):
                found += 1
                try:
                    height, width = images.read(encoded, name=f"{path}: {name}").shape[:2]
                    format = opening.open_picture(encoded).format.lower()
                    if format not in ("jpeg", "png"):
                        raise images.ImageError(f"{path}: {name}: {format}, neither JPEG nor PNG")
                except images.ImageError as error:
                    faults.append(str(error))
                else:
                    sizes[f"{width}x{height}"] += 1
                    formats[format] += 1
        except RecordError as error:
            faults.append(str(error))
        else:
            if named not in (None, found):
                faults.append(f"{path}: {named} records by its name, {found} in the file")
        yield Shard(path=path, named=named, count=found, sizes=sizes, formats=formats, faults=faults)
