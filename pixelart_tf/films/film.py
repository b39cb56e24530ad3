"""What a film is, to who reads it, and which library is there for films."""

import contextlib
import importlib.metadata
import importlib.util
import math
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
        plays: how often an animation is shown; 0 is for ever.
        origin: seconds that the film's own clock shows at its beginning; all times here count from there.
        start, end: seconds of the part that is read, see `cut`; `end` may be None.
    """

    def __init__(self, path: Path, *, rate: Fraction, time_base: Fraction, num_frames: int | None = None):
        self.path, self.rate, self.time_base, self.num_frames = path, rate, time_base, num_frames
        self.sound: list[str] = []
        self.notes: list[str] = []
        self.plays, self.origin, self.start, self.end = 0, Fraction(0), Fraction(0), None
        self._new_rate = None

    def cut(self, start: Fraction | None, end: Fraction | None) -> None:
        """Reads a part only: what is shown from `start` until `end`, in seconds; None is the film's own.

        Raises:
            FilmError: that is no part.
        """
        start = Fraction(0) if start is None else start
        if start < 0 or (end is not None and end <= start):
            received = f"{float(start):g}" if end is None else f"{float(start):g} and {float(end):g}"
            raise FilmError(f"{self.path}: the start must be 0 or more, and the end later. Received: {received}")
        self.start, self.end = round(start / self.time_base) * self.time_base, end
        if start or end is not None:
            self.num_frames = None if end is None else math.ceil((end - start) * self.rate)

    def resample(self, rate: Fraction) -> None:
        """Gives so many frames a second, each the one that is shown at its time: frames are repeated or left out."""
        if rate <= 0:
            raise FilmError(f"{self.path}: the frame rate must be over 0. Received: {float(rate):g}")
        if self.num_frames:
            self.num_frames = round(self.num_frames * rate / self.rate)
        self.rate, self.time_base, self._new_rate = rate, 1 / rate, rate

    def frames(self) -> Iterator[Frame]:
        """The frames in order, decoded as they are taken. Raises FilmError where there is none."""
        frames = self._whole()
        if self.start or self.end is not None:
            frames = self._part(frames)
        return frames if self._new_rate is None else _resampled(frames, self._new_rate)

    def _part(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """What is shown from `start` to `end`; its times begin at 0."""
        is_empty = True
        for frame in frames:
            begin, end = frame.time, frame.time + frame.duration
            if self.end is not None and begin >= self.end:
                break
            if end <= self.start:
                continue
            begin, end, is_empty = max(begin, self.start), end if self.end is None else min(end, self.end), False
            yield Frame(frame.image, begin - self.start, end - begin)
        if is_empty:
            raise FilmError(f"{self.path}: nothing is shown from {float(self.start):g} seconds on")

    def _whole(self) -> Iterator[Frame]:
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
        if end < declared - self.origin - max(SLACK, 2 / self.rate):
            why = "cut off, or its sound is longer" if of_all and self.sound else "cut off"
            length = float(declared - self.origin)
            self.notes.append(f"{self.path}: {why}; {float(end):.2f} of {length:.2f} seconds could be read")

    @abstractmethod
    def _frames(self) -> Iterator[Frame]:
        """The frames, if any."""

    def _end(self) -> tuple[Fraction, bool] | None:
        """Seconds at which the film should end, where it says so, and whether that is of its sound and pictures."""
        return None


def _resampled(frames: Iterator[Frame], rate: Fraction) -> Iterator[Frame]:
    """At each time the frame that is shown then; times are multiples of `1 / rate`."""
    shown, nth = None, 0
    for frame in frames:
        if shown is None:
            nth = math.floor(frame.time * rate)
        while shown is not None and nth / rate < frame.time:
            yield shown._replace(time=nth / rate, duration=1 / rate)
            nth += 1
        shown = frame
    end = shown.time + shown.duration
    while nth / rate < end:
        yield shown._replace(time=nth / rate, duration=1 / rate)
        nth += 1


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
