"""TFRecord shards of pictures, as the Monet competition has them: find, read, check.

A record is a `tf.train.Example`, of which `image` is read, a JPEG or PNG file, and `image_name` where it is there.
Those of the competition, and those packed here, have a `target` too, the name of the set. Shards are called
`<domain><shard>-<records>.tfrec` here; others are told by their content.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.files import expanded
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import finding, framing, images, moving, opening
from pixelart_tf.pictures.framing import RecordError

# `photo19-350.tfrec`: domain, number of the shard, number of records
_SHARD_NAME = re.compile(r"(.*?)(\d+)-(\d+)\.tfrec", re.IGNORECASE)
# What a name of a shard ends in, also `x.tfrecord-00000-of-00010` and `x.tfrec.gz`
_SUFFIX = re.compile(r"\.tfrec(ord)?s?(-\d+-of-\d+|\.gz)?$", re.IGNORECASE)


def list_shards(pattern: str | Path) -> list[Path]:
    """The shards that a person means, in order: domain by domain, each by the number of the shard.

    Args:
        pattern: a shard, a folder of shards, or a glob such as `tfrecords/photo*.tfrec`. A file is a shard by its
            suffix, such as `.tfrec` or `.TFRecord`, or by its content.

    Raises:
        RecordError: there is none.
    """
    path = expanded(pattern)
    if path.is_file():
        return [path]
    shards = [file for file in _files(path) if _may_be_shard(file)]
    if not shards:
        raise RecordError(f"{pattern}: no shards (*.tfrec) there")
    return sorted(shards, key=_shard_order)


def are_meant(pattern: str | Path) -> bool:
    """Whether a path, a folder or a glob means shards: by what is there, or by the suffix where nothing is."""
    if not str(pattern):
        return False
    path = expanded(pattern)
    if path.is_file():
        return _is_shard(path)
    return any(map(_may_be_shard, _files(path))) or (not path.is_dir() and bool(_SUFFIX.search(path.name)))


def note_others(pattern: str | Path) -> None:
    """Tells on stderr of pictures that lie beside shards, and so are not read."""
    path = expanded(pattern)
    others = 0 if path.is_file() else sum(images.is_picture_name(file.name) for file in _files(path))
    if others:
        finding.note(f"{others:,} picture{'s'[: others > 1]} in {pattern} not read, as the shards there are")


def _files(path: Path) -> list[Path]:
    """What is in a folder or matches a glob, hidden files excepted."""
    moving.finish(path if path.is_dir() else path.parent)
    try:
        files = [*path.iterdir()] if path.is_dir() else finding.matches(path)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from None
    return [file for file in files if not file.name.startswith(".")]


def _may_be_shard(path: Path) -> bool:
    """Whether one of many files is a shard; pictures are not looked into, as there may be thousands."""
    return not images.is_picture_name(path.name) and _is_shard(path)


def _is_shard(path: Path) -> bool:
    return bool(_SUFFIX.search(path.name) and path.is_file()) or framing.is_tfrecord(path)


def _shard_order(path: Path) -> tuple:
    match = _SHARD_NAME.fullmatch(path.name)
    return (str(path.parent), match[1], int(match[2])) if match else (str(path.parent), path.name, 0)


def read(pattern: str | Path) -> Iterator[tuple[str, bytes]]:
    """Reads pictures from shards in order, each record's checksums verified.

    Args:
        pattern: see `list_shards`.

    Yields:
        The picture's name (of the file and the record's number, where the record has none) and the bytes of its JPEG
        or PNG file.

    Raises:
        UserError: there are no shards, or one of them is damaged, cut off or of another schema; names the shard.
    """
    for shard in list_shards(pattern):
        yield from _read_shard(shard)


def _read_shard(shard: Path) -> Iterator[tuple[str, bytes]]:
    """Yields name and picture of each record."""
    try:
        for index, record in enumerate(framing.records(shard)):
            try:
                features = {
                    entry.key: entry.value.bytes_list.value
                    for entry in _example().FromString(record).features.feature
                }
            except DecodeError:
                raise RecordError(f"{shard}: record {index} is not a tf.train.Example") from None
            encoded, name = features.get("image", ()), features.get("image_name", ())
            if len(encoded) != 1:
                found = ", ".join(sorted(features)) or "nothing"
                reason = f"not of our schema: wanted the byte string image, found {found}"
                raise RecordError(f"{shard}: record {index} is {reason}")
            own = f"{_SUFFIX.sub('', shard.name)}_{index}"
            yield (name[0].decode(errors="replace") if len(name) == 1 else "") or own, encoded[0]
    except OSError as error:
        raise RecordError(f"{shard}: {error.strerror}") from None


def example(**values: bytes) -> bytes:
    """A `tf.train.Example` of byte strings, by their names, which stand in it in this order."""
    made = _example()()
    for key, value in values.items():
        entry = made.features.feature.add(key=key)
        entry.value.bytes_list.value.append(value)
    return made.SerializeToString(deterministic=True)


@functools.cache
def _example() -> type:
    """`tf.train.Example` with byte strings alone, without TensorFlow, whose import takes seconds.

    Reference: `tensorflow/core/example/example.proto` and `feature.proto`. A map is the same bytes as a list of pairs.
    """
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="pixelart", syntax="proto3")
    for name, fields in {
        "BytesList": [("value", 1, "bytes", True)],
        "Feature": [("bytes_list", 1, "BytesList", False)],
        "Entry": [("key", 1, "string", False), ("value", 2, "Feature", False)],
        "Features": [("feature", 1, "Entry", True)],
        "Example": [("features", 1, "Features", False)],
    }.items():
        message = file.message_type.add(name=name)
        for key, number, kind, repeated in fields:
            field = message.field.add(name=key, number=number)
            field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if kind in ("bytes", "string"):
                field.type = field.TYPE_BYTES if kind == "bytes" else field.TYPE_STRING
            else:
                field.type, field.type_name = field.TYPE_MESSAGE, f".pixelart.{kind}"
    pool = descriptor_pool.DescriptorPool()   # of our own, as TensorFlow registers the same in the common one
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pixelart.Example"))


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
        damage = []
        for fault, format, size in ahead(_look, _until_damage(path, damage)):
            found += 1
            if fault:
                faults.append(fault)
            else:
                sizes[size] += 1
                formats[format] += 1
        if not damage and named not in (None, found):
            damage = [f"{path}: {named} records by its name, {found} in the file"]
        faults += damage
        yield Shard(path=path, named=named, count=found, sizes=sizes, formats=formats, faults=faults)


def _until_damage(shard: Path, damage: list[str]) -> Iterator[tuple[str, bytes]]:
    """The place and the bytes of each picture; `damage` takes a line where they end before the shard does."""
    try:
        for name, encoded in _read_shard(shard):
            yield f"{shard}: {name}", encoded
    except UserError as error:
        damage.append(str(error))


def _look(item: tuple[str, bytes]) -> tuple[str, str, str]:
    """What is wrong with a picture, else its format and its size."""
    place, encoded = item
    try:
        height, width = images.read(encoded, name=place).shape[:2]
    except images.ImageError as error:
        return str(error), "", ""
    with opening.open_picture(encoded) as image:
        format = image.format.lower()
    return "" if format in ("jpeg", "png") else f"{place}: {format}, neither JPEG nor PNG", format, f"{width}x{height}"
