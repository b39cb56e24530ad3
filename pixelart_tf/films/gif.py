"""Reads GIF as browsers show it.

Pillow decodes each frame by itself; put together by Pillow, what an opaque frame leaves behind (disposal 2) would be of
a color where browsers show nothing.
"""

import io
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

_CLEARED, _RESTORED = 2, 3   # disposal: what a frame leaves is nothing, or what was there before it


def frames(file: BinaryIO, check: Callable[[int, int], None]) -> Iterator[tuple[np.ndarray, int]]:
    """The frames of a GIF, as they are seen.

    Args:
        file: at its beginning.
        check: called with width and height of each frame before it is decoded.

    Yields:
        uint8 (H, W, 3), or (H, W, 4) where something is transparent; and the time for which it is shown, in
        milliseconds.

    Raises:
        EOFError: the file is cut off.
        Whatever Pillow raises for damaged frames, and what `check` does.

    Reference: GIF89a Specification, 15 to 24.
    """
    _exactly(file, 6)
    width, height, flags, *_ = struct.unpack("<HH3B", _exactly(file, 7))
    common = _exactly(file, _table_size(flags))
    canvas = np.zeros((height, width, 4), np.uint8)
    control = (0, 0, 0)
    while (kind := _exactly(file, 1)) != b";":
        if kind == b"!":
            label, data = _exactly(file, 1), _blocks(file)
            if label == b"\xf9" and len(data) > 5:   # a length before the four bytes, and a 0 behind them
                control = struct.unpack_from("<BHB", data, 1)
            continue
        if kind != b",":
            raise ValueError("neither a frame nor an extension nor the end")
        (disposal, steps, transparent), control = control, (0, 0, 0)
        left, top, columns, rows, own = struct.unpack("<4HB", _exactly(file, 9))
        table = _exactly(file, _table_size(own)) or common
        check(columns, rows)
        index = _decoded(columns, rows, own, table, _exactly(file, 1) + _blocks(file))
        index = index[: max(0, height - top), : max(0, width - left)]
        place = slice(top, top + index.shape[0]), slice(left, left + index.shape[1])
        before = canvas[place].copy()
        colors = np.zeros((256, 4), np.uint8)
        colors[: len(table) // 3, :3] = np.frombuffer(table, np.uint8).reshape(-1, 3)
        colors[:, 3] = 255
        seen = index != transparent if disposal & 1 else np.ones(index.shape, bool)
        canvas[place][seen] = colors[index[seen]]
        yield (canvas[..., :3] if canvas[..., 3].min() == 255 else canvas).copy(), 10 * steps
        if disposal >> 2 & 7 == _CLEARED:
            canvas[place] = 0
        elif disposal >> 2 & 7 == _RESTORED:
            canvas[place] = before


def _table_size(flags: int) -> int:
    """Bytes of the table of colors that follows."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _decoded(columns: int, rows: int, flags: int, table: bytes, data: bytes) -> np.ndarray:
    """uint8 (rows, columns), index into the table: by a GIF of this one frame."""
    gray = bytes(255 - nth // 3 for nth in range(3 * 256))   # not the table that Pillow takes for none
    head = b"GIF89a" + struct.pack("<HH3B", columns, rows, 0xF7, 0, 0) + gray
    image = head + b"," + struct.pack("<4HB", 0, 0, columns, rows, flags & 0x40) + data + b";"
    with Image.open(io.BytesIO(image), formats=("GIF",)) as picture:
        return np.array(picture)


def _blocks(file: BinaryIO) -> bytes:
    """Sub-blocks with their lengths, and the 0 that ends them."""
    parts = []
    while size := _exactly(file, 1)[0]:
        parts += [bytes([size]), _exactly(file, size)]
    return b"".join([*parts, b"\0"])


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError("cut off")
    return data
