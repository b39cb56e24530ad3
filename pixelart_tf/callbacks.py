"""What a run does besides stepping: save its state, stop in time, log, draw."""

import json
import math
import os
import signal
import time
from pathlib import Path

import keras
import numpy as np

from pixelart_tf import checkpoint, figures, images
from pixelart_tf.cli import UserError
from pixelart_tf.networks.cells import with_cells
from pixelart_tf.optimizers import averaged


class Stopped(Exception):
    """Ctrl-C or a polite kill: the run is saved and can go on."""


class Diverged(UserError):
    """A loss is not a number any more."""


def means(model: keras.Model) -> dict[str, float]:
    """The losses since the epoch began."""
    return {name: float(tracker.result()) for name, tracker in model.trackers.items()}


def sync(model: keras.Model) -> None:
    """Brings the variables up to date: on JAX, `fit` keeps the state outside of them between steps."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


class Checkpoint(keras.callbacks.Callback):
    """Saves the state at every epoch's end, every so many minutes within, and before the run stops early.

    Runs on every host, as reading a distributed variable may need them all; the chief writes.

    Args:
        path: of the checkpoint.
        first_step: of the first epoch, where it goes on within one.
        minutes: between two checkpoints within an epoch.
        check_every: steps between two looks at the losses for one that is not finite.
        write: whether this process writes.
    """

    def __init__(self, path: Path, *, first_step: int, minutes: float, check_every: int = 50, write: bool = True):
        super().__init__()
        self.path, self.minutes, self.check_every, self.write = path, minutes, check_every, write
        self._first_step = first_step
        self._stop = False

    def on_train_begin(self, logs=None):
        self._saved_at = time.monotonic()
        # A second Ctrl-C stops at once, as the old handler is back by then.
        self._handlers = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}

    def _on_signal(self, number, frame):
        self._stop = True
        self._restore_handlers()
        print("\nStopping after this step; press Ctrl-C again to stop at once.", flush=True)

    def _restore_handlers(self):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        step = self._first_step + batch + 1   # of this epoch
        late = time.monotonic() - self._saved_at > 60 * self.minutes
        if self._stop or late or (batch + 1) % self.check_every == 0:
            sync(self.model)
            self._check()
        if self._stop or late:
            self._save({"epoch": self._epoch, "step": step})
        if self._stop:
            raise Stopped

    def on_epoch_end(self, epoch, logs=None):
        self._check()
        self._save({"epoch": epoch + 1, "step": 0})
        self._first_step = 0

    def on_train_end(self, logs=None):
        self._restore_handlers()

    def _check(self):
        for name, loss in means(self.model).items():
            if not math.isfinite(loss):
                self._restore_handlers()
                raise Diverged(
                    f"the loss `{name}` became {loss} in epoch {self._epoch + 1}: lower `optimizer.learning_rate` or "
                    f"train in float32. The last good state is in {self.path}"
                )

    def _save(self, place):
        if self.write:
            checkpoint.save(self.path, self.model, place)
        self._saved_at = time.monotonic()


class Log(keras.callbacks.Callback):
    """Appends a line of JSON an epoch to `log.jsonl` and draws `curves.png`.

    Args:
        folder: of the run.
        first_epoch: lines of this epoch and later ones, left by a run that was killed, are taken out.
        batch_size: pairs per step.
    """

    def __init__(self, folder: Path, *, first_epoch: int, batch_size: int):
        super().__init__()
        self.folder, self.batch_size = folder, batch_size
        self.path = folder / "log.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.history = [row for row in map(json.loads, lines) if row["epoch"] <= first_epoch]
        self._write()

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch, logs=None):
        self._steps = batch + 1

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._began
        row = {"epoch": epoch + 1, "step": int(self.model.optimizer.iterations)}
        row |= {name: round(value, 6) for name, value in means(self.model).items()}
        row |= {
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": round(seconds, 2),
            "images_per_second": round(2 * self._steps * self.batch_size / seconds, 2),
        }
        self.history.append(row)
        self._write()
        figures.curves(self.history, self.folder / "curves.png")

    def _write(self):
        temporary = self.path.with_name(f".{self.path.name}.part")
        temporary.write_text("".join(json.dumps(row) + "\n" for row in self.history), encoding="utf-8")
        os.replace(temporary, self.path)


class Pictures(keras.callbacks.Callback):
    """Writes sheets of translations and patch maps, and the generators.

    Args:
        folder: of the run.
        source, target: float32 (B, H, W, C) in [-1, 1].
        every: epochs between two sheets; the last epoch always has one.
        num_epochs: of the run.
        scale: enlargement of the pictures.
        cell_size: see `with_cells`.
    """

    def __init__(
        self, folder: Path, *, source: np.ndarray, target: np.ndarray, every: int, num_epochs: int, scale: int,
        cell_size: int,
    ):
        super().__init__()
        self.folder, self.source, self.target = folder, source, target
        self.every, self.num_epochs, self.scale, self.cell_size = every, num_epochs, scale, cell_size

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.num_epochs:
            to_target = averaged(self.model.to_target, self.model.optimizer)
            to_source = averaged(self.model.to_source, self.model.optimizer)
            self._draw(f"epoch_{epoch + 1:04}", to_target, to_source)
            for generator in (to_target, to_source):
                save_generator(with_cells(generator, self.cell_size), self.folder / f"{generator.name}.keras")

    def _draw(self, name, to_target, to_source):
        source, target = self.source, self.target
        fake_target, fake_source = _predict(to_target, source), _predict(to_source, target)
        self._write(f"samples/{name}.png", {
            "source": source,
            "source -> target": fake_target,
            "source -> target -> source": _predict(to_source, fake_target),
            "source -> source (identity)": _predict(to_source, source),
            "target": target,
            "target -> source": fake_source,
            "target -> source -> target": _predict(to_target, fake_source),
            "target -> target (identity)": _predict(to_target, target),
        })
        judged = {
            "source": (self.model.source_discriminator, source),
            "made source": (self.model.source_discriminator, fake_source),
            "target": (self.model.target_discriminator, target),
            "made target": (self.model.target_discriminator, fake_target),
        }
        rows = {}
        for caption, (discriminator, pictures) in judged.items():
            rows[caption] = pictures
            maps = figures.patch_map(_predict(discriminator, pictures), pictures.shape[1:3])
            rows[f"{caption}: patches that look real are bright"] = maps
        self._write(f"patch_maps/{name}.png", rows)

    def _write(self, name, rows):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        images.write(path, figures.sheet(rows, self.scale))


def _predict(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    # Not `predict`, which under a strategy would distribute these few pictures, on one host only.
    return np.concatenate(
        [keras.ops.convert_to_numpy(network(pictures[i : i + 1], training=False)) for i in range(len(pictures))]
    )


def save_generator(generator: keras.Model, path: Path) -> None:
    """Saves a generator as `.keras`, whole or not at all."""
    temporary = path.with_name(f".{path.stem}.part.keras")
    try:
        generator.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class Progress(keras.callbacks.Callback):
    """A progress bar with the losses and images/s, and after the first steps how long the run will take.

    Args:
        num_epochs, steps_per_epoch: of the run.
        first_step: of the first epoch.
        batch_size: pairs per step.
        interactive: whether to draw a bar; else it is a line an epoch.
    """

    WARM_UP = 3   # steps that compile, fill caches and say nothing about the rest

    def __init__(self, *, num_epochs: int, steps_per_epoch: int, first_step: int, batch_size: int, interactive: bool):
        super().__init__()
        self.num_epochs, self.steps_per_epoch, self.batch_size = num_epochs, steps_per_epoch, batch_size
        self._first_step, self.interactive = first_step, interactive
        self._timed_from = None
        self._estimated = False

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._began, self._drawn = epoch, time.monotonic(), 0.0
        self._bar = None

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.monotonic(), self._first_step + batch + 1
        if not self._estimated:
            self._estimate(batch + 1, now)
        if self.interactive and (now - self._drawn > 0.3 or step >= self.steps_per_epoch):
            self._drawn = now
            sync(self.model)
            if self._bar is None:
                print(f"Epoch {self._epoch + 1}/{self.num_epochs}")
                names = [*self.model.trackers, "images/s"]
                self._bar = keras.utils.Progbar(self.steps_per_epoch, stateful_metrics=names)
            speed = 2 * self.batch_size * (batch + 1) / (now - self._began)
            self._bar.update(step, [*means(self.model).items(), ("images/s", speed)])

    def _estimate(self, steps, now):
        if steps >= self.WARM_UP and self._timed_from is None:
            self._timed_from = steps, now
        elif self._timed_from and steps - self._timed_from[0] >= 5 and now - self._timed_from[1] > 1:
            seconds = (now - self._timed_from[1]) / (steps - self._timed_from[0])
            left = (self.num_epochs - self._epoch) * self.steps_per_epoch - self._first_step - steps
            print(f"Time: {seconds:.3g} s a step, about {_duration(left * seconds)} to go", flush=True)
            self._estimated = True

    def on_epoch_end(self, epoch, logs=None):
        if not self.interactive:
            losses = "  ".join(f"{name} {value:.3f}" for name, value in means(self.model).items())
            seconds = time.monotonic() - self._began
            speed = 2 * self.batch_size * (self.steps_per_epoch - self._first_step) / seconds
            print(f"Epoch {epoch + 1}/{self.num_epochs}  {losses}  {speed:.1f} images/s", flush=True)
        self._first_step = 0


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
