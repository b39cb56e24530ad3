"""The command line of `pixelize`."""

import argparse
from pathlib import Path

from pixelart_tf.base.cli import Parser
from pixelart_tf.pixelize import actions, palette_files, sheets, sprite_sheets
from pixelart_tf.pixelize.options import add_style_options
from pixelart_tf.pixelize.picture_files import WRITABLE

PROG = actions.PROG
USAGE = f"""{PROG} [-h] INPUT ... OUTPUT [options]
       {PROG} palettes [OUT.png]
       {PROG} measure PICTURES [--cell N] [--json]"""
DESCRIPTION = """\
Turns any picture into true pixel art: square cells of one color each on an exact grid, a palette of few colors,
transparency of all or nothing. Doing it twice changes nothing. What moves, a film or an animation, goes on moving.
`palettes` lists and draws the built-in palettes, `measure` tells in numbers how much pictures are pixel art."""
EXAMPLES = f"""\
examples:
  {PROG} cat.jpg cat.png --width 96 --colors 16
  {PROG} photos/ more/*.jpg art/ --cell 8 --palette pico-8 --dither bayer4
  {PROG} screenshot.jpg clean.png --cell auto --scale 1
  {PROG} cat.jpg cat.png --generator sprite --width 64 --compare sheet.png
  curl https://example.com/cat.jpg | {PROG} - - --width 64 > cat.png"""


def parser() -> Parser:
    """Call its `parse_intermixed_args`, as else the inputs before an option would be all."""
    parser = Parser(
        prog=PROG, usage=USAGE, description=DESCRIPTION, epilog=EXAMPLES, add_help=False,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=21),
    )
    add = parser.add_argument
    add("INPUT", nargs="+", help="pictures, folders, quoted globs, zips, shards, films; -: standard input")
    add("OUTPUT",
        help=f"folder to write PNG in; for one picture also a file ({' '.join(WRITABLE)}); -: PNG to standard output")
    common, rare = add_style_options(parser)
    add = common.add_argument
    add("--scale", type=int, metavar="N",
        help="pixels of a cell's side in the output (default: as in the input, for about its size)")
    add("--generator", type=Path, metavar="NAME|FILE",
        help="run a trained generator first: sprite or another of translate --list, or a .keras file")
    add("--sheet", type=sprite_sheets.parsed, metavar="CxR|gaps", default=argparse.SUPPRESS,
        help="sprites on a sheet, as 8x4 (columns x rows) or parted by gaps: each has cells of its own phase")
    add("--compare", type=Path, metavar="FILE", help=f"write a sheet of the first {sheets.MAX_ROWS} before and after")
    add("--overwrite", action="store_true", help="replace outputs that are already there; an input never is")
    add = rare.add_argument
    add("--save-palette", type=Path, metavar="FILE",
        help=f"write the palette ({' '.join(palette_files.WRITES)}); of several pictures one is found for all of them")
    add("-h", "--help", action="help", help="show this and stop")
    add("--strict", action="store_true",
        help="stop at the first picture that cannot be used (default: go on, and name it at the end)")
    return parser
