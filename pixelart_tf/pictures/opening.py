"""A file that may be a picture, opened with care: no program is started for it, and nothing is waited for."""

import importlib.util
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from pixelart_tf.base.cli import UserError

# What a file may be, whatever its name is. Pillow knows more, and would start Ghostscript for some. Some builds have no
# AVIF or JPEG 2000. TGA is the last one, as nothing at a file's beginning marks it.
Image.init()
OPENED = tuple(
    format for format in ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "TGA")
    if format in Image.OPEN
)


# Of photographs by telephones; they take a library of their own (`pip install "pixelart-tf[heic]"`).
HEIC = (".heic", ".heif")
HAS_HEIC = importlib.util.find_spec("pillow_heif") is not None
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class ImageError(UserError):
    """A picture that cannot be used. The message is one line: `path: reason`."""


def open_picture(encoded: bytes) -> Image.Image:
    """Opens the bytes of a file of one of the formats `OPENED`, or HEIC, and decodes nothing yet.

    Raises:
        LookupError: it is HEIC, and nothing is there to read it; says what to install.
        PIL.UnidentifiedImageError, and whatever Pillow raises on damaged files.
    """
    if encoded[4:8] == b"ftyp" and encoded[8:12] in _HEIC_BRANDS:
        if not HAS_HEIC:
            raise LookupError('HEIC, which takes pillow-heif: pip install "pixelart-tf[heic]"')
        import pillow_heif

        pillow_heif.register_heif_opener()
        return Image.open(io.BytesIO(encoded), formats=("HEIF",))
    return Image.open(io.BytesIO(encoded), formats=OPENED)


def moves(file: Path | BinaryIO) -> bool:
    """Whether a file is an animation of several frames; False also for what is no picture or cannot be read."""
    try:
        with Image.open(file, formats=OPENED) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:   # Pillow raises of many kinds for damaged files
        return False


def read_bytes(path: str | Path) -> bytes:
    """The contents of a file.

    Raises:
        ImageError: it cannot be read, or is a pipe or a device, which would be waited for without end.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise ImageError(f"{path}: not a regular file")
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from None
