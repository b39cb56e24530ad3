"""The command line's options for the actions of `records`."""

import argparse
import re
from pathlib import Path

from pixelart_tf.base import cluster
from pixelart_tf.data.cutting import SQUARES
from pixelart_tf.pictures import images, outputs


def add_packing(actions: argparse._SubParsersAction, **keywords) -> None:
    """Adds `pack`, whose options are the arguments of `packing.pack`."""
    packing = actions.add_parser(
        "pack",
        help="pictures -> shards",
        **keywords,
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
    add("--shard-size", type=int, metavar="N", help="pictures of a shard (default: 256)")
    add("--workers", type=int, metavar="N", help="threads (default: one a core); the shards come out the same")
    add("--skip-bad", action="store_true", help="leave bad pictures out (each is named) instead of packing none")
    add("--overwrite", action="store_true", help="replace this domain's shards in the folder")
    cluster.add_options(add)


def add_checking(actions: argparse._SubParsersAction) -> None:
    """Adds `check`."""
    checking = actions.add_parser(
        "check",
        help="read and decode everything in shards",
        description="Reads every record, verifies its checksums, decodes its picture and prints a table. "
        "Ends with 2 if anything is wrong, each fault in a line on stderr.",
    )
    checking.add_argument("SHARDS", help="a shard, a folder of shards or a quoted glob")


def add_preview(actions: argparse._SubParsersAction) -> None:
    """Adds `preview`."""
    preview = actions.add_parser(
        "preview",
        help="a picture of what an experiment's training will see",
        description="Draws pictures as a training is fed with them, augmented, with their made partners, and how often "
        "each value comes in each channel: -1 is black, 1 is white.",
    )
    preview.add_argument("experiment", type=Path, metavar="EXPERIMENT.toml")
    preview.add_argument("out", type=Path, metavar="OUT.png")
    preview.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                         help="another value for one setting, as of python -m pixelart_tf.train; may be repeated")
    preview.add_argument("--overwrite", action="store_true", help="replace OUT.png if it is already there")


def add_cutting(actions: argparse._SubParsersAction, **keywords) -> None:
    """Adds `cut`, whose options are the arguments of `cutting.cut_files`."""
    cutting = actions.add_parser(
        "cut",
        help="screenshots -> the pictures in them",
        **keywords,
        description="Cuts the pictures out of screenshots of phones and desktops (posts, galleries, players with bars, "
        "pages of a browser), squares them, and brings pixel art to one pixel a cell. Of shot.png come shot.png, or "
        "shot-1.png, shot-2.png, ...",
        epilog="A picture whose border has the color of what is around it cannot be seen to end: look at the --sheet.",
    )
    add = cutting.add_argument
    add("IN", help="a screenshot, a folder, a quoted glob, a zip or shards")
    add("OUT", help="folder to write")
    add("--square", choices=SQUARES, help="crop: the middle; pad: on the border's color; auto (default): pad pixel "
        "art, crop the rest; off: as it is")
    add("--keep-size", dest="native", action="store_false", help="leave pixel art as large as it is")
    add("--sheet", metavar="PICTURE", help="a picture of what was cut, to look through (.png or .jpg)")
    add("--overwrite", action="store_true", help="replace outputs that are already there")
    add("--skip-bad", action="store_true", help="leave out what cannot be used, and screenshots without a picture")


def add_pixelating(actions: argparse._SubParsersAction, **keywords) -> None:
    """Adds `pixelate`, whose options are the arguments of `pixelating.pixelate_files`."""
    pixelating = actions.add_parser(
        "pixelate",
        help="pictures -> pictures of square cells, each the mean of its pixels",
        **keywords,
        description="Makes of pictures what `pixelate` in an experiment's [data.source] or [data.target] makes of "
        "them: the means of square cells (`avg_pool`), by the same functions. Names are kept. For pixel art with a "
        "palette, see `python -m pixelart_tf.pixelize`.",
        epilog="JPEG does no harm to cells of 8, 16, ... pixels, as it has blocks of 8x8 itself; others are better "
        "kept as PNG.",
    )
    add = pixelating.add_argument
    add("IN", help="a picture, a folder, a quoted glob, a zip or shards")
    add("OUT", help="folder to write; for one picture also a file")
    add("--block", required=True, type=int, metavar="PIXELS", help="side of a cell; must divide the size")
    add("--size", type=size_of, metavar="HEIGHTxWIDTH", help="bring each picture to this size before, such as 128x96, "
        "or 128 for a square (default: its own)")
    add("--fit", choices=images.FITS, help="how a picture of another shape becomes --size: crop (default): its middle; "
        "pad: on white; stretch: distorted")
    add("--grey", action="store_true", help="one channel: Rec. 601 luma")
    add("--one-pixel", dest="enlarge", action="store_false", help="write one pixel a cell instead of the whole cell")
    add("--format", choices=outputs.FORMATS, help="of the outputs; keep (default): as the inputs, PNG out of shards")
    add("--overwrite", action="store_true", help="replace outputs that are already there")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be used, and name them")


def size_of(text: str) -> int | tuple[int, int]:
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"must be HEIGHTxWIDTH, such as 128x96, or one number. Received: {text!r}")
    height, width = found.groups()
    return (int(height), int(width)) if width else int(height)
