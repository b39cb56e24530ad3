"""Command: turn any picture into true pixel art."""

import argparse
import sys
import time
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError, command
from pixelart_tf.base.memory import advising
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.generators.native import generating
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import actions, palette_files, sheets
from pixelart_tf.pixelize import picture_files as pictures
from pixelart_tf.pixelize.options import add_style_options, style_from

MAX_LINES = 12   # of so many pictures each has a line of its own
PROG = actions.PROG
USAGE = f"""{PROG} [-h] INPUT OUTPUT [options]
       {PROG} palettes [OUT.png]
       {PROG} measure PICTURES [--cell N] [--json]"""
DESCRIPTION = """\
Turns any picture into true pixel art: square cells of one color each on an exact grid, a palette of few colors,
transparency of all or nothing. Doing it twice changes nothing.

With the word `palettes` in INPUT's place it lists the built-in palettes and draws the page of them, with `measure` it
tells in numbers how much pictures are pixel art; each has --help. (A file of such a name is ./palettes.)"""
EXAMPLES = f"""\
examples:
  {PROG} cat.jpg cat.png --width 96 --colors 16
  {PROG} photos/ art/ --cell 8 --palette pico-8 --dither bayer4
  {PROG} screenshot.jpg clean.png --cell auto --scale 1
  {PROG} cat.jpg cat.png --generator to_target.keras --width 64 --compare sheet.png
  {PROG} "frames/*.png" art/ --colors 32 --save-palette film.gpl"""


def pixelize(argv: list[str] | None) -> int:
    args = _parser().parse_args(argv)
    style, inputs, generate = style_from(args), [args.INPUT], None
    sides = [path for path in (args.save_palette, args.compare) if path]
    targets = pictures.plan(inputs, args.OUTPUT, overwrite=args.overwrite)
    _check_sides(args, sides, targets)
    if args.generator:
        devices.select_backend()
        generator, predict = load_on_devices(args.generator)
        generate, style = generating(generator, style, predict=predict, called=str(args.generator))
    start = time.monotonic()
    with advising("take smaller pictures, or fewer at a time; or give a smaller --scale"):
        result = pictures.pixelize_files(
            inputs, args.OUTPUT, style, scale=args.scale, one_palette=args.save_palette is not None, generate=generate,
            show=sheets.MAX_ROWS if args.compare else 0, overwrite=args.overwrite, skip_bad=args.skip_bad,
            progress=ProgressBar("pixelizing"),
        )
    seconds = time.monotonic() - start
    for line in result.bad:
        print(f"skipped {line}")
    if len(result.made) <= MAX_LINES:
        for made in result.made:
            rows, columns = made.cells
            size = f"{columns * made.scale}x{rows * made.scale}"
            cells = f"{columns}x{rows} cells of {_counted(made.cell, 'pixel')}"
            print(f"{made.path}: {size}, {cells}, {_counted(made.num_colors, 'color')}")
    if len(result.made) > 1:
        most = max(made.num_colors for made in result.made)
        print(f"{len(result.made)} pictures in {args.OUTPUT}, {_counted(most, 'color')} at most "
              f"({len(result.made) / seconds:.1f} images/s)")
    if args.save_palette:
        palette_files.write(args.save_palette, result.palette)
        print(f"{args.save_palette}: {_counted(len(result.palette), 'color')}")
    if args.compare:
        images.write(args.compare, sheets.sheet(result.rows), quality=90)
        print(f"{args.compare}: before and after")
    return 0


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _check_sides(args: argparse.Namespace, sides: list[Path], targets: dict[str, Path]) -> None:
    """Before any work: the palette's file and the sheet can be written, and over nothing."""
    taken = {path.resolve() for path in [*targets.values(), *map(Path, targets)]}
    for path in sides:
        if path.resolve() in taken or len({side.resolve() for side in sides}) < len(sides):
            raise UserError(f"{path}: is an input or an output already; choose another name")
        suffixes = palette_files.WRITES if path is args.save_palette else (*pictures.WRITABLE, ".jpg", ".jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        files.check_output(path, overwrite=args.overwrite, suffixes=suffixes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG, usage=USAGE, description=DESCRIPTION, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("INPUT", help="a picture, a folder, a quoted glob, a zip or shards")
    add("OUTPUT", type=Path,
        help=f"folder to write PNG in; for one picture also a file ({' '.join(pictures.WRITABLE)})")
    add("--scale", type=int, metavar="N",
        help="pixels of a cell's side in the output; 1: one pixel a cell (default: the cell's size in the input, so "
             "that the size stays about the same)")
    add("--generator", type=Path, metavar="KERAS",
        help="run a trained generator first, such as a run's to_target.keras; transparency is put over white. One "
             "trained at native size keeps its own cells: --width then says how many, and the picture is shrunk for it")
    add("--save-palette", type=Path, metavar="FILE",
        help=f"write the palette ({' '.join(palette_files.WRITES)}). Of several pictures one palette is found over "
             "all of them, which all then use; without it each has its own")
    add("--compare", type=Path, metavar="FILE", help=f"write a sheet of the first {sheets.MAX_ROWS} before and after")
    add("--overwrite", action="store_true", help="replace outputs that are already there; an input never is")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be used, and name them")
    add_style_options(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    words = {"palettes": actions.show_palettes, "measure": actions.show_measures}
    if argv and argv[0] in words:
        return words[argv[0]](argv[1:])
    return pixelize(argv)


if __name__ == "__main__":
    sys.exit(main())
