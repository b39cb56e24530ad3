"""How many pictures `records cut` finds in made screenshots, within 2 pixels; by kind of screenshot.

    python experiments/benchmarks/screenshots.py 0 300

The screenshots are those of `tests/making_screenshots.py`, drawn from the seeds of that range.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from pixelart_tf.base.columns import columns
from pixelart_tf.data.cutting import cut
from pixelart_tf.pictures import images

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))


def main() -> None:
    from making_screenshots import KINDS, Screenshots

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("end", type=int)
    given = parser.parse_args()
    screenshots, counts = Screenshots(), Counter()
    for seed in range(given.first, given.end):
        encoded, kind, boxes, natives = screenshots.draw(seed)
        found = cut(images.read(encoded), square="off")
        counts[kind, "screenshots"] += 1
        for box, native in zip(boxes, natives, strict=True):
            hits = [each for each in found if _far(box, each.box) <= 2]
            counts[kind, "pictures"] += 1
            counts[kind, "found"] += bool(hits)
            if native is not None and hits:
                counts[kind, "pixel art"] += 1
                counts[kind, "of its size"] += hits[0].image.shape == native.shape
            found = [each for each in found if each not in hits]
        counts[kind, "found besides"] += len(found)
    names = ("screenshots", "pictures", "found", "found besides", "pixel art", "of its size")
    rows = [("kind", *names)] + [(kind, *(str(counts[kind, name]) for name in names)) for kind in KINDS]
    print(columns([*rows, ("all", *(str(sum(counts[kind, name] for kind in KINDS)) for name in names))]))


def _far(one, other) -> int:
    return max(abs(getattr(one, side) - getattr(other, side)) for side in ("top", "left", "bottom", "right"))


if __name__ == "__main__":
    main()
