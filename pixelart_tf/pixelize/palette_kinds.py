"""The kinds of palette files, told by what is in them: each a function from the file's content to its colors.

Text: GIMP's (.gpl), JASC's (.pal), and lists of hexadecimal colors (Lospec's .hex, Paint.NET's .txt, ...). Bytes: RIFF
(.pal), Adobe's swatches (.ase), and raw ones (.act, .pal).
"""

import re
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures.opening import open_picture

RAW = (192, 768, 772)   # bytes: the 64 colors of a NES, 256 colors, and Adobe's with a count and a transparent index
_HEX = r"(?:#|0[xX])?([0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?)"


class PaletteError(UserError):
    """A palette that cannot be used. The message is one line: `path: reason`, or `path: line 4: reason`."""


def parse(path: Path, content: bytes) -> list[list[int]] | np.ndarray | None:
    """The colors of a palette file, in its order, without those that are fully transparent; None for a picture.

    Args:
        path: for messages.
        content: of the file.

    Raises:
        PaletteError: none of the kinds, malformed (the line is named), or cut off.
    """
    if content[:4] == b"RIFF" and content[8:12] != b"WEBP":
        return _riff(path, content)
    if content[:4] == b"ASEF":
        return _swatches(path, content)
    if _is_picture(path, content):
        return None
    if len(content) in RAW and not _is_text(content):
        return _raw(content)
    if any(byte < 32 and byte not in b"\t\r\n\f" for byte in content):
        raise PaletteError(f"{path}: neither text nor a palette of bytes that is known")
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    first = lines[0].strip() if lines else ""
    return {"GIMP Palette": _gimp, "JASC-PAL": _jasc}.get(first, _hexadecimal)(path, lines)


def inline(text: str) -> list[list[int]] | None:
    """The colors of a list such as `#112233,#445566`; None if it is none."""
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"#?[0-9A-Fa-f]{6}", word) for word in words) or (len(words) == 1 and "#" not in text):
        return None
    return [list(bytes.fromhex(word.removeprefix("#"))) for word in words]


def _is_picture(path: Path, content: bytes) -> bool:
    """TGA is told by the name alone, as raw palettes begin like it."""
    try:
        with open_picture(content) as image:
            return image.format != "TGA" or path.suffix.lower() == ".tga"
    except Image.UnidentifiedImageError:
        return False
    except Exception:   # a damaged one, of which `images.read` says what is wrong
        return True


def _is_text(content: bytes) -> bool:
    return all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in content)


def _shown(text: str) -> str:
    """A piece of a file, short enough for a message of one line."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _numbers(path: Path, number: int, words: list[str], count: int = 3) -> list[int]:
    """The first numbers of a line."""
    first = words[:count]
    if len(first) < count or not all(word.isascii() and word.isdecimal() and int(word) <= 255 for word in first):
        what, found = {3: "three", 4: "four"}[count], _shown(" ".join(words))
        raise PaletteError(f"{path}: line {number}: expected {what} numbers from 0 to 255, not {found}")
    return [int(word) for word in words[:count]]


def _gimp(path: Path, lines: list[str]) -> list[list[int]]:
    colors, channels = [], 3
    for number, line in enumerate(lines[1:], start=2):
        line = line.strip()
        # `Name:`, `Columns:`, and what other programs add, such as Aseprite's `Channels:`
        if re.fullmatch(r"Channels\s*:\s*RGBA", line):
            channels = 4
        if line and not line.startswith("#") and not re.match(r"[A-Za-z]+\s*:", line):
            values = _numbers(path, number, line.split(), channels)   # a name may follow the numbers
            if values[3:] != [0]:
                colors.append(values[:3])
    return colors


def _jasc(path: Path, lines: list[str]) -> list[list[int]]:
    """The count in the third line is often wrong, and is not needed: what is there counts."""
    if len(lines) < 2 or lines[1].strip() != "0100":
        raise PaletteError(f"{path}: line 2: expected '0100'")
    count = lines[2].strip() if len(lines) > 2 else ""
    if not (count.isascii() and count.isdecimal()):
        raise PaletteError(f"{path}: line 3: expected the number of colors, not {_shown(count)}")
    colors = []
    for number, line in enumerate(lines[3:], start=4):
        words = line.split()
        if words:
            if len(words) not in (3, 4):
                raise PaletteError(
                    f"{path}: line {number}: expected three or four numbers from 0 to 255, not {_shown(line)}"
                )
            values = _numbers(path, number, words, len(words))
            if values[3:] != [0]:
                colors.append(values[:3])
    return colors


def _hexadecimal(path: Path, lines: list[str]) -> list[list[int]]:
    """Colors of 6 digits, or of 8 with alpha: last behind `#` as in CSS, else first as Paint.NET has it.

    With or without `#` or `0x`, one a line, maybe with a name behind it, or several with commas; `;` and `//` begin
    notes, and so does `#` that is no color.
    """
    colors = []
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line.startswith((";", "//")) or (line[0] == "#" and not re.match(_HEX + r"\b", line)):
            continue
        words = [word for word in re.split(r"[,;]", line) if word.strip()]
        for nth, word in enumerate(words):
            match = re.match(_HEX + r"(?![0-9A-Za-z])", word.strip())
            if not match and nth > 0 and len(colors) > 0 and not re.match(r"#|0[xX]", word.strip()):
                continue   # a name behind a comma
            if not match:
                raise PaletteError(f"{path}: line {number}: expected 6 hexadecimal digits, not {_shown(word.strip())}")
            digits = match[1]
            if len(digits) == 8:
                alpha, digits = (digits[6:], digits[:6]) if word.strip()[0] == "#" else (digits[:2], digits[2:])
                if alpha == "00":
                    continue
            colors.append(list(bytes.fromhex(digits)))
    return colors


def _raw(content: bytes) -> np.ndarray:
    """Red, green, blue a color; Adobe's tables may say behind 256 of them how many count, and which is transparent."""
    colors = np.frombuffer(content[: len(content) // 3 * 3][:768], np.uint8).reshape(-1, 3)
    if len(content) != 772:
        return colors
    count, transparent = struct.unpack(">HH", content[768:])
    colors = colors[: count or 256]
    return np.delete(colors, transparent, axis=0) if transparent < len(colors) else colors


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


def _swatches(path: Path, content: bytes) -> list[list[int]]:
    """Adobe's swatch exchange: "ASEF", version, number of blocks; of a color: name, model, floats from 0 to 1."""
    colors, start = [], 12
    while start + 6 <= len(content):
        kind, size = struct.unpack_from(">HI", content, start)
        body = content[start + 6 : start + 6 + size]
        start += 6 + size
        if len(body) < size:
            raise PaletteError(f"{path}: cut off within color {len(colors) + 1}")
        if kind != 1:   # groups
            continue
        name_end = 2 + 2 * int.from_bytes(body[:2], "big")
        model, values = body[name_end : name_end + 4], body[name_end + 4 : -2]
        count = {b"RGB ": 3, b"Gray": 1, b"CMYK": 4}.get(model)
        if count is None or len(values) != 4 * count:
            raise PaletteError(f"{path}: color {len(colors) + 1} is of the model {_shown(model.decode('latin1'))}, "
                               "not RGB, Gray or CMYK")
        floats = np.array(struct.unpack(f">{count}f", values))
        if count == 4:
            floats = (1 - floats[:3]) * (1 - floats[3])
        colors.append(np.rint(np.clip(np.broadcast_to(floats, 3), 0, 1) * 255).astype(int).tolist())
    return colors
