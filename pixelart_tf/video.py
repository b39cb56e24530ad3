"""Command: make pixel art of a film, steady from frame to frame."""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from pixelart_tf import films
from pixelart_tf.cli import Progress, UserError, command
from pixelart_tf.pixelize import Style, art
from pixelart_tf.pixelize.options import add_style_options, style_from
from pixelart_tf.pixelize.steady import Flicker, steady
from pixelart_tf.threads import ahead

DEPTH = 4   # frames that wait between decoding, work and encoding
# Where a film's own cells are looked for: a frame every so many seconds up to so many, of so many frames at most.
LOOK_EVERY, LOOK_UNTIL, LOOK_MOST = Fraction(1, 2), 3, 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Made:
    """What became of a film.

    Attributes:
        num_frames: written.
        width, height: in cells.
        scale: pixels of a cell's side.
        flicker: share of cells, a frame; see `pixelize.steady.Flicker`.
        notes: lines on what was left out.
    """

    num_frames: int
    width: int
    height: int
    scale: int
    flicker: float
    notes: tuple[str, ...]


def pixelize_film(
    source: str | Path,
    out: str | Path,
    style: Style | None = None,
    *,
    scale: int | None = None,
    generator: str | Path | None = None,
    rate: Fraction | None = None,
    lossless: bool = False,
    sound: bool = True,
    overwrite: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Made:
    """Makes pixel art of a film: decoding, work and encoding overlap, and memory does not grow with its length.

    The cells are the same in all frames; a film's own ones are looked for in its first seconds. See `pixelize.steady`
    for what keeps them still, `films.open_film` and `films.create` for what is read and written.

    Args:
        source: a film, an animation or a folder of frames.
        out: what to write; its suffix says of which kind.
        style: how; None is `Style()`.
        scale: pixels of a cell's side in the output; None is what it is in the film, so that the size stays about the
            same, and one more where it must be even (`films.needs_even`).
        generator: a saved generator that each frame goes through first, put on white; see `pixelize.__main__`.
        rate: frames a second of a folder.
        lossless, sound, overwrite: see `films.create` and `films.target`.
        progress: called with the number of frames written and, about, of all.

    Raises:
        UserError: in one line what is wrong; nothing is written then.
    """
    style = style or Style()
    film = films.open_film(source, rate=rate)
    out = films.target(out, film, overwrite=overwrite)
    if scale is not None and scale < 1:
        raise UserError(f"`scale` must be at least 1. Received: {scale}")
    with contextlib.ExitStack() as stack:

        def threaded(function, items, number=1):
            return stack.enter_context(contextlib.closing(ahead(function, items, num_threads=number, depth=DEPTH)))

        generate = None
        if generator is not None:
            from pixelart_tf.pixelize.__main__ import generating

            generate, style = generating(generator, style)

        def generated(frames):
            return _generated(generate, frames) if generate else frames

        frames = film.frames()
        # One thread asks for one frame after the other, ahead of who takes them.
        decoded = threaded(lambda _: next(frames, None), itertools.repeat(None))
        decoded = itertools.takewhile(lambda frame: frame is not None, decoded)
        decoded = generated(decoded)
        first = next(decoded)
        grid = art.grid(first.image, style, (frame.image for frame in generated(_later(source, rate))))
        cell = grid.cell
        if scale is None:
            scale = cell + (cell % 2 and films.needs_even(out, lossless=lossless))
        times = collections.deque()

        def reduced(frame):
            made = art.reduce(frame.image, style, grid)
            return made.colors, made.opaque

        def timed():
            for frame in itertools.chain([first], decoded):
                times.append((frame.time, frame.duration))
                yield frame

        flicker, written, last = Flicker(), 0, None
        with films.create(out, film, scale=scale, lossless=lossless, sound=sound) as writer:
            arts = steady(threaded(reduced, timed(), 2), style, cell=cell)

            def counted():
                nonlocal last
                for last in arts:
                    flicker(last)
                    yield last, *times.popleft()

            with contextlib.closing(
                ahead(lambda item: writer.write(*item), counted(), num_threads=1, depth=DEPTH)
            ) as writes:
                for written, _ in enumerate(writes, 1):
                    if progress:
                        progress(written, film.num_frames and max(film.num_frames, written))
    height, width = last.index.shape
    return Made(
        num_frames=written, width=width, height=height, scale=scale, flicker=flicker.share, notes=tuple(film.notes)
    )


def _later(source: str | Path, rate: Fraction | None) -> Iterator[films.Frame]:
    """Frames of a film's first seconds, after the first."""
    with contextlib.closing(films.open_film(source, rate=rate).frames()) as frames:
        due = None
        for frame in itertools.islice(frames, LOOK_MOST):
            due = frame.time + LOOK_EVERY if due is None else due
            if frame.time >= due:
                yield frame
                due += LOOK_EVERY
            if due > LOOK_UNTIL:
                return


def _generated(generate: Callable[[Iterator], Iterator], frames: Iterable[films.Frame]) -> Iterator[films.Frame]:
    """Each frame as a generator gives it; frames go through it in batches."""
    waiting = collections.deque()

    def named():
        for nth, frame in enumerate(frames):
            waiting.append(frame)
            image = frame.image
            if image.shape[-1] == 4:
                alpha = image[..., 3:].astype(np.uint16)
                image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
            yield str(nth), np.ascontiguousarray(image)

    for _, image in generate(named()):
        yield waiting.popleft()._replace(image=image)


EXAMPLES = """
output, by its suffix:
  .mp4 .mov .mkv   H.264; 4:2:0, or exact RGB (4:4:4) with --lossless, which not every player shows
  .webm            VP9, the same
  .gif .apng .png  an animation of exact colors, without sound
  none             a folder of PNG frames

Sound is copied as it is. Frames keep their times, of variable rate too (with imageio-ffmpeg instead of PyAV: a constant
rate). Dithers of the bayer kind stand still with the frame; the others move around whatever moves. Ctrl-C leaves no
output. The flicker told at the end is the share of cells, a frame, that change and within 8 frames change back.

examples:
  python -m pixelart_tf.video cat.mp4 cat8.mp4 --cell 8 --colors 16
  python -m pixelart_tf.video cat.mp4 cat.gif --width 96 --palette pico-8 --dither bayer4 --scale 4
  python -m pixelart_tf.video frames/ film.webm --fps 12 --cell 6
"""


@command
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pixelart_tf.video",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("input", type=Path, metavar="INPUT", help="a film, a GIF, APNG or animated WebP, or a folder of frames")
    add("output", type=Path, metavar="OUTPUT", help="what to write; its suffix says of which kind (see below)")
    add_style_options(parser)
    add = parser.add_argument_group("film").add_argument
    add("--scale", type=int, metavar="N",
        help="pixels of a cell's side in the output (default: as in the film; the next even number for 4:2:0)")
    add("--generator", type=Path, metavar="FILE", help="a .keras file that each frame goes through first")
    add("--fps", type=_rate, metavar="N", help="frames a second of a folder of frames (default: 25)")
    add("--lossless", action="store_true", help="exact colors in .mp4, .mov, .mkv and .webm; larger files")
    add("--no-sound", action="store_true", help="leave the sound out")
    add("--overwrite", action="store_true", help="replace an output that is there already")
    args = parser.parse_args(argv)
    start = time.monotonic()
    made = pixelize_film(
        args.input, args.output, style_from(args), scale=args.scale, generator=args.generator, rate=args.fps,
        lossless=args.lossless, sound=not args.no_sound, overwrite=args.overwrite,
        progress=Progress("making", "frames"),
    )
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    rate = made.num_frames / (time.monotonic() - start)
    size = f"{made.width}x{made.height} cells of {made.scale} pixels"
    print(f"{made.num_frames} frames of {size} in {args.output}; flicker {made.flicker:.3%} ({rate:.1f} frames/s)")
    return 0


def _rate(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"must be a number such as 12 or 30000/1001. Received: {text!r}") from None


if __name__ == "__main__":
    sys.exit(main())
