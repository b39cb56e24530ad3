"""Pixel art of films that stands still where the film does: a palette a shot, and cells that noise does not move."""

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter

from pixelart_tf.pixelize import color
from pixelart_tf.pixelize.art import Art, Style, own_palette, paint
from pixelart_tf.pixelize.dither import dither
from pixelart_tf.pixelize.palette import nearest

LOOK_AHEAD = 256   # frames whose cells are held to find a shot's palette, but no more bytes of them than
LOOK_AHEAD_BYTES = 2**26
SAMPLES = 16   # frames of those that the palette is found over, but no more cells of them than
SAMPLE_CELLS = 2**18
REFIT = 1.5   # a long shot's palette is found anew once its error is this many times that of a new one

# A cut. Distances are OKLab's: black to white is 1.
CUT_DISTANCE = 0.05
CUT_RATIO = 2.5   # times what is usual in the frames around, so that a fast pan is no cut
CUT_COLORS = 0.25   # of `Step.strange`
CONTEXT = 6   # frames on either side that say what is usual

# A cell moves if its color does by more than a quarter of the palette's spacing, or by more than the shot's noise,
# within these shares of the distance from black to white: more than the upper is seen in any palette.
MOVE_SPACING = 1 / 4
MOVE_NOISE = 3   # times `Step.noise`; of normal noise one cell in 10,000 is further from its mean
MOVE_LEAST, MOVE_MOST = 0.015, 0.05
# Cells also move where those around move the same way, if by less: noise goes each its own way.
AROUND = 5   # rows and columns
AROUND_MOVE = 1 / 5   # of what counts as a move, for their mean
SETTLE = 1 / 8   # share that a frame has in the running mean of a cell that does not move
DEADBAND = 1 / 4   # of what counts as a move; the running mean must drift that far before the cell follows it


def steady(cells: Iterable[tuple[np.ndarray, np.ndarray]], style: Style, *, cell: int = 1) -> Iterator[Art]:
    """Makes pixel art of a film's frames.

    - One palette a shot: found over `SAMPLES` frames spread over the shot, or over its first `LOOK_AHEAD` frames. What
      follows of a longer shot keeps that palette until its error is `REFIT` times that of a palette of its own.
    - A cell that does not move keeps its color. Of each cell a running mean is kept, which forgets all as soon as the
      cell moves, by itself or, less, with those around it, so nothing is smeared; what is drawn follows that mean only
      if it drifts out of a band around what was drawn last. So noise changes nothing, and a slow fade is followed at a
      distance of at most that band and what the mean lags behind.
    - A cell whose color is kept keeps its entry of the palette, also where errors are diffused over its neighbors.

    A film that stands still without noise gives the very same as each frame by itself with its palette.

    Args:
        cells: for each frame what `cells.reduce` gives: uint8 (rows, columns, 3) and opaque bool (rows, columns). All
            frames have the same number of cells. Read no further ahead than `LOOK_AHEAD` frames.
        style: how.
        cell: pixels of a cell's side, which `Art` tells.

    Yields:
        The art of each frame. All frames of a shot have the same `palette` object.
    """
    source = iter(cells)
    first = next(source, None)
    if first is None:
        return
    limit = max(3 * CONTEXT, min(LOOK_AHEAD, LOOK_AHEAD_BYTES // first[0].nbytes))
    queue = _Queue(itertools.chain([first], source), limit)
    palette = None
    is_new = True
    while length := queue.fill_shot():
        colors = queue.sample(length)
        if palette is None or is_new or not _serves(palette, colors, style):
            palette = style.palette if style.palette is not None else own_palette(colors, style)
            is_new = True
        if is_new:
            still = _Still(palette, style, queue.noise(length))
        for _ in range(length):
            values, opaque = queue.take()
            index, opaque = still.paint(values, opaque)
            yield Art(index=index, palette=palette, opaque=opaque, cell=cell)
        is_new = queue.at_cut


class Step(NamedTuple):
    """How a frame differs from the one before it. Distances are OKLab's.

    Attributes:
        distance: mean over the cells.
        noise: what a quarter of the cells stay below, less what is motion: noise differs as much from the last frame
            as from the one before it, while motion of less than a cell a frame has come up to four times as far in
            squares. From half as much more on it is all taken for motion.
        strange: share of the cells whose colors, wherever they are, the frame before did not have.
    """

    distance: float = 0.0
    noise: float = 0.0
    strange: float = 0.0


def is_cut(steps: list[Step], at: int) -> bool:
    """Whether a new shot begins with a frame.

    Args:
        steps: for each frame how it differs from the frame before.
        at: the frame's number; up to `CONTEXT` frames before and behind it are looked at.
    """
    if steps[at].distance < CUT_DISTANCE or steps[at].strange < CUT_COLORS:
        return False
    sides = steps[max(0, at - CONTEXT) : at], steps[at + 1 : at + 1 + CONTEXT]
    usual = max((float(np.median([step.distance for step in side])) for side in sides if side), default=0)
    return steps[at].distance >= CUT_RATIO * usual


def step(earlier: np.ndarray, before: np.ndarray, after: np.ndarray) -> Step:
    """How a frame differs from the two before it, uint8 (rows, columns, 3); `strange` is by 8x8x8 colors."""
    point = color.to_oklab(after)
    distances = _distance(color.to_oklab(before), point)
    once, twice = _quarter(distances), _quarter(_distance(color.to_oklab(earlier), point))
    noise = max(0.0, 3 * once**2 - 2 * twice**2) ** 0.5
    strange = np.abs(_histogram(before) - _histogram(after)).sum() / 2
    return Step(float(distances.mean()), noise, float(strange))


def _quarter(distances: np.ndarray) -> float:
    return float(np.partition(distances, distances.size // 4, axis=None)[distances.size // 4])


def _histogram(values: np.ndarray) -> np.ndarray:
    """float64 (512,): the share of each of 8x8x8 colors."""
    red, green, blue = (values[..., channel].ravel().astype(np.int64) >> 5 for channel in range(3))
    return np.bincount(red << 6 | green << 3 | blue, minlength=512) / red.size


def _distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((one - other) ** 2).sum(axis=-1))


class _Queue:
    """The frames' cells, read ahead, and where shots end.

    Attributes:
        at_cut: whether the next frame begins a new shot.
    """

    def __init__(self, source: Iterator[tuple[np.ndarray, np.ndarray]], limit: int):
        self.source, self.limit = source, limit
        self.frames = collections.deque()
        self.steps = []   # of the frames that wait, after those of `before` frames that are gone
        self.before = 0
        self.at_cut = True
        self._last = []   # the cells of the last two frames
        self._ended = False

    def _read(self) -> None:
        frame = next(self.source, None)
        if frame is None:
            self._ended = True
            return
        # The first frame of all has none before it.
        self.steps.append(step(self._last[0], self._last[-1], frame[0]) if self._last else Step())
        self._last = [*self._last[-1:], frame[0]]
        self.frames.append(frame)

    def fill_shot(self) -> int:
        """Reads ahead. Returns how many frames, at most, of one shot wait; 0 at the film's end."""
        while not self._ended and len(self.frames) < self.limit:
            self._read()
        known = len(self.frames) if self._ended else len(self.frames) - CONTEXT
        for nth in range(1, known):
            if is_cut(self.steps, self.before + nth):
                self._next_is_cut = True
                return nth
        self._next_is_cut = not self._ended and is_cut(self.steps, self.before + known)
        return known

    def sample(self, length: int) -> np.ndarray:
        """uint8 (n, 3): the opaque cells of frames spread evenly over the next `length`."""
        number = max(4, min(SAMPLES, SAMPLE_CELLS // self.frames[0][1].size))
        chosen = np.unique(np.linspace(0, length - 1, min(number, length)).round().astype(int))
        return np.concatenate([self.frames[nth][0][self.frames[nth][1]] for nth in chosen])

    def noise(self, length: int) -> float:
        """OKLab distance by which noise moves a quarter of the cells; 0 for a single frame."""
        steps = self.steps[self.before + 1 : self.before + length]
        return float(np.median([step.noise for step in steps])) if steps else 0.0

    def take(self) -> tuple[np.ndarray, np.ndarray]:
        """The next frame. One more is read, so that who reads and who takes work at the same time."""
        frame = self.frames.popleft()
        if self.before < CONTEXT:
            self.before += 1
        else:
            del self.steps[0]
        self.at_cut = self._next_is_cut
        if not self._ended and len(self.frames) < self.limit:
            self._read()
        return frame


def _serves(palette: np.ndarray, colors: np.ndarray, style: Style) -> bool:
    """Whether a shot's palette still does for what follows."""
    if style.palette is not None or not len(colors):
        return True
    own = own_palette(colors, style)
    return _error(colors, palette, style) <= REFIT * _error(colors, own, style) + 1e-6 * _unit(style.space) ** 2


def _error(colors: np.ndarray, palette: np.ndarray, style: Style) -> float:
    """Mean squared distance to the nearest entry."""
    drawn = palette[nearest(colors, palette, space=style.space)]
    apart = _distance(color.coordinates(colors, style.space), color.coordinates(drawn, style.space))
    return float((apart**2).mean())


def _unit(space: str) -> float:
    """The distance from black to white."""
    black, white = color.coordinates(np.array([[0, 0, 0], [255, 255, 255]], np.uint8), space)
    return float(_distance(black, white))


def least_move(palette: np.ndarray, space: str, noise: float) -> float:
    """By how much a cell's color must change, in `space`, before it moves.

    The palette's spacing is the median over its entries of the distance to their nearest neighbor. `noise` is
    `Step.noise`.
    """
    unit = _unit(space)
    codes = color.coordinates(palette, space)
    apart = _distance(codes[:, None], codes[None])
    np.fill_diagonal(apart, np.inf)
    spacing = float(np.median(apart.min(axis=1)))   # infinite for a single entry
    return min(max(MOVE_SPACING * spacing, MOVE_LEAST * unit, MOVE_NOISE * noise * unit), MOVE_MOST * unit)


class _Still:
    """Paints the frames of one shot; remembers of each cell its running mean, what was drawn, and its entry."""

    def __init__(self, palette: np.ndarray, style: Style, noise: float):
        self.palette, self.style = palette, style
        self.move = least_move(palette, style.space, noise)
        self.mean = None   # float32 (rows, columns, 3), coordinates in `style.space`

    def paint(self, values: np.ndarray, opaque: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Index into the palette, uint8 (rows, columns), and which cells are opaque, the outline included."""
        points = color.coordinates(values, self.style.space)
        if self.mean is None:
            self.mean, self.drawn, self.values = points, points.copy(), values.copy()
            changed = np.ones(opaque.shape, bool)
        else:
            offset = points - self.mean
            length = np.sqrt((offset**2).sum(axis=-1))
            moves = length > self.move
            # Of large offsets no more counts than of a move, or all around an edge would move with it.
            offset *= (self.move / np.maximum(length, self.move))[..., None]
            around = uniform_filter(offset, (AROUND, AROUND, 1), mode="nearest")
            moves |= (around**2).sum(axis=-1) > (AROUND_MOVE * self.move) ** 2
            moves |= opaque != self.opaque
            self.mean = np.where(moves[..., None], points, self.mean + np.float32(SETTLE) * offset)
            drifts = ((self.mean - self.drawn) ** 2).sum(axis=-1) > (DEADBAND * self.move) ** 2
            changed = moves | drifts
            self.drawn[changed] = self.mean[changed]
            self.values[drifts] = color.FROM_SPACES[self.style.space](self.mean[drifts])
            self.values[moves] = values[moves]
        index = dither(
            self.values, self.palette, how=self.style.dither, strength=self.style.strength, space=self.style.space,
            opaque=opaque,
        )
        if not changed.all():
            index = np.where(changed, index, self.index)
        self.index, self.opaque = index, opaque
        if not self.style.outline:
            return index, opaque
        # Colors of the palette stay what they are, so this adds the outline and no more.
        return paint(self.palette[index], opaque, self.palette, dataclasses.replace(self.style, dither="none"))


class Flicker:
    """The share of cells that flicker, a frame: that change back to the entry which they had before their last change,
    and that change was at most `WITHIN` frames ago. Frames of different palettes are not compared.

    Call it with each frame's `Art`; `share` is 0 to 1, the mean over all frames that have one before them.
    """

    WITHIN = 8

    def __init__(self):
        self.flickers = self.cells = 0
        self._palette = None

    def __call__(self, art: Art) -> None:
        index = np.where(art.opaque, art.index, -1).astype(np.int16)
        if self._palette is not art.palette:
            self._palette, self._now = art.palette, index
            self._before = np.full_like(index, -2)
            self._since = np.zeros(index.shape, np.int64)
            return
        changes = index != self._now
        back = changes & (index == self._before) & (self._since < self.WITHIN)
        self.flickers += int(back.sum())
        self.cells += index.size
        self._before = np.where(changes, self._now, self._before)
        self._since = np.where(changes, 0, self._since + 1)
        self._now = index

    @property
    def share(self) -> float:
        return self.flickers / max(1, self.cells)
