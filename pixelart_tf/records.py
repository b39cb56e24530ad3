"""TFRecord shards of pictures, as the Monet competition has them: pack, read, check.

A record is a `tf.train.Example` of three byte strings: `image_name`, `image` (a JPEG or PNG file) and `target` (the
name of its domain). Shards are called `<domain><shard>-<records>.tfrec`.
"""

import argparse
import sys

from pixelart_tf.base.cli import command
from pixelart_tf.base.columns import columns, shortened
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data.packing import Packed, pack
from pixelart_tf.pictures import images
from pixelart_tf.pictures.shards import Shard, check_shards, list_shards


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
            shortened([f"{key} ({number})" for key, number in counts.most_common()], 3)
            for counts in (shard.sizes, shard.formats)
        )
        by_name = "-" if shard.named is None else str(shard.named)
        rows.append((shard.path.name, by_name, str(shard.count), sizes, formats, str(len(shard.faults))))
    totals = (sum(values) for values in zip(*((s.named or 0, s.count, len(s.faults)) for s in shards), strict=True))
    by_name, found, bad = map(str, totals)
    rows.append((f"{len(shards)} shards", by_name, found, "", "", bad))
    print(columns(rows))


@command
def main(argv: list[str] | None = None) -> int:
    options = vars(_parser().parse_args(argv))
    if options.pop("action") == "pack":
        _print_packed(pack(options.pop("PICTURES"), options.pop("SHARDS"), progress=ProgressBar("packing"), **options))
        return 0
    total, progress, shards = len(list_shards(options["SHARDS"])), ProgressBar("checking", "shards"), []
    for shard in check_shards(options["SHARDS"]):
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
        epilog="Pixel art is what has an exact grid of cells, or few colors on 64x64 pixels at most.",
    )
    add = packing.add_argument
    add("PICTURES", help="a picture, a folder, a quoted glob, a zip or other shards; rotated, 16-bit, CMYK, "
        "transparent ones become RGB")
    add("SHARDS", help="folder for the shards")
    add("--domain", required=True, metavar="NAME", help="name of the set, as in photo00-352.tfrec")
    add("--size", type=int, help="pixels of a side (default: 256; with --native: as it is)")
    add("--fit", choices=("auto", *images.FITS), help="crop: the middle square; pad: the whole picture; stretch: "
        "distorted to the square; auto (default): crop, but pad for pixel art")
    add("--resample", choices=("auto", *images.RESAMPLE), help="nearest with pad enlarges by whole numbers only; auto "
        "(default): nearest for pixel art, from its native size; lanczos for all else")
    add("--format", choices=("auto", "jpeg", "png"), help="auto (default): PNG for pixel art and pictures of 256 "
        "colors or fewer, as JPEG ruins them; JPEG for all else")
    add("--quality", type=int, metavar="1-100", help="of JPEG (default: 95)")
    add("--native", action="store_true", help="recover pixel art's one pixel a cell, whatever the cells' size and "
        "offset; with --size N also trim its border and centre it on NxN of the border's color. A picture without an "
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
