"""The command line's options for a `Style`: the same words for a picture and for a film.

What is not given stays out of the parsed options, so that each default lives in `Style` alone.
"""

import argparse
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import cells, color, palette_files, palettes
from pixelart_tf.pixelize.dither import METHODS
from pixelart_tf.pixelize.palette import MAX_COLORS
from pixelart_tf.pixelize.style import DEFAULT_COUNT, Style

# Option -> argument of `Style`.
_ARGUMENTS = {
    "cell": "cell",
    "width": "width",
    "how": "how",
    "colors": "colors",
    "palette": "palette",
    "space": "space",
    "dither": "dither",
    "dither_strength": "strength",
    "outline": "outline",
    "alpha_threshold": "alpha_threshold",
    "seed": "seed",
}


def add_style_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how a picture becomes pixel art; `style_from` reads them."""

    def add(group, name, **keywords):
        group.add_argument(name, default=argparse.SUPPRESS, **keywords)

    default = Style()
    grid = parser.add_argument_group("cells")
    add(grid, "--cell", type=_number, metavar="N|auto",
        help="pixels of a cell's side; auto: the cells that enlarged pixel art (a generator's output, a rescaled "
             "screenshot) has already, or it is an error")
    add(grid, "--width", type=_number, metavar="N",
        help="instead, cells across the picture. Without both: its own cells if it has any, else "
             f"{DEFAULT_COUNT} along the longer side")
    add(grid, "--how", metavar="|".join(cells.HOW),
        help=f"what gives a cell its color; contrast keeps thin dark outlines (default: {default.how})")
    palette = parser.add_argument_group("palette")
    add(palette, "--colors", type=_number, metavar="N|auto",
        help=f"most colors, 1 to {MAX_COLORS}, chosen for the picture; auto: as many as it is made of "
             f"(default: {default.colors})")
    add(palette, "--palette", metavar="NAME|FILE",
        help=f"instead, these: a built-in palette, or a file ({' '.join(palette_files.READS)})")
    add(palette, "--space", metavar="|".join(color.SPACES),
        help=f"in which colors are compared (default: {default.space})")
    add(palette, "--seed", type=_number, metavar="N",
        help=f"of the search for a palette; the same picture and seed give the same one (default: {default.seed})")
    finish = parser.add_argument_group("finish")
    add(finish, "--dither", metavar="|".join(METHODS),
        help=f"mix colors that the palette does not have from cells that it has (default: {default.dither})")
    add(finish, "--dither-strength", type=_fraction, metavar="0-1",
        help=f"less for a calmer picture (default: {default.strength:g})")
    add(finish, "--outline", action="store_true",
        help="draw the palette's darkest color around what stands on a background of one color or transparency")
    add(finish, "--alpha-threshold", type=_number, metavar="1-255",
        help="mean alpha from which a cell is opaque; the others are transparent "
             f"(default: {default.alpha_threshold})")


def style_from(args: argparse.Namespace) -> Style:
    """The style that the parsed options ask for.

    Raises:
        UserError: an option breaks its rule, or the palette cannot be read.
    """
    given = {argument: getattr(args, name) for name, argument in _ARGUMENTS.items() if hasattr(args, name)}
    if "palette" in given:
        if "colors" in given:
            raise UserError("--palette and --colors exclude each other: a palette says how many colors there are")
        given["palette"] = named_palette(given["palette"])
    return Style(**given)


def named_palette(name: str) -> np.ndarray:
    """uint8 (k, 3): of a file if there is one of this name or it ends as palette files do, else built in.

    Raises:
        UserError: the file cannot be read, or no palette has this name.
    """
    path = Path(name)
    if path.is_file() or path.suffix.lower() in palette_files.READS:
        return palette_files.read(path)
    return palettes.get(name).colors


def _number(text: str) -> int | str:
    """What is no number goes on to `Style`, whose message says what would be right."""
    try:
        return int(text)
    except ValueError:
        return text


def _fraction(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
