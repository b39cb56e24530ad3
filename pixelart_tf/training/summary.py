"""What a person reads before a training starts and when it has ended."""

import math
import shlex
from pathlib import Path

from pixelart_tf.base.columns import counted
from pixelart_tf.pictures import sources
from pixelart_tf.settings.run_folder import RunFolder


def summary_of(run) -> str:
    """A `Run` that is ready to start, in a few lines."""
    train = run.settings.train
    millions = {name: network.count_params() / 1e6 for name, network in run.model.networks.items()}
    begins = ", resumed" if any(run.place.values()) else ""
    begins = ", a new one: nothing to resume" if run.had_nothing else begins
    lines = [f"Run        {run.folder}{begins}"]
    lines += [f"Devices    {run.devices.description}"]
    for name, pictures in run.pictures.items():
        height, width, channels = pictures.domain.shape
        lines += [
            f"{name.capitalize():<10} {counted(len(pictures), 'picture')}, {width}x{height}x{channels}, "
            f"{sources.described(pictures.domain.files)}"
        ]
    if run.model.classes:
        labels = run.pictures["target"].labels
        known = [f"{name} ({labels.count(number):,})" for number, name in enumerate(run.model.classes)]
        lines += [f"Classes    {', '.join(known)}"]
    if run.partners is not None:
        height, width, channels = run.partners.shape
        drawn = run.partners.drawn_shape
        kept = "" if drawn is None else f", {drawn[1]} a picture, {math.prod(drawn) / 2**20:,.0f} MB"
        lines += [f"Partners   {run.settings.partner.made}, {width}x{height}x{channels}{kept}"]
    kind = "pairs" if len(run.model.domains) > 1 else "pictures"
    lines += [
        f"Networks   {run.plan.name}, million parameters: "
        + ", ".join(f"{name} {count:.2f}" for name, count in millions.items()),
        f"Steps      {run.steps_per_epoch:,} an epoch of {train.batch_size} {kind}, " + _length(run),
    ]
    if run.splits:
        held = " and ".join(f"{len(parts.held):,} {name}" for name, parts in run.splits.items())
        what = "samples and scores" if run.scorer else "samples"
        lines += [f"Held out   {held} pictures, not trained on, for {what}"]
    if run.scorer:
        lines += [f"Score      {run.scorer.summary()}"]
    elif run.settings.score.target:
        lines += ["Score      none, as it takes 2 held-out pictures of each domain: 20 pictures to hold out of"]
    if any(run.place.values()):
        lines += [f"Done       {run.place['epoch']} epochs and {run.place['step']} steps"]
    return "\n".join(lines)


def results_of(folder: RunFolder, pictures: str | Path | None, style: str = "") -> str:
    """Where all is that a run has made, and what can be done next.

    Args:
        folder: of the run.
        pictures: that the next command is for; None for a generator of noise, which takes none.
        style: one of those that the generator asks for, if it does.
    """
    first, *others = (folder.generator(name) for name in folder.saved())
    best, sheets = folder.generator(first.stem, best=True), folder.sheets("samples")
    if pictures is None:
        title, words = "Next, draw samples and a walk from one to the next:", ("--samples", 64, first)
    else:
        title, words = "Next, translate pictures of any size:", (first, pictures)
        words = (*(("--class", style) if style else ()), *words)
    words = map(str, (*words, folder.path / ("translated" if pictures else "drawn")))
    return "\n".join([
        *([f"Pictures   {sheets[-1]}"] if sheets else []),
        *([f"Gallery    {folder.gallery}"] if folder.gallery.is_file() else []),
        f"Curves     {folder.curves}",
        *([f"Best       {best}"] if best.exists() else []),
        f"Generators {', '.join(map(str, [first, *others]))}",
        title,
        f"  python -m pixelart_tf.translate {' '.join(map(shlex.quote, words))}",
    ])


def _length(run) -> str:
    train, rate = run.settings.train, f"learning rate {run.plan.optimizer['learning_rate']:g}"
    if train.minutes:
        share = f"falling over the last {train.decay_epochs / train.epochs:.0%} of them"
        return f"as many as {train.minutes:g} min allow, {rate}, {share if train.decay_epochs else 'no decay'}"
    share = f"falling over the last {train.decay_epochs}" if train.decay_epochs else "no decay"
    return f"{train.epochs} epochs, {train.epochs * run.steps_per_epoch:,} in all, {rate}, {share}"
