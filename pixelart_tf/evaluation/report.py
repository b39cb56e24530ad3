"""The page of a score: likely copies side by side, how near each picture is to a real one, the colors of both sets."""

import csv
import dataclasses
import html
import io
import math
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import printable
from pixelart_tf.pictures import images

PAGE_NAME = "index.html"
NUM_PAIRS = 24
SMALL = 192   # pixels; a smaller picture is enlarged up to it, by a whole number
LARGE = 256   # pixels; a larger picture is shrunk to it
GAP = 8       # pixels between the two pictures of a pair
GENERATED, REAL = "#c2410c", "#1d4ed8"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.2rem; margin-top: 2.5rem; }}
p {{ max-width: 46rem; }}
th, td {{ text-align: left; padding: .15rem 1.5rem .15rem 0; vertical-align: top; overflow-wrap: anywhere; }}
th {{ font-weight: 600; white-space: nowrap; }}
img {{ max-width: 100%; height: auto; }}
.pairs {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({width}px, 1fr)); gap: 1.5rem 1rem; }}
figure {{ margin: 0; min-width: 0; }}
figure img {{ image-rendering: pixelated; border: 1px solid #ddd; }}
figcaption {{ font-size: .85rem; line-height: 1.35; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
<table>
{summary}
</table>
{sections}
</body>
</html>
"""


@dataclasses.dataclass(frozen=True)
class Nearest:
    """A generated picture's nearest real one; the distance is 1 - |cos| of their features, 0 to 1."""

    generated: str
    real: str
    distance: float


class ColorHistogram:
    """How often each level of red, green and blue occurs in a set; pictures of any sizes, one after the other.

    Attributes:
        counts: int64 (3, bins), pixels by channel and level.
        means: float64 (3,), 0..255.
    """

    def __init__(self, bins: int = 64):
        if bins not in (2, 4, 8, 16, 32, 64, 128, 256):
            raise ValueError(f"`bins` must be a power of two from 2 to 256. Received: {bins}")
        self.counts = np.zeros((3, bins), np.int64)
        self._sums = np.zeros(3, np.int64)

    def update(self, image: np.ndarray) -> None:
        """Adds a uint8 image (H, W, 3)."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(f"`image` must be uint8 (H, W, 3). Received: {image.dtype} {image.shape}")
        bins = self.counts.shape[1]
        for channel in range(3):
            levels = np.bincount(image[..., channel].reshape(-1), minlength=256)   # (256,)
            self.counts[channel] += levels.reshape(bins, -1).sum(axis=1)
            self._sums[channel] += levels @ np.arange(256)

    @property
    def means(self) -> np.ndarray:
        return self._sums / np.maximum(self.counts.sum(axis=1), 1)


def write_report(
    folder: str | Path,
    *,
    title: str = "Generated and real pictures",
    summary: dict[str, str],
    nearest: Sequence[Nearest],
    epsilon: float,
    pairs: Sequence[tuple[np.ndarray, np.ndarray, Nearest]] = (),
    generated_colors: ColorHistogram | None = None,
    real_colors: ColorHistogram | None = None,
) -> Path:
    """Writes `index.html`, `nearest.csv`, `distances.png`, `colors.png` and `copies/01.png` ... into a folder.

    Each file is written whole or not at all, the page last; what else is in the folder is left alone, but for a former
    report's pictures.

    Args:
        folder: made where it is not there.
        title: of the page.
        summary: what a row is about -> what it says: the scores, the counts, the network, notes.
        nearest: of every generated picture.
        epsilon: the threshold of the memorization distance.
        pairs: a generated and a real picture, uint8 (H, W, 3) of any sizes; the `NUM_PAIRS` nearest ones are shown.
        generated_colors, real_colors: both, or None where there are only features.

    Returns:
        The path of the page.

    Raises:
        OSError: the folder or a file cannot be written.
    """
    folder = Path(folder)
    copies = folder / "copies"
    copies.mkdir(parents=True, exist_ok=True)
    nearest = sorted(nearest, key=_order)
    pairs = sorted(pairs, key=lambda pair: _order(pair[2]))[:NUM_PAIRS]
    _write_csv(folder / "nearest.csv", nearest)
    sections = [_copies(copies, pairs), _distances(folder / "distances.png", nearest, epsilon)]
    if generated_colors is not None and real_colors is not None:
        sections.append(_colors(folder / "colors.png", generated_colors, real_colors))
    else:
        (folder / "colors.png").unlink(missing_ok=True)
    rows = "\n".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in summary.items())
    page = PAGE.format(title=_text(title), summary=rows, sections="\n".join(sections), width=2 * SMALL + GAP)
    files.write_text(folder / PAGE_NAME, page)
    return folder / PAGE_NAME


def _order(each):
    return math.isnan(each.distance), each.distance, each.generated   # without a distance, last


def _text(text):
    return html.escape(printable(str(text)))


def _write_csv(path, nearest):
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["generated", "nearest_real", "distance"])
    for each in nearest:
        writer.writerow([printable(each.generated), printable(each.real), f"{each.distance:.6g}"])
    files.write_text(path, table.getvalue())


def _copies(folder, pairs):
    """The section of the nearest pairs, and their pictures."""
    figures, written = [], set()
    for number, (generated, real, names) in enumerate(pairs, 1):
        path = folder / f"{number:02}.png"
        images.write(path, _side_by_side(generated, real))
        written.add(path)
        figures.append(
            f'<figure><img src="{quote(f"copies/{path.name}")}" alt="generated and real, pair {number}" loading="lazy">'
            f"<figcaption><b>{names.distance:.4f}</b><br>{_text(names.generated)}<br>{_text(names.real)}"
            "</figcaption></figure>"
        )
    for path in set(folder.glob("[0-9][0-9].png")) - written:   # of a former report with more pairs
        path.unlink()
    if not figures:
        return "<h2>The likely copies</h2>\n<p>There are no pictures to show, only features were given.</p>"
    return (
        "<h2>The likely copies</h2>\n<p>The generated pictures that are nearest to a real one: generated left, real "
        'right, and the distance of their features (0: the same). All are in <a href="nearest.csv">nearest.csv</a>.'
        '</p>\n<div class="pairs">\n' + "\n".join(figures) + "\n</div>"
    )


def _side_by_side(generated, real):
    both = [_shown(generated), _shown(real)]
    height = max(image.shape[0] for image in both)
    gap = np.full((height, GAP, 3), 255, np.uint8)
    left, right = (
        np.pad(image, ((0, height - image.shape[0]), (0, 0), (0, 0)), constant_values=255) for image in both
    )
    return np.concatenate([left, gap, right], axis=1)


def _shown(image):
    side = max(image.shape[:2])
    if side > LARGE:
        size = tuple(max(1, round(length * LARGE / side)) for length in image.shape[:2])
        return images.fit(image, size, how="stretch", resample="area")
    scale = max(1, SMALL // side)
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _distances(path, nearest, epsilon):
    distances = np.array([each.distance for each in nearest], float)
    distances = distances[np.isfinite(distances)]
    if not len(distances):
        path.unlink(missing_ok=True)
        return "<h2>Nearest distances</h2>\n<p>No picture has a distance.</p>"
    mean, below = distances.mean(), int((distances < epsilon).sum())
    figure = _figure()
    axes = figure.subplots()
    axes.hist(distances, bins=40, range=(0, max(distances.max(), epsilon) * 1.05 or 1), color=GENERATED, alpha=0.6)
    axes.axvline(mean, color="black", label=f"mean {mean:.4f}")
    axes.axvline(epsilon, color="black", linestyle="--", label=f"threshold {epsilon:g}")
    axes.set(xlabel="distance to the nearest real picture", ylabel="generated pictures")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    _save(figure, path)
    return (
        "<h2>Nearest distances</h2>\n<p>Each generated picture's distance to its nearest real one. "
        f"{below:,} of {len(distances):,} are below the threshold, which the score compares with the mean.</p>\n"
        '<img src="distances.png" alt="histogram of the nearest distances">'
    )


def _colors(path, generated, real):
    figure = _figure()
    panels = zip(figure.subplots(1, 3, sharey=True), ("red", "green", "blue"), strict=True)
    for channel, (axes, name) in enumerate(panels):
        for colors, color, label in ((real, REAL, "real"), (generated, GENERATED, "generated")):
            shares = 100 * colors.counts[channel] / max(colors.counts[channel].sum(), 1)
            edges = np.linspace(0, 256, len(shares) + 1)
            axes.stairs(shares, edges, color=color, label=f"{label}, mean {colors.means[channel]:.0f}", linewidth=1.3)
        # A white ground or a palette's few colors would flatten all else on a linear scale.
        axes.set(title=name, xlabel="level", yscale="log", xlim=(0, 256))
        axes.set_xticks([0, 64, 128, 192, 255])
        axes.legend(frameon=False, fontsize="small")
        axes.grid(alpha=0.3)
        axes.yaxis.set_major_formatter("{x:g}")
    figure.axes[0].set_ylabel("% of the pixels")
    _save(figure, path)
    return (
        "<h2>Colors</h2>\n<p>How often each level of red, green and blue occurs in both sets (logarithmic).</p>\n"
        '<img src="colors.png" alt="color histograms of both sets">'
    )


def _figure():
    from matplotlib.figure import Figure  # not pyplot: no window, no global state, no start-up cost elsewhere

    return Figure(figsize=(11, 3.6), layout="constrained")


def _save(figure, path):
    with files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
