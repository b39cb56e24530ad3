"""Pixel art of a film, steady from frame to frame."""

import collections
import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf import films
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.films.palette import of_all
from pixelart_tf.pixelize import Style, art
from pixelart_tf.pixelize.generate import Generate
from pixelart_tf.pixelize.steady import Flicker, steady
from pixelart_tf.pixelize.transparency import SOFT

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
        palette: uint8 (k, 3), the one of the whole film, or None where each shot has its own.
    """

    num_frames: int
    width: int
    height: int
    scale: int
    flicker: float
    notes: tuple[str, ...]
    palette: np.ndarray | None

    @property
    def told(self) -> str:
        """What was made, in a few words."""
        return f"{self.num_frames} frames of {self.width}x{self.height} cells of {self.scale} pixels"


def pixelize_film(
    source: str | Path,
    out: str | Path,
    style: Style | None = None,
    *,
    scale: int | None = None,
    generate: Generate | None = None,
    rate: Fraction | None = None,
    start: Fraction | None = None,
    end: Fraction | None = None,
    one_palette: bool = False,
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
        generate: a generator that each frame goes through first; see `generators.native.generating`.
        rate, start, end: see `films.open_film`.
        one_palette: find one palette over the whole film, which is then read twice, and not one for each shot. It is
            so, too, where the film has cells of its own, as enlarged pixel art has.
        lossless, sound, overwrite: see `films.create` and `films.target`.
        progress: called with the number of frames written and, about, of all.

    Raises:
        UserError: in one line what is wrong; nothing is written then.
    """
    style = style or Style()
    style = dataclasses.replace(style, crisp=bool(style.crisp))
    if style.alpha == SOFT:
        raise UserError("films are transparent all or nothing: take `hard` or `dither` as `alpha`, not soft")
    opened = functools.partial(films.open_film, source, rate=rate, start=start, end=end)
    film = opened()
    out = films.target(out, film, overwrite=overwrite)
    if scale is not None and scale < 1:
        raise UserError(f"`scale` must be at least 1. Received: {scale}")
    written, times, shown = 0, _Times(), _Shown()
    with contextlib.ExitStack() as stack:
        # One thread asks for one frame after the other, ahead of who takes them.
        decoded = _ahead(stack, functools.partial(_next, film.frames()), itertools.repeat(None), num_threads=1)
        frames = itertools.takewhile(lambda frame: frame is not None, decoded)
        if generate is not None:
            frames = _generated(stack, generate, frames)
        first = next(frames)
        grid = _grid(first, style, generate, opened)
        cell = grid.cell if grid else first.image.cell
        scale = scale or cell + (cell % 2 and films.needs_even(out, lossless=lossless))
        if style.palette is None and (one_palette or _is_pixel_art(first.image, grid)):
            style = dataclasses.replace(style, palette=_palette(opened(), style, generate, grid))
        with films.create(out, film, scale=scale, lossless=lossless, sound=sound) as writer:
            reduce = functools.partial(_reduced, style=style, grid=grid)
            cells = _ahead(stack, reduce, times.taken_off(itertools.chain([first], frames)), num_threads=2)
            arts = times.put_back(shown.seen(steady(cells, style, cell=cell)))
            writes = ahead(lambda item: writer.write(*item), arts, num_threads=1, depth=DEPTH)
            with contextlib.closing(writes):   # before the writer is
                for written, _ in enumerate(writes, 1):
                    if progress:
                        progress(written, film.num_frames and max(film.num_frames, written))
    height, width = shown.size
    return Made(
        num_frames=written, width=width, height=height, scale=scale, flicker=shown.flicker.share,
        notes=tuple(film.notes), palette=style.palette,
    )


class _Times:
    """Keeps the times of frames while they go, in order, through what knows no times."""

    def __init__(self):
        self._waiting = collections.deque()

    def taken_off(self, frames: Iterable[films.Frame]) -> Iterator[np.ndarray]:
        """The frames' images."""
        for frame in frames:
            self._waiting.append((frame.time, frame.duration))
            yield frame.image

    def put_back(self, arts: Iterable[art.Art]) -> Iterator[tuple[art.Art, Fraction, Fraction]]:
        """What was made of the images, with time and duration."""
        for each in arts:
            yield each, *self._waiting.popleft()


class _Shown:
    """What is told of the frames in the end: how they flicker, and their rows and columns."""

    def __init__(self):
        self.flicker, self.size = Flicker(), None

    def seen(self, arts: Iterable[art.Art]) -> Iterator[art.Art]:
        for each in arts:
            self.flicker(each)
            self.size = each.index.shape
            yield each


def _ahead(stack: contextlib.ExitStack, function: Callable, items: Iterable, *, num_threads: int) -> Iterator:
    """`threads.ahead`, whose threads end when the stack does."""
    return stack.enter_context(contextlib.closing(ahead(function, items, num_threads=num_threads, depth=DEPTH)))


def _next(frames: Iterator[films.Frame], _: None) -> films.Frame | None:
    return next(frames, None)


def _reduced(
    image: np.ndarray | art.Cells, *, style: Style, grid: art.Grid | None
) -> tuple[np.ndarray, np.ndarray]:
    made = art.reduce(image, style, grid) if grid else art.crisped(image, style)
    return made.colors, made.opaque


def _grid(
    first: films.Frame, style: Style, generate: Generate | None, again: Callable[[], films.Film]
) -> art.Grid | None:
    """The cells of all frames, by the first one and, where it is needed, by later ones of the film opened again.

    None where the generator makes cells.
    """
    if isinstance(first.image, art.Cells):
        return None
    with contextlib.ExitStack() as stack:
        frames = stack.enter_context(contextlib.closing(again().frames()))
        later = _later(frames)
        if generate is not None:
            later = _generated(stack, generate, later)
        return art.grid(first.image, style, (frame.image for frame in later))


def _is_pixel_art(image: np.ndarray | art.Cells, grid: art.Grid | None) -> bool:
    """Whether the cells were found in the film and are soft, or have one color each in a frame that is not flat."""
    if grid is None or grid.core < 1:
        return grid is not None
    rows, columns = grid.rows, grid.columns
    inside, corners = image[rows[0] : rows[-1], columns[0] : columns[-1]], image[rows[:-1]][:, columns[:-1]]
    cells = corners.repeat(np.diff(rows), axis=0).repeat(np.diff(columns), axis=1)
    return grid.cell > 1 and inside.max() > inside.min() and np.array_equal(cells, inside)


def _palette(again: films.Film, style: Style, generate: Generate | None, grid: art.Grid | None) -> np.ndarray:
    """The palette of the film, opened again."""
    with contextlib.ExitStack() as stack:
        frames = stack.enter_context(contextlib.closing(again.frames()))
        if generate is not None:
            frames = _generated(stack, generate, frames)
        images = (frame.image for frame in frames)
        return of_all(_ahead(stack, functools.partial(_reduced, style=style, grid=grid), images, num_threads=2), style)


def _later(frames: Iterator[films.Frame]) -> Iterator[films.Frame]:
    """Frames of a film's first seconds, after the first."""
    due = until = None
    for frame in itertools.islice(frames, LOOK_MOST):
        if due is None:
            due, until = frame.time + LOOK_EVERY, frame.time + LOOK_UNTIL
        if frame.time >= due:
            yield frame
            due += LOOK_EVERY
        if due > until:
            return


def _generated(
    stack: contextlib.ExitStack, generate: Generate, frames: Iterable[films.Frame]
) -> Iterator[films.Frame]:
    """Each frame as a generator gives it; frames go through it in batches, and its threads end when the stack does."""
    waiting = collections.deque()
    prepared = _ahead(stack, functools.partial(_prepared, generate), frames, num_threads=2)
    made = stack.enter_context(contextlib.closing(generate.run(_named(prepared, waiting))))
    return (waiting.popleft()._replace(image=image) for _, image in made)


def _prepared(generate: Generate, frame: films.Frame) -> films.Frame:
    """The frame as a generator takes it."""
    return frame._replace(image=generate.prepare(np.ascontiguousarray(frame.image)))


def _named(frames: Iterable[films.Frame], waiting: collections.deque) -> Iterator[tuple[str, Any]]:
    """Names of frames, and their images; notes the frames in `waiting`."""
    for frame in frames:
        waiting.append(frame._replace(image=None))
        yield f"the frame at {float(frame.time):.2f} s", frame.image
