"""Palette files: .gpl (GIMP), .hex (Lospec), .pal (JASC and Microsoft's RIFF), and the colors of a small picture.

A `palette` is uint8 (k, 3), sRGB, k from 1 to 256. A color that a file holds twice counts once; the order is its own.
"""

import re
import struct
from pathlib import Path

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import images
from pixelart_tf.pixelize.palette import MAX_COLORS, check_palette

_PICTURES = (".gif", ".png")
READS = (".gpl", ".hex", ".pal", *_PICTURES)
WRITES = (".gpl", ".hex", ".pal", ".png")


class PaletteError(UserError):
    """A palette that cannot be used. The message is one line: `path: reason`, or `path: line 4: reason`."""


def read(path: str | Path) -> np.ndarray:
    """Reads a palette from a file of one of the suffixes in `READS`.

    Of a picture it is every color that is not fully transparent, in reading order; of an animation, the first frame's.

    Returns:
        uint8 (k, 3).

    Raises:
        PaletteError: the file is not there, of another kind, malformed (the line is named), empty, or has over 256
            colors.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READS:
        raise PaletteError(f"{path}: a palette must be one of {' '.join(READS)}")
    if suffix in _PICTURES:
        return _distinct(path, _picture(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PaletteError(f"{path}: {error.strerror or error}") from None
    if suffix == ".pal" and content[:4] == b"RIFF":
        return _distinct(path, _riff(path, content))
    if b"\0" in content:
        raise PaletteError(f"{path}: not a text file")
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    parse = {".gpl": _gpl, ".hex": _hex, ".pal": _jasc}[suffix]
    return _distinct(path, parse(path, lines))


def _distinct(path: Path, colors: np.ndarray | list) -> np.ndarray:
    colors = np.array(colors, np.uint8).reshape(-1, 3)
    if not len(colors):
        raise PaletteError(f"{path}: no colors in it")
    distinct, first = np.unique(colors, axis=0, return_index=True)
    if len(distinct) > MAX_COLORS:
        raise PaletteError(f"{path}: {len(distinct):,} different colors; a palette has {MAX_COLORS} at most")
    return colors[np.sort(first)]


def _picture(path: Path) -> np.ndarray:
    image = images.read(path, mode="RGBA")
    return image[image[..., 3] > 0][:, :3]


def _color(path: Path, number: int, words: list[str]) -> list[int]:
    """Three numbers of a line."""
    if len(words) < 3 or not all(word.isascii() and word.isdecimal() and int(word) <= 255 for word in words[:3]):
        found = _shown(" ".join(words))
        raise PaletteError(f"{path}: line {number}: expected three numbers from 0 to 255, not {found}")
    return [int(word) for word in words[:3]]


def _shown(text: str) -> str:
    """A piece of a file, short enough for a message of one line."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _gpl(path: Path, lines: list[str]) -> list[list[int]]:
    if not lines or lines[0].strip() != "GIMP Palette":
        raise PaletteError(f"{path}: line 1: expected 'GIMP Palette'")
    colors = []
    for number, line in enumerate(lines[1:], start=2):
        line = line.strip()
        # `Name:`, `Columns:`, and what other programs add, such as Aseprite's `Channels:`
        if line and not line.startswith("#") and not re.match(r"[A-Za-z]+\s*:", line):
            colors.append(_color(path, number, line.split()))   # a name may follow the numbers
    return colors


def _hex(path: Path, lines: list[str]) -> list[list[int]]:
    colors = []
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        if not re.fullmatch(r"#?[0-9A-Fa-f]{6}", line):
            hint = " (8 digits: transparency is not supported)" if re.fullmatch(r"#?[0-9A-Fa-f]{8}", line) else ""
            raise PaletteError(f"{path}: line {number}: expected 6 hexadecimal digits, not {_shown(line)}{hint}")
        colors.append(list(bytes.fromhex(line.removeprefix("#"))))
    return colors


def _jasc(path: Path, lines: list[str]) -> list[list[int]]:
    for number, expected in enumerate(("JASC-PAL", "0100"), start=1):
        if len(lines) < number or lines[number - 1].strip() != expected:
            raise PaletteError(f"{path}: line {number}: expected {expected!r} (or a RIFF file)")
    count = lines[2].strip() if len(lines) > 2 else ""
    if not (count.isascii() and count.isdecimal()):
        raise PaletteError(f"{path}: line 3: expected the number of colors, not {_shown(count)}")
    colors = []
    for number, line in enumerate(lines[3:], start=4):
        if not line.strip():
            continue
        if len(line.split()) != 3:
            raise PaletteError(f"{path}: line {number}: expected three numbers from 0 to 255, not {_shown(line)}")
        colors.append(_color(path, number, line.split()))
    if len(colors) != int(count):
        raise PaletteError(f"{path}: line 3: {int(count)} colors announced, {len(colors)} there")
    return colors


def _riff(path: Path, content: bytes) -> np.ndarray:
    """Microsoft's palette: RIFF, size, "PAL ", chunks; of "data": version, count, then red, green, blue, flags each."""
    if content[8:12] != b"PAL ":
        raise PaletteError(f"{path}: a RIFF file, but not a palette")
    start = 12
    while start + 8 <= len(content):
        name, size = content[start : start + 4], struct.unpack_from("<I", content, start + 4)[0]
        if name == b"data":
            break
        start += 8 + size + size % 2
    else:
        raise PaletteError(f"{path}: no colors in it")
    entries = content[start + 12 :]
    count = struct.unpack_from("<H", content, start + 10)[0] if len(content) >= start + 12 else 0
    if len(content) < start + 12 or len(entries) < 4 * count:
        raise PaletteError(f"{path}: cut off: {count} colors announced, {len(entries) // 4} there")
    return np.frombuffer(entries[: 4 * count], np.uint8).reshape(-1, 4)[:, :3]


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
    codes = [bytes(entry).hex() for entry in palette]
    numbers = [" ".join(map(str, entry)) for entry in palette.tolist()]
    if suffix == ".gpl":
        name = " ".join(name.split()) or path.stem
        rows = [f"{row}\t{code}" for row, code in zip(numbers, codes, strict=True)]
        lines = ["GIMP Palette", f"Name: {name}", "#", *rows]
    elif suffix == ".hex":
        lines = codes
    elif suffix == ".pal":
        lines = ["JASC-PAL", "0100", str(len(palette)), *numbers]
    else:
        raise PaletteError(f"{path}: a palette must be written as one of {' '.join(WRITES)}")
    files.write_text(path, "".join(f"{line}\n" for line in lines))
