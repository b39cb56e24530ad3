"""One training run: settings -> data, model, optimizer, callbacks -> `fit()` -> a run folder."""

import dataclasses
import math
import shutil
import statistics
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data import feeds, loading
from pixelart_tf.devices.choosing import Devices
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.models import MODELS
from pixelart_tf.settings import config
from pixelart_tf.settings.domain import Domain
from pixelart_tf.training import budget, callbacks, checkpoint, progress, scoring
from pixelart_tf.training.optimizers import adam
from pixelart_tf.training.settings import Settings

CHECKPOINT = "checkpoint.npz"
MOST_EPOCHS = 1_000_000   # where a time budget ends the run
# A resumed run with another value of one of these would not be the run that was begun.
FIXED = ("data", "model", "optimizer", "finetune", "score")


class Run:
    """A run that is ready to start: pictures loaded, networks built, earlier state restored.

    Args:
        settings: what to do.
        devices: what to do it on.
        folder: of the run.
        resume: go on with the run in the folder, if it has begun.
        began: when the command began, of `time.monotonic`; what `train.minutes` count from.

    Raises:
        UserError: settings, pictures or an earlier run that do not fit together.
    """

    def __init__(
        self, settings: Settings, devices: Devices, folder: Path, *, resume: bool = False, began: float | None = None
    ):
        self.settings, self.devices, self.folder = settings, devices, folder
        self.began = time.monotonic() if began is None else began
        if settings.train.minutes and devices.num_hosts > 1:
            raise config.ConfigError("`train.minutes` is for one host, as the clocks of several differ")
        self._check_folder(resume)
        train = settings.train
        devices.check_batch_size(train.batch_size)
        keras.utils.set_random_seed(train.seed)
        if settings.source.shape[:2] != settings.target.shape[:2]:
            raise config.ConfigError(
                f"[data] both domains must have one size. Received: {settings.source.shape} and {settings.target.shape}"
            )
        # The networks first: a setting that they cannot take shows before many pictures are read.
        with devices.scope():
            self.model = self._build()
        self.source, self.target = _load(settings.source), _load(settings.target)
        count = settings.samples.count
        self.source_samples = _samples(self.source, settings.samples.source, count)
        self.target_samples = _samples(self.target, settings.samples.target, count)
        steps = feeds.steps_per_epoch(self.source, self.target, batch_size=train.batch_size)
        # `fit` runs whole executions only, and would step beyond the epoch's end.
        steps = -(-steps // train.steps_per_execution) * train.steps_per_execution
        self.steps_per_epoch = train.steps_per_epoch or steps
        self.scorer = None
        if settings.score.source:
            self.scorer = scoring.Scorer(settings, self.source.domain, self.target.domain, _load)
        with devices.scope():
            self._compile()
        self.place = {"epoch": 0, "step": 0}
        self._losses = []
        if resume and (folder / CHECKPOINT).exists():
            self.place = checkpoint.restore(folder / CHECKPOINT, self.model)
            if self.place["step"]:
                self._losses = [keras.ops.convert_to_numpy(v) for v in self.model.metrics_variables]
        self._start_seconds = time.monotonic() - self.began

    def _check_folder(self, resume: bool) -> None:
        saved = self.folder / "config.toml"
        if self.folder.exists() and not self.folder.is_dir():
            raise config.ConfigError(f"--run: {self.folder} is not a folder")
        if not saved.exists():
            return
        if not resume:
            raise config.ConfigError(
                f"{self.folder} holds an earlier run: add --resume to go on with it, or --run DIR for another folder"
            )
        before, now = _flat(config.read(saved)), _flat(self._tables())
        for key in sorted(before.keys() | now.keys()):
            fixed = key.startswith(FIXED) or key in ("train.batch_size", "train.seed", "train.steps_per_epoch")
            if fixed and before.get(key) != now.get(key):
                raise config.ConfigError(
                    f"--resume: `{key}` was {before.get(key)!r} when {self.folder} began and is {now.get(key)!r} now"
                )

    def _tables(self) -> dict:
        # Through TOML and back, so that tuples, lists and settings left out compare equal.
        return config.loads(config.dumps(self.settings.tables()))

    def _build(self) -> keras.Model:
        settings = self.settings
        model = config.call(
            MODELS[settings.model_name], settings.model, "model", image_size=settings.source.shape[:2],
            source_channels=settings.source.shape[2], target_channels=settings.target.shape[2],
        )
        for name, path in vars(settings.finetune).items():
            if path:
                _start_from(getattr(model, name), Path(path))
        return model

    def _compile(self) -> None:
        train = self.settings.train
        optimizer = config.call(
            adam, self.settings.optimizer, "optimizer", num_steps=train.epochs * self.steps_per_epoch,
            num_decay_steps=train.decay_epochs * self.steps_per_epoch,
        )
        self.model.has_several_hosts = self.devices.num_hosts > 1
        self.model.compile(
            optimizer=optimizer, jit_compile=self.devices.jit_compile, steps_per_execution=train.steps_per_execution,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.schedule = optimizer.schedule

    def summary(self) -> str:
        """What will happen, in a few lines."""
        train, model = self.settings.train, self.model
        millions = {name: getattr(model, name).count_params() / 1e6 for name in (
            "to_target", "to_source", "source_discriminator", "target_discriminator"
        )}
        lines = [f"Run        {self.folder}" + (", resumed" if any(self.place.values()) else "")]
        lines += [f"Devices    {self.devices.description}"]
        for name, pictures in (("Source", self.source), ("Target", self.target)):
            height, width, channels = pictures.domain.shape
            lines += [f"{name}     {len(pictures):,} pictures, {width}x{height}x{channels}, {pictures.domain.files}"]
        lines += [
            f"Networks   {self.settings.model_name}, million parameters: "
            + ", ".join(f"{name} {count:.2f}" for name, count in millions.items()),
            f"Steps      {self.steps_per_epoch:,} an epoch of {train.batch_size} pairs, " + self._length(),
        ]
        if self.scorer:
            lines += [f"Score      {self.scorer.summary()}"]
        if any(self.place.values()):
            lines += [f"Done       {self.place['epoch']} epochs and {self.place['step']} steps"]
        return "\n".join(lines)

    def _length(self) -> str:
        train = self.settings.train
        if train.minutes:
            share = f"the last {train.decay_epochs / train.epochs:.0%}" if train.decay_epochs else "nothing"
            return f"as many as {train.minutes:g} min allow, learning rate falling over {share} of them"
        return f"{train.epochs} epochs, {train.epochs * self.steps_per_epoch:,} in all, " + (
            f"learning rate falling over the last {train.decay_epochs}" if train.decay_epochs else "no decay"
        )

    def dataset(self, first_step: int) -> tf.data.Dataset:
        """Batches for `fit()` from a step of the whole run on, the same whatever went before."""

        def make(num_hosts=1, host=0):
            pairs = feeds.unpaired(
                self.source, self.target, batch_size=self.settings.train.batch_size, seed=self.settings.train.seed,
                start_step=first_step, num_hosts=num_hosts, host=host,
            )
            # `fit` would take the second of a pair for labels.
            return pairs.map(lambda source, target: ((source, target),))

        return self.devices.distribute(make)

    def fit(self, *, interactive: bool) -> None:
        """Trains to the end.

        Args:
            interactive: whether to draw a progress bar; else it is a line an epoch.

        Raises:
            Stopped: Ctrl-C; the state is saved.
            Diverged: a loss is not finite; the last good state is saved.
        """
        train, epoch, step = self.settings.train, self.place["epoch"], self.place["step"]
        is_new = not self.folder.exists()
        if self.devices.is_chief:
            self.folder.mkdir(parents=True, exist_ok=True)
            files.write_text(self.folder / "config.toml", config.dumps(self.settings.tables()))
        # An epoch that was begun has fewer steps left than `fit` counts for the others, so it is a fit of its own.
        last = MOST_EPOCHS if train.minutes else train.epochs
        parts = [(epoch, epoch + 1, step), (epoch + 1, last, 0)] if step else [(epoch, last, 0)]
        try:
            self._fit(parts, interactive)
        except budget.TooShort:
            if is_new:   # nothing has been trained
                shutil.rmtree(self.folder)
            raise

    def _fit(self, parts: list[tuple[int, int, int]], interactive: bool) -> None:
        epoch, step = self.place["epoch"], self.place["step"]
        with callbacks.Interrupt() as interrupt:
            handlers = self._callbacks(epoch, step, interactive, interrupt)
            for first_epoch, last_epoch, first_step in parts:
                if first_epoch < last_epoch and not self.model.stop_training:
                    self.model.fit(
                        self.dataset(first_epoch * self.steps_per_epoch + first_step),
                        epochs=last_epoch, initial_epoch=first_epoch, steps_per_epoch=self.steps_per_epoch - first_step,
                        callbacks=handlers, verbose=0, shuffle=False,
                    )

    def _callbacks(
        self, epoch: int, step: int, interactive: bool, interrupt: callbacks.Interrupt
    ) -> list[keras.callbacks.Callback]:
        train, chief, alone = self.settings.train, self.devices.is_chief, self.devices.num_hosts == 1
        path = self.folder / CHECKPOINT
        guard = callbacks.Guard(path)
        num_epochs = None if train.minutes else train.epochs
        shown = progress.Progress(
            num_epochs=num_epochs, steps_per_epoch=self.steps_per_epoch, first_step=step,
            batch_size=train.batch_size, interactive=interactive and alone,
        )
        log = callbacks.Log(self.folder, first_epoch=epoch, batch_size=train.batch_size, write=chief)
        last = callbacks.Checkpoint(
            path, guard=guard, interrupt=interrupt, num_epochs=num_epochs, first_step=step, losses=self._losses,
            minutes=train.checkpoint_minutes if alone else math.inf, write=chief,
        )
        if not chief:
            return [guard, shown, log, last]
        pictures = callbacks.Pictures(
            self.folder, source=self.source_samples, target=self.target_samples, every=train.sample_every,
            num_epochs=num_epochs, scale=self.settings.samples.scale, cell_size=self.settings.export.cell_size,
        )
        scores = [scoring.Score(
            self.folder, self.scorer, every=self.settings.score.every, num_epochs=num_epochs, history=log.history,
            cell_size=self.settings.export.cell_size,
        )] if self.scorer else []
        board = callbacks.TensorBoard(self.folder / "tensorboard", write_graph=False)
        timed = [budget.Budget(
            minutes=train.minutes, began=self.began, schedule=self.schedule,
            decay_share=train.decay_epochs / train.epochs, steps_per_epoch=self.steps_per_epoch, first_step=step,
            measure_keep=self._seconds_to_translate,
        )] if train.minutes else []
        # The scores before the others: they are in what the log and TensorBoard write.
        return [*timed, guard, shown, *scores, log, pictures, board, last]

    def _seconds_to_translate(self) -> float:
        """About how long it takes to translate all source pictures in another command."""
        callbacks.sync(self.model)
        batch, seconds = self.source_samples, []
        for _ in range(4):
            began = time.monotonic()
            callbacks.predict(self.model.to_target, batch, batch_size=len(batch))
            seconds.append(time.monotonic() - began)
        a_picture = statistics.median(seconds[1:]) / len(batch)   # not the first time, which may compile
        # That command starts as this one did, and this one has an end.
        return a_picture * len(self.source) + self._start_seconds + min(120, 0.05 * 60 * self.settings.train.minutes)


def _samples(pictures: loading.Pictures, files: str, count: int) -> np.ndarray:
    """Pictures to be shown while training: float32 (`count` or fewer, H, W, C) in [-1, 1]."""
    if files:
        # Without jitter, nothing of a picture's border is cut off.
        pictures = _load(dataclasses.replace(pictures.domain, files=files, jitter=0))
    # Spread over the set: neighbours by name are often alike.
    indices = np.linspace(0, len(pictures) - 1, min(count, len(pictures))).round().astype(int)
    return np.asarray(feeds.without_augmentation(pictures, indices))


def _load(domain: Domain) -> loading.Pictures:
    try:
        return loading.load(domain, progress=ProgressBar(f"reading {domain.files}"))
    except ValueError as error:   # names the file and the reason
        raise UserError(str(error)) from error


def _start_from(generator: keras.Model, path: Path) -> None:
    """Puts a saved generator's weights into a fresh one."""
    try:
        saved = load_generator(path)
    except UserError as error:
        raise config.ConfigError(f"finetune.{generator.name}: not a saved generator: {error}") from None
    shapes = [[tuple(w.shape) for w in model.weights] for model in (saved, generator)]
    if shapes[0] != shapes[1]:
        raise config.ConfigError(
            f"finetune.{generator.name}: the generator in {path} has other weights than [model.generator] asks for"
        )
    generator.set_weights(saved.get_weights())


def _flat(tables: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in tables.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def train(
    settings: Settings, devices: Devices, folder: Path, *, resume: bool, interactive: bool, began: float | None = None
) -> Run:
    """Trains as `settings` say and writes all into `folder`; prints what happens."""
    began = time.monotonic() if began is None else began
    run = Run(settings, devices, folder, resume=resume, began=began)
    print(run.summary(), flush=True)
    run.fit(interactive=interactive)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"Done in {minutes} min {seconds:02} s.")
    return run
