"""The shots of a film: frames read ahead, and where one shot ends and the next begins."""

import collections
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pixelart_tf.pixelize import color

LOOK_AHEAD = 256   # frames whose cells are held to find a shot's palette, but no more bytes of them than
LOOK_AHEAD_BYTES = 2**26
SAMPLES = 16   # frames of those that the palette is found over, but no more cells of them than
SAMPLE_CELLS = 2**18

# A cut. Distances are OKLab's: black to white is 1.
CUT_DISTANCE = 0.05
CUT_RATIO = 2.5   # times what is usual in the frames around, so that a fast pan is no cut
CUT_COLORS = 0.25   # of `Step.strange`
CONTEXT = 6   # frames on either side that say what is usual


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
    distances = distance(color.to_oklab(before), point)
    once, twice = _quarter(distances), _quarter(distance(color.to_oklab(earlier), point))
    noise = max(0.0, 3 * once**2 - 2 * twice**2) ** 0.5
    strange = np.abs(_histogram(before) - _histogram(after)).sum() / 2
    return Step(float(distances.mean()), noise, float(strange))


def _quarter(distances: np.ndarray) -> float:
    return float(np.partition(distances, distances.size // 4, axis=None)[distances.size // 4])


def _histogram(values: np.ndarray) -> np.ndarray:
    """float64 (512,): the share of each of 8x8x8 colors."""
    red, green, blue = (values[..., channel].ravel().astype(np.int64) >> 5 for channel in range(3))
    return np.bincount(red << 6 | green << 3 | blue, minlength=512) / red.size


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Euclid's, over the last axis."""
    return np.sqrt(((one - other) ** 2).sum(axis=-1))


class Queue:
    """The frames' cells, read ahead, and where shots end.

    Attributes:
        at_cut: whether the next frame begins a new shot.
    """

    def __init__(self, source: Iterator[tuple[np.ndarray, np.ndarray]]):
        self.source, self.limit = source, LOOK_AHEAD
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
        if not self._last:
            self.limit = max(3 * CONTEXT, min(LOOK_AHEAD, LOOK_AHEAD_BYTES // frame[0].nbytes))
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
