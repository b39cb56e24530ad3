"""Reads films, upright and with square pixels, frame by frame."""

import itertools
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.films import ffmpeg, pyav
from pixelart_tf.films.film import FOLDER_RATE, Film, FilmError, Frame, check_frame, library, reason
from pixelart_tf.pictures import finding, images, opening

ANIMATIONS = (".apng", ".gif", ".png", ".webp")


def open_film(path: str | Path, *, rate: Fraction | None = None) -> Film:
    """Opens a film, an animation (GIF, APNG, WebP), or a folder of frames, which are taken in the order of their names.

    With PyAV each frame keeps its time exactly, of variable rate too. imageio-ffmpeg gives frames of a constant rate,
    the film's average, repeating and leaving out frames where its own rate varies.

    Args:
        path: a file or a folder.
        rate: frames a second, for a folder only; None is `FOLDER_RATE`.

    Raises:
        FilmError: it is no film, or has nothing but sound; or `rate` is given for what has its own.
        UserError: it takes PyAV or imageio-ffmpeg, and there is neither.
        OSError: nothing readable is there.
    """
    path = Path(path)
    if path.is_dir():
        return _Folder(path, FOLDER_RATE if rate is None else rate)
    if rate is not None:
        raise FilmError(f"{path}: has a frame rate of its own; one can be given for a folder of frames only")
    with path.open("rb") as file:
        if not file.read(1):
            raise FilmError(f"{path}: empty file (0 bytes)")
    if path.suffix.lower() in ANIMATIONS:
        return _Animation(path)
    if images.is_picture_name(path.name):
        raise FilmError(f"{path}: a picture, not a film; see python -m pixelart_tf.pixelize")
    return pyav.Reader(path) if library() == "av" else ffmpeg.Reader(path)


class _Animation(Film):
    """By Pillow: GIF, APNG, WebP."""

    def __init__(self, path: Path):
        try:
            self._image = Image.open(path, formats=opening.OPENED)
        except Exception as error:   # Pillow raises of many kinds for damaged files
            raise FilmError(f"{path}: not an animation ({reason(error).split(': ')[0]})") from None
        check_frame(path, *self._image.size)
        try:
            count = getattr(self._image, "n_frames", 1)
        except Exception:   # a GIF is gone through to count, and this one is cut off
            count = None
        if count == 1 and self._image.format != "GIF":
            raise FilmError(f"{path}: a picture, not a film; see python -m pixelart_tf.pixelize")
        super().__init__(path, rate=Fraction(1000, self._milliseconds()), time_base=Fraction(1, 1000))
        self.num_frames = count

    def _milliseconds(self) -> int:
        """How long the frame is shown; less than a hundredth of a second is a tenth, as it is in browsers."""
        duration = round(self._image.info.get("duration", 0))
        return duration if duration > 10 else 100

    def _frames(self) -> Iterator[Frame]:
        time = 0
        for nth in itertools.count():
            try:
                self._image.seek(nth)
                check_frame(self.path, *self._image.size)   # a frame may be larger than its film says
                mode = "RGBA" if self._image.has_transparency_data else "RGB"
                image = np.array(self._image.convert(mode))
            except FilmError:
                raise
            except Exception as error:
                if not isinstance(error, EOFError) or nth < (self.num_frames or nth + 1):
                    self.notes.append(f"{self.path}: cut off; {nth} frames could be read")
                break
            milliseconds = self._milliseconds()
            yield Frame(image, Fraction(time, 1000), Fraction(milliseconds, 1000))
            time += milliseconds
        self._image.close()


class _Folder(Film):
    """Picture files, sorted as people count: 2 before 10."""

    def __init__(self, path: Path, rate: Fraction):
        if rate <= 0:
            raise UserError(f"the frame rate must be over 0. Received: {float(rate):g}")
        self._files = sorted(finding.pictures(path), key=_counted)
        super().__init__(path, rate=rate, time_base=1 / rate, num_frames=len(self._files))

    def _frames(self) -> Iterator[Frame]:
        for nth, file in enumerate(self._files):
            yield Frame(images.read(file, mode="RGBA"), nth / self.rate, 1 / self.rate)


def _counted(path: Path) -> list:
    parts = re.split(r"(\d+)", str(path))
    return [int(part) if nth % 2 else part for nth, part in enumerate(parts)]
