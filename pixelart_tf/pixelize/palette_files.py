"""Palette files read and written: the kinds of `palette_kinds`, and the colors of a small picture.

A `palette` is uint8 (k, 3), sRGB, k from 1 to 256. A color that a file holds twice counts once; the order is its own.
"""

from pathlib import Path

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.pictures import images
from pixelart_tf.pictures.opening import read_bytes
from pixelart_tf.pixelize import palette_kinds
from pixelart_tf.pixelize.palette import MAX_COLORS, check_palette
from pixelart_tf.pixelize.palette_kinds import PaletteError

SUFFIXES = (".act", ".ase", ".gpl", ".hex", ".pal", ".txt", *images.SUFFIXES)   # of names that are files for sure
WRITES = (".gpl", ".hex", ".pal", ".png")


def read(path: str | Path) -> np.ndarray:
    """Reads a palette from a file, whatever it is called: its content tells of which kind it is.

    Of a picture it is every color that is not fully transparent, in reading order; of an animation, the first frame's.

    Returns:
        uint8 (k, 3).

    Raises:
        PaletteError: the file is not there, of another kind, malformed (the line is named), empty, or has over 256
            colors.
    """
    path = Path(path)
    content = read_bytes(path)
    colors = palette_kinds.parse(path, content)
    if colors is None:
        image = images.read(content, name=str(path), mode="RGBA")
        colors = image[image[..., 3] > 0][:, :3]
    return distinct(str(path), colors)


def distinct(name: str, colors: np.ndarray | list) -> np.ndarray:
    """uint8 (k, 3): each color once, where it is first. Raises PaletteError if there are none or over 256."""
    colors = np.array(colors, np.uint8).reshape(-1, 3)
    if not len(colors):
        raise PaletteError(f"{name}: no colors in it")
    kept, first = np.unique(colors, axis=0, return_index=True)
    if len(kept) > MAX_COLORS:
        raise PaletteError(f"{name}: {len(kept):,} different colors; a palette has {MAX_COLORS} at most")
    return colors[np.sort(first)]


def write(path: str | Path, palette: np.ndarray, name: str = "") -> None:
    """Writes a palette, whole or not at all, in the format that the suffix says, of `WRITES`.

    Args:
        path: of the file; `.pal` becomes JASC's kind, `.png` a picture of one row, one pixel a color.
        palette: uint8 (k, 3).
        name: what .gpl calls it; the file's own name where it is empty. The other kinds hold no name.

    Raises:
        PaletteError: no format for this suffix.
        OSError: the folder or the disk does not take it; names `path`.
    """
    path, palette = Path(path), check_palette(palette)
    suffix = path.suffix.lower()
    if suffix == ".png":
        images.write(path, palette[None])
        return
    if suffix not in WRITES:
        raise PaletteError(f"{path}: a palette must be written as one of {' '.join(WRITES)}")
    files.write_text(path, text(palette, suffix, " ".join(name.split()) or path.stem))


def text(palette: np.ndarray, suffix: str, name: str) -> str:
    """What is in a palette's file of text.

    Args:
        palette: uint8 (k, 3).
        suffix: `.gpl`, `.hex` or `.pal`.
        name: what .gpl calls it.
    """
    codes = [bytes(entry).hex() for entry in palette]
    numbers = [" ".join(map(str, entry)) for entry in palette.tolist()]
    if suffix == ".gpl":
        rows = [f"{row}\t{code}" for row, code in zip(numbers, codes, strict=True)]
        lines = ["GIMP Palette", f"Name: {' '.join(name.split())}", "#", *rows]
    else:
        lines = codes if suffix == ".hex" else ["JASC-PAL", "0100", str(len(palette)), *numbers]
    return "".join(f"{line}\n" for line in lines)
