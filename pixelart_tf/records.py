"""TFRecord shards of pictures, as the Monet competition has them: pack, read, check.

A record is a `tf.train.Example` of three byte strings: `image_name`, `image` (a JPEG or PNG file) and `target` (the
name of its domain). Shards are called `<domain><shard>-<records>.tfrec`.
"""

import argparse
import glob
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError
from PIL import Image

from pixelart_tf import images
from pixelart_tf.cli import Progress, UserError, command
from pixelart_tf.devices import quiet
from pixelart_tf.packing import Packed, pack

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
        with open(shard, "rb") as file:   # raises what we can tell more clearly than TensorFlow
            if not file.read(1):
                raise RecordError(f"{shard}: empty file (0 bytes)")
        with quiet():   # here TensorFlow looks for GPUs and complains if there are none
            serialized = tf.data.TFRecordDataset(str(shard), buffer_size=2**20).as_numpy_iterator()
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


def count(pattern: str | Path) -> int:
    """Counts the records by reading them; the number in a file's name is not trusted. Raises RecordError."""
    return sum(1 for _ in read(pattern))


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What `check` found in one shard.

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


def check(pattern: str | Path) -> Iterator[Shard]:
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
                    format = Image.open(io.BytesIO(encoded)).format.lower()
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


def _print_packed(packed: Packed) -> None:
    for line in packed.bad:
        print(f"skipped {line}")
    for names in packed.duplicates:
        print(f"near-duplicates: {', '.join(names)}")
    formats = ", ".join(f"{number} {format}" for format, number in sorted(packed.formats.items()))
    size = sum(path.stat().st_size for path in packed.shards) / 1e6
    print(
        f"{sum(packed.formats.values())} pictures ({formats}) in {len(packed.shards)} shards, {size:.1f} MB: "
        f"{packed.shards[0]}{f' to {packed.shards[-1].name}' if len(packed.shards) > 1 else ''}; "
        f"{len(packed.bad)} bad skipped, {len(packed.duplicates)} groups of near-duplicates"
    )


def _print_table(shards: list[Shard]) -> None:
    rows = [("shard", "by name", "records", "sizes", "formats", "bad")]
    for shard in shards:
        sizes, formats = (
            ", ".join(f"{key} ({number})" for key, number in counts.most_common(3)) + ", ..." * (len(counts) > 3)
            for counts in (shard.sizes, shard.formats)
        )
        by_name = "-" if shard.named is None else str(shard.named)
        rows.append((shard.path.name, by_name, str(shard.count), sizes, formats, str(len(shard.faults))))
    totals = (sum(values) for values in zip(*((s.named or 0, s.count, len(s.faults)) for s in shards), strict=True))
    by_name, found, bad = map(str, totals)
    rows.append((f"{len(shards)} shards", by_name, found, "", "", bad))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@command
def main(argv: list[str] | None = None) -> int:
    options = vars(_parser().parse_args(argv))
    if options.pop("action") == "pack":
        _print_packed(pack(options.pop("PICTURES"), options.pop("SHARDS"), progress=Progress("packing"), **options))
        return 0
    total, progress, shards = len(list_shards(options["SHARDS"])), Progress("checking", "shards"), []
    for shard in check(options["SHARDS"]):
        shards.append(shard)
        progress(len(shards), total)
    _print_table(shards)
    faults = [fault for shard in shards for fault in shard.faults]
    for fault in faults:
        print(f"python -m pixelart_tf.records: {fault}", file=sys.stderr)
    return 2 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pixelart_tf.records",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Packs pictures into TFRecord shards as the Monet competition has them, and checks such shards.",
        epilog="""examples:
  photographs, cut to 256x256 JPEG      %(prog)s pack photos/ shards/ --domain photo
  sprites at one pixel a cell, 32x32    %(prog)s pack 'art/*.png' shards/ --domain sprite --native --size 32
  is every record well?                 %(prog)s check shards/""",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="pack | check")

    packing = actions.add_parser(
        "pack",
        help="pictures -> shards",
        # What is not given stays out of the options, so that each default lives in `pack` alone.
        argument_default=argparse.SUPPRESS,
        description="Packs pictures into shards `<domain><shard>-<records>.tfrec`, all of them or none: a bad picture, "
        "a full disk or Ctrl-C leaves nothing behind. Near-duplicates are named, and packed all the same.",
        epilog="Pixel art is what has an exact grid of cells, or few colours on 64x64 pixels at most.",
    )
    add = packing.add_argument
    add("PICTURES", help="a picture, a folder or a quoted glob; rotated, 16-bit, CMYK, transparent ones become RGB")
    add("SHARDS", help="folder for the shards")
    add("--domain", required=True, metavar="NAME", help="name of the set, as in photo00-352.tfrec")
    add("--size", type=int, help="pixels of a side (default: 256; with --native: as it is)")
    add("--fit", choices=("auto", *images.FITS), help="crop: the middle square; pad: the whole picture; stretch: "
        "distorted to the square; auto (default): crop, but pad for pixel art")
    add("--resample", choices=("auto", *images.RESAMPLE), help="nearest with pad enlarges by whole numbers only; auto "
        "(default): nearest for pixel art, from its native size; lanczos for all else")
    add("--format", choices=("auto", "jpeg", "png"), help="auto (default): PNG for pixel art and pictures of 256 "
        "colours or fewer, as JPEG ruins them; JPEG for all else")
    add("--quality", type=int, metavar="1-100", help="of JPEG (default: 95)")
    add("--native", action="store_true", help="recover pixel art's one pixel a cell, whatever the cells' size and "
        "offset; with --size N also trim its border and centre it on NxN of the border's colour. A picture without an "
        "exact grid, or larger than N cells, is a bad picture")
    add("--shard-size", type=int, metavar="N", help="records in a shard (default: 256)")
    add("--workers", type=int, metavar="N", help="threads (default: one a core); the shards come out the same")
    add("--skip-bad", action="store_true", help="leave bad pictures out (each is named) instead of packing none")
    add("--overwrite", action="store_true", help="replace this domain's shards in the folder")

    checking = actions.add_parser(
        "check",
        help="read and decode everything in shards",
        description="Reads every record, verifies its checksums, decodes its picture and prints a table. "
        "Ends with 2 if anything is wrong, each fault in a line on stderr.",
    )
    checking.add_argument("SHARDS", help="a shard, a folder of shards or a quoted glob")
    return parser


if __name__ == "__main__":
    sys.exit(main())
