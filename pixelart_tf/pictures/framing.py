"""TFRecord files as rows of records, plain or compressed: told by their content, and every checksum verified.

A record is its length (8 bytes), the length's checksum (4), its bytes, and their checksum (4). A compressed file is the
same within one GZIP or ZLIB stream.
"""

import math
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.limits import check_growth
from pixelart_tf.pictures import crc32c

_HEADER = 12           # bytes: the length and its checksum
_PIECE = 2**16         # bytes that are unpacked at a time
_GZIP_OR_ZLIB = 15 + 32   # to `zlib`: the largest window, and the format by what the stream begins with


class RecordError(UserError):
    """A shard that cannot be used. The message is one line: `path: reason`."""


def is_tfrecord(path: Path) -> bool:
    """Whether a file begins as a TFRecord file does; False also for one that is empty or cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):   # a pipe would be waited for
            return False
        with open(path, "rb") as file:
            begin = file.read(_HEADER)
            return _is_header(begin) or (_is_compressed(begin) and _is_header(_unpacked(path, file).read(_HEADER)))
    except (OSError, UserError, zlib.error, EOFError):
        return False


def records(path: Path) -> Iterator[bytes]:
    """The records of a file, one after the other, in no more memory than one of them takes.

    A length is believed only where the file holds as much; a compressed file is unpacked piece by piece, and no
    further than `check_growth` allows.

    Raises:
        RecordError: the file is empty, damaged, cut off or no TFRecord file; says after how many good records.
        UserError: it unpacks to too much.
        OSError: it cannot be read.
    """
    state = os.stat(path)
    if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
        raise RecordError(f"{path}: not a regular file")
    index = 0
    with open(path, "rb") as file:
        begin = file.read(_HEADER)
        if not begin:
            raise RecordError(f"{path}: empty file (0 bytes)")
        plain = _is_header(begin) or not _is_compressed(begin)
        file.seek(0)
        stream, left = (file, state.st_size) if plain else (_unpacked(path, file), math.inf)
        try:
            while header := stream.read(_HEADER):
                length = int.from_bytes(header[:8], "little")
                left -= len(header) + length + 4
                if len(header) < _HEADER or left < 0:
                    raise EOFError
                if not _is_header(header):
                    raise zlib.error("wrong checksum")
                record, checksum = stream.read(length), stream.read(4)
                if len(checksum) < 4:
                    raise EOFError
                if int.from_bytes(checksum, "little") != crc32c.masked(record):
                    raise zlib.error("wrong checksum")
                yield record
                index += 1
        except (EOFError, zlib.error) as error:
            reason = "cut off" if isinstance(error, EOFError) else " ".join(str(error).split())
            other = ", or no TFRecord file" if not index and plain and not _is_header(begin) else ""
            raise RecordError(f"{path}: damaged after {index} good records ({reason}){other}") from None


def framed(record: bytes) -> bytes:
    """A record as it stands in a file, its length and the checksums with it."""
    length = len(record).to_bytes(8, "little")
    sums = (crc32c.masked(each).to_bytes(4, "little") for each in (length, record))
    return b"".join((length, next(sums), record, next(sums)))


def _is_header(header: bytes) -> bool:
    """Whether some bytes are a length and its checksum."""
    return len(header) == _HEADER and int.from_bytes(header[8:], "little") == crc32c.masked(header[:8])


def _is_compressed(begin: bytes) -> bool:
    """Whether a file begins as GZIP (RFC 1952) or ZLIB (RFC 1950) do."""
    if begin[:3] == b"\x1f\x8b\x08":
        return True
    return len(begin) > 1 and begin[0] & 0x0F == 8 and begin[0] >> 4 <= 7 and (begin[0] << 8 | begin[1]) % 31 == 0


def _unpacked(path: Path, file: BinaryIO) -> "_Unpacked":
    file.seek(0)
    return _Unpacked(path, file)


class _Unpacked:
    """A compressed file that is unpacked as it is read; several GZIP streams may follow each other."""

    def __init__(self, path: Path, file: BinaryIO):
        self._path, self._file = path, file
        self._stream, self._size = zlib.decompressobj(_GZIP_OR_ZLIB), 0

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end.

        Raises:
            EOFError: the file ends within a stream.
            zlib.error: it is damaged.
            UserError: it unpacks to too much.
        """
        pieces = []
        while size and (piece := self._piece(min(size, _PIECE))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _piece(self, most: int) -> bytes:
        while True:
            if self._stream.eof:
                packed = self._stream.unused_data or self._file.read(_PIECE)
                if not packed:
                    return b""
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            else:
                packed = self._stream.unconsumed_tail or self._file.read(_PIECE)
            piece = self._stream.decompress(packed, most)
            if piece:
                self._size += len(piece)
                check_growth(self._path, self._size)
                return piece
            if not packed and not self._stream.eof:
                raise EOFError
