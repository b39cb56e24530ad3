"""The tables of an experiment that are plain settings: their keys, defaults and rules."""

from dataclasses import dataclass
from typing import Annotated

from pixelart_tf.base.checks import check_at_least, check_at_most, told
from pixelart_tf.settings.config import PATH

# Shards or a folder; "" where there are none.
Files = Annotated[str, PATH]
MOST_EPOCHS = 1_000_000
MOST_MINUTES = 10_000_000   # 19 years


@dataclass(frozen=True, kw_only=True)
class TrainTable:
    """The `[train]` table: how long, in which steps, and what is kept.

    Attributes:
        epochs: number of epochs; an epoch is the larger domain once.
        decay_epochs: over so many epochs at the end the learning rate falls linearly to zero.
        steps_per_epoch: another length of an epoch, in batches. 0: the larger domain once, rounded up to a multiple of
            `steps_per_execution`.
        batch_size: pairs per step, over all replicas.
        seed: of the weights, the order, the augmentation, dropout: the same seed gives the same run on a CPU.
        steps_per_execution: steps between two looks at the losses; more is faster on accelerators.
        sample_every: epochs between two sheets of sample pictures.
        keep_every: epochs between two sets of the saved networks that are kept for good, in `kept/epoch_0010/` and the
            like. 0: none are kept but the last and the best.
        checkpoint_minutes: an epoch longer than this is saved in its midst too.
        minutes: that the command may take, from its start; the number of epochs is then fitted to the time that is left
            after some is kept for translating all source pictures, and `decay_epochs` to the share of `epochs` that it
            is. 0: `epochs`, however long they take.
    """

    epochs: int = 100
    decay_epochs: int = 0
    steps_per_epoch: int = 0
    batch_size: int = 1
    seed: int = 0
    steps_per_execution: int = 1
    sample_every: int = 1
    keep_every: int = 0
    checkpoint_minutes: float = 10.0
    minutes: float = 0.0

    def __post_init__(self):
        check_at_least(1, epochs=self.epochs, batch_size=self.batch_size)
        check_at_least(1, steps_per_execution=self.steps_per_execution, sample_every=self.sample_every)
        check_at_most(MOST_EPOCHS, epochs=self.epochs, steps_per_epoch=self.steps_per_epoch)
        check_at_most(MOST_EPOCHS, sample_every=self.sample_every, keep_every=self.keep_every)
        check_at_most(65_536, batch_size=self.batch_size, steps_per_execution=self.steps_per_execution)
        if not 0 <= self.decay_epochs <= self.epochs:
            raise ValueError(
                f"`decay_epochs` must be 0 to `epochs` ({self.epochs}). Received: {told(self.decay_epochs)}"
            )
        if self.steps_per_epoch < 0 or self.steps_per_epoch % self.steps_per_execution:
            raise ValueError(
                f"`steps_per_epoch` must be a multiple of `steps_per_execution` ({self.steps_per_execution}), or 0. "
                f"Received: {told(self.steps_per_epoch)}"
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"`seed` must be at least 0 and below 2 ** 32. Received: {told(self.seed)}")
        check_at_least(0, keep_every=self.keep_every, minutes=self.minutes)
        check_at_most(MOST_MINUTES, minutes=self.minutes)
        if self.checkpoint_minutes <= 0:
            raise ValueError(f"`checkpoint_minutes` must be above 0. Received: {self.checkpoint_minutes}")


@dataclass(frozen=True, kw_only=True)
class SamplesTable:
    """The `[samples]` table: the pictures shown while training.

    Attributes:
        source, target: shards or a folder; `"held out"`: a tenth of the training's own pictures, which are then kept
            out of it; empty: the first pictures of the training set.
        count: number of pictures of each domain.
        scale: enlargement, by whole numbers.
    """

    source: Files = ""
    target: Files = ""
    count: int = 8
    scale: int = 1

    def __post_init__(self):
        check_at_least(1, count=self.count, scale=self.scale)
        check_at_most(256, count=self.count)
        check_at_most(32, scale=self.scale)


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """The `[score]` table: MiFID of translated pictures while training.

    Attributes:
        source: shards or a folder of pictures to translate, best ones that are not trained on; `"held out"`: a tenth of
            the training's own, which are then kept out of it; empty: no scores.
        target: shards or a folder of real pictures that the translations are compared with, or `"held out"`.
        network: `"lite0"`, `"inception"` or a Keras model file; see `features.load`.
        weights: a file of the Inception's weights; empty: the cache, or fetched once.
        every: epochs between two scores; the last epoch always has one.
        count: pictures of each domain, spread over the set, which bounds the time that a score takes; 0: all.
        epsilon: memorization distances below it count.
    """

    source: Files = ""
    target: Files = ""
    network: str = "lite0"
    weights: Files = ""
    every: int = 5
    count: int = 300
    epsilon: float = 0.1

    def __post_init__(self):
        check_at_least(1, every=self.every)
        check_at_least(0, epsilon=self.epsilon)
        check_at_most(MOST_EPOCHS, every=self.every, count=self.count)
        if self.count < 0 or self.count == 1:
            raise ValueError(f"`count` must be 0 or at least 2. Received: {told(self.count)}")


@dataclass(frozen=True, kw_only=True)
class ExportTable:
    """The `[export]` table: how the generators are saved.

    Attributes:
        cell_size: of a generator that was trained on one pixel a cell: it is saved with a box-downscale by this before
            it and an enlargement after it, and so takes and gives pictures of ordinary size. 1: saved as it is.
        read_size: of a generator that was trained on pixel art with cells of so many pixels: what it makes is read by
            the median of each cell, so that cells are squares of one color. 1: saved as it is.
    """

    cell_size: int = 1
    read_size: int = 1

    def __post_init__(self):
        check_at_least(1, cell_size=self.cell_size, read_size=self.read_size)
        check_at_most(256, cell_size=self.cell_size, read_size=self.read_size)
        if self.cell_size > 1 and self.read_size > 1:
            raise ValueError(
                f"`cell_size` and `read_size` exclude each other. Received: {self.cell_size} and {self.read_size}"
            )
