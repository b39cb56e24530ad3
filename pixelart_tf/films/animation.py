"""Writes GIF, APNG and folders of frames: exact colors, and never more in memory than one frame.

Pillow's own writers of animations hold all frames until the last.
"""

import struct
import tempfile
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import images
from pixelart_tf.pixelize.art import Art

GIF_STEP = Fraction(1, 100)   # seconds
# Of a frame that waits in a temporary file: width, height, left, top; the time as a fraction; the bytes that follow.
_RECORD = struct.Struct("<6IQ")
GIF_LEAST = 2   # steps; browsers show what is shorter for ten


class Changes:
    """What changes from frame to frame, as a rectangle of cells."""

    def __init__(self):
        self.last = None

    def box(self, art: Art) -> tuple[slice, slice]:
        """Rows and columns outside of which the frame is as the last one; one cell where nothing changes."""
        last, self.last = self.last, art
        if last is None:
            return slice(0, art.index.shape[0]), slice(0, art.index.shape[1])
        if last.palette is art.palette:
            changed = (last.index != art.index) & art.opaque
        else:
            changed = (last.palette[last.index] != art.palette[art.index]).any(axis=-1) & art.opaque
        changed |= last.opaque != art.opaque
        spans = []
        for axis in (1, 0):
            places = np.flatnonzero(changed.any(axis=axis))
            spans.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 1))
        return tuple(spans)


def _enlarged(index: np.ndarray, scale: int) -> np.ndarray:
    return index.repeat(scale, axis=0).repeat(scale, axis=1)


class Gif:
    """A GIF that plays so often, 0 for ever. Its times are hundredths of a second, at least two a frame: what comes
    sooner is left out, and counted in `left_out`."""

    def __init__(self, path: Path, scale: int, plays: int = 0):
        self.scale, self.plays, self.left_out = scale, plays, 0
        self._file = path.open("wb")
        self._changes = Changes()
        self._waiting = None   # a frame, until the next says how long it is shown
        self._start = 0

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        start = round(time / GIF_STEP)
        if self._waiting is None:
            self._head(art)
        elif start - self._start < GIF_LEAST:
            self.left_out += 1
            self._end = time + duration
            return
        else:
            self._put(self._waiting, start - self._start, art)
        self._waiting, self._start, self._end = art, start, time + duration

    def _head(self, art: Art) -> None:
        rows, columns = art.index.shape
        size = struct.pack("<HH", columns * self.scale, rows * self.scale)
        self._file.write(b"GIF89a" + size + b"\x70\0\0")
        if self.plays != 1:   # how often it begins anew; 0 is for ever
            again = struct.pack("<H", min(max(0, self.plays - 1), 65535))
            self._file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + again + b"\0")

    def _put(self, art: Art, steps: int, following: Art | None = None) -> None:
        index, colors, options = art.index, art.palette, {"disposal": 1}
        rows, columns = slice(0, index.shape[0]), slice(0, index.shape[1])
        clears = following is not None and not following.opaque.all()   # which nothing may be seen through
        if art.opaque.all() and not clears and (self._changes.last is None or self._changes.last.opaque.all()):
            rows, columns = self._changes.box(art)
        else:   # whole frames, each on an empty ground
            self._changes.last = art
            options = {"disposal": 2 if clears or not art.opaque.all() else 1}
        if options["disposal"] == 2:   # some readers clear to a color if the frame has no transparent one
            if len(colors) == 256:
                raise UserError("a GIF has 256 colors and transparency is one of them: take at most 255 colors")
            index = np.where(art.opaque, index, len(colors)).astype(np.uint8)
            options["transparency"] = len(colors)
            colors = np.concatenate([colors, [[0, 0, 0]]]).astype(np.uint8)
        image = Image.fromarray(_enlarged(index[rows, columns], self.scale))
        image.putpalette(colors.tobytes())
        corner = columns.start * self.scale, rows.start * self.scale
        parts = GifImagePlugin.getdata(image, corner, include_color_table=True, duration=10 * steps, **options)
        self._file.write(b"".join(parts))

    def finish(self) -> None:
        if self._waiting is not None:
            self._put(self._waiting, max(GIF_LEAST, round(self._end / GIF_STEP) - self._start))
        self._file.write(b";")

    def close(self) -> None:
        self._file.close()


class Apng:
    """An APNG that plays so often, 0 for ever: indexed where the film has at most 256 colors in all, else RGB(A)."""

    def __init__(self, path: Path, scale: int, plays: int = 0):
        self.scale, self.plays, self.left_out = scale, plays, 0
        self._file = path.open("wb")
        # Colors are known at the end only, and stand first in the file.
        self._frames = tempfile.TemporaryFile(dir=path.parent)   # noqa: SIM115 - `close` does
        self._number = 0
        self._codes = {}   # color, or None for transparent -> its place in the file's palette
        self._table = None   # of the current palette's entries, and transparency, in the file's
        self._palette = None
        self._size = self._waiting = None
        self._changes = Changes()

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        if self._waiting is not None:
            self._put(self._waiting, time - self._start)
        rows, columns = art.index.shape
        self._size = self._size or (columns * self.scale, rows * self.scale)
        self._waiting, self._start, self._last = art, time, duration

    def _put(self, art: Art, shown: Fraction) -> None:
        if self._palette is not art.palette:
            self._palette = art.palette
            codes = [self._codes.setdefault(bytes(each), len(self._codes)) for each in art.palette]
            self._table = np.array(codes, np.uint32)
        index = self._table[art.index]
        if not art.opaque.all():
            index = np.where(art.opaque, index, self._codes.setdefault(None, len(self._codes)))
        rows, columns = self._changes.box(art)
        index = index[rows, columns]
        rest = [value * self.scale for value in (*index.shape[::-1], columns.start, rows.start)]
        shown = shown.limit_denominator(65535) if shown < 1 else Fraction(round(shown * 1000), 1000)
        packed = zlib.compress(index.astype("<u4").tobytes(), 1)   # for now; cells are few
        record = _RECORD.pack(*rest, min(shown.numerator, 65535), shown.denominator, len(packed))
        self._frames.write(record + packed)
        self._number += 1

    def finish(self) -> None:
        if self._waiting is None:
            return
        self._put(self._waiting, self._last)
        colors = np.array([list(code) + [255] if code else [0] * 4 for code in self._codes], np.uint8)   # (n, 4)
        has_alpha, indexed = None in self._codes, len(colors) <= 256
        kind = 3 if indexed else (6 if has_alpha else 2)
        self._file.write(b"\x89PNG\r\n\x1a\n")
        self._chunk(b"IHDR", struct.pack(">2I5B", *self._size, 8, kind, 0, 0, 0))
        self._chunk(b"acTL", struct.pack(">2I", self._number, self.plays))
        if indexed:
            self._chunk(b"PLTE", colors[:, :3].tobytes())
            if has_alpha:
                self._chunk(b"tRNS", colors[:, 3].tobytes())
        table = np.arange(len(colors), dtype=np.uint8)[:, None] if indexed else colors[:, : 4 if has_alpha else 3]
        order = 0
        self._frames.seek(0)
        for nth in range(self._number):
            *rest, numerator, denominator, length = _RECORD.unpack(self._frames.read(_RECORD.size))
            width, height = rest[0] // self.scale, rest[1] // self.scale
            index = np.frombuffer(zlib.decompress(self._frames.read(length)), "<u4").reshape(height, width)
            # Replaces what is there, transparency included, and stays.
            self._chunk(b"fcTL", struct.pack(">5I2H2B", order, *rest, numerator, denominator, 0, 0))
            data = self._rows(table[index])
            if nth:
                self._chunk(b"fdAT", struct.pack(">I", order + 1) + data)
            else:
                self._chunk(b"IDAT", data)
            order += 2 if nth else 1
        self._chunk(b"IEND", b"")

    def _rows(self, cells: np.ndarray) -> bytes:
        """uint8 (rows, columns, channels) -> PNG's compressed rows. A cell's further rows say: as above."""
        line = cells.repeat(self.scale, axis=1).reshape(len(cells), -1)
        lines = np.zeros((len(cells), self.scale, 1 + line.shape[1]), np.uint8)
        lines[:, 0, 1:] = line
        lines[:, 1:, 0] = 2   # filter "up"
        return zlib.compress(lines.tobytes(), 6)

    def _chunk(self, name: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))

    def close(self) -> None:
        self._file.close()
        self._frames.close()


class Folder:
    """A PNG a frame, numbered from 000001 on. Their times are not kept."""

    def __init__(self, path: Path, scale: int):
        self.path, self.scale, self.left_out, self._number = path, scale, 0, 0
        path.mkdir()

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        self._number += 1
        pixels = _enlarged(np.where(art.opaque, art.index.astype(np.uint16), len(art.palette)), self.scale)
        path = self.path / f"{self._number:06d}.png"
        if not art.opaque.all() and len(art.palette) == 256:
            images.write(path, art.image(self.scale))
            return
        image = Image.fromarray(pixels.astype(np.uint8))
        image.putpalette(art.palette.tobytes() + bytes(3))
        options = {} if art.opaque.all() else {"transparency": len(art.palette)}
        image.save(path, compress_level=6, **options)

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass
