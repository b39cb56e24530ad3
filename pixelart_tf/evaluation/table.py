"""What a leaderboard shows: an aligned table, notes, JSON, CSV and a picture."""

import csv
import dataclasses
import functools
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from pixelart_tf.base import files
from pixelart_tf.base.cli import printable
from pixelart_tf.evaluation.entries import Row
from pixelart_tf.evaluation.feature_sets import Origin
from pixelart_tf.evaluation.result import finite

NUMBERS = ("mifid", "fid", "memorization_distance", "kid")
DRAWN = ("style", "far")   # of pixel art; see `scores.pixel_art`
# What stands for a row in the picture: its color, its marker and the legend's words.
ONE = "#1d4ed8", "s", "one set, 95 % by resampling its pictures"
SEVERAL = "#c2410c", "o", "mean of several trainings, 95 % by Student's t"


def notes_of(rows: list[Row], dimension: int, num_resamples: int, origin: Origin) -> list[str]:
    """What a reader of the table must know, a line each."""
    several = [row for row in rows if len(row.contestants) > 1]
    contestants = [each for row in rows for each in row.contestants]
    notes = []
    if several:
        notes.append(f"95 % of {listed(row.name for row in several)}: Student's t of the mean over the runs, which "
                     "tells where the setting's mean is")
    if len(several) < len(rows) and num_resamples:
        notes.append(f"95 % of {'the others' if several else 'each'}: {num_resamples} resamplings of the pictures, "
                     "which tells how other pictures would do, not another training")
    for row in several:
        seeds = Counter(each.seed for each in row.contestants if each.seed is not None)
        if any(count > 1 for count in seeds.values()):
            notes.append(f"{row.name}: runs of the same seed tell nothing of other seeds")
    notes += dict.fromkeys(line for each in contestants for line in each.leaks)   # each once
    for each in contestants:
        if each.missing:
            instead = "--train was looked at instead" if each.is_checked else "not checked; --train gives them"
            notes.append(f"{each.path}: the training's pictures are not there any more ({listed(each.missing)}): "
                         f"{instead}")
        if each.unfinished:
            notes.append(f"{each.path}: {each.unfinished}")
        if each.found.is_copy:
            notes.append(f"{each.path}: MiFID is undefined, as the real pictures and its own are copies")
    unknown = [each.path for each in contestants if not each.is_checked and not each.missing]
    if unknown:
        notes.append(f"what {listed(unknown)} may have been trained on is not known, and only what others were was "
                     "looked at; --train gives it")
    counts = sorted({each.found.num_generated for each in contestants})
    if len(counts) > 1:
        notes.append(f"sets of {counts[0]:,} to {counts[-1]:,} pictures do not compare, as FID falls with their "
                     f"number: --limit {counts[0]} makes them equal")
    num_real = contestants[0].found.num_real
    if min(counts[0], num_real) <= dimension:
        notes.append(f"{counts[0]:,} pictures against {num_real:,} are few for {dimension:,} features: FID comes out "
                     "too high")
    if any(each.epoch.startswith("best") for each in contestants):
        notes.append("best: the epoch that scored best on the run's own [score] pictures; where those are the ones "
                     "here it is flattered (--last takes the last epoch)")
    return [*notes, origin.note] if origin.note else notes


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def table(rows: list[Row]) -> str:
    """Aligned columns, a line a row, and below a row of several their own."""
    shown = [key for key in DRAWN if any(row.drawn(key) is not None for row in rows)]
    lines = [("", "", "runs", "MiFID", "95 %", "FID", "memorization", "KID", *shown, "pictures", "held out")]
    for place, row in enumerate(rows, 1):
        one, several = row.contestants[0], len(row.contestants) > 1
        low, high = row.interval("mifid")
        interval = "-" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
        name = f"{row.name} ({one.epoch})" if one.epoch and not several else row.name
        cells = _cells(row.mean, interval)
        cells += tuple(_drawn(row.drawn(key)) for key in shown)
        lines.append((f"{place}", name, f"{len(row.contestants)}", *cells, _counted(row), row.held_out))
        if several:
            for each in sorted(row.contestants, key=lambda each: order(each.found.mifid)):
                seed = "" if each.seed is None else f"seed {each.seed}"
                told = ", ".join(filter(None, (seed, each.epoch)))
                mine = functools.partial(getattr, each.found)
                name = f"  {each.path}{f' ({told})' if told else ''}"
                how = (_drawn(getattr(each, key)) for key in shown)
                lines.append(("", name, "", *_cells(mine, ""), *how, "", each.held_out))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    left = (1, len(widths) - 1)
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if i in left else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(value: Callable[[str], float], interval: str) -> tuple[str, ...]:
    mifid = value("mifid")
    return (
        "undefined" if math.isnan(mifid) else f"{mifid:.3f}", interval, f"{value('fid'):.3f}",
        f"{value('memorization_distance'):.5f}", f"{value('kid'):.6f}",
    )


def _drawn(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _counted(row: Row) -> str:
    counts = sorted({each.found.num_generated for each in row.contestants})
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,}-{counts[-1]:,}"


def order(value: float) -> tuple[bool, float]:
    return math.isnan(value), value   # what is undefined comes last


def as_json(rows: list[Row], **settings) -> str:
    """All numbers for programs; what is undefined is null."""
    entries = [
        {
            "place": place, "name": row.name, "held_out": row.held_out,
            **{key: finite(row.mean(key)) for key in NUMBERS},
            **{key: row.drawn(key) for key in DRAWN},
            "intervals": {key: [*map(finite, row.interval(key))] for key in NUMBERS},
            "runs": [
                {"path": each.path, "generator": each.generator and str(each.generator), "epoch": each.epoch,
                 "seed": each.seed, "is_checked": each.is_checked, "held_out": each.held_out, "leaks": each.leaks,
                 **{key: finite(value) for key, value in dataclasses.asdict(each.found).items()},
                 **{key: getattr(each, key) for key in DRAWN}}
                for each in row.contestants
            ],
        }
        for place, row in enumerate(rows, 1)
    ]
    return json.dumps(settings | {"entries": entries}, indent=2, allow_nan=False) + "\n"


def as_csv(rows: list[Row]) -> str:
    """A line a run, and before those of a row of several one of their means and the ends of their intervals."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    ends = [f"{key}_{end}" for key in NUMBERS for end in ("low", "high")]
    counted = ("num_generated", "num_real", "held_out")
    writer.writerow(["place", "name", "path", "runs", "seed", *NUMBERS, *ends, *counted, *DRAWN])
    for place, row in enumerate(rows, 1):
        one, ends = row.contestants[0], [end for key in NUMBERS for end in row.interval(key)]
        several = len(row.contestants) > 1
        path, seed = ("", None) if several else (one.path, one.seed)
        means = [row.mean(key) for key in NUMBERS]
        made = {each.found.num_generated for each in row.contestants}
        counts = [made.pop() if len(made) == 1 else None, one.found.num_real]
        lines = [[place, row.name, path, len(row.contestants), seed, *means, *ends, *counts, row.held_out]]
        lines[0] += map(row.drawn, DRAWN)
        for each in row.contestants if several else ():
            values = [getattr(each.found, key) for key in NUMBERS]
            counts = [each.found.num_generated, each.found.num_real]
            told = [place, row.name, each.path, 1, each.seed, *values, *[None] * len(ends), *counts, each.held_out]
            lines.append([*told, *(getattr(each, key) for key in DRAWN)])
        for line in lines:
            writer.writerow(["" if finite(cell) is None else cell for cell in line])
    return text.getvalue()


def draw(rows: list[Row], path: Path, about: str) -> None:
    """A point and its interval a row, the best at the top; the runs of a row of several as rings."""
    from matplotlib.figure import Figure  # not pyplot: no window, no global state, no start-up cost elsewhere

    rows = [row for row in rows if not math.isnan(row.mean("mifid"))]
    # They are equal, and one panel would repeat the other, as long as nothing is memorized.
    differ = any(abs(row.mean("mifid") - row.mean("fid")) > 1e-6 for row in rows)
    panels = {"mifid": "MiFID", "fid": "FID"} if differ else {"mifid": "MiFID"}
    figure = Figure(figsize=(2 + 6 * len(panels), 1.7 + 0.5 * max(1, len(rows))), layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items(),
                                  strict=True):
        for y, row in enumerate(rows):
            several, value, (low, high) = len(row.contestants) > 1, row.mean(key), row.interval(key)
            color, marker, label = SEVERAL if several else ONE
            axes.plot(value, y, marker, color=color, markersize=6, label=label, zorder=3)
            if not math.isnan(low):
                axes.plot([low, high], [y, y], color=color, linewidth=3, alpha=0.4, solid_capstyle="butt")
            if several:
                values = [getattr(each.found, key) for each in row.contestants]
                axes.plot(values, [y + 0.2] * len(values), "|", color="black", markersize=8, label="each of them")
            axes.annotate(f"{value:.1f}", (value, y), (0, 7), textcoords="offset points", ha="center",
                          fontsize="small")
        axes.set(xlabel=f"{title} (lower is better)", ylim=(len(rows) - 0.4, -0.7))
        axes.set_yticks(range(len(rows)), [_label(row.name) for row in rows])
        axes.grid(alpha=0.3, axis="x")
        axes.margins(x=0.08)
    kinds = dict(zip(*reversed(figure.axes[0].get_legend_handles_labels()), strict=True))   # each once
    if kinds:
        figure.legend(kinds.values(), kinds.keys(), loc="outside lower center", ncols=3, frameon=False,
                      fontsize="small")
    figure.suptitle(about, fontsize="small")
    with files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _label(name: str) -> str:
    name = name if len(name) <= 40 else f"…{name[-39:]}"
    return printable(name).replace("$", r"\$")   # which would begin a formula
