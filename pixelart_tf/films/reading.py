"""Reads films, upright and with square pixels, frame by frame."""

import functools
import itertools
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.films import ffmpeg, gif, pyav
from pixelart_tf.films.film import FOLDER_RATE, Film, FilmError, Frame, check_frame, library, reason
from pixelart_tf.pictures import finding, images, opening, profiles

ANIMATIONS = (".apng", ".gif", ".png", ".webp")


def open_film(
    path: str | Path, *, rate: Fraction | None = None, start: Fraction | None = None, end: Fraction | None = None
) -> Film:
    """Opens a film, an animation (GIF, APNG, WebP), or a folder of frames, which are taken in the order of their names.

    With PyAV each frame keeps its time exactly, of variable rate too. imageio-ffmpeg gives frames of a constant rate,
    the film's average, repeating and leaving out frames where its own rate varies.

    Args:
        path: a file or a folder.
        rate: frames a second; None is the film's own, or `FOLDER_RATE` for a folder. See `Film.resample`.
        start, end: seconds of the part that is read; see `Film.cut`.

    Raises:
        FilmError: it is no film, or has nothing but sound; or there is no such part or rate.
        UserError: it takes PyAV or imageio-ffmpeg, and there is neither.
        OSError: nothing readable is there.
    """
    if not str(path):   # an unset variable of a shell, not the current folder
        raise FilmError("an empty path: no such file or folder")
    path = Path(path)
    if path.is_dir():
        film = _Folder(path, FOLDER_RATE if rate is None else rate)
    else:
        film = _open_file(path)
        if rate is not None:
            film.resample(rate)
    film.cut(start, end)
    return film


def _open_file(path: Path) -> Film:
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
        milliseconds = _at_least(self._image.info.get("duration", 0))
        super().__init__(path, rate=Fraction(1000, milliseconds), time_base=Fraction(1, 1000))
        # What an APNG shows where nothing moves may be no frame of it.
        self._first = int(self._image.info.get("default_image", False))
        self.num_frames = count and count - self._first
        self.plays = self._plays()
        self._profile = self._image.info.get("icc_profile")

    def _plays(self) -> int:
        loop = self._image.info.get("loop")
        if self._image.format == "GIF":   # which tells how often it begins anew
            return 1 if loop is None else loop and loop + 1
        return loop or 0

    def _frames(self) -> Iterator[Frame]:
        time = nth = 0
        pictures = self._of_gif() if self._image.format == "GIF" else self._pictures()
        while True:
            try:
                image, milliseconds = next(pictures)
            except StopIteration:
                break
            except FilmError:
                raise
            except Exception:   # of many kinds for damaged files
                self.notes.append(f"{self.path}: cut off; {nth} frames could be read")
                break
            yield Frame(image, Fraction(time, 1000), Fraction(milliseconds, 1000))
            time, nth = time + milliseconds, nth + 1
        self._image.close()

    def _pictures(self) -> Iterator[tuple[np.ndarray, int]]:
        """What is seen of each frame, and its milliseconds."""
        for nth in itertools.count():
            try:
                self._image.seek(nth + self._first)
            except EOFError:
                if nth < (self.num_frames or 0):
                    raise
                return
            check_frame(self.path, *self._image.size)   # a frame may be larger than its film says
            image = profiles.as_srgb(self._image, self._profile)
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
            yield np.array(image), _at_least(self._image.info.get("duration", 0))

    def _of_gif(self) -> Iterator[tuple[np.ndarray, int]]:
        with self.path.open("rb") as file:
            for image, milliseconds in gif.frames(file, functools.partial(check_frame, self.path)):
                yield image, _at_least(milliseconds)


def _at_least(milliseconds: float) -> int:
    """How long a frame is shown; up to a hundredth of a second is a tenth, as it is in browsers."""
    return round(milliseconds) if round(milliseconds) > 10 else 100


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
