"""How many sprites of a sheet come back cell by cell, with `--sheet` and without.

    python experiments/benchmarks/sprite_sheets.py [--sheets 2]

Sheets of 8x4 of the bundled tiles, each sprite enlarged and pasted anywhere in its part, so that it has a phase of its
own. A sprite is right if 95 % of its cells are within 32 levels. Without `--sheet` one lattice is laid over all of it:
the one that is found, or, where none is sure, one of the true size.
"""

import argparse
import io
import itertools
import time
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.columns import columns
from pixelart_tf.pictures import sources
from pixelart_tf.pixelize import Style, find, pixelize

TILES = Path(__file__).parents[2] / "tfrecords" / "tile*.tfrec"
ACROSS, DOWN, ROOM, CLOSE, RIGHT = 8, 4, 8, 32, 0.95
FILTERS = {"nearest": 0, "bilinear": 2, "bicubic": 3, "lanczos": 1}
FACTORS = (4.0, 5.6, 7.3)


def sheet(tiles: list[np.ndarray], factor: float, resample: int, quality: int | None, random) -> np.ndarray:
    large = round(32 * factor)
    part = large + ROOM
    made = np.full((DOWN * part, ACROSS * part, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = np.array(divmod(number, ACROSS)) * part + random.integers(0, ROOM, 2)
        sprite = Image.fromarray(tile).resize((large, large), resample)
        made[top : top + large, left : left + large] = np.asarray(sprite)
    if quality is None:
        return made
    file = io.BytesIO()
    Image.fromarray(made).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def share_right(cells: np.ndarray, tile: np.ndarray) -> float:
    """Of the cells of one part, at the best of a few whole shifts."""
    height, width = cells.shape[:2]
    around = np.pad(tile.astype(int), ((2, height), (2, width), (0, 0)), constant_values=255)
    windows = (
        around[down : down + height, across : across + width] for down, across in itertools.product(range(5), repeat=2)
    )
    return max((np.abs(each - cells).max(-1) <= CLOSE).mean() for each in windows)


def right(image: np.ndarray, tiles: list[np.ndarray], style: Style) -> int:
    made = pixelize(image, style).image(1).astype(int)
    height, width = made.shape[0] // DOWN, made.shape[1] // ACROSS
    places = itertools.product(range(DOWN), range(ACROSS))
    parts = [made[i * height : (i + 1) * height, j * width : (j + 1) * width] for i, j in places]
    return sum(share_right(part, tile) >= RIGHT for part, tile in zip(parts, tiles, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=2, help="of each kind (default: 2)")
    args = parser.parse_args()
    tiles = [item.decode() for item in sources.read(TILES)]
    random = np.random.default_rng(0)
    rows = [("sheets", "with --sheet", "without", "s a sheet")]
    for name, quality in itertools.product(FILTERS, (None, 85)):
        counts, seconds = [0, 0], 0.0
        for factor, _ in itertools.product(FACTORS, range(args.sheets)):
            chosen = [tiles[each] for each in random.choice(len(tiles), ACROSS * DOWN, replace=False)]
            image = sheet(chosen, factor, FILTERS[name], quality, random)
            start = time.perf_counter()
            counts[0] += right(image, chosen, Style(sheet=(ACROSS, DOWN), colors=256))
            seconds += time.perf_counter() - start
            style = Style(colors=256, cell=None if find.find(image) else factor)
            counts[1] += right(image, chosen, style)
        total = len(FACTORS) * args.sheets
        kind = name + (f", JPEG {quality}" if quality else "")
        rows.append((kind, *(f"{each} of {total * ACROSS * DOWN}" for each in counts), f"{seconds / total:.1f}"))
        print(columns([rows[0], rows[-1]]), flush=True)
    print(columns(rows))


if __name__ == "__main__":
    main()
