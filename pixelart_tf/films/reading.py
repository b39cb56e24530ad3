"""Reads films, upright and with square pixels, frame by frame."""

import contextlib
import importlib.util
import itertools
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pixelart_tf import images
from pixelart_tf.cli import UserError

FOLDER_RATE = Fraction(25)   # frames a second of a folder, unless said otherwise
ANIMATIONS = (".apng", ".gif", ".png", ".webp")
SLACK = Fraction(1, 2)   # seconds by which a film may end before the end that it declares


class FilmError(UserError):
    """A film that cannot be used. The message is one line: `path: reason`."""


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
    return _PyAV(path) if library() == "av" else _Ffmpeg(path)


def library() -> str:
    """Which library is there for films: `"av"` or `"imageio_ffmpeg"`. Raises UserError if neither is."""
    for name in ("av", "imageio_ffmpeg"):
        with contextlib.suppress(ValueError):   # a module that is barred has no spec
            if importlib.util.find_spec(name):
                return name
    raise UserError('films need PyAV: pip install "pixelart-tf[video]" (or imageio-ffmpeg)')


def reason(error: Exception) -> str:
    """What a library says, in a few words."""
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__


def turned(image: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """Turns and mirrors a picture by quarters, as a film's display matrix says.

    Args:
        image: (H, W, C).
        matrix: int (9,), row by row: (x, y, 1) of the stored picture times the matrix is where it is shown.
    """
    if matrix is None:
        return image
    a, b, _, c, d = (int(value) for value in matrix[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        image, a, d = image.swapaxes(0, 1), c, b
    return image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


class _PyAV(Film):
    """By PyAV: exact times, all tracks of sound."""

    def __init__(self, path: Path):
        import av

        try:
            self._container = av.open(str(path), metadata_errors="replace")
        except av.FFmpegError as error:
            raise FilmError(f"{path}: not a film, damaged, or cut off before its end ({reason(error)})") from None
        if not self._container.streams.video:
            raise FilmError(f"{path}: has no pictures")
        self._stream = stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        rate = stream.average_rate or stream.guessed_rate or FOLDER_RATE
        super().__init__(path, rate=Fraction(rate), time_base=Fraction(stream.time_base))
        self.sound = [each.codec_context.name for each in self._container.streams.audio]
        end = self._end()
        self.num_frames = stream.frames or (round(end[0] * self.rate) if end else None)

    def _end(self) -> tuple[Fraction, bool] | None:
        start = Fraction(self._stream.start_time or 0) * self.time_base
        if self._stream.duration:
            return start + self._stream.duration * self.time_base, False
        # Matroska has a tag a track.
        if match := re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", self._stream.metadata.get("DURATION", "")):
            hours, minutes, seconds = match.groups()
            return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds), False
        return (start + Fraction(self._container.duration, 1_000_000), True) if self._container.duration else None

    def _frames(self) -> Iterator[Frame]:
        import av

        time = last = size = None
        for frame in self._decoded():
            if size is None:
                shape = self._stream.sample_aspect_ratio or frame_shape(self._stream) or 1
                size = max(1, round(frame.width * shape)), frame.height
            # Untagged films are of the standard of their time.
            unknown = int(frame.colorspace) == 2
            matrix = ("ITU709" if frame.height >= 720 else "ITU601") if unknown else None
            has_alpha = any(component.is_alpha for component in frame.format.components)
            converted = frame.reformat(
                *size, format="rgba" if has_alpha else "rgb24", src_colorspace=matrix,
                interpolation="FAST_BILINEAR" if size == (frame.width, frame.height) else "AREA",
            )
            display = frame.side_data.get(av.sidedata.sidedata.Type.DISPLAYMATRIX)
            display = None if display is None else np.frombuffer(bytes(display), np.int32)
            duration = Fraction(frame.duration or 0) * self.time_base or 1 / self.rate
            now = None if frame.pts is None else frame.pts * self.time_base
            if now is None or (time is not None and now <= time):   # missing, or runs back
                now = Fraction(0) if time is None else time + last
            time, last = now, duration
            yield Frame(turned(converted.to_ndarray(), display), time, duration)
        self._container.close()

    def _decoded(self):
        """The frames that can be read. What is damaged is left out, and noted."""
        import av

        damaged, ended = 0, False
        packets = self._container.demux(self._stream)
        while not ended:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.FFmpegError as error:
                self.notes.append(f"{self.path}: cannot be read further ({reason(error)})")
                packet, ended = None, True   # what the decoder still holds
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError:
                damaged += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    damaged += 1
                else:
                    yield frame
        if damaged:
            self.notes.append(f"{self.path}: damaged frames left out: {damaged}")


def frame_shape(stream) -> Fraction | None:
    """The width of a pixel over its height, where the codec knows it and the container does not."""
    return stream.codec_context.sample_aspect_ratio


class _Ffmpeg(Film):
    """By imageio-ffmpeg: frames of a constant rate; damaged ones come mended as well as ffmpeg can."""

    def __init__(self, path: Path):
        meta = next(self._open(path))
        if not meta["fps"]:
            raise FilmError(f"{path}: has no frame rate")
        # The log that this is read from rounds to two places; 29.97 means 30000/1001.
        rate = Fraction(str(meta["fps"]))
        for whole in (24, 30, 60, 120):
            if abs(rate - Fraction(1000 * whole, 1001)) < Fraction(1, 100):
                rate = Fraction(1000 * whole, 1001)
        self._duration = Fraction(str(meta["duration"]))
        super().__init__(path, rate=rate, time_base=1 / rate, num_frames=round(self._duration * rate) or None)
        self.sound = [meta["audio_codec"]] if "audio_codec" in meta else []

    @staticmethod
    def _open(path: Path, output_params: tuple[str, ...] = ()) -> Iterator:
        """What imageio-ffmpeg gives: a dict about the film, then the bytes of frame after frame."""
        import imageio_ffmpeg

        logging.getLogger("imageio_ffmpeg").setLevel(logging.ERROR)   # it warns of each film that is turned
        try:
            yield from imageio_ffmpeg.read_frames(str(path), output_params=[*output_params])
        except (OSError, RuntimeError, IndexError):
            raise FilmError(f"{path}: not a film, damaged, or has no pictures") from None

    def _end(self) -> tuple[Fraction, bool] | None:
        return self._duration, True

    def _frames(self) -> Iterator[Frame]:
        square = "scale=round(iw*if(sar\\,sar\\,1)):ih,setsar=1"
        with contextlib.closing(self._open(self.path, ("-r", str(self.rate), "-vf", square))) as source:
            width, height = next(source)["size"]
            for nth, encoded in enumerate(source):
                image = np.frombuffer(encoded, np.uint8).reshape(height, width, 3)
                yield Frame(image, nth / self.rate, 1 / self.rate)


class _Animation(Film):
    """By Pillow: GIF, APNG, WebP."""

    def __init__(self, path: Path):
        try:
            self._image = Image.open(path)
        except Exception as error:   # Pillow raises of many kinds for damaged files
            raise FilmError(f"{path}: not an animation ({reason(error).split(': ')[0]})") from None
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
                mode = "RGBA" if self._image.has_transparency_data else "RGB"
                image = np.array(self._image.convert(mode))
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
        self._files = sorted(images.find(path), key=_counted)
        super().__init__(path, rate=rate, time_base=1 / rate, num_frames=len(self._files))

    def _frames(self) -> Iterator[Frame]:
        for nth, file in enumerate(self._files):
            yield Frame(images.read(file, mode="RGBA"), nth / self.rate, 1 / self.rate)


def _counted(path: Path) -> list:
    parts = re.split(r"(\d+)", str(path))
    return [int(part) if nth % 2 else part for nth, part in enumerate(parts)]
