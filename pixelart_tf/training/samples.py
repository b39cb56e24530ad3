"""What a run shows of itself: sheets of sample pictures, and the networks that it saves."""

import dataclasses
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data import feeds, loading, pairing, partners
from pixelart_tf.generators.saving import save_generator
from pixelart_tf.models.model import Model
from pixelart_tf.pictures import faults, images, sources
from pixelart_tf.settings import config
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.experiment import PARTNER, Settings
from pixelart_tf.settings.partner import Partner
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.settings.tables import ExportTable
from pixelart_tf.training import figures
from pixelart_tf.training.callbacks import is_last, told
from pixelart_tf.training.optimizers import averaged

MOST_HELD = 64   # pictures of a domain that are held out of a training


class Split(NamedTuple):
    """A domain's own pictures, some of which are held out: numbers in the order of `loading.names_of`."""

    held: frozenset[int]
    kept: frozenset[int]


def split(domain: Domain, seed: int, *, by_stem: bool = False) -> Split:
    """Holds out a tenth of a domain's pictures, at least 1 and at most `MOST_HELD`, by their names and the seed.

    Nothing is held out of a single picture. With `by_stem` names count without their suffix, so that pairs stay
    together. Raises UserError where there are none.
    """
    names = loading.names_of(domain)
    names = [pairing.key_of(name) for name in names] if by_stem else names
    count = min(max(1, round(len(names) / 10)), MOST_HELD) if len(names) > 1 else 0
    order = sorted(range(len(names)), key=lambda i: (hashlib.sha256(f"{seed}:{names[i]}".encode()).digest(), i))
    return Split(frozenset(order[:count]), frozenset(order[count:]))


def splits(settings: Settings, model: Model) -> dict[str, Split]:
    """The domains of which some pictures are held out, to be shown or scored, and which.

    Raises:
        UserError: no pictures; or pairs that do not match, or of which only one picture would be held out.
    """
    tables = {"samples": settings.samples, "score": settings.score}
    wanted = {
        name: [table for table, given in tables.items() if getattr(given, name) == config.HELD_OUT]
        for name in model.domains
    }
    if are_pairs(model):
        for table in tables:
            if len({table in each for each in wanted.values()}) > 1:
                raise config.ConfigError(
                    f'[{table}] `source` and `target` must both be "{config.HELD_OUT}", or neither, as they are pairs'
                )
        paired(settings.data, {name: loading.names_of(settings.data[name]) for name in model.domains}, "data")
    return {
        name: split(settings.data[name], settings.train.seed, by_stem=model.pairs)
        for name, held in wanted.items() if held
    }


def are_pairs(model: Model) -> bool:
    """Whether pictures of two domains belong together."""
    return model.pairs and len(model.domains) > 1


def paired(domains: dict[str, Domain], names: dict[str, list[str]], table: str) -> dict[str, list[int]]:
    """`pairing.pairs`, but what does not match is an error of a table of the experiment."""
    try:
        return pairing.pairs(domains, names)
    except ValueError as error:
        raise config.ConfigError(f"[{table}] {error}") from None


def read(domain: Domain, chosen: frozenset[int] | None = None) -> loading.Pictures:
    """A domain's pictures in memory, with a progress bar, or the chosen ones.

    Raises:
        UserError: names the file and the reason.
    """
    try:
        told = ProgressBar(f"reading {sources.described(domain.files)}")
        pictures = loading.load(domain, chosen=chosen, progress=told)
    except ValueError as error:
        raise UserError(str(error)) from error
    if pictures.bad:
        print(f"note: {len(pictures.bad)} bad pictures are left out: {faults.named(pictures.bad)}", file=sys.stderr)
    return pictures


def other(domain: Domain, files: str, parts: Split | None) -> loading.Pictures:
    """Other pictures than those that are trained on, prepared alike; but without jitter, so that no border is cut.

    Args:
        domain: what is trained on.
        files: shards or a folder; or `config.HELD_OUT`.
        parts: of the domain, where some of its pictures are held out.
    """
    plain = dataclasses.replace(domain, jitter=0)
    if files == config.HELD_OUT:
        return read(plain, parts.held or None)   # of a single picture nothing is held out
    return read(dataclasses.replace(plain, files=files))


def spread(length: int, count: int) -> np.ndarray:
    """int (n,): `count` or fewer numbers below `length`, spread evenly, as neighbors by name are often alike."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int)


def partners_of(settings: Partner, target: loading.Pictures) -> partners.Partners:
    """The partners of a set of pictures, with a progress bar."""
    return partners.Partners(settings=settings, target=target, progress=ProgressBar("drawing partners"))


def shown(
    settings: Settings, model: Model, pictures: dict[str, loading.Pictures], splits: dict[str, Split]
) -> dict[str, np.ndarray]:
    """What is shown while training, without anything random: see `Model.sheets`.

    Args:
        settings: of the run.
        model: what is shown.
        pictures: of each domain those that are trained on, which are shown where `[samples]` names no others.
        splits: of the domains of which some pictures are held out.

    Returns:
        Name of a domain -> float32 (B, H, W, C) in [-1, 1]; of `"target"` also the `"partner"`, `"noise"`, float32
        (B, n), and `"label"`, int (B,), the classes in turn, where the model is fed with them.
    """
    table, found = settings.samples, {}
    all_of = {
        name: other(own.domain, files, splits.get(name)) if (files := getattr(table, name)) else own
        for name, own in pictures.items()
    }
    if are_pairs(model):
        order = paired(settings.data, {name: each.names for name, each in all_of.items()}, "samples")
        all_of = {name: each.chosen(order[name]) for name, each in all_of.items()}
    for name, others in all_of.items():
        some = others.chosen(spread(len(others), table.count))
        found[name] = np.asarray(feeds.without_augmentation(some, range(len(some))))
        if name == "target" and settings.partner:
            some = partners_of(settings.partner, some)
            found[PARTNER] = np.asarray(feeds.partners_without_augmentation(some, range(len(some.target))))
    if "noise" in model.feed:
        found["noise"] = noise(model, table.count, settings.train.seed)
    if "label" in model.feed:
        found["label"] = labels(model, table.count)
    return found


def labels(model: Model, count: int) -> np.ndarray:
    """int (count,): the numbers of a model's classes in turn."""
    return np.arange(count) % model.shapes["label"][0]


def noise(model: Model, count: int, seed: int) -> np.ndarray:
    """Standard normal rows for a model that begins with noise, float32 (count, n); the same for the same seed."""
    return np.random.default_rng(seed).normal(size=(count, *model.shapes["noise"])).astype(np.float32)


class Sheets(keras.callbacks.Callback):
    """Writes the model's sheets of sample pictures, and its networks.

    Args:
        folder: of the run.
        samples: name of a domain -> float32 (B, H, W, C) in [-1, 1].
        every: epochs between two sheets; the last epoch always has one.
        num_epochs: of the run; None where a time budget decides.
        scale: enlargement of the pictures.
        export: how the networks are saved.
    """

    def __init__(
        self, folder: RunFolder, *, samples: dict[str, np.ndarray], every: int, num_epochs: int | None, scale: int,
        export: ExportTable,
    ):
        super().__init__()
        self.folder, self.samples, self.scale, self.export = folder, samples, scale, export
        self.every, self.num_epochs = every, num_epochs

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and not is_last(self, epoch):
            return
        generators = averages(self.model)
        save_all(self.model, generators, self.folder.generator, self.export)
        with told(f"the sheets of epoch {epoch + 1} could not be drawn"):
            for kind, rows in self.model.sheets(generators, self.samples).items():
                path = self.folder.sheet(kind, epoch + 1)
                path.parent.mkdir(exist_ok=True)
                images.write(path, figures.sheet(rows, self.scale))


class Keep(keras.callbacks.Callback):
    """Keeps the networks of every so many epochs for good.

    Args:
        folder: of the run.
        every: epochs between two of them.
        export: how the networks are saved.
    """

    def __init__(self, folder: RunFolder, *, every: int, export: ExportTable):
        super().__init__()
        self.folder, self.every, self.export = folder, every, export

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        save_all(
            self.model, averages(self.model), lambda name: self.folder.kept_generator(name, epoch + 1), self.export
        )


def averages(model: Model) -> dict[str, keras.Model]:
    """The networks that a model saves, with averaged weights where averages are kept."""
    return {name: averaged(getattr(model, name), model.optimizer) for name in model.saved}


def save_all(
    model: Model, generators: dict[str, keras.Model], path_of: Callable[[str], Path], export: ExportTable
) -> None:
    """Saves a model's networks, each under the path of its name; only the first one makes cells that could be read."""
    for name, generator in generators.items():
        path = path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        read_size = export.read_size if name == model.saved[0] else 1
        save_generator(generator, path, cell_size=export.cell_size, read_size=read_size, classes=model.classes)
