"""One training run: settings -> data, model, optimizer, callbacks -> `fit()` -> a run folder."""

import functools
import math
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import keras

from pixelart_tf.base import files
from pixelart_tf.base.memory import advising, halved
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.data import feeds
from pixelart_tf.devices import finding
from pixelart_tf.devices.choosing import Devices
from pixelart_tf.pictures import images
from pixelart_tf.settings import config
from pixelart_tf.settings.experiment import TOLD, Settings
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.training import (
    budget,
    callbacks,
    checkpoint,
    feeding,
    lock,
    network_pictures,
    preview,
    progress,
    samples,
    scoring,
)
from pixelart_tf.training.building import Plan
from pixelart_tf.training.summary import summary_of

MOST_EPOCHS = 1_000_000   # where a time budget ends the run


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
        self, settings: Settings, devices: Devices, folder: str | Path, *, resume: bool = False,
        began: float | None = None,
    ):
        self.settings, self.devices, self.folder = settings, devices, RunFolder(folder)
        self.began = time.monotonic() if began is None else began
        train = settings.train
        if train.minutes and devices.num_hosts > 1:
            raise config.ConfigError("`train.minutes` is for one host, as the clocks of several differ")
        self._check_folder(resume)
        devices.check_batch_size(train.batch_size)
        self.plan = Plan.of(settings)
        keras.utils.set_random_seed(train.seed)
        # The networks first: a setting that they cannot take shows before many pictures are read.
        with devices.scope():
            self.model = self.plan.build()
        self._read(resume)
        steps = feeds.steps_per_epoch(*self.pictures.values(), batch_size=train.batch_size)
        # `fit` runs whole executions only, and would step beyond the epoch's end.
        steps = -(-steps // train.steps_per_execution) * train.steps_per_execution
        self.steps_per_epoch = train.steps_per_epoch or steps
        self.scorer = None
        if settings.score.target and not self._too_few_to_score():
            self.scorer = scoring.HeldOut(settings, self.model, self.splits)
        with devices.scope():
            self._compile()
        self.place, self._losses = {"epoch": 0, "step": 0}, []
        self.had_nothing = resume and not self.folder.checkpoint.exists()
        if resume and not self.had_nothing:
            self._restore()
        self._start_seconds = time.monotonic() - self.began

    def _check_folder(self, resume: bool) -> None:
        path = self.folder.path
        if path.exists() and not path.is_dir():
            raise config.ConfigError(f"--run: {path} is not a folder")
        if self.folder.config.exists() and not resume:
            raise config.ConfigError(
                f"{path} holds an earlier run: add --resume to go on with it, or --run DIR for another folder"
            )
        if resume and not self.folder.checkpoint.exists() and (rows := self.folder.history()):
            raise config.ConfigError(
                f"--resume: {self.folder.log} tells of {rows[-1]['epoch']} epochs, but {self.folder.checkpoint.name} "
                "is gone: put it back, or take another folder by --run"
            )

    def _read(self, resume: bool) -> None:
        """The pictures: those that are trained on, and those that are shown."""
        self.splits = samples.splits(self.settings, self.model)
        self.pictures = {
            name: samples.read(self.settings.data[name], self.splits[name].kept if name in self.splits else None)
            for name in self.model.domains
        }
        told = self.folder.told() if resume and self.folder.config.exists() else {}
        began_with = told.get("pictures", {})
        if told and tuple(told.get("classes", ())) != tuple(self.model.classes):
            raise config.ConfigError(
                f"--resume: the folders of `data.target.files` are not those that {self.folder} began with: "
                f"{', '.join(told.get('classes', ())) or 'one'} then, {', '.join(self.model.classes) or 'one'} now"
            )
        for name, now in self._fingerprints().items():
            if began_with.get(name, now) != now:
                raise config.ConfigError(
                    f"--resume: the pictures of `data.{name}.files` are not those that {self.folder} began with: "
                    f"{began_with[name]} then, {now} now"
                )
        made = self.settings.partner
        self.partners = made and samples.partners_of(made, self.pictures["target"])
        self.samples = samples.shown(self.settings, self.model, self.pictures, self.splits)

    def _fingerprints(self) -> dict[str, str]:
        return {name: f"{len(each):,} pictures ({each.fingerprint})" for name, each in self.pictures.items()}

    def _too_few_to_score(self) -> bool:
        return any(
            getattr(self.settings.score, name) == config.HELD_OUT and len(parts.held) < 2
            for name, parts in self.splits.items()
        )

    def _restore(self) -> None:
        self.place = checkpoint.restore(self.folder.checkpoint, self.model)
        if self.place["step"]:
            self._losses = [keras.ops.convert_to_numpy(v) for v in self.model.metrics_variables]
        # The state holds the learning rate's end as it was then; how long the run is now is what the settings say.
        train, rate = self.settings.train, self.plan.optimizer["learning_rate"]
        epochs, decay = (MOST_EPOCHS, 0) if train.minutes else (train.epochs, train.decay_epochs)   # no end is known
        self.schedule.restart(rate, epochs * self.steps_per_epoch, decay * self.steps_per_epoch)

    def _compile(self) -> None:
        finding.leave_operations_apart(keras.backend.backend())
        optimizer = self.plan.make_optimizer(self.steps_per_epoch)
        self.model.has_several_hosts = self.devices.num_hosts > 1
        self.model.compile(
            optimizer=optimizer, jit_compile=self.devices.jit_compile,
            steps_per_execution=self.settings.train.steps_per_execution,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.schedule = optimizer.schedule

    def summary(self) -> str:
        """What will happen, in a few lines."""
        return summary_of(self)

    def dataset(self, first_step: int) -> Any:
        """Batches for `fit()`, a `tf.data.Dataset`, from a step of the whole run on; the same whatever went before."""
        return self.devices.distribute(functools.partial(self._batches, first_step))

    def _batches(self, first_step: int, *, num_hosts: int = 1, host: int = 0) -> Any:
        return feeding.batches(
            self.model, self.pictures, self.partners, batch_size=self.settings.train.batch_size,
            seed=self.settings.train.seed, start_step=first_step, num_hosts=num_hosts, host=host,
        )

    def fit(self, *, interactive: bool) -> None:
        """Trains to the end.

        Args:
            interactive: whether to draw a progress bar; else it is a line an epoch.

        Raises:
            Stopped: Ctrl-C; the state is saved.
            Diverged: a loss is not finite; the last good state is saved.
            FolderInUse: another training is going on in the run's folder.
        """
        is_new = not self.folder.path.exists()
        if not self.devices.is_chief:
            self._fit(interactive)
            return
        self.folder.path.mkdir(parents=True, exist_ok=True)
        with lock.locked(self.folder.path):
            files.write_text(self.folder.config, config.dumps(self._tables()))
            with callbacks.told("the networks could not be drawn"):
                network_pictures.draw(self.model.networks, self.folder.networks, self.model.shapes.values())
            with callbacks.told("the first batch could not be drawn"):
                self._draw_batch()
            try:
                self._fit(interactive)
            except budget.TooShort:
                if is_new:   # nothing has been trained
                    shutil.rmtree(self.folder.path)
                raise

    def _draw_batch(self) -> None:
        """Draws what the model sees first, of a run that begins."""
        if any(self.place.values()) or self.folder.batch.exists():
            return
        self.folder.batch.parent.mkdir(exist_ok=True)
        told = ProgressBar("drawing the first batch")
        # The whole batch, and not one host's share of it. What is drawn at random depends on the seed and the step.
        images.write(self.folder.batch, preview.drawn(self._batches(0), progress=told))

    def _tables(self) -> dict:
        """All that the run's `config.toml` holds."""
        tables = self.plan.tables()
        tables[TOLD] |= {"precision": self.devices.precision, "pictures": self._fingerprints()}
        tables[TOLD] |= {"classes": list(self.model.classes)} if self.model.classes else {}
        return tables

    def _fit(self, interactive: bool) -> None:
        train, epoch, step = self.settings.train, self.place["epoch"], self.place["step"]
        # An epoch that was begun has fewer steps left than `fit` counts for the others, so it is a fit of its own.
        last = MOST_EPOCHS if train.minutes else train.epochs
        parts = [(epoch, epoch + 1, step), (epoch + 1, last, 0)] if step else [(epoch, last, 0)]
        with callbacks.Interrupt() as interrupt:
            handlers = self._callbacks(interactive, interrupt)
            self._make_up(handlers)
            for first_epoch, last_epoch, first_step in parts:
                if first_epoch < last_epoch and not self.model.stop_training:
                    self.model.fit(
                        self.dataset(first_epoch * self.steps_per_epoch + first_step),
                        epochs=last_epoch, initial_epoch=first_epoch, steps_per_epoch=self.steps_per_epoch - first_step,
                        callbacks=handlers, verbose=0, shuffle=False,
                    )

    def _make_up(self, handlers: list[keras.callbacks.Callback]) -> None:
        """Scores, draws and logs the epoch after which the run was killed, if it was before that was done."""
        row = self.place.get("row")
        log = next(each for each in handlers if isinstance(each, callbacks.Log))
        if not row or any(each["epoch"] == row["epoch"] for each in log.history):
            return
        scores = {}
        for each in handlers:
            if isinstance(each, scoring.KeepBest | samples.Sheets | samples.Keep):
                each.set_model(self.model)
                each.on_epoch_end(row["epoch"] - 1, scores)
        log.set_model(self.model)
        log.make_up(row, scores)

    def _callbacks(self, interactive: bool, interrupt: callbacks.Interrupt) -> list[keras.callbacks.Callback]:
        train, chief, alone = self.settings.train, self.devices.is_chief, self.devices.num_hosts == 1
        epoch, step = self.place["epoch"], self.place["step"]
        num_epochs = None if train.minutes else train.epochs
        log = callbacks.Log(
            self.folder, first_epoch=epoch, batch_size=train.batch_size, scores=scoring.NAMES if self.scorer else (),
            write=chief,
        )
        first = {name: log.history[0][name] for name in self.model.trackers if log.history and name in log.history[0]}
        guard = callbacks.Guard(self.folder.checkpoint, first=first)
        shown = progress.EpochProgress(
            num_epochs=num_epochs, steps_per_epoch=self.steps_per_epoch, first_step=step,
            batch_size=train.batch_size, interactive=interactive and alone, within=alone,
        )
        saved = callbacks.Checkpoint(
            self.folder.checkpoint, guard=guard, log=log, interrupt=interrupt, first_step=step, losses=self._losses,
            minutes=train.checkpoint_minutes if alone else math.inf, write=chief,
        )
        stop = callbacks.Stop(interrupt, num_epochs=num_epochs)
        if not chief:
            return [guard, shown, saved, log, stop]
        export = self.settings.export
        sheets = samples.Sheets(
            self.folder, samples=self.samples, every=train.sample_every, num_epochs=num_epochs,
            scale=self.settings.samples.scale, export=export,
        )
        scores = [scoring.KeepBest(
            self.folder, self.scorer, every=self.settings.score.every, num_epochs=num_epochs, history=log.history,
            export=export,
        )] if self.scorer else []
        kept = [samples.Keep(self.folder, every=train.keep_every, export=export)] if train.keep_every else []
        board = callbacks.TensorBoard(self.folder.tensorboard, write_graph=False)
        timed = [budget.Budget(
            minutes=train.minutes, began=self.began, schedule=self.schedule,
            decay_share=train.decay_epochs / train.epochs, steps_per_epoch=self.steps_per_epoch, first_step=step,
            measure_keep=self._seconds_to_translate,
        )] if train.minutes else []
        # What is in the log, the curves and TensorBoard of an epoch has been saved, scored and drawn before.
        return [*timed, guard, shown, saved, *scores, sheets, *kept, log, board, stop]

    def _seconds_to_translate(self) -> float:
        """About how long it takes to make a picture of each source picture in another command."""
        callbacks.sync(self.model)
        generators, seconds = {name: getattr(self.model, name) for name in self.model.saved}, []
        for _ in range(4):
            began = time.monotonic()
            made = self.model.made(generators, self.samples)
            seconds.append(time.monotonic() - began)
        a_picture = statistics.median(seconds[1:]) / len(made)   # not the first time, which may compile
        # That command starts as this one did, and this one has an end.
        num_pictures = len(self.pictures[self.model.domains[0]])
        return a_picture * num_pictures + self._start_seconds + min(120, 0.05 * 60 * self.settings.train.minutes)


def train(
    settings: Settings, devices: Devices, folder: str | Path, *, resume: bool, interactive: bool,
    began: float | None = None,
) -> Run:
    """Trains as `settings` say and writes all into `folder`; prints what happens."""
    began = time.monotonic() if began is None else began
    lower = halved("`train.batch_size`", settings.train.batch_size)
    with advising(f"{lower}; or take a smaller `data.image_size`, or a smaller `base_width` of the networks"):
        run = Run(settings, devices, folder, resume=resume, began=began)
        print(run.summary(), flush=True)
        run.fit(interactive=interactive)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"Done in {minutes} min {seconds:02} s.")
    return run
