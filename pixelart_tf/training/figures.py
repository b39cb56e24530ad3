"""The pictures that a run draws of itself: sheets of captioned rows, and curves of its losses."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelart_tf.base import files
from pixelart_tf.pictures import images

MARGIN = 4      # pixels between pictures
LABEL = 15      # pixels of a row's caption


def sheet(rows: dict[str, np.ndarray], scale: int = 1) -> np.ndarray:
    """Pictures in captioned rows.

    Args:
        rows: caption -> float32 (B, H, W, 1 or 3) in [-1, 1]; rows may differ in size, and smaller pictures are
            enlarged as far as they fit under the largest.
        scale: enlargement by repeated pixels.

    Returns:
        uint8 (H', W', 3), on white.
    """
    font = ImageFont.load_default(11)
    grids, largest = {}, max(row.shape[2] for row in rows.values())
    for caption, row in rows.items():
        larger = scale * (largest // row.shape[2])
        row = np.repeat(row, 3, axis=-1) if row.shape[-1] == 1 else row
        grids[caption] = images.grid(images.to_uint8(row), columns=len(row), scale=larger, margin=MARGIN)
    width = max(grid.shape[1] for grid in grids.values())
    width = max(width, *(int(font.getlength(caption)) + 2 * MARGIN for caption in rows))
    strips = []
    for caption, grid in grids.items():
        label = Image.new("RGB", (width, LABEL), "white")
        ImageDraw.Draw(label).text((MARGIN, 2), caption, fill="black", font=font)
        strips += [np.asarray(label), np.pad(grid, ((0, 0), (0, width - grid.shape[1]), (0, 0)), constant_values=255)]
    return np.concatenate(strips)


def curves(
    history: list[dict], path: Path, panels: dict[str, tuple[str, ...]], *, scores: Sequence[str] = ()
) -> None:
    """Draws losses and scores over the epochs.

    Args:
        history: a dict of means per epoch, as in a run's log.
        path: of a `.png`, written whole or not at all.
        panels: title -> names of losses; see `Model.curves`.
        scores: names of scores. The first one has a panel, where it is in the history, and the second too where it
            differs.
    """
    from matplotlib.figure import Figure  # not pyplot: no window, no global state, no start-up cost elsewhere

    panels = panels | {"learning rate": ("learning_rate",)}
    panels = {title: names for title, names in panels.items() if any(name in row for row in history for name in names)}
    scored = [row for row in history if scores and scores[0] in row]
    if scored:
        # MiFID and FID are equal, and one line would hide the other, as long as nothing is memorized.
        first, second = scores[:2]
        differ = any(abs(row[first] - row.get(second, row[first])) > 1e-6 for row in scored)
        panels["scores (lower is better)"] = (first, second) if differ else (first,)
    figure = Figure(figsize=(4 * len(panels), 3.6), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name in names:
            rows = [row for row in history if name in row]   # not every epoch has scores
            if rows:
                label = {"mifid": "MiFID", "fid": "FID"}.get(name, name.replace("_", " "))
                marker = "o" if name in scores else ""
                axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], marker=marker, label=label)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    with files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
