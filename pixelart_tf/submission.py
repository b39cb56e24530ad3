"""Command: photos -> a generator -> a competition's images.zip; and look such a zip through."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base.cli import Parser, UserError, command
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.competition import checking, submitting, zips
from pixelart_tf.competition.findings import MOST_NEAR_COPIES, table
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.pictures import sources
from pixelart_tf.pixelize.options import add_style_options, style_from

PROG = "python -m pixelart_tf.submission"


def _make(argv: list[str]) -> int:
    style_options = Parser(add_help=False)
    add_style_options(style_options)
    parser = _parser(style_options)
    options = vars(parser.parse_args(argv))
    given, _ = style_options.parse_known_args(argv)
    style = style_from(given) if options["pixelize"] else None
    if vars(given) and style is None:
        names = " ".join(f"--{name.replace('_', '-')}" for name in vars(given))
        raise UserError(f"{names}: of --pixelize, which is not given")
    out, photos = options["out"], options["photos"]
    checked = {key: options[key] for key in ("size", "limit", "batch_size", "overwrite")}
    submitting.check_options(out, photos, style=style, **checked)   # before TensorFlow is there, which takes seconds
    devices.select_backend(options["backend"])
    sources.count(photos)
    generator, predict = load_on_devices(options["generator"])
    made = submitting.submit(
        generator, photos, out, predict=predict, called=str(options["generator"]), style=style, fit=options["fit"],
        any_count=options["any_count"], **checked,
    )
    print(f"{out}: {made.num_pictures:,} pictures, {made.num_bytes / 1e6:.1f} MB "
          f"({made.num_pictures / made.seconds:.1f} pictures/s)")
    if made.num_blank:
        print(f"{PROG}: {made.num_blank:,} of {made.num_pictures:,} pictures are of one color", file=sys.stderr)
    return 0


def _check(argv: list[str]) -> int:
    options = vars(_check_parser().parse_args(argv))
    path = options.pop("path")
    found = checking.check_zip(path, **options, progress=ProgressBar("checking"))
    print(table(found))
    for line in (*found.faults, *(f"warning: {each}" for each in found.warnings)):
        print(f"{PROG}: {line}", file=sys.stderr)
    return 2 if found.faults else 0


DESCRIPTION = """\
Runs a generator over photos and zips what it makes, as the competition `gan-getting-started` takes it: 7,000 to 10,000
JPEGs of 256x256 RGB. The photos are decoded and the results encoded while the network runs, and nothing is written but
the zip: all of it or none. On a CPU the same command gives the same bytes.

With the word `check` in GENERATOR's place it looks through a zip; it has --help. (A file of such a name is ./check.)"""
EXAMPLES = f"""\
examples:
  {PROG} runs/monet/to_target.keras "photo*.tfrec" images.zip
  {PROG} to_target.keras photo_jpg/ images.zip --limit 7000 --batch-size 32
  {PROG} to_target.keras photos/ few.zip --any-count --fit --pixelize --cell 8 --colors 32
  {PROG} check images.zip"""


def _parser(style_options: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROG, usage=f"{PROG} [-h] GENERATOR PHOTOS OUT.zip [options]\n       {PROG} check IMAGES.zip [options]",
        description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[style_options],
    )
    add = parser.add_argument
    add("generator", type=Path, metavar="GENERATOR",
        help="a .keras file, such as a run's to_target.keras, or the name of a bundled generator (translate --list)")
    add("photos", metavar="PHOTOS", help="a folder, a quoted glob, a zip or shards of pictures")
    add("out", type=Path, metavar="OUT.zip", help="the zip to write; a picture's name in it is the photo's, and .jpg")
    add("--limit", type=int, default=zips.MOST, metavar="N",
        help="take the first N photos (default: %(default)s)")
    add("--any-count", action="store_true", help="take fewer than 7,000 pictures, or more than 10,000")
    _add_size(add)
    add("--fit", action="store_true", help="cut photos of another size to the middle square and resample them")
    add("--pixelize", action="store_true", help="make pixel art of what the generator gives; by the options below")
    add("--overwrite", action="store_true", help="replace OUT.zip")
    add("--batch-size", type=int, default=8, metavar="N", help="pictures at a time (default: 8)")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    return parser


def _add_size(add: Callable) -> None:
    add("--size", type=int, default=zips.SIZE, metavar="PIXELS",
        help="of a side, in a competition of another size (default: %(default)s)")


def _check_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"{PROG} check",
        description="Unpacks and decodes every picture of a zip and prints a table. Ends with 2 if anything is wrong, "
        "each kind of fault in a line on stderr: the number, size, mode or format of pictures; damaged, encrypted, "
        "blank or black ones; folders, hidden and other files; names that occur twice; and exact copies, if they are "
        f"over {checking.MOST_COPIES:.0%} of the pictures. Near copies are no fault, as photos of one place look "
        f"alike, too; over {MOST_NEAR_COPIES:.0%} are warned of.",
    )
    parser.add_argument("path", type=Path, metavar="IMAGES.zip", help="what is to be submitted")
    parser.add_argument("--any-count", action="store_true", help="take fewer than 7,000 pictures, or more than 10,000")
    _add_size(parser.add_argument)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    return _check(argv[1:]) if argv and argv[0] == "check" else _make(argv)


if __name__ == "__main__":
    sys.exit(main())
