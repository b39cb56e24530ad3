"""A picture of what a model will really see: pictures of a batch, augmented, partners beside them, and their colors."""

import itertools

import numpy as np

from pixelart_tf.data import feeds
from pixelart_tf.settings.experiment import PARTNER, Settings
from pixelart_tf.training import figures, samples
from pixelart_tf.training.building import Plan

SHOWN, COUNTED = 10, 200   # pictures of each domain on the sheet and in the histograms
BINS = np.linspace(-1, 1, 65)
CHANNELS = {3: ("tab:red", "tab:green", "tab:blue"), 1: ("dimgray",)}


def preview(settings: Settings) -> np.ndarray:
    """Reads an experiment's pictures and draws what a training would be fed with first.

    Args:
        settings: of the experiment.

    Returns:
        uint8 (H, W, 3).

    Raises:
        UserError: settings or pictures that no training takes.
    """
    kind = Plan.of(settings).kind
    names = kind.domains_with(settings.partner is not None)
    read = {name: samples.read(settings.data[name]) for name in names}
    # So many are enough to see, and partners take their time.
    pictures = {name: each.chosen(samples.spread(len(each), COUNTED)) for name, each in read.items()}
    options = {"batch_size": SHOWN, "seed": settings.train.seed}
    if kind.pairs and len(pictures) > 1:
        batches = feeds.paired(pictures, **options)
    else:
        partners = settings.partner and samples.partners_of(settings.partner, pictures["target"])
        batches = feeds.unpaired(pictures, partners=partners, **options)
    return drawn([{key: np.asarray(value) for key, value in batch.items()}
                  for batch in itertools.islice(batches, COUNTED // SHOWN)])


def drawn(batches: list[dict[str, np.ndarray]]) -> np.ndarray:
    """A sheet of the first batch, and below it how often each value comes in each channel of all of them.

    Args:
        batches: `"source"`, `"target"` and `"partner"`, or some of them -> float32 (B, H, W, 1 or 3) in [-1, 1].

    Returns:
        uint8 (H, W, 3).
    """
    rows = {key: batches[0][key] for key in ("source", "target", PARTNER) if key in batches[0]}
    side = max(row.shape[2] for row in rows.values())
    sheet = figures.sheet(rows, scale=max(1, 64 // side))
    charts = _histograms({key: np.concatenate([batch[key] for batch in batches]) for key in rows}, sheet.shape[1])
    return np.concatenate([sheet, charts])


def _histograms(pictures: dict[str, np.ndarray], width: int) -> np.ndarray:
    """uint8 (H, width, 3): a panel for each set of pictures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, 2.4), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(pictures), squeeze=False, sharey=True)[0]
    for axes, (name, images) in zip(panels, pictures.items(), strict=True):
        for channel, color in enumerate(CHANNELS[images.shape[-1]]):
            counts, _ = np.histogram(images[..., channel], BINS)
            axes.stairs(counts / counts.sum(), BINS, color=color)
        axes.set(title=f"{name}: values of {len(images)} pictures", xlim=(-1, 1), yscale="log")
    canvas.draw()
    chart = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.pad(chart, ((0, 0), (0, max(0, width - chart.shape[1])), (0, 0)), constant_values=255)[:, :width]
