"""Writes pixel art as a film; the output's suffix says of which kind."""

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from pixelart_tf import files
from pixelart_tf.cli import UserError
from pixelart_tf.films.animation import Apng, Folder, Gif, replace_folder
from pixelart_tf.films.reading import Film, library, reason
from pixelart_tf.pixelize.art import Art

ANIMATIONS = {".apng": Apng, ".gif": Gif, ".png": Apng}
_X264 = {"preset": "veryfast", "bf": "0"}   # without B-frames a film's length is exact at a variable rate too
_VP9 = {"b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}
# Encoder, its pixel format, its options: as usual, and lossless.
_H264 = ("libx264", "yuv420p", {"crf": "16", **_X264}), ("libx264rgb", "rgb24", {"crf": "0", **_X264})
_WEBM = ("libvpx-vp9", "yuv420p", {"crf": "20", **_VP9}), ("libvpx-vp9", "gbrp", {"lossless": "1", **_VP9})
CODECS = {".mkv": _H264, ".mov": _H264, ".mp4": _H264, ".webm": _WEBM}
SUFFIXES = (*CODECS, *ANIMATIONS)
MAX_SIDE = 16384   # pixels, of H.264 and VP9 as the libraries have them


def needs_even(path: Path, *, lossless: bool) -> bool:
    """Whether cells must be an even number of pixels: 4:2:0 has a color for each 2x2 pixels only."""
    return path.suffix.lower() in CODECS and not lossless


def target(path: str | Path, film: Film, *, overwrite: bool = False) -> Path:
    """Checks an output before any work is done.

    Args:
        path: a file of one of `SUFFIXES`, or a name without suffix for a folder of PNG frames.
        film: the input, which is never overwritten.
        overwrite: replace what is there; of folders only one that holds such frames and nothing else.

    Raises:
        UserError: in one line.
    """
    path = Path(path)
    if path.suffix and path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: must end in one of {' '.join(SUFFIXES)}, or be a folder of frames without a suffix")
    if not path.parent.is_dir():
        raise UserError(f"{path.parent}: no such folder")
    if path.exists():
        if path.samefile(film.path):
            raise UserError(f"{path}: is the input")
        if path.is_dir() != (not path.suffix):
            raise UserError(f"{path}: is a {'folder' if path.is_dir() else 'file'}")
        if not overwrite:
            raise UserError(f"{path}: is there already (--overwrite replaces it)")
        if path.is_dir() and not all(re.fullmatch(r"\d{6,}\.png", each.name) for each in path.iterdir()):
            raise UserError(f"{path}: holds more than numbered frames, so it is not replaced")
    if path.suffix.lower() in CODECS:
        library()
    return path


@contextlib.contextmanager
def create(path: Path, film: Film, *, scale: int, lossless: bool = False, sound: bool = True) -> Iterator:
    """Begins a film, under a temporary name; it gets its own when the block ends well, and nothing is left otherwise.

    H.264 and VP9 are written as 4:2:0 from colors that are converted before they are enlarged, so that each cell has
    its own; `lossless` keeps RGB exactly (4:4:4), which not every player shows. What is transparent is white there.
    Frames keep their times: exactly in MP4 and APNG, to a thousandth of a second in WebM and Matroska, to a hundredth
    in GIF. With imageio-ffmpeg the rate is constant. Sound is copied packet by packet.

    Args:
        path: as `target` gives it.
        film: which gives the rate, the times and the sound.
        scale: pixels of a cell's side; even where `needs_even`.
        lossless: for films proper; the others always are.
        sound: whether to copy it; GIF, PNG and folders have none, of which a note is made.

    Yields:
        Something with `write(art, time, duration)`, to call with each frame of `film` in order.

    Raises:
        UserError: the sound or the pictures do not go into such a file, or the encoder is missing.
    """
    if needs_even(path, lossless=lossless) and scale % 2:
        raise UserError(
            f"the scale must be even for {path.suffix}, whose colors are for 2x2 pixels: take {scale + 1}, or "
            f"--lossless. Received: {scale}"
        )
    suffix = path.suffix.lower()
    with contextlib.ExitStack() as stack:
        if not suffix:
            temporary = path.with_name(f".part.{path.name}")
            shutil.rmtree(temporary, ignore_errors=True)   # of a run that was killed
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            writer = Folder(temporary, scale)
        else:
            temporary = stack.enter_context(files.replacing(path, sync=False))
            if suffix in ANIMATIONS:
                writer = ANIMATIONS[suffix](temporary, scale)
            else:
                kind = _PyAV if library() == "av" else _Ffmpeg
                writer = kind(temporary, path, film, scale, CODECS[suffix][lossless], sound and bool(film.sound))
        stack.callback(_abandon, writer)
        if film.sound and sound and suffix not in CODECS:
            film.notes.append(f"{path}: without the sound, as {suffix or 'a folder'} has none")
        yield writer
        writer.finish()
        writer.close()
        if writer.left_out:
            film.notes.append(f"{path}: frames left out, as a GIF shows at most 50 a second: {writer.left_out}")
        if not suffix:
            replace_folder(temporary, path)


def _abandon(writer) -> None:
    """Closes what is not to be kept; what ails it has been told already."""
    with contextlib.suppress(Exception):
        writer.close()


def planes(art: Art, scale: int, pix_fmt: str) -> list[np.ndarray]:
    """The planes of a frame: uint8 (H, W), (H/2, W/2) for the colors of yuv420p, (H, 3 * W) for rgb24.

    yuv420p is BT.709 of limited range (ITU-R BT.709-6, 3.2 to 3.5), as all players take it to be.
    """
    palette = np.concatenate([art.palette, np.full((1, 3), 255, np.uint8)])   # under transparency
    index = np.where(art.opaque, art.index, np.uint16(len(art.palette)))
    if pix_fmt == "rgb24":
        cells = palette[index].repeat(scale, axis=1)
        return [cells.reshape(len(cells), -1).repeat(scale, axis=0)]
    if pix_fmt == "gbrp":
        tables, scales = (palette[:, channel] for channel in (1, 2, 0)), (scale,) * 3
    else:
        red, green, blue = (palette / 255).T
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        tables = 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748
        tables, scales = (np.rint(table).astype(np.uint8) for table in tables), (scale, scale // 2, scale // 2)
    return [
        table[index].repeat(each, axis=1).repeat(each, axis=0) for table, each in zip(tables, scales, strict=True)
    ]


def _size(art: Art, scale: int, path: Path) -> tuple[int, int]:
    """Width and height in pixels."""
    height, width = (side * scale for side in art.index.shape)
    if max(height, width) > MAX_SIDE:
        raise UserError(f"{path}: {width}x{height} pixels are more than {MAX_SIDE} a side; take a smaller scale")
    return width, height


class _PyAV:
    """By PyAV: frames at their exact times, and all tracks of sound."""

    left_out = 0

    def __init__(self, temporary: Path, path: Path, film: Film, scale: int, codec: tuple, sound: bool):
        import av

        self.path, self.film, self.scale = path, film, scale
        self._encoder, self._pix_fmt, options = codec
        self._sound_input = self._sound = self._next_sound = None
        mp4 = {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}
        self._container = av.open(str(temporary), "w", container_options=mp4)
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

        self._sound_input = av.open(str(self.film.path), metadata_errors="replace")
        known, self._tracks = self._container.supported_codecs, {}
        for stream in self._sound_input.streams.audio:
            name = stream.codec_context.codec.canonical_name
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

        try:
            for packet in self._sound_input.demux(list(self._sound_input.streams.audio)):
                if packet.dts is not None:   # of none is the one that says that a track ends
                    yield packet
        except av.FFmpegError:
            return   # the film is cut off, which who reads its frames notes

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        import av

        if not self._stream.codec_context.is_open:
            self._stream.width, self._stream.height = _size(art, self.scale, self.path)
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
            raise UserError(f"{self.path}: {self._encoder} cannot write it ({reason(error)})") from None

    def _mux_sound(self, until: Fraction | None) -> None:
        import av

        while (packet := self._next_sound) is not None:
            if until is not None and packet.dts * packet.time_base > until:
                break
            packet.stream = self._tracks[packet.stream.index]
            try:
                self._container.mux(packet)
            except av.FFmpegError as error:
                raise UserError(f"{self.path}: the sound cannot be copied ({reason(error)}); --no-sound") from None
            self._next_sound = next(self._sound, None)

    def finish(self) -> None:
        self._mux(None)
        self._mux_sound(None)

    def close(self) -> None:
        self._container.close()
        if self._sound_input is not None:
            self._sound_input.close()


class _Ffmpeg:
    """By imageio-ffmpeg's ffmpeg: frames at the film's average rate, and all tracks of sound."""

    left_out = 0

    def __init__(self, temporary: Path, path: Path, film: Film, scale: int, codec: tuple, sound: bool):
        import imageio_ffmpeg

        self.path, self.scale = path, scale
        self._encoder, self._pix_fmt, options = codec
        self._input = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-f", "rawvideo"]
        self._input += ["-pix_fmt", self._pix_fmt, "-r", str(film.rate)]
        self._output = ["-i", "-"]
        if sound:
            self._output += ["-i", str(film.path), "-map", "0:v", "-map", "1:a", "-c:a", "copy"]
        self._output += ["-c:v", self._encoder, "-pix_fmt", self._pix_fmt]
        self._output += [word for name, value in options.items() for word in (f"-{name}:v", value)]
        if self._pix_fmt == "yuv420p":
            self._output += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
            self._output += ["-color_range", "tv"]
        self._output.append(str(temporary))
        self._process = None
        self._log = tempfile.TemporaryFile()   # noqa: SIM115 - `close` does

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        if self._process is None:
            width, height = _size(art, self.scale, self.path)
            # In a session of its own Ctrl-C does not reach it.
            self._process = subprocess.Popen(
                [*self._input, "-s", f"{width}x{height}", *self._output],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True,
            )
        try:
            for plane in planes(art, self.scale, self._pix_fmt):
                self._process.stdin.write(plane)
        except BrokenPipeError:
            self._fail()

    def _fail(self) -> None:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise UserError(
            f"{self.path}: ffmpeg cannot write it ({lines[0]}); if that is about the sound, take another suffix, such "
            "as .mkv, or --no-sound"
        )

    def finish(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._process.wait():
            self._fail()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()
