"""How pixel art is drawn, for a leaderboard: style and far, where the real pictures and the made ones are pixel art."""

import collections
import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from pixelart_tf.pictures import sources
from pixelart_tf.pixelize.grid import own_cells
from pixelart_tf.pixelize.native import is_native
from pixelart_tf.scores import pixel_art


def cells_of(image: np.ndarray) -> np.ndarray | None:
    """A picture of pixel art at one pixel a cell; None where it is none.

    Args:
        image: uint8 (H, W, 3).
    """
    cells = own_cells(image)
    return None if cells is image and not is_native(image) else cells


def all_cells(images: Iterable[np.ndarray]) -> list[np.ndarray] | None:
    """All pictures at one pixel a cell; None as soon as one is no pixel art."""
    found = []
    for image in images:
        cells = cells_of(image)
        if cells is None:
            return None
        found.append(cells)
    return found


def images_of(pattern: str, limit: int | None = None) -> Iterator[np.ndarray]:
    """uint8 (H, W, 3) of each picture of a pattern that can be read, or of the first `limit`."""
    return (item.decode() for item in itertools.islice(sources.read(pattern), limit))


class Drawing:
    """Looks at the pictures of one contestant as they pass by.

    Args:
        real: real pixel art at one pixel a cell; None where the real pictures are none.
    """

    def __init__(self, real: list[np.ndarray] | None) -> None:
        self.real = real
        self.made: list[np.ndarray] | None = None if real is None else []
        self.distances: list[float] = []
        self._originals = collections.deque()   # that are within the generator

    def remember(self, named_images: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
        """Passes on the originals on their way to a generator: names and uint8 (H, W, 3) pictures."""
        for name, image in named_images:
            if self.made is not None:
                self._originals.append(image)
            yield name, image

    def watch(self, named_images: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
        """Passes on what the generator makes of them, in the same order."""
        for name, image in named_images:
            cells = None if self.made is None else cells_of(image)
            if cells is None:
                self.made = None
                self._originals.clear()
            else:
                self.made.append(cells)
                self.distances.append(pixel_art.far(cells, self._originals.popleft()))
            yield name, image

    @property
    def style(self) -> float | None:
        """See `scores.pixel_art`; None where a side is no pixel art, or has nothing but flat patches."""
        if not self.made:
            return None
        try:
            return pixel_art.style(self.made, self.real)
        except ValueError:
            return None

    @property
    def far(self) -> float | None:
        """See `scores.pixel_art`; None where the originals are not known, or the pictures are no pixel art."""
        return float(np.mean(self.distances)) if self.made and self.distances else None
