"""Pixel art of films that stands still where the film does: a palette a shot, and cells that noise does not move."""

from collections.abc import Iterable, Iterator

import numpy as np
import scipy

from pixelart_tf.pixelize import color
from pixelart_tf.pixelize.art import Art, own_palette
from pixelart_tf.pixelize.painting import dithered, outlined
from pixelart_tf.pixelize.palette import nearest
from pixelart_tf.pixelize.shots import Queue, distance
from pixelart_tf.pixelize.style import Style

REFIT = 1.5   # a long shot's palette is found anew once its error is this many times that of a new one

# A cell moves if its color does by more than a quarter of the palette's spacing, or by more than the shot's noise,
# within these shares of the distance from black to white: more than the upper is seen in any palette.
MOVE_SPACING = 1 / 4
MOVE_NOISE = 3   # times `shots.Step.noise`; of normal noise one cell in 10,000 is further from its mean
MOVE_LEAST, MOVE_MOST = 0.015, 0.05
# Cells also move where those around move the same way, if by less: noise goes each its own way.
AROUND = 5   # rows and columns
AROUND_MOVE = 1 / 5   # of what counts as a move, for their mean
SETTLE = 1 / 8   # share that a frame has in the running mean of a cell that does not move
DEADBAND = 1 / 4   # of what counts as a move; the running mean must drift that far before the cell follows it


def steady(cells: Iterable[tuple[np.ndarray, np.ndarray]], style: Style, *, cell: int = 1) -> Iterator[Art]:
    """Makes pixel art of a film's frames.

    - One palette a shot: found over frames spread over the shot, or over its first `shots.LOOK_AHEAD` frames. What
      follows of a longer shot keeps that palette until its error is `REFIT` times that of a palette of its own.
    - A cell that does not move keeps its color. Of each cell a running mean is kept, which forgets all as soon as the
      cell moves, by itself or, less, with those around it, so nothing is smeared; what is drawn follows that mean only
      if it drifts out of a band around what was drawn last. So noise changes nothing, and a slow fade is followed at a
      distance of at most that band and what the mean lags behind.
    - A cell whose color is kept keeps its entry of the palette, also where errors are diffused over its neighbors.

    A film that stands still without noise gives the very same as each frame by itself with its palette.

    Args:
        cells: for each frame what `cells.reduce` gives: uint8 (rows, columns, 3) and opaque bool (rows, columns). All
            frames have the same number of cells. Read no further ahead than `shots.LOOK_AHEAD` frames.
        style: how.
        cell: pixels of a cell's side, which `Art` tells.

    Yields:
        The art of each frame. All frames of a shot have the same `palette` object.
    """
    queue = Queue(iter(cells))
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


def _serves(palette: np.ndarray, colors: np.ndarray, style: Style) -> bool:
    """Whether a shot's palette still does for what follows."""
    if style.palette is not None or not len(colors):
        return True
    own = own_palette(colors, style)
    return _error(colors, palette, style) <= REFIT * _error(colors, own, style) + 1e-6 * _unit(style.space) ** 2


def _error(colors: np.ndarray, palette: np.ndarray, style: Style) -> float:
    """Mean squared distance to the nearest entry."""
    drawn = palette[nearest(colors, palette, space=style.space)]
    apart = distance(color.coordinates(colors, style.space), color.coordinates(drawn, style.space))
    return float((apart**2).mean())


def _unit(space: str) -> float:
    """The distance from black to white."""
    black, white = color.coordinates(np.array([[0, 0, 0], [255, 255, 255]], np.uint8), space)
    return float(distance(black, white))


def least_move(palette: np.ndarray, space: str, noise: float) -> float:
    """By how much a cell's color must change, in `space`, before it moves.

    The palette's spacing is the median over its entries of the distance to their nearest neighbor. `noise` is
    `shots.Step.noise`.
    """
    unit = _unit(space)
    codes = color.coordinates(palette, space)
    apart = distance(codes[:, None], codes[None])
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
            around = scipy.ndimage.uniform_filter(offset, (AROUND, AROUND, 1), mode="nearest")
            moves |= (around**2).sum(axis=-1) > (AROUND_MOVE * self.move) ** 2
            moves |= opaque != self.opaque
            self.mean = np.where(moves[..., None], points, self.mean + np.float32(SETTLE) * offset)
            drifts = ((self.mean - self.drawn) ** 2).sum(axis=-1) > (DEADBAND * self.move) ** 2
            changed = moves | drifts
            self.drawn[changed] = self.mean[changed]
            self.values[drifts] = color.FROM_SPACES[self.style.space](self.mean[drifts])
            self.values[moves] = values[moves]
        index = dithered(self.values, opaque, self.palette, self.style)
        if not changed.all():
            index = np.where(changed, index, self.index)
        self.index, self.opaque = index, opaque
        return outlined(index, opaque, self.palette, self.style)


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
