"""The built-in palettes: one GIMP file each, with its title, author and source, and a page that shows them all.

To add one, add its file: the file's name is the palette's.
"""

import difflib
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelart_tf.pixelize import palette_files

_FOLDER = Path(__file__).parent
# The page, in pixels.
_WIDTH, _MARGIN, _LINE, _SWATCH, _GAP = 900, 20, 18, 26, 14
_GROUND, _INK, _FAINT = (226, 226, 226), (30, 30, 30), (100, 100, 100)   # on which white shows, too


@dataclass(frozen=True, kw_only=True)
class Palette:
    """A palette with its papers.

    Attributes:
        name: what `--palette` takes.
        title: what people call it.
        author: the artist, or the machine's maker and year.
        source: where its values are from.
        colors: uint8 (k, 3), in the source's order, read-only.
    """

    name: str
    title: str
    author: str
    source: str
    colors: np.ndarray


@functools.cache
def _all() -> tuple[Palette, ...]:
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.gpl"), key=lambda path: path.stem))


def _read(path: Path) -> Palette:
    lines = path.read_text(encoding="utf-8").splitlines()
    heads = dict(line.removeprefix("# ").split(": ", 1) for line in lines if not line[:1].isspace() and ": " in line)
    colors = palette_files.read(path)
    colors.flags.writeable = False   # one array serves all
    return Palette(
        name=path.stem, title=heads["Name"], author=heads["Author"], source=heads["Source"], colors=colors
    )


def named() -> dict[str, Palette]:
    """All built-in palettes by name, in alphabetical order."""
    return {palette.name: palette for palette in _all()}


def get(name: str) -> Palette:
    """The built-in palette of that name; `PICO-8`, `pico_8` and `pico8` are the same.

    Raises:
        PaletteError: there is none; names the nearest ones.
    """
    found = {_plain(known): palette for known, palette in named().items()}
    if _plain(name) in found:
        return found[_plain(name)]
    close = [found[match].name for match in difflib.get_close_matches(_plain(name), found, n=3)]
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(named())}"
    raise palette_files.PaletteError(f"no palette is called {name!r}; {hint}")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def chart() -> np.ndarray:
    """The page of palettes: for each its name, title, author, source, number of colors and a swatch of every color.

    Returns:
        uint8 (H, 900, 3).
    """
    in_row = (_WIDTH - 2 * _MARGIN) // _SWATCH
    heights = [2 * _LINE + 4 + -(-len(palette.colors) // in_row) * _SWATCH for palette in _all()]
    page = Image.new("RGB", (_WIDTH, sum(heights) + _GAP * len(heights) + 2 * _MARGIN - _GAP), _GROUND)
    draw = ImageDraw.Draw(page)
    large, small = ImageFont.load_default(15), ImageFont.load_default(12)
    top = _MARGIN
    for palette, height in zip(_all(), heights, strict=True):
        draw.text((_MARGIN, top), palette.name, _INK, large)
        left = _MARGIN + draw.textlength(palette.name, large) + 10
        draw.text((left, top + 3), f"{palette.title}, {palette.author}", _FAINT, small)
        count = f"{len(palette.colors)} colors"
        draw.text((_WIDTH - _MARGIN - draw.textlength(count, small), top + 3), count, _INK, small)
        draw.text((_MARGIN, top + _LINE + 1), _fitting(draw, palette.source, small), _FAINT, small)
        for index, color in enumerate(palette.colors.tolist()):
            x = _MARGIN + index % in_row * _SWATCH
            y = top + 2 * _LINE + 4 + index // in_row * _SWATCH
            draw.rectangle((x, y, x + _SWATCH - 1, y + _SWATCH - 1), tuple(color))
        top += height + _GAP
    return np.array(page)


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont) -> str:
    """The text, shortened to one line of the page."""
    if draw.textlength(text, font) <= _WIDTH - 2 * _MARGIN:
        return text
    while draw.textlength(text + "...", font) > _WIDTH - 2 * _MARGIN:
        text = text[:-1]
    return text + "..."
