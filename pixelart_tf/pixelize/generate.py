"""What a generator is to those who make pixel art of what it makes."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from pixelart_tf.pixelize.art import Cells


class Generate(Protocol):
    """A generator that pictures go through before they are pixel art; `generators.native.generating` makes one."""

    def prepare(self, image: np.ndarray) -> Any:
        """A picture, uint8 (H, W, 3 or 4), as `run` takes it. Called on any thread.

        Raises:
            UserError: the picture does not do; says why, but not of which picture.
        """

    def run(self, prepared: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, np.ndarray | Cells]]:
        """Pairs of a name and what `prepare` gave -> the name and a uint8 image (H, W, 3), or the cells, in order.

        Raises:
            UserError: the generator gives NaN.
        """
