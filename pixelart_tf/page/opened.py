"""Files that came in through the page: looked at before they are decoded, and kept decoded as long as there is room."""

import collections
import io
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.films import FilmError, open_film
from pixelart_tf.pictures import images, opening

FILM_BYTES = 512 * 2**20   # of one file; what is larger is refused while it comes in
PICTURE_BYTES = 64 * 2**20
SHELF_BYTES = 2**30        # of decoded pictures, for all who look at the page together
MEMO = 6                   # results of each step that a picture keeps, so that turning a knob back is at once


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file that came in.

    Attributes:
        path: where it lies, under a name that the server gave its folder.
        name: what the user calls it; shown, and put into downloads, and never opened.
        moves: whether it is a film or an animation.
    """

    path: Path
    name: str
    moves: bool = False

    @property
    def stem(self) -> str:
        """What is made of it is called so: by its name, without what has a meaning in paths."""
        stem = "".join(each if each.isalnum() or each in " -_.()" else "_" for each in Path(self.name).stem)
        return f"{stem.strip('. ')[:80] or 'picture'}-pixels"


class Opened:
    """A picture, or a film's first frame, and what was made of it so far.

    Args:
        upload: where it is from.
        image: uint8 (H, W, 4).
    """

    def __init__(self, upload: Upload, image: np.ndarray):
        self.upload, self.image = upload, image
        self._memo, self._lock = {}, threading.RLock()

    def kept(self, step: str, key: Hashable, make: Callable[[], Any]) -> Any:
        """What a step made, made only where it is not there yet for this key."""
        with self._lock:   # two knobs moved at once are one after the other
            results = self._memo.setdefault(step, collections.OrderedDict())
            if key in results:
                results.move_to_end(key)
                return results[key]
            made = make()
            results[key] = made
            while len(results) > MEMO:
                results.popitem(last=False)
            return made


class Shelf:
    """The decoded pictures; the longest unused one goes when there is no room.

    Args:
        max_size: pixels of a picture's longer side.
    """

    def __init__(self, max_size: int):
        self.max_size = max_size
        self._opened, self._lock = collections.OrderedDict(), threading.Lock()

    def look(self, path: Path, name: str) -> Upload:
        """What came in, after a look at its size and its head; nothing is decoded.

        Raises:
            UserError: it is neither picture nor film, or too large.
        """
        size, head = path.stat().st_size, _head(path)
        if is_film(head):
            return Upload(path=path, name=name, moves=True)
        if not size:
            raise UserError(f"{name} is empty.")
        if size > PICTURE_BYTES:
            raise UserError(f"{name} has {size / 2**20:.0f} MB; a picture may have {PICTURE_BYTES // 2**20} at most.")
        encoded = opening.read_bytes(path)
        self._check(encoded, name)
        return Upload(path=path, name=name, moves=opening.moves(io.BytesIO(encoded)))

    def _check(self, encoded: bytes, name: str) -> None:
        """Raises UserError for a picture that must not be decoded."""
        try:
            with opening.open_picture(encoded) as image:
                width, height = image.size
        except LookupError as error:
            raise UserError(f"{name}: {error}") from None
        except Exception:   # Pillow raises of many kinds for what is no picture, or damaged
            raise UserError(f"{name} is neither a picture nor a film that can be read.") from None
        if max(width, height) > self.max_size:
            raise UserError(
                f"{name} is {width:,} by {height:,} pixels; the page takes {self.max_size:,} a side at most "
                "(--max-size), and the command line larger ones."
            )

    def open(self, upload: Upload) -> Opened:
        """The picture, decoded once.

        Raises:
            UserError: it is damaged, or was removed since.
        """
        with self._lock:
            if upload.path in self._opened:
                self._opened.move_to_end(upload.path)
                return self._opened[upload.path]
        if not upload.path.is_file():
            raise UserError(f"{upload.name} came in over an hour ago and was removed; choose it again.")
        opened = Opened(upload, self._decoded(upload))
        with self._lock:
            opened = self._opened.setdefault(upload.path, opened)
            while len(self._opened) > 1 and sum(each.image.nbytes for each in self._opened.values()) > SHELF_BYTES:
                self._opened.popitem(last=False)
        return opened

    def _decoded(self, upload: Upload) -> np.ndarray:
        if not upload.moves:
            return images.read(upload.path.read_bytes(), name=upload.name, mode="RGBA")
        try:
            image = next(open_film(upload.path).frames()).image
        except FilmError as error:
            raise UserError(str(error).replace(str(upload.path), upload.name)) from None
        if max(image.shape[:2]) > self.max_size:
            raise UserError(f"{upload.name}: frames of {image.shape[1]}x{image.shape[0]}; the page takes "
                            f"{self.max_size:,} a side at most (--max-size).")
        if image.shape[-1] == 4:
            return image
        return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])


def is_film(head: bytes) -> bool:
    """Whether a file of these first 16 bytes is a film: MP4 and MOV, Matroska and WebM, AVI, MPEG, FLV, Ogg."""
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURES
    return (
        head[4:8] in (b"moov", b"mdat", b"wide", b"free")
        or head.startswith((b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01", b"OggS"))
        or (head.startswith(b"RIFF") and head[8:12] == b"AVI ")
    )


# What begins as films do and is a picture.
_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)
