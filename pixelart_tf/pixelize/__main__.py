"""Command: turn any picture into true pixel art."""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError, command
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.generators.native import generating
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import palette_files, palettes, sheets
from pixelart_tf.pixelize import picture_files as pictures
from pixelart_tf.pixelize.measure import Measures, measure
from pixelart_tf.pixelize.options import add_style_options, style_from

MAX_LINES = 12   # of so many pictures each has a line of its own
PROG = "python -m pixelart_tf.pixelize"
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
        generate, style = generating(args.generator, style)
    start = time.monotonic()
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
    if args.save_palette and args.save_palette.suffix.lower() not in palette_files.WRITES:
        raise UserError(f"{args.save_palette}: a palette must be written as one of {' '.join(palette_files.WRITES)}")
    if args.compare and args.compare.suffix.lower() not in (*pictures.WRITABLE, ".jpg", ".jpeg"):
        raise UserError(f"{args.compare}: a sheet must be written as one of {' '.join(pictures.WRITABLE)} .jpg")
    taken = {path.resolve() for path in [*targets.values(), *map(Path, targets)]}
    for path in sides:
        if path.resolve() in taken or len({side.resolve() for side in sides}) < len(sides):
            raise UserError(f"{path}: is an input or an output already; choose another name")
        _check_free(path, args.overwrite)


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise UserError(f"{path}: already there; --overwrite replaces it")
    path.parent.mkdir(parents=True, exist_ok=True)


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


def show_palettes(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROG} palettes", description="Lists the built-in palettes, and draws the page of them."
    )
    parser.add_argument("OUT", type=Path, nargs="?", help="picture to write the page to (.png, .webp, ...)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is already there")
    args = parser.parse_args(argv)
    if args.OUT:
        if args.OUT.suffix.lower() not in pictures.WRITABLE:
            raise UserError(f"{args.OUT}: the page must be written as one of {' '.join(pictures.WRITABLE)}")
        _check_free(args.OUT, args.overwrite)
    _print_table([
        ("name", "colors", "title", "by"),
        *((name, str(len(each.colors)), each.title, each.author) for name, each in palettes.named().items()),
    ])
    if args.OUT:
        images.write(args.OUT, palettes.chart())
        print(f"\n{args.OUT}: the page")
    return 0


def show_measures(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROG} measure", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Tells in numbers how much pictures are pixel art:
  colors     different ones, transparent as one
  cell       pixels of a cell, as found (1: no grid was found) or as given
  on grid    share of all change of color that lies on the lines between cells; 1 for true pixel art
  uniform    share of cells of exactly one color; 1 for true pixel art
  sharpness  of edges: 1 hard, 1/3 a ramp""",
    )
    parser.add_argument("PICTURES", nargs="+", help="pictures, folders, quoted globs, zips or shards")
    parser.add_argument("--cell", type=float, metavar="N", help="pixels of a cell, over 1 (default: what is found)")
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    args = parser.parse_args(argv)
    if args.cell is not None and not args.cell > 1:
        raise UserError(f"`cell` must be over 1. Received: {args.cell:g}")
    found, progress = [], ProgressBar("measuring")
    for pattern in args.PICTURES:
        for item in sources.read(pattern):
            image = images.read(item.data, name=item.place, mode="RGBA")
            try:
                found.append((item.name, image.shape[:2], measure(image, cell=args.cell)))
            except UserError as error:
                raise UserError(f"{item.place}: {error}") from None
            progress(len(found), None)
    if args.json:
        print(json.dumps([
            {"name": name, "height": size[0], "width": size[1], **asdict(measures)} for name, size, measures in found
        ], indent=2))
        return 0
    rows = [_measured(name, f"{size[1]}x{size[0]}", measures) for name, size, measures in found]
    if len(found) > 1:
        rows.append(_measured(f"mean of {len(found)}", "", _mean([measures for *_, measures in found])))
    _print_table([("picture", "size", "colors", "cell", "on grid", "uniform", "sharpness"), *rows])
    return 0


def _mean(measures: list[Measures]) -> Measures:
    table = np.array([
        (each.colors, *each.cell, each.grid_exactness, each.uniform_cells, each.edge_sharpness) for each in measures
    ])
    colors, height, width, exactness, uniform, sharpness = table.mean(axis=0).tolist()
    return Measures(
        colors=round(colors), cell=(height, width), grid_exactness=exactness, uniform_cells=uniform,
        edge_sharpness=sharpness,
    )


def _measured(name: str, size: str, found: Measures) -> tuple[str, ...]:
    height, width = (f"{side:.4g}" for side in found.cell)
    cell = width if height == width else f"{width}x{height}"
    shares = (found.grid_exactness, found.uniform_cells, found.edge_sharpness)
    return name, size, f"{found.colors:,}", cell, *(f"{share:.3f}" for share in shares)


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@command
def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    actions = {"palettes": show_palettes, "measure": show_measures}
    if argv and argv[0] in actions:
        return actions[argv[0]](argv[1:])
    return pixelize(argv)


if __name__ == "__main__":
    sys.exit(main())
