"""A picture of what a model really sees: the first pictures of its feed, partners beside them, and their colors."""

import math
from collections.abc import Callable, Iterable

import numpy as np

from pixelart_tf.pictures import images
from pixelart_tf.settings.experiment import PARTNER, Settings
from pixelart_tf.training import feeding, figures, samples
from pixelart_tf.training.building import Plan

KEYS = ("source", "target", PARTNER, "noise")   # in the order of the sheet's rows
SHOWN, COUNTED = 10, 200        # pictures of each key on the sheet and in the histograms
WIDTH, PIXELS = 2560, 2**24     # but no more than fill a sheet so wide, and than have so many pixels
DEVIATIONS = 4                  # of noise, from black to white
COLORS = {3: ("tab:red", "tab:green", "tab:blue"), 1: ("dimgray",)}


def preview(settings: Settings) -> np.ndarray:
    """Reads an experiment's pictures and draws what a training would be fed with first.

    Args:
        settings: of the experiment.

    Returns:
        uint8 (H, W, 3).

    Raises:
        UserError: settings or pictures that no training takes.
    """
    model = Plan.of(settings).build()
    pictures = {name: samples.read(settings.data[name]) for name in model.domains}
    if samples.are_pairs(model):
        samples.paired(settings.data, {name: each.names for name, each in pictures.items()}, "data")
    else:   # so many are enough to see, and partners take their time
        pictures = {name: each.chosen(samples.spread(len(each), COUNTED)) for name, each in pictures.items()}
    partners = settings.partner and samples.partners_of(settings.partner, pictures["target"])
    return drawn(feeding.batches(model, pictures, partners, batch_size=SHOWN, seed=settings.train.seed))


def drawn(
    batches: Iterable[dict[str, np.ndarray]], *, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """A sheet of the first pictures of a feed, and below it how often each value comes in each channel of more of them.

    Args:
        batches: dicts of some of `KEYS`: float32 (B, H, W, 1 or 3) in [-1, 1], and of noise (B, n). No more are taken
            than are drawn and counted.
        progress: called with the numbers of pictures that are counted and to be counted.

    Returns:
        uint8 (H, W, 3). Noise is drawn as squares of its numbers.
    """
    rows, counts, number = {}, {}, 0
    for batch in batches:
        found = {key: np.asarray(batch[key]) for key in KEYS if key in batch}
        shown, counted = _limits([each.shape for each in found.values()])
        for key, each in found.items():
            each = each / DEVIATIONS if key == "noise" else each
            rows[key] = [*rows.get(key, []), *each[: max(0, shown - number)]]
            counts[key] = counts.get(key, 0) + _counts(each[: counted - number])
        number = min(number + len(each), counted)
        if progress is not None:
            progress(number, counted)
        if number == counted:
            break
    rows = {key: np.stack(list(map(_square, row) if key == "noise" else row)) for key, row in rows.items()}
    sheet = figures.sheet(rows, scale=max(1, 64 // max(row.shape[2] for row in rows.values())))
    return np.concatenate([sheet, _histograms(counts, number, sheet.shape[1])])


def _limits(shapes: list[tuple[int, ...]]) -> tuple[int, int]:
    """How many pictures are shown, and how many are counted, where batches have these shapes."""
    pixels, width = max(math.prod(shape[1:3]) for shape in shapes), max(shape[2] for shape in shapes if shape[2:])
    shown = max(1, min(SHOWN, WIDTH // width))
    return shown, max(shown, min(COUNTED, PIXELS // pixels))


def _square(noise: np.ndarray) -> np.ndarray:
    """float32 (n,) -> (side, side, 1), filled up with white."""
    side = math.isqrt(len(noise) - 1) + 1
    return np.pad(noise, (0, side**2 - len(noise)), constant_values=1).reshape(side, side, 1)


def _counts(values: np.ndarray) -> np.ndarray:
    """How often each level from black to white comes in each channel: int (channels, 64)."""
    channels = values.shape[-1] if values.ndim == 4 else 1
    levels = images.to_uint8(values).reshape(-1, channels)
    return np.stack([np.bincount(each // 4, minlength=64) for each in levels.T])


def _histograms(counts: dict[str, np.ndarray], number: int, width: int) -> np.ndarray:
    """uint8 (H, width, 3): a panel for each set of pictures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, 2.4), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(counts), squeeze=False, sharey=True)[0]
    for axes, (name, channels) in zip(panels, counts.items(), strict=True):
        most = DEVIATIONS if name == "noise" else 1
        edges = np.linspace(-most, most, 65)
        for each, color in zip(channels, COLORS[len(channels)], strict=True):
            axes.stairs(each / each.sum(), edges, color=color)
        axes.set(title=f"{name}: values of {number} pictures", xlim=(-most, most), yscale="log")
    canvas.draw()
    chart = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.pad(chart, ((0, 0), (0, max(0, width - chart.shape[1])), (0, 0)), constant_values=255)[:, :width]
