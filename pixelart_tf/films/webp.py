"""Writes animated WebP: exact colors and transparency, and never more in memory than one frame.

Pillow's own writer holds all frames until the last.
"""

import struct
from fractions import Fraction
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.films.animation import Changes
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import cells
from pixelart_tf.pixelize.art import Art

_MAX_SIDE = 16383   # pixels, of a WebP that is compressed without loss
_ANIMATED, _ALPHA = 0x02, 0x10   # flags of a file
_REPLACES = 0x02   # flag of a frame: it is not blended with what is there


class Webp:
    """An animated WebP that plays so often, 0 for ever. Its times are thousandths of a second.

    Reference: WebP Container Specification, "Extended File Format" and "Animation".
    """

    left_out = 0

    def __init__(self, path: Path, scale: int, plays: int = 0):
        self.path, self.scale, self.plays = path, scale, plays
        self._file = path.open("wb")
        self._changes, self._has_alpha = Changes(), False
        self._waiting = None   # a frame, until the next says how long it is shown

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        start = round(1000 * time)
        if self._waiting is None:
            self._head(art)
        else:
            self._put(self._waiting, start - self._start)
        self._waiting, self._start, self._end = art, start, round(1000 * (time + duration))

    def _head(self, art: Art) -> None:
        self._size = tuple(side * self.scale for side in art.index.shape[::-1])
        if max(self._size) > _MAX_SIDE:
            width, height = self._size
            raise UserError(f"a WebP of {width}x{height} pixels: at most {_MAX_SIDE} a side; take a smaller scale")
        self._write_head(0)

    def _write_head(self, size: int) -> None:
        flags = _ANIMATED | (_ALPHA if self._has_alpha else 0)
        extended = struct.pack("<I", flags) + b"".join(_three(side - 1) for side in self._size)
        self._file.write(b"RIFF" + struct.pack("<I", size) + b"WEBP" + _chunk(b"VP8X", extended))
        self._file.write(_chunk(b"ANIM", struct.pack("<IH", 0, min(self.plays, 65535))))

    def _put(self, art: Art, shown: int) -> None:
        self._has_alpha |= not art.opaque.all()
        places = []
        for span in self._changes.box(art):   # frames begin at even pixels
            places.append(slice(span.start - (span.start * self.scale) % 2, span.stop))
        rows, columns = places
        image = cells.enlarge(art.palette[art.index[rows, columns]], art.opaque[rows, columns], self.scale)
        height, width = image.shape[:2]
        numbers = columns.start * self.scale // 2, rows.start * self.scale // 2, width - 1, height - 1, shown
        head = b"".join(map(_three, numbers)) + bytes([_REPLACES])
        # What follows the file's head of 12 bytes is the picture's one chunk.
        self._file.write(_chunk(b"ANMF", head + images.encode(image, "webp")[12:]))

    def finish(self) -> None:
        if self._waiting is None:
            return
        self._put(self._waiting, max(1, self._end - self._start))
        size = self._file.tell() - 8
        self._file.seek(0)
        self._write_head(size)

    def close(self) -> None:
        self._file.close()


def _three(number: int) -> bytes:
    return min(number, 2**24 - 1).to_bytes(3, "little")


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
