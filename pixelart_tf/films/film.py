"""What a film is, to who reads it, and which library is there for films."""

import contextlib
import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError

FOLDER_RATE = Fraction(25)   # frames a second of a folder, unless said otherwise
SLACK = Fraction(1, 2)   # seconds by which a film may end before the end that it declares
PYAV = 17   # earlier ones do not know how long a frame is shown, and take BT.709's colors for BT.601's


class FilmError(UserError):
    """A film that cannot be used. The message is one line: `path: reason`."""


def check_frame(path: Path, width: int, height: int) -> None:
    """Raises FilmError where the frames of a film are too large to hold several of them."""
    if width * height > limits.FRAME_PIXELS:
        raise FilmError(f"{path}: frames of {width}x{height}, over {limits.FRAME_PIXELS:,} pixels")


class Frame(NamedTuple):
    """One picture of a film.

    Attributes:
        image: uint8 (H, W, 3), or (H, W, 4) where the film has transparency; all of a film have the same H and W.
        time: seconds at which it is shown, exactly; rising.
        duration: seconds for which it is shown.
    """

    image: np.ndarray
    time: Fraction
    duration: Fraction


class Film(ABC):
    """A film to read, once.

    Attributes:
        path: of the file or the folder.
        rate: frames a second, on average where the rate varies.
        time_base: seconds of which all times are multiples.
        num_frames: about how many there are, or None.
        sound: names of the codecs of its sound, one a track.
        notes: lines on what was left out, complete after the last frame.
    """

    def __init__(self, path: Path, *, rate: Fraction, time_base: Fraction, num_frames: int | None = None):
        self.path, self.rate, self.time_base, self.num_frames = path, rate, time_base, num_frames
        self.sound: list[str] = []
        self.notes: list[str] = []

    def frames(self) -> Iterator[Frame]:
        """The frames in order, decoded as they are taken. Raises FilmError where there is none."""
        end = size = None
        for frame in self._frames():
            height, width = frame.image.shape[:2]
            if size not in (None, (width, height)):
                received = f"{size[0]}x{size[1]} and {width}x{height} at {float(frame.time):.3f} seconds"
                raise FilmError(f"{self.path}: frames must be of one size. Received: {received}")
            size, end = (width, height), frame.time + frame.duration
            yield frame
        if end is None:
            raise FilmError(f"{self.path}: a film without frames" + (", or damaged" if self.notes else ""))
        declared, of_all = self._end() or (end, False)
        if end < declared - max(SLACK, 2 / self.rate):
            why = "cut off, or its sound is longer" if of_all and self.sound else "cut off"
            self.notes.append(f"{self.path}: {why}; {float(end):.2f} of {float(declared):.2f} seconds could be read")

    @abstractmethod
    def _frames(self) -> Iterator[Frame]:
        """The frames, if any."""

    def _end(self) -> tuple[Fraction, bool] | None:
        """Seconds at which the film should end, where it says so, and whether that is of its sound and pictures."""
        return None


def library() -> str:
    """Which library is there for films: `"av"`, of version `PYAV` or later, else `"imageio_ffmpeg"`.

    Raises:
        UserError: there is neither.
    """
    old = ""
    for name in ("av", "imageio_ffmpeg"):
        with contextlib.suppress(ValueError):   # a module that is barred has no spec
            if not importlib.util.find_spec(name):
                continue
            if name == "av" and int((version := importlib.metadata.version(name)).split(".")[0]) < PYAV:
                old = f" {PYAV} or later, here is {version}"
                continue
            return name
    raise UserError(f'films need PyAV{old}: pip install "pixelart-tf[video]" (or imageio-ffmpeg)')


def reason(error: Exception) -> str:
    """What a library says, in a few words."""
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
