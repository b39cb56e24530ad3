"""Pixel art of a film, steady from frame to frame."""

import collections
import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from pixelart_tf import films
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.pixelize import Style, art
from pixelart_tf.pixelize.steady import Flicker, steady

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
            from pixelart_tf.generators.native import generating

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
