"""What the command does with the word `palettes` or `measure` in its input's place."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import Parser, UserError
from pixelart_tf.base.columns import columns
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import comparing, palettes
from pixelart_tf.pixelize.measure import Measures, measure
from pixelart_tf.pixelize.picture_files import WRITABLE

PROG = "python -m pixelart_tf.pixelize"


def show_palettes(argv: list[str]) -> int:
    parser = Parser(
        prog=f"{PROG} palettes", description="Lists the built-in palettes, and draws the page of them."
    )
    parser.add_argument("OUT", type=Path, nargs="?", help="picture to write the page to (.png, .webp, ...)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is already there")
    args = parser.parse_args(argv)
    if args.OUT:
        args.OUT.parent.mkdir(parents=True, exist_ok=True)
        files.check_output(args.OUT, overwrite=args.overwrite, suffixes=WRITABLE)
    print(columns([
        ("name", "colors", "title", "by"),
        *((name, str(len(each.colors)), each.title, each.author) for name, each in palettes.named().items()),
    ]))
    if args.OUT:
        images.write(args.OUT, palettes.chart())
        print(f"\n{args.OUT}: the page")
    return 0


def show_measures(argv: list[str]) -> int:
    parser = Parser(
        prog=f"{PROG} measure", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Tells in numbers how much pictures are pixel art:
  colors     different ones, transparent as one
  cell       pixels of a cell, as found (1: pixel art of one pixel a cell; or no grid, then none is on it) or as given
  on grid    share of all change of color that lies on the lines between cells; 1 for true pixel art
  uniform    share of cells of exactly one color; 1 for true pixel art
  sharpness  of edges: 1 hard, 1/3 a ramp
With --like or --of, of all pictures together, at one pixel a cell:
  style      how differently patches of 5x5 cells are drawn than in REAL; about 10 for two sets of sprites
  far        mean difference to the originals after a blur of one cell, 0 to 255
  orphans    share of cells that differ from all four neighbours
  soft steps share of steps between neighbours below 48 levels, of those above 8: real sprites have about 26 %
  colors     of a picture, on average""",
    )
    parser.add_argument("PICTURES", nargs="+", help="pictures, folders, quoted globs, zips or shards")
    parser.add_argument("--cell", type=float, metavar="N", help="pixels of a cell, over 1 (default: what is found)")
    parser.add_argument("--like", metavar="REAL", help="real pixel art to compare with")
    parser.add_argument("--of", metavar="ORIGINALS", help="what the pictures were made from, by the same names")
    parser.add_argument("--json", action="store_true", help="print a list of objects; with --like or --of one object")
    args = parser.parse_args(argv)
    if args.cell is not None and not args.cell > 1:
        raise UserError(f"`cell` must be over 1. Received: {args.cell:g}")
    if args.like or args.of:
        if args.cell is not None and args.cell % 1:
            raise UserError(f"`cell` must be a whole number with --like and --of. Received: {args.cell:g}")
        cell = None if args.cell is None else int(args.cell)
        comparing.show(args.PICTURES, cell=cell, like=args.like, of=args.of, as_json=args.json)
        return 0
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
    print(columns([("picture", "size", "colors", "cell", "on grid", "uniform", "sharpness"), *rows]))
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
