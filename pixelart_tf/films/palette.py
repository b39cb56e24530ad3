"""One palette for a whole film."""

from collections.abc import Iterable

import numpy as np

from pixelart_tf.pixelize import art
from pixelart_tf.pixelize.style import Style

MOST = 2**18   # cells that it is found over, of frames spread evenly


def of_all(cells: Iterable[tuple[np.ndarray, np.ndarray]], style: Style) -> np.ndarray:
    """The palette of all frames: uint8 (k, 3).

    Args:
        cells: for each frame what `cells.reduce` gives: uint8 (rows, columns, 3) and opaque bool (rows, columns).
        style: how.
    """
    kept, every = [], 1
    for nth, (colors, opaque) in enumerate(cells):
        if nth % every:
            continue
        kept.append(colors[opaque])
        while sum(map(len, kept)) > MOST and len(kept) > 1:
            kept, every = kept[::2], 2 * every
    return art.own_palette(np.concatenate(kept), style)
