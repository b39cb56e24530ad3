"""What a run does besides stepping: save its state, stop in time, keep a log."""

import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.training import checkpoint, figures


class Stopped(Exception):
    """Ctrl-C or a polite kill: the run is saved and can go on."""


class Diverged(UserError):
    """A loss or a weight is not a number any more."""


def means(model: keras.Model) -> dict[str, float]:
    """The losses since the epoch began."""
    return {name: float(tracker.result()) for name, tracker in model.trackers.items()}


def sync(model: keras.Model) -> None:
    """Brings the variables up to date: on JAX, `fit` keeps the state outside of them between steps."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def is_last(callback: keras.callbacks.Callback, epoch: int) -> bool:
    """Whether no epoch follows: by the number of epochs, or because the time is over."""
    return epoch + 1 == callback.num_epochs or callback.model.stop_training


class Interrupt:
    """A context in which Ctrl-C and a polite kill are noted, so that a run can stop where its state is whole.

    Attributes:
        requested: whether one has come. A second one acts as it always does.
    """

    def __enter__(self):
        self.requested = False
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():   # elsewhere Python has no signals
            self._handlers = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error):
        for number, handler in self._handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _note(self, number, frame):
        self.requested = True
        self.__exit__()
        # Not `print`, which may be what the signal came into.
        os.write(1, b"\nStopping after this step; press Ctrl-C again to stop at once.\n")


class Guard(keras.callbacks.Callback):
    """Stops the run when a loss or a weight is not finite; comes before all that writes.

    Args:
        path: of the checkpoint, for the message.
        every: steps between two looks at the losses.
    """

    def __init__(self, path: Path, *, every: int = 50):
        super().__init__()
        self.path, self.every = path, every

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._looked_at = epoch, 0

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 - self._looked_at >= self.every:
            self._looked_at = batch + 1
            sync(self.model)
            self._check_losses()

    def on_epoch_end(self, epoch, logs=None):
        self.check()

    def check(self):
        """Raises Diverged; the variables must be up to date (`sync`)."""
        self._check_losses()
        # The last step may have spoilt weights that no loss has seen yet.
        if not all(np.isfinite(keras.ops.convert_to_numpy(w)).all() for w in self.model.trainable_variables):
            self._stop("a weight is not finite")

    def _check_losses(self):
        for name, loss in means(self.model).items():
            if not math.isfinite(loss):
                self._stop(f"the loss `{name}` became {loss}")

    def _stop(self, what):
        saved = f" The last good state is in {self.path}." if self.path.exists() else ""
        raise Diverged(
            f"{what} in epoch {self._epoch + 1}: start another run with a lower `optimizer.learning_rate`, or with "
            f"--precision float32 if it was not.{saved}"
        )


class Checkpoint(keras.callbacks.Callback):
    """Saves the state at every epoch's end, every so many minutes within, and before the run stops early.

    It comes last: where a checkpoint exists, the log and the pictures of its epoch do too. Runs on every host, as
    reading a distributed variable may need them all; the chief writes.

    Args:
        path: of the checkpoint.
        guard: looks at the state before it is saved.
        interrupt: whether to stop.
        num_epochs: of the run; None where a time budget decides.
        first_step: of the first epoch, where it goes on within one.
        losses: values of the model's `metrics_variables` there, as `fit` begins each epoch by setting them to zero.
        minutes: between two checkpoints within an epoch; infinite where several hosts train, as they must all save at
            the same step and their clocks differ. A run on several hosts stops at the end of an epoch only.
        write: whether this process writes.
    """

    def __init__(
        self, path: Path, *, guard: Guard, interrupt: Interrupt, num_epochs: int | None, first_step: int = 0,
        losses: list | None = None, minutes: float = 10.0, write: bool = True,
    ):
        super().__init__()
        self.path, self.guard, self.interrupt, self.minutes, self.write = path, guard, interrupt, minutes, write
        self.num_epochs, self._first_step, self._losses = num_epochs, first_step, losses or []
        self._saved_at = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        for variable, value in zip(self.model.metrics_variables, self._losses, strict=False):
            variable.assign(value)
        self._losses = []

    def on_train_batch_end(self, batch, logs=None):
        if math.isinf(self.minutes):
            return
        late = time.monotonic() - self._saved_at > 60 * self.minutes
        if batch + 1 >= self.params["steps"] or not (late or self.interrupt.requested):
            return   # the epoch's last step is followed by `on_epoch_end`
        sync(self.model)
        self.guard.check()
        self._save({"epoch": self._epoch, "step": self._first_step + batch + 1})
        if self.interrupt.requested:
            raise Stopped

    def on_epoch_end(self, epoch, logs=None):
        self._first_step = 0
        self._save({"epoch": epoch + 1, "step": 0})
        if self.interrupt.requested and not is_last(self, epoch):
            raise Stopped

    def _save(self, place):
        checkpoint.save(self.path, self.model, place, write=self.write)
        self._saved_at = time.monotonic()


class Log(keras.callbacks.Callback):
    """Appends a line of JSON an epoch to `log.jsonl` and draws `curves.png`.

    Args:
        folder: of the run.
        first_epoch: lines of this epoch and later ones, left by a run that was killed, are taken out.
        batch_size: pictures of each domain per step.
        scores: names of scores among the logs that are kept.
        write: whether this process writes; the other hosts of a run must read the losses at the same moment.

    A line has the epoch (from 1), the steps done, the losses as means over the epoch, its scores, the learning rate
    after it, and the seconds and images/s; of an epoch that was interrupted, those are of the part after the resume.
    """

    def __init__(
        self, folder: RunFolder, *, first_epoch: int, batch_size: int, scores: Iterable[str] = (), write: bool = True
    ):
        super().__init__()
        self.folder, self.batch_size, self.scores, self.write = folder, batch_size, tuple(scores), write
        self.history = [row for row in folder.history() if row["epoch"] <= first_epoch]

    def set_model(self, model):
        super().set_model(model)
        self._write()   # the lines that were taken out are gone

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._ended, self._steps = time.monotonic(), time.monotonic(), 0

    def on_train_batch_end(self, batch, logs=None):
        self._ended, self._steps = time.monotonic(), batch + 1   # what others do at the epoch's end is not training

    def on_epoch_end(self, epoch, logs=None):
        seconds = self._ended - self._began
        row = {"epoch": epoch + 1, "step": int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))}
        row |= {name: round(value, 6) for name, value in means(self.model).items()}
        row |= {name: logs[name] for name in self.scores if name in (logs or {})}
        row |= {
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": round(seconds, 2),
            "images_per_second": round(len(self.model.domains) * self._steps * self.batch_size / seconds, 2),
        }
        self.history.append(row)
        self._write()

    def _write(self):
        if not self.write:
            return
        if self.history:
            figures.curves(self.history, self.folder.curves, self.model.curves, scores=self.scores)
        files.write_text(self.folder.log, "".join(json.dumps(row) + "\n" for row in self.history))


class TensorBoard(keras.callbacks.TensorBoard):
    """Keras' own, which does not bear that the logs of several hosts are arrays."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {name: float(np.mean(value)) for name, value in (logs or {}).items()})
