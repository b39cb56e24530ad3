"""What a run shows of itself: sheets of sample pictures, and the networks that it saves."""

import dataclasses
from pathlib import Path

import keras
import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data import feeds, loading
from pixelart_tf.generators.saving import as_float32, with_cells
from pixelart_tf.models.model import Model
from pixelart_tf.pictures import images
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.training import figures
from pixelart_tf.training.callbacks import is_last, told
from pixelart_tf.training.optimizers import averaged


def read(domain: Domain) -> loading.Pictures:
    """A domain's pictures in memory, with a progress bar. Raises UserError, which names the file and the reason."""
    try:
        return loading.load(domain, progress=ProgressBar(f"reading {domain.files}"))
    except ValueError as error:
        raise UserError(str(error)) from error


def other(domain: Domain, files: str) -> loading.Pictures:
    """Other pictures than those that are trained on, prepared alike; but without jitter, so that no border is cut."""
    return read(dataclasses.replace(domain, files=files, jitter=0))


def spread(length: int, count: int) -> np.ndarray:
    """int (n,): `count` or fewer numbers below `length`, spread evenly, as neighbors by name are often alike."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int)


def shown(pictures: loading.Pictures, files: str, count: int) -> np.ndarray:
    """Pictures to be shown while training: float32 (`count` or fewer, H, W, C) in [-1, 1].

    Args:
        pictures: those that are trained on.
        files: others to be shown instead; `""` for none.
        count: of pictures.
    """
    if files:
        pictures = other(pictures.domain, files)
    return np.asarray(feeds.without_augmentation(pictures, spread(len(pictures), count)))


class Sheets(keras.callbacks.Callback):
    """Writes the model's sheets of sample pictures, and its networks.

    Args:
        folder: of the run.
        samples: name of a domain -> float32 (B, H, W, C) in [-1, 1].
        every: epochs between two sheets; the last epoch always has one.
        num_epochs: of the run; None where a time budget decides.
        scale: enlargement of the pictures.
        cell_size: see `with_cells`.
    """

    def __init__(
        self, folder: RunFolder, *, samples: dict[str, np.ndarray], every: int, num_epochs: int | None, scale: int,
        cell_size: int,
    ):
        super().__init__()
        self.folder, self.samples, self.scale, self.cell_size = folder, samples, scale, cell_size
        self.every, self.num_epochs = every, num_epochs

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and not is_last(self, epoch):
            return
        generators = averages(self.model)
        for name, generator in generators.items():
            save_generator(generator, self.folder.generator(name), self.cell_size)
        with told(f"the sheets of epoch {epoch + 1} could not be drawn"):
            for kind, rows in self.model.sheets(generators, self.samples).items():
                path = self.folder.sheet(kind, epoch + 1)
                path.parent.mkdir(exist_ok=True)
                images.write(path, figures.sheet(rows, self.scale))


def averages(model: Model) -> dict[str, keras.Model]:
    """The networks that a model saves, with averaged weights where averages are kept."""
    return {name: averaged(getattr(model, name), model.optimizer) for name in model.saved}


def save_generator(generator: keras.Model, path: Path, cell_size: int = 1) -> None:
    """Saves a generator as `.keras` in float32 and with its cells (see `with_cells`), whole or not at all."""
    with files.replacing(path) as temporary:
        with_cells(as_float32(generator), cell_size).save(temporary)
