"""The pictures that a run draws of itself: sheets of translations, the discriminators' patch maps, loss curves."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelart_tf.base import files
from pixelart_tf.pictures import images

MARGIN = 4      # pixels between pictures
LABEL = 15      # pixels of a row's caption
SCORES = ("mifid", "fid", "memorization_distance", "kid")   # of an epoch's logs, where it was scored


def sheet(rows: dict[str, np.ndarray], scale: int = 1) -> np.ndarray:
    """Pictures in captioned rows.

    Args:
        rows: caption -> float32 (B, H, W, 1 or 3) in [-1, 1]; rows may differ in size.
        scale: enlargement by repeated pixels.

    Returns:
        uint8 (H', W', 3), on white.
    """
    font = ImageFont.load_default(11)
    grids = {}
    for caption, row in rows.items():
        row = np.repeat(row, 3, axis=-1) if row.shape[-1] == 1 else row
        grids[caption] = images.grid(images.to_uint8(row), columns=len(row), scale=scale, margin=MARGIN)
    width = max(grid.shape[1] for grid in grids.values())
    width = max(width, *(int(font.getlength(caption)) + 2 * MARGIN for caption in rows))
    strips = []
    for caption, grid in grids.items():
        label = Image.new("RGB", (width, LABEL), "white")
        ImageDraw.Draw(label).text((MARGIN, 2), caption, fill="black", font=font)
        strips += [np.asarray(label), np.pad(grid, ((0, 0), (0, width - grid.shape[1]), (0, 0)), constant_values=255)]
    return np.concatenate(strips)


def patch_map(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A discriminator's opinion of each patch as a picture: white looks real to it, black looks made.

    Args:
        logits: float32 (B, h, w, 1).
        size: (H, W) of the pictures that were judged.

    Returns:
        float32 (B, H, W, 1) in [-1, 1], each map stretched over its own range.
    """
    low, high = logits.min(axis=(1, 2, 3), keepdims=True), logits.max(axis=(1, 2, 3), keepdims=True)
    stretched = 2 * (logits - low) / np.maximum(high - low, 1e-6) - 1   # (B, h, w, 1)
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, logits.shape[1:3], strict=True))
    return stretched[:, rows][:, :, columns]


def curves(history: list[dict], path: Path) -> None:
    """Draws the losses of the four networks and of the cycle over the epochs.

    Args:
        history: a dict of means per epoch, as in a run's `log.jsonl`.
        path: of a `.png`, written whole or not at all.
    """
    from matplotlib.figure import Figure  # not pyplot: no window, no global state, no start-up cost elsewhere

    panels = {
        "generators (weighted sums)": ("to_target", "to_source"),
        "discriminators": ("target_discriminator", "source_discriminator"),
        "mean absolute errors (unweighted)": ("cycle", "identity", "color"),
    }
    scored = [row for row in history if "mifid" in row]
    if scored:
        # They are equal, and one line would hide the other, as long as nothing is memorized.
        differ = any(abs(row["mifid"] - row["fid"]) > 1e-6 for row in scored)
        panels["scores (lower is better)"] = ("mifid", "fid") if differ else ("mifid",)
    figure = Figure(figsize=(4 * len(panels), 3.6), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for name in names:
            rows = [row for row in history if name in row]   # not every epoch has scores
            if rows:
                label = {"mifid": "MiFID", "fid": "FID"}.get(name, name.replace("_", " "))
                marker = "o" if name in SCORES else ""
                axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], marker=marker, label=label)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    with files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
