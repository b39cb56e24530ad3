"""A file that may be a picture, opened with care: no program is started for it, and nothing is waited for."""

import io
import os
import stat
from pathlib import Path

from PIL import Image

from pixelart_tf.base.cli import UserError

# What a file may be, whatever its name is. Pillow knows more, and would start Ghostscript for some. Some builds have no
# AVIF or JPEG 2000. TGA is the last one, as nothing at a file's beginning marks it.
Image.init()
OPENED = tuple(
    format for format in ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "TGA")
    if format in Image.OPEN
)


class ImageError(UserError):
    """A picture that cannot be used. The message is one line: `path: reason`."""


def open_picture(encoded: bytes) -> Image.Image:
    """Opens the bytes of a file of one of the formats `OPENED`, and decodes nothing yet.

    Raises:
        PIL.UnidentifiedImageError, and whatever Pillow raises on damaged files.
    """
    return Image.open(io.BytesIO(encoded), formats=OPENED)


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
