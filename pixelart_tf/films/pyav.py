"""Films by PyAV: frames at their exact times, and all tracks of sound."""

import contextlib
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.films.film import FOLDER_RATE, Film, FilmError, Frame, check_frame, reason
from pixelart_tf.films.planes import planes, size
from pixelart_tf.pixelize.art import Art


class Reader(Film):
    """By PyAV: exact times, all tracks of sound."""

    def __init__(self, path: Path):
        import av

        try:
            self._container = av.open(os.path.abspath(path), metadata_errors="replace")
        except av.FFmpegError as error:
            raise FilmError(f"{path}: not a film, damaged, or cut off before its end ({reason(error)})") from None
        self._stream = stream = self._container.streams.best("video")   # the first one may be a cover
        if stream is None:
            raise FilmError(f"{path}: has no pictures")
        if stream.codec_context is None:
            raise FilmError(f"{path}: its pictures are of a codec that this PyAV does not know")
        check_frame(path, stream.width, stream.height)
        stream.thread_type = "AUTO"
        self._decoder = stream.codec_context
        rate = stream.average_rate or stream.guessed_rate or FOLDER_RATE
        super().__init__(path, rate=Fraction(rate), time_base=Fraction(stream.time_base))
        self._own_rate, self._clock = self.rate, self.time_base   # whatever it is resampled to
        self.sound = [codec_name(each) for each in self._container.streams.audio]
        if stream.metadata.get("alpha_mode") == "1":   # of WebM; FFmpeg's own decoders leave transparency out
            self._decoder = self._with_alpha() or self._decoder
        if (begins := self._container.start_time or 0) > 0:
            self.origin = Fraction(begins, 1_000_000) // self.time_base * self.time_base
        self._declared = self._declared_end()   # now, as a container that is closed tells nothing more
        self.num_frames = stream.frames or (round(self._declared[0] * self.rate) if self._declared else None)

    def _with_alpha(self):
        import av

        name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(self._decoder.name)
        try:
            decoder = av.CodecContext.create(name or "", "r")
        except (av.FFmpegError, ValueError) as error:
            self.notes.append(f"{self.path}: read without its transparency ({reason(error)})")
            return None
        decoder.extradata = self._decoder.extradata
        return decoder

    def _end(self) -> tuple[Fraction, bool] | None:
        return self._declared

    def _declared_end(self) -> tuple[Fraction, bool] | None:
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
        if self.start:   # to the frame before it that all later ones need; where that fails, from the beginning on
            with contextlib.suppress(av.FFmpegError):
                self._container.seek(int((self.start + self.origin) * 1_000_000))
        for frame in self._decoded():
            if size is None:
                shape = self._stream.sample_aspect_ratio or frame_shape(self._stream) or 1
                size = max(1, round(frame.width * shape)), frame.height
                check_frame(self.path, *size)
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
            duration = Fraction(frame.duration or 0) * self._clock or 1 / self._own_rate
            now = None if frame.pts is None else frame.pts * self._clock - self.origin
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
                frames = self._decoder.decode(packet)
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


def codec_name(stream) -> str:
    """Of a track; "unknown" where FFmpeg does not know it."""
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def frame_shape(stream) -> Fraction | None:
    """The width of a pixel over its height, where the codec knows it and the container does not."""
    return stream.codec_context.sample_aspect_ratio


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


class Writer:
    """By PyAV: frames at their exact times, and all tracks of sound."""

    left_out = 0

    def __init__(self, temporary: Path, path: Path, film: Film, scale: int, codec: tuple, sound: bool):
        import av

        self.path, self.film, self.scale = path, film, scale
        self._encoder, self._pix_fmt, options = codec
        self._sound_input = self._sound = self._next_sound = None
        mp4 = {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}
        # A name such as 12:30.mp4 would be one of a protocol.
        self._container = av.open(os.path.abspath(temporary), "w", container_options=mp4)
        try:
            self._stream = self._container.add_stream(self._encoder, rate=film.rate.limit_denominator(100_000))
        except (av.FFmpegError, ValueError) as error:
            raise UserError(f"{path}: this PyAV has no {self._encoder} ({reason(error)})") from None
        self._stream.pix_fmt, self._stream.options = self._pix_fmt, options
        self._stream.time_base = self._stream.codec_context.time_base = film.time_base
        if self._pix_fmt == "yuv420p":
            context = self._stream.codec_context
            context.color_primaries = context.color_trc = context.colorspace = 1   # BT.709
            context.color_range = 1   # limited
        if sound:
            self._open_sound()

    def _open_sound(self) -> None:
        """From the film opened once more, which leaves the reading of the frames as it is."""
        import av

        self._sound_input = av.open(os.path.abspath(self.film.path), metadata_errors="replace")
        known, self._tracks = self._container.supported_codecs, {}
        for stream in self._sound_input.streams.audio:
            name = codec_name(stream)
            try:
                if name not in known:
                    raise ValueError("not of this format")
                self._tracks[stream.index] = self._container.add_stream_from_template(stream)
            except (av.FFmpegError, ValueError):
                raise UserError(
                    f"{self.path}: {name} sound does not go into {self.path.suffix} as it is; take another suffix, "
                    "such as .mkv, or --no-sound"
                ) from None
        self._sound = self._sound_packets()
        self._next_sound = next(self._sound, None)

    def _sound_packets(self) -> Iterator:
        import av

        film, origin = self.film, self.film.origin + self.film.start
        try:
            for packet in self._sound_input.demux(list(self._sound_input.streams.audio)):
                if packet.dts is None:   # the one that says that a track ends
                    continue
                later = round(origin / packet.time_base)
                packet.dts, packet.pts = packet.dts - later, None if packet.pts is None else packet.pts - later
                time = packet.dts * packet.time_base
                if film.start and time < 0:
                    continue
                if film.end is None or time < film.end - film.start:
                    yield packet
        except av.FFmpegError:
            return   # the film is cut off, which who reads its frames notes

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        import av

        if not self._stream.codec_context.is_open:
            self._stream.width, self._stream.height = size(art, self.scale, self.path)
        frame = av.VideoFrame(self._stream.width, self._stream.height, self._pix_fmt)
        for plane, values in zip(frame.planes, planes(art, self.scale, self._pix_fmt), strict=True):
            lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            lines[: values.shape[0], : values.shape[1]] = values
        base = self.film.time_base
        frame.pts, frame.time_base, frame.duration = round(time / base), base, round(duration / base)
        if self._pix_fmt == "yuv420p":
            frame.colorspace = frame.color_range = 1
        self._mux(frame)
        self._mux_sound(time + duration)

    def _mux(self, frame) -> None:
        import av

        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except av.FFmpegError as error:
            raise _failed(self.path, error, f"{self._encoder} cannot write it") from None

    def _mux_sound(self, until: Fraction | None) -> None:
        import av

        while (packet := self._next_sound) is not None:
            if until is not None and packet.dts * packet.time_base > until:
                break
            packet.stream = self._tracks[packet.stream.index]
            try:
                self._container.mux(packet)
            except av.FFmpegError as error:
                raise _failed(self.path, error, "the sound cannot be copied, see --no-sound") from None
            self._next_sound = next(self._sound, None)

    def finish(self) -> None:
        self._mux(None)
        self._mux_sound(None)

    def close(self) -> None:
        import av

        try:
            self._container.close()
        except av.FFmpegError as error:
            raise _failed(self.path, error, "cannot be written") from None
        if self._sound_input is not None:
            self._sound_input.close()


def _failed(path: Path, error: Exception, what: str) -> Exception:
    """What to raise: the disk's own errors, such as that it is full, as those; else that it is about the film."""
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror, str(path))
    return UserError(f"{path}: {what} ({reason(error)})")
