"""Whether a palette keeps rare vivid hues, in figures.

    python experiments/benchmarks/colors.py cartoons/ --number 172 --colors auto 16 8

Each picture becomes cells, 48 across by default, and these get each palette that is asked for. A cell is vivid if its
own color has a chroma of at least 0.1 in OKLab, and has turned grey if what is drawn has less than 0.05. Told are the
pictures of which at least 4 cells have turned grey, all such cells, the mean squared distance in OKLab between cells
and what is drawn (times 10,000), and the mean number of colors.
"""

import argparse
from pathlib import Path

import numpy as np

from pixelart_tf.base.columns import columns
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import Style, art, color

ROOT = Path(__file__).parents[2]
VIVID, GREY = 0.1, 0.05
ENOUGH = 4   # cells


def figures(reduced: art.Cells, style: Style) -> tuple[int, float, int]:
    """Vivid cells turned grey, the mean squared distance, and the number of colors."""
    made = art.finish(reduced, style)
    wanted = color.to_oklab(reduced.colors[reduced.opaque]).astype(np.float64)
    drawn = color.to_oklab(made.palette[made.index[reduced.opaque]]).astype(np.float64)
    turned = (np.hypot(*wanted.T[1:]) >= VIVID) & (np.hypot(*drawn.T[1:]) < GREY)
    return int(turned.sum()), float(((wanted - drawn) ** 2).sum(axis=1).mean()), len(made.palette)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="?", default=str(ROOT / "tfrecords" / "heldout_cartoon*.tfrec"))
    parser.add_argument("--number", type=int, help="of them, spread evenly over the sorted names (default: all)")
    parser.add_argument("--colors", nargs="+", default=["auto", "16", "8"])
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--how", default="mean")
    args = parser.parse_args()
    items = list(sources.read(args.pictures))
    chosen = np.linspace(0, len(items) - 1, min(args.number or len(items), len(items))).round().astype(int)
    numbers = [each if each == "auto" else int(each) for each in args.colors]
    styles = {each: Style(width=args.width, how=args.how, colors=each) for each in numbers}
    found, progress = {name: [] for name in styles}, ProgressBar("pictures", "done")
    for done, nth in enumerate(chosen, 1):
        reduced = art.reduce(images.read(items[nth].data, mode="RGBA"), styles[numbers[0]])
        for name, style in styles.items():
            found[name].append(figures(reduced, style))
        progress(done, len(chosen))
    rows = [(f"{len(chosen)} pictures", "of them turned grey", "cells", "error", "colors")]
    for name, each in found.items():
        turned, errors, sizes = np.array(each).T
        lost = int((turned >= ENOUGH).sum()), int(turned.sum())
        rows.append((f"--colors {name}", *map(str, lost), f"{1e4 * errors.mean():.2f}", f"{sizes.mean():.1f}"))
    print(columns(rows))


if __name__ == "__main__":
    main()
