"""MiFID while training: of translations of pictures that are kept out of the training, if there are any."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from pixelart_tf import features, scores
from pixelart_tf.base import files
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data import feeds, loading
from pixelart_tf.pictures import images, sources
from pixelart_tf.settings import config
from pixelart_tf.settings.domain import Domain
from pixelart_tf.training import callbacks, figures
from pixelart_tf.training.optimizers import averaged
from pixelart_tf.training.settings import Settings

BATCH_SIZE = 32


class Scorer:
    """The pictures and the network that a run is scored with, read once.

    Args:
        settings: of the run.
        source, target: what the run trains on; the score's pictures are prepared alike, but without jitter.
        load: `loading.load` with its mistakes told to the user.

    Raises:
        UserError: pictures or weights that cannot be used.
    """

    def __init__(
        self, settings: Settings, source: Domain, target: Domain,
        load: Callable[[Domain], loading.Pictures],
    ):
        self.settings = settings.score
        self.network = features.load(
            self.settings.network, weights=Path(self.settings.weights) if self.settings.weights else None,
            progress=ProgressBar("fetching the Inception's weights", "bytes"),
        )
        self.pictures, real = (
            _all(load(dataclasses.replace(domain, files=pattern, jitter=0)), self.settings.count)
            for domain, pattern in ((source, self.settings.source), (target, self.settings.target))
        )
        for key, pictures in (("source", self.pictures), ("target", real)):
            if len(pictures) < 2:
                raise config.ConfigError(
                    f"`score.{key}` must hold at least 2 pictures. Received: {getattr(self.settings, key)!r}"
                )
        self.num_trained = [
            _num_shared(domain.files, pattern)
            for domain, pattern in ((source, self.settings.source), (target, self.settings.target))
        ]
        self.real = scores.Reference(self._features(real))

    def score(self, generator: keras.Model) -> scores.Scores:
        """Of the translations by `generator`."""
        fakes = callbacks.predict(generator, self.pictures, BATCH_SIZE)
        return scores.score(self._features(fakes), self.real, epsilon=self.settings.epsilon)

    def summary(self) -> str:
        """What is scored, in two lines."""
        every = "every epoch" if self.settings.every == 1 else f"every {self.settings.every} epochs"
        translated, real = (
            f"of {pattern} ({f'{trained} of them are trained on' if trained else 'held out from training'})"
            for pattern, trained in zip((self.settings.source, self.settings.target), self.num_trained, strict=True)
        )
        return (
            f"MiFID by {self.network.name} {every}: {len(self.pictures)} translations {translated}\n"
            f"           against {self.real.count} real pictures {real}"
        )

    def _features(self, pictures: np.ndarray) -> np.ndarray:
        """float32 (n, H, W, C) in [-1, 1] -> (n, D)."""
        # As the bytes that a picture file would hold.
        pixels = images.to_uint8(pictures).astype(np.float32)   # (n, H, W, C)
        pixels = np.repeat(pixels, 3 // pixels.shape[-1], axis=-1)
        batches = [pixels[i : i + BATCH_SIZE] for i in range(0, len(pixels), BATCH_SIZE)]
        return np.concatenate([np.asarray(self.network.model.predict_on_batch(batch)) for batch in batches])


def _all(pictures: loading.Pictures, count: int) -> np.ndarray:
    """`count` pictures spread over the set, or all: float32 (n, H, W, C) in [-1, 1]."""
    number = min(count or len(pictures), len(pictures))
    indices = np.linspace(0, len(pictures) - 1, number).round().astype(int)
    return np.asarray(feeds.without_augmentation(pictures, indices))


def _num_shared(trained: str, scored: str) -> int:
    """How many of the files that are scored are among those that are trained on, by their contents."""
    seen, asked = ({hashlib.sha256(item.data).digest() for item in sources.read(files)} for files in (trained, scored))
    return len(seen & asked)


class Score(keras.callbacks.Callback):
    """Adds the scores to an epoch's logs, and keeps the generators of the best one in `best/`.

    Args:
        folder: of the run.
        scorer: what to score with.
        every: epochs between two scores; the last epoch always has one.
        num_epochs: of the run; None where a time budget decides.
        history: the run's log so far, for the best score in it.
        cell_size: see `networks.export.with_cells`.
    """

    def __init__(
        self, folder: Path, scorer: Scorer, *, every: int, num_epochs: int | None, history: list[dict], cell_size: int
    ):
        super().__init__()
        self.folder, self.scorer, self.cell_size = folder / "best", scorer, cell_size
        self.every, self.num_epochs, self.history = every, num_epochs, history

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and not callbacks.is_last(self, epoch):
            return
        to_target = averaged(self.model.to_target, self.model.optimizer)
        found = dataclasses.asdict(self.scorer.score(to_target))
        # What is not a number is no JSON, and no point on a curve.
        found = {name: round(found[name], 6) for name in figures.SCORES if math.isfinite(found[name])}
        logs.update(found)
        best = min((row["mifid"] for row in self.history if "mifid" in row), default=math.inf)
        is_best = found.get("mifid", math.inf) < best
        if is_best:
            self._keep(to_target, {"epoch": epoch + 1} | found)
        told = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in found.items())
        print(f"Score      {told}{'  (the best so far)' if is_best else ''}", flush=True)

    def _keep(self, to_target, found):
        self.folder.mkdir(exist_ok=True)
        to_source = averaged(self.model.to_source, self.model.optimizer)
        for generator in (to_target, to_source):
            callbacks.save_generator(generator, self.folder / f"{generator.name}.keras", self.cell_size)
        network = {"network": self.scorer.network.name, "weights": self.scorer.network.weights_hash}
        files.write_text(self.folder / "score.json", json.dumps(found | network, indent=2) + "\n")
