"""Writes pixel art as a film; the output's suffix says of which kind."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.films import ffmpeg, pyav
from pixelart_tf.films.animation import Apng, Folder, Gif
from pixelart_tf.films.film import Film, library
from pixelart_tf.films.webp import Webp

ANIMATIONS = {".apng": Apng, ".gif": Gif, ".png": Apng, ".webp": Webp}
_X264 = {"preset": "veryfast", "bf": "0"}   # without B-frames a film's length is exact at a variable rate too
_VP9 = {"b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}
# Encoder, its pixel format, its options: as usual, and lossless.
_H264 = ("libx264", "yuv420p", {"crf": "16", **_X264}), ("libx264rgb", "rgb24", {"crf": "0", **_X264})
_WEBM = ("libvpx-vp9", "yuv420p", {"crf": "20", **_VP9}), ("libvpx-vp9", "gbrp", {"lossless": "1", **_VP9})
CODECS = {".mkv": _H264, ".mov": _H264, ".mp4": _H264, ".webm": _WEBM}
SUFFIXES = (*CODECS, *ANIMATIONS)


def needs_even(path: Path, *, lossless: bool) -> bool:
    """Whether cells must be an even number of pixels: 4:2:0 has a color for each 2x2 pixels only."""
    return path.suffix.lower() in CODECS and not lossless


def target(path: str | Path, film: Film, *, overwrite: bool = False) -> Path:
    """Checks an output before any work is done, and makes the folder that it goes into.

    Args:
        path: a file of one of `SUFFIXES`, or a name without suffix for a folder of PNG frames.
        film: the input, which is never overwritten.
        overwrite: replace what is there; of folders only one that holds such frames and nothing else.

    Raises:
        UserError: in one line.
    """
    if not str(path):   # an unset variable of a shell, not the current folder
        raise UserError("an empty path: no output is called so")
    path = Path(path)
    if not path.suffix or path.suffix.lower() in SUFFIXES:
        path.parent.mkdir(parents=True, exist_ok=True)
    if not path.suffix:
        _check_folder(path, film, overwrite)
    elif path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: must end in one of {' '.join(SUFFIXES)}, or be a folder of frames without a suffix")
    else:
        files.check_output(path, overwrite=overwrite, inputs=(film.path,))
    if path.suffix.lower() in CODECS:
        library()
    return path


def _check_folder(path: Path, film: Film, overwrite: bool) -> None:
    """As `files.check_output`, for a folder of frames."""
    if not path.exists():
        return
    if path.samefile(film.path):
        raise UserError(f"{path}: an input, which is never overwritten; choose another name")
    if not path.is_dir():
        raise UserError(f"{path}: a file")
    if not overwrite:
        raise UserError(f"{path}: already there; --overwrite replaces it")
    if not all(re.fullmatch(r"\d{6,}\.png", each.name) for each in path.iterdir()):
        raise UserError(f"{path}: holds more than numbered frames, so it is not replaced")


@contextlib.contextmanager
def create(path: Path, film: Film, *, scale: int, lossless: bool = False, sound: bool = True) -> Iterator:
    """Begins a film, under a temporary name; it gets its own when the block ends well, and nothing is left otherwise.

    H.264 and VP9 are written as 4:2:0 from colors that are converted before they are enlarged, so that each cell has
    its own; `lossless` keeps RGB exactly (4:4:4), which not every player shows. What is transparent is white there.
    Frames keep their times: exactly in MP4 and APNG, to a thousandth of a second in WebM, Matroska and WebP, to a
    hundredth in GIF. With imageio-ffmpeg the rate is constant. Sound is copied packet by packet.

    Args:
        path: as `target` gives it.
        film: which gives the rate, the times and the sound.
        scale: pixels of a cell's side; even where `needs_even`.
        lossless: for films proper; the others always are.
        sound: whether to copy it; animations and folders have none, of which a note is made.

    Yields:
        Something with `write(art, time, duration)`, to call with each frame of `film` in order.

    Raises:
        UserError: the sound or the pictures do not go into such a file, or the encoder is missing.
        OSError: the folder or the disk does not take it; names `path`.
    """
    if needs_even(path, lossless=lossless) and scale % 2:
        raise UserError(
            f"the scale must be even for {path.suffix}, whose colors are for 2x2 pixels: take {scale + 1}, or "
            f"--lossless. Received: {scale}"
        )
    suffix = path.suffix.lower()
    with contextlib.ExitStack() as stack:
        if not suffix:
            writer = Folder(stack.enter_context(files.replacing_folder(path)), scale)
        else:
            temporary = stack.enter_context(files.replacing(path, sync=False))
            temporary.touch()   # who may not write here learns it before the libraries say it in their words
            if suffix in ANIMATIONS:
                writer = ANIMATIONS[suffix](temporary, scale, film.plays)
            else:
                kind = pyav.Writer if library() == "av" else ffmpeg.Writer
                writer = kind(temporary, path, film, scale, CODECS[suffix][lossless], sound and bool(film.sound))
        stack.callback(_abandon, writer)
        if film.sound and sound and suffix not in CODECS:
            film.notes.append(f"{path}: without the sound, as {suffix or 'a folder'} has none")
        yield writer
        writer.finish()
        writer.close()
        if writer.left_out:
            film.notes.append(f"{path}: frames left out, as a GIF shows at most 50 a second: {writer.left_out}")


def _abandon(writer) -> None:
    """Closes what is not to be kept; what ails it has been told already."""
    with contextlib.suppress(Exception):
        writer.close()
