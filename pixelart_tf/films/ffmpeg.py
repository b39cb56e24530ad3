"""Films by imageio-ffmpeg's ffmpeg: frames of a constant rate, the film's average."""

import contextlib
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.films.film import Film, FilmError, Frame, check_frame
from pixelart_tf.films.planes import planes, size
from pixelart_tf.pixelize.art import Art


class Reader(Film):
    """By imageio-ffmpeg: frames of a constant rate; damaged ones come mended as well as ffmpeg can."""

    def __init__(self, path: Path):
        meta = next(self._open(path))
        check_frame(path, *meta["source_size"])
        if not meta["fps"]:
            raise FilmError(f"{path}: has no frame rate")
        # The log that this is read from rounds to two places; 29.97 means 30000/1001.
        rate = Fraction(str(meta["fps"]))
        for whole in (24, 30, 60, 120):
            if abs(rate - Fraction(1000 * whole, 1001)) < Fraction(1, 100):
                rate = Fraction(1000 * whole, 1001)
        self._duration = Fraction(str(meta["duration"]))
        super().__init__(path, rate=rate, time_base=1 / rate, num_frames=round(self._duration * rate) or None)
        self._own_rate = self.rate   # whatever it is resampled to
        self.sound = [meta["audio_codec"]] if "audio_codec" in meta else []

    @staticmethod
    def _open(path: Path, output_params: tuple[str, ...] = ()) -> Iterator:
        """What imageio-ffmpeg gives: a dict about the film, then the bytes of frame after frame."""
        import imageio_ffmpeg

        logging.getLogger("imageio_ffmpeg").setLevel(logging.ERROR)   # it warns of each film that is turned
        try:
            yield from imageio_ffmpeg.read_frames(os.path.abspath(path), output_params=[*output_params])
        except (OSError, RuntimeError, IndexError):
            raise FilmError(
                f"{path}: not a film, damaged, without pictures, or of a codec that ffmpeg does not know"
            ) from None

    def _end(self) -> tuple[Fraction, bool] | None:
        return self._duration, True

    def _frames(self) -> Iterator[Frame]:
        square = "scale=round(iw*if(sar\\,sar\\,1)):ih,setsar=1"
        with contextlib.closing(self._open(self.path, ("-r", str(self._own_rate), "-vf", square))) as source:
            width, height = next(source)["size"]
            check_frame(self.path, width, height)
            for nth, encoded in enumerate(source):
                image = np.frombuffer(encoded, np.uint8).reshape(height, width, 3)
                yield Frame(image, nth / self._own_rate, 1 / self._own_rate)


class Writer:
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
            # Names as paths from the root, as 12:30.mp4 would be one of a protocol.
            part = ["-ss", str(float(film.start))] if film.start else []
            part += ["-to", str(float(film.end))] if film.end is not None else []
            self._output += [*part, "-i", os.path.abspath(film.path), "-map", "0:v", "-map", "1:a", "-c:a", "copy"]
        self._output += ["-c:v", self._encoder, "-pix_fmt", self._pix_fmt]
        self._output += [word for name, value in options.items() for word in (f"-{name}:v", value)]
        if self._pix_fmt == "yuv420p":
            self._output += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
            self._output += ["-color_range", "tv"]
        self._output.append(os.path.abspath(temporary))
        self._process = None
        self._log = tempfile.TemporaryFile()   # noqa: SIM115 - `close` does

    def write(self, art: Art, time: Fraction, duration: Fraction) -> None:
        if self._process is None:
            width, height = size(art, self.scale, self.path)
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
