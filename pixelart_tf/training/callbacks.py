"""What a run does besides stepping: save its state, stop in time, keep a log."""

import contextlib
import errno
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.training import checkpoint, figures, gallery

# Ctrl-C, a polite kill, and the end of the terminal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a full, a broken and a write-protected disk say.
NO_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


class Stopped(Exception):
    """One of `SIGNALS` has come: the run is saved and can go on."""


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


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """A block that draws or scores, and never ends a training: what fails there is a line on stderr.

    A disk that takes no more ends it, as the checkpoint would be the next to fail.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_DISK:
            raise
        known = isinstance(error, OSError) and error.filename and error.strerror
        text = f"{error.filename}: {error.strerror}" if known else str(error).strip()
        reason = next(iter(text.splitlines()), "") or type(error).__name__
        print(f"note: {what}: {reason}", file=sys.stderr, flush=True)


class Interrupt:
    """A context in which `SIGNALS` are noted, so that a run can stop where its state is whole.

    Attributes:
        requested: whether one has come. A second one acts as it always does.
    """

    def __enter__(self):
        self.requested = False
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():   # elsewhere Python has no signals
            self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *error):
        for number, handler in self._handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _note(self, number, frame):
        self.requested = True
        self.__exit__()
        with contextlib.suppress(OSError):   # the terminal may be gone
            # Not `print`, which may be what the signal came into.
            os.write(1, b"\nStopping after this step; press Ctrl-C again to stop at once.\n")


class Guard(keras.callbacks.Callback):
    """Stops the run when a loss or a weight is not finite, or a loss explodes; comes before all that writes.

    Args:
        path: of the checkpoint, for the message.
        first: losses that the run had in its first epoch, where it goes on; else those of the first look count.
        every: steps between two looks at the losses.
    """

    EXPLODED = 1000   # times the mean over the first `every` steps
    LEAST = 0.01      # what a mean counts as at least: a loss may begin near zero

    def __init__(self, path: Path, *, first: dict[str, float] | None = None, every: int = 50):
        super().__init__()
        self.path, self.first, self.every = path, first, every

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
        losses = means(self.model)
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self._stop(f"the loss `{name}` became {loss}")
        self.first = self.first or losses
        for name, loss in losses.items():
            limit = self.EXPLODED * max(abs(self.first.get(name, loss)), self.LEAST)
            if abs(loss) > limit:
                self._stop(f"the loss `{name}` became {loss:.4g}, from {self.first[name]:.4g} at first")

    def _stop(self, what):
        saved = f" The last good state is in {self.path}." if self.path.exists() else ""
        raise Diverged(
            f"{what} in epoch {self._epoch + 1}: start another run with a lower `optimizer.learning_rate`, or with "
            f"--precision float32 if it was not.{saved}"
        )


class Checkpoint(keras.callbacks.Callback):
    """Saves the state at every epoch's end, every so many minutes within, and before the run stops early.

    It comes before what is scored, drawn and logged, so that nothing of that can cost an epoch: with the state it keeps
    the epoch's line of the log, and a resume makes up what is not there yet (see `Run`). Runs on every host, as reading
    a distributed variable may need them all; the chief writes.

    Args:
        path: of the checkpoint.
        guard: looks at the state before it is saved.
        log: makes the line.
        interrupt: whether to stop.
        first_step: of the first epoch, where it goes on within one.
        losses: values of the model's `metrics_variables` there, as `fit` begins each epoch by setting them to zero.
        minutes: between two checkpoints within an epoch; infinite where several hosts train, as they must all save at
            the same step and their clocks differ. A run on several hosts stops at the end of an epoch only.
        write: whether this process writes.
    """

    def __init__(
        self, path: Path, *, guard: Guard, log: "Log", interrupt: Interrupt, first_step: int = 0,
        losses: list | None = None, minutes: float = 10.0, write: bool = True,
    ):
        super().__init__()
        self.path, self.guard, self.log, self.interrupt = path, guard, log, interrupt
        self.minutes, self.write = minutes, write
        self._first_step, self._losses = first_step, losses or []
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
        self._save({"epoch": epoch + 1, "step": 0, "row": self.log.begin_row(epoch)})

    def _save(self, place):
        checkpoint.save(self.path, self.model, place, write=self.write)
        self._saved_at = time.monotonic()


class Stop(keras.callbacks.Callback):
    """Ends the run after an epoch where that is asked for; comes last, when all of the epoch is written."""

    def __init__(self, interrupt: Interrupt, *, num_epochs: int | None):
        super().__init__()
        self.interrupt, self.num_epochs = interrupt, num_epochs

    def on_epoch_end(self, epoch, logs=None):
        if self.interrupt.requested and not is_last(self, epoch):
            raise Stopped


class Log(keras.callbacks.Callback):
    """Appends a line of JSON an epoch to the log, draws the curves and writes the gallery; comes after the scores and
    the sheets, so that an epoch that is in the log has them.

    Args:
        folder: of the run.
        first_epoch: lines of later epochs than this number, left by a run that was killed, are taken out.
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
        self._row = None

    def on_train_begin(self, logs=None):
        self._write()   # the lines that were taken out are gone

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._ended, self._steps = time.monotonic(), time.monotonic(), 0

    def on_train_batch_end(self, batch, logs=None):
        self._ended, self._steps = time.monotonic(), batch + 1   # what others do at the epoch's end is not training

    def begin_row(self, epoch: int) -> dict:
        """The epoch's line, before its scores are known."""
        seconds = self._ended - self._began
        row = {"epoch": epoch + 1, "step": int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))}
        row |= {name: round(value, 6) for name, value in means(self.model).items()}
        self._row = row | {
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": round(seconds, 2),
            "images_per_second": round(len(self.model.domains) * self._steps * self.batch_size / seconds, 2),
        }
        return self._row

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        row, self._row = self._row, None
        logs["learning_rate"] = row["learning_rate"]   # for TensorBoard
        self.history.append(row | {name: logs[name] for name in self.scores if name in logs})
        self._write()

    def make_up(self, row: dict, scores: dict) -> None:
        """Adds the line of an epoch after which the run was killed."""
        self._row = row
        self.on_epoch_end(row["epoch"] - 1, scores)

    def _write(self):
        if not self.write:
            return
        if self.history:
            with told("the curves could not be drawn"):
                figures.curves(self.history, self.folder.curves, self.model.curves, scores=self.scores)
            with told("the gallery could not be written"):
                gallery.write(self.folder, self.history)
        files.write_text(self.folder.log, "".join(json.dumps(row) + "\n" for row in self.history))


class TensorBoard(keras.callbacks.TensorBoard):
    """Keras' own, which does not bear that the logs of several hosts are arrays."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {name: float(np.mean(value)) for name, value in (logs or {}).items()})
