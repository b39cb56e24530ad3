"""Scores while training: of what the model makes of pictures that are kept out of the training, if there are any."""

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from pixelart_tf import features
from pixelart_tf.base import files
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data import feeds
from pixelart_tf.data.loading import Pictures
from pixelart_tf.evaluation.evaluate import score_features
from pixelart_tf.evaluation.extractor import Extractor
from pixelart_tf.models.model import Model
from pixelart_tf.pictures import images, sources
from pixelart_tf.scores import Reference
from pixelart_tf.settings import config
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.experiment import PARTNER, Settings
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.settings.tables import ExportTable
from pixelart_tf.training import callbacks, samples

BATCH_SIZE = 32
# What an epoch is scored by; the first decides which epoch was best, and lower is better.
NAMES = ("mifid", "fid", "memorization_distance", "kid")


class HeldOut:
    """The pictures and the network that a run is scored with, read once.

    Args:
        settings: of the run; the score's pictures are prepared as those that are trained on, but without jitter.
        model: what is scored.
        splits: of the domains of which some pictures are held out.

    Raises:
        UserError: pictures or weights that cannot be used.
    """

    def __init__(self, settings: Settings, model: Model, splits: dict[str, samples.Split]):
        self.settings, self.domains, self.splits = settings.score, model.domains, splits
        self.network = features.load(
            self.settings.network, weights=Path(self.settings.weights) if self.settings.weights else None,
            progress=ProgressBar("fetching the Inception's weights", "bytes"),
        )
        self.extractor = Extractor(self.network, predict=self.network.model.predict_on_batch, batch_size=BATCH_SIZE)
        self.pictures = {name: self._read(name, settings.data[name]) for name in model.domains}
        self.files = {name: getattr(self.settings, name) for name in model.domains}
        # What is translated where there is no source.
        made = settings.partner if "source" not in model.domains else None
        self.partners = made and samples.partners_of(made, self.pictures["target"])
        self.num_trained = {
            name: 0 if files == config.HELD_OUT else _num_shared(settings.data[name].files, files)
            for name, files in self.files.items()
        }
        self.real_name = model.domains[-1]

    @functools.cached_property
    def real(self) -> Reference:
        """The real pictures' features, which take seconds: not for a summary, or a run that has ended."""
        return Reference(np.concatenate([
            self._features(batch[self.real_name]) for batch in self._batches((self.real_name,))
        ]))

    def score(self, model: Model, generators: dict[str, keras.Model]) -> dict[str, float]:
        """Of what `model` makes with `generators`: see `NAMES`; what is not a number is left out."""
        given = self._with_more(model, self._batches(self.domains))
        made = (self._features(model.made(generators, batch)) for batch in given)
        found, _ = score_features(made, self.real, epsilon=self.settings.epsilon, neighbourhoods=False)
        return {name: getattr(found, name) for name in NAMES if math.isfinite(getattr(found, name))}

    def summary(self) -> str:
        """What is scored, in two lines."""
        every = "every epoch" if self.settings.every == 1 else f"every {self.settings.every} epochs"
        first, real = self.domains[0], self.real_name
        return (
            f"MiFID by {self.network.name} {every}: {self._count(first)} translations {self._about(first)}\n"
            f"           against {self._count(real)} real pictures {self._about(real)}"
        )

    def _about(self, name: str) -> str:
        trained, files = self.num_trained[name], self.files[name]
        told = f"({trained} of them are trained on)" if trained else "(held out from training)"
        return told if files == config.HELD_OUT else f"of {files} {told}"

    def _read(self, name: str, domain: Domain) -> Pictures:
        pattern = getattr(self.settings, name)
        pictures = samples.other(domain, pattern, self.splits.get(name))
        if len(pictures) < 2:
            raise config.ConfigError(f"`score.{name}` must hold at least 2 pictures. Received: {pattern!r}")
        return pictures

    def _count(self, name: str) -> int:
        return min(self.settings.count or len(self.pictures[name]), len(self.pictures[name]))

    def _batches(self, names: tuple[str, ...]):
        """Pictures spread over their sets: dicts of float32 (n, H, W, C) in [-1, 1], of as many as the first has."""
        chosen = {name: self._chosen(name) for name in names}
        for start in range(0, len(chosen[names[0]]), BATCH_SIZE):
            yield {
                name: np.asarray(feeds.without_augmentation(self.pictures[name], some))
                for name, indices in chosen.items() if len(some := indices[start : start + BATCH_SIZE])
            }

    def _with_more(self, model: Model, batches: Iterable[dict]) -> Iterator[dict]:
        """Batches with the partners, noise and classes that the model is fed with, the same for every epoch."""
        done = 0
        for number, batch in enumerate(batches):
            size = len(batch[self.domains[0]])
            if self.partners is not None:
                indices = self._chosen("target")[done : done + size]
                batch[PARTNER] = np.asarray(feeds.partners_without_augmentation(self.partners, indices))
            if "noise" in model.feed:
                batch["noise"] = samples.noise(model, size, number)
            if "label" in model.feed:
                batch["label"] = samples.labels(model, size)
            done += size
            yield batch

    def _chosen(self, name: str) -> np.ndarray:
        return samples.spread(len(self.pictures[name]), self._count(name))

    def _features(self, pictures: np.ndarray) -> np.ndarray:
        """float32 (n, H, W, C) in [-1, 1] -> (n, D), as of the bytes that a picture file would hold."""
        return self.extractor.features(images.to_uint8(pictures))


def _num_shared(trained: str, scored: str) -> int:
    """How many of the files that are scored are among those that are trained on, by their contents."""
    seen, asked = ({hashlib.sha256(item.data).digest() for item in sources.read(files)} for files in (trained, scored))
    return len(seen & asked)


class KeepBest(keras.callbacks.Callback):
    """Adds the scores to an epoch's logs, and keeps the networks of the best one in `best/`.

    Args:
        folder: of the run.
        scorer: what to score with.
        every: epochs between two scores; the last epoch always has one.
        num_epochs: of the run; None where a time budget decides.
        history: the run's log so far, for the best score in it.
        export: how the networks are saved.
    """

    def __init__(
        self, folder: RunFolder, scorer: HeldOut, *, every: int, num_epochs: int | None, history: list[dict],
        export: ExportTable,
    ):
        super().__init__()
        self.folder, self.scorer, self.export = folder, scorer, export
        self.every, self.num_epochs, self.history = every, num_epochs, history

    def on_train_begin(self, logs=None):
        _ = self.scorer.real   # now, so that the first epoch does not end later than others, of which a budget counts

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and not callbacks.is_last(self, epoch):
            return
        generators, found = samples.averages(self.model), {}
        with callbacks.told(f"epoch {epoch + 1} could not be scored"):
            found = {name: round(value, 6) for name, value in self.scorer.score(self.model, generators).items()}
        logs.update(found)
        decides = NAMES[0]
        best = min((row[decides] for row in self.history if decides in row), default=math.inf)
        is_best = found.get(decides, math.inf) < best
        if is_best:
            self._keep(generators, {"epoch": epoch + 1} | found)
        if found:
            text = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in found.items())
            print(f"Score      {text}{'  (the best so far)' if is_best else ''}", flush=True)

    def _keep(self, generators, found):
        samples.save_all(
            self.model, generators, lambda name: self.folder.generator(name, best=True), self.export
        )
        network = {"network": self.scorer.network.name, "weights": self.scorer.network.weights_hash}
        files.write_text(self.folder.score, json.dumps(found | network, indent=2) + "\n")
