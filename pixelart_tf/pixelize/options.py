"""The command line's options for a `Style`: the same words for a picture and for a film.

What is not given stays out of the parsed options, so that each default lives in `Style` alone.
"""

import argparse
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import cells, color, palette_files, palette_kinds, palettes
from pixelart_tf.pixelize.dither import METHODS
from pixelart_tf.pixelize.palette import MAX_COLORS
from pixelart_tf.pixelize.style import DEFAULT_COLORS, DEFAULT_COUNT, DEFAULT_HOW, Style

# Option -> argument of `Style`.
_ARGUMENTS = {
    "cell": "cell",
    "width": "width",
    "height": "height",
    "sheet": "sheet",
    "how": "how",
    "crisp": "crisp",
    "thicken": "thicken",
    "colors": "colors",
    "palette": "palette",
    "space": "space",
    "dither": "dither",
    "dither_strength": "strength",
    "outline": "outline",
    "alpha_threshold": "alpha_threshold",
    "alpha": "alpha",
    "saturation": "saturation",
    "contrast": "contrast",
    "seed": "seed",
}


def add_style_options(parser: argparse.ArgumentParser) -> tuple[argparse._ArgumentGroup, argparse._ArgumentGroup]:
    """Adds the options that say how a picture becomes pixel art; `style_from` reads them.

    Returns:
        The groups of the common options and of the others.
    """

    def add(group, name, **keywords):
        group.add_argument(name, default=argparse.SUPPRESS, **keywords)

    default = Style()
    common, rare = parser.add_argument_group("common options"), parser.add_argument_group("more")
    add(common, "--width", type=_number, metavar="N",
        help="cells across the picture. Without it, --height and --cell: its own cells if it has any, else "
             f"{DEFAULT_COUNT} along the longer side")
    add(common, "--height", type=_number, metavar="N", help="instead, cells down the picture")
    add(common, "--cell", type=_cell, metavar="N|auto",
        help="instead, pixels of a cell's side, as 8, 5.6 or 4.5x4 (width x height); auto: the picture's own cells, or "
             "it is an error")
    add(common, "--how", metavar="HOW",
        help=f"what gives a cell its color: {', '.join(cells.HOW)}; contrast keeps thin dark outlines "
             f"(default: {DEFAULT_HOW}; soft cells of its own are solved for)")
    add(common, "--colors", type=_number, metavar="N|auto",
        help=f"most colors, 1 to {MAX_COLORS}, chosen for the picture; auto: as many as it is made of "
             f"(default: {DEFAULT_COLORS}, but exact pixel art keeps what it has)")
    add(common, "--palette", metavar="NAME|FILE|LIST",
        help="instead, these: a built-in palette, a file of any usual kind (.gpl .hex .pal .act .ase .txt, a picture), "
             'or colors as "#112233,#445566"')
    add(rare, "--space", metavar="SPACE",
        help=f"in which colors are compared: {', '.join(color.SPACES)} (default: {default.space})")
    add(rare, "--seed", type=_number, metavar="N",
        help=f"of the search for a palette (default: {default.seed})")
    add(common, "--dither", metavar="HOW",
        help=f"mix colors that the palette does not have: {', '.join(METHODS)} (default: {default.dither})")
    add(rare, "--dither-strength", type=_fraction, metavar="X",
        help=f"0 to 1; less for a calmer picture (default: {default.strength:g})")
    add(rare, "--crisp", action=argparse.BooleanOptionalAction,
        help="give mixtures of two areas the nearer one's color (default: yes, but of films no)")
    add(rare, "--thicken", action="store_true", help="make thin dark lines wider first, for --how contrast or dominant")
    add(common, "--outline", action="store_true",
        help="draw the palette's darkest color around what stands on transparency or one color")
    add(rare, "--alpha-threshold", type=_number, metavar="N",
        help=f"mean alpha from which a cell is opaque, 1 to 255 (default: {default.alpha_threshold})")
    add(rare, "--alpha", metavar="KIND",
        help="hard; soft: keep levels of transparency; dither: mix opaque and transparent cells "
             f"(default: {default.alpha})")
    add(rare, "--saturation", type=_fraction, metavar="X",
        help=f"0 to 4, of the cells' colors; 1.3 for a vivid picture (default: {default.saturation:g})")
    add(rare, "--contrast", type=_fraction, metavar="X",
        help=f"0 to 4, of their lightness (default: {default.contrast:g})")
    return common, rare


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
    """uint8 (k, 3): of a file if there is one of this name or it ends as palette files do, a list, or built in.

    Raises:
        UserError: the file cannot be read, or no palette has this name.
    """
    path = Path(name)
    if path.is_file() or path.suffix.lower() in palette_files.SUFFIXES:
        return palette_files.read(path)
    if (colors := palette_kinds.inline(name)) is not None:
        return palette_files.distinct("--palette", colors)
    return palettes.get(name).colors


def _number(text: str) -> int | str:
    """What is no number goes on to `Style`, whose message says what would be right."""
    try:
        return int(text)
    except ValueError:
        return text


def _cell(text: str) -> int | float | tuple[float, ...] | str:
    """As `Style` takes it: width and height the other way round."""
    try:
        sides = [int(side) if side.strip().isdecimal() else float(side) for side in text.lower().split("x")]
    except ValueError:
        return text
    return sides[0] if len(sides) == 1 else tuple(sides[::-1])


def _fraction(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
