"""What a person sees while a run goes on: a bar or a line an epoch, and how long it will take."""

import time

import keras

from pixelart_tf.training.callbacks import means, sync


class EpochProgress(keras.callbacks.Callback):
    """A progress bar with the losses and images/s, and after the first steps how long the run will take.

    Args:
        num_epochs: of the run; None where a time budget decides, which then also tells how long it takes.
        steps_per_epoch: of the run.
        first_step: of the first epoch, where it goes on within one.
        batch_size: pictures of each domain per step.
        interactive: whether to draw a bar; else it is a line an epoch.
    """

    WARM_UP = 3   # steps that compile, fill caches and say nothing about the rest

    def __init__(
        self, *, num_epochs: int | None, steps_per_epoch: int, first_step: int, batch_size: int, interactive: bool
    ):
        super().__init__()
        self.num_epochs, self.steps_per_epoch, self.batch_size = num_epochs, steps_per_epoch, batch_size
        self._first_step, self.interactive = first_step, interactive
        self._timed_from = None
        self._estimated = num_epochs is None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._began, self._drawn = epoch, time.monotonic(), 0.0
        self._bar = None

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.monotonic(), self._first_step + batch + 1
        self._steps = batch + 1
        if not self._estimated:
            self._estimate(batch + 1, now)
        if self.interactive and (now - self._drawn > 0.3 or step >= self.steps_per_epoch):
            self._drawn = now
            sync(self.model)
            if self._bar is None:
                print(self._name(self._epoch))
                names = [*self.model.trackers, "images/s"]
                self._bar = keras.utils.Progbar(self.steps_per_epoch, stateful_metrics=names)
            speed = len(self.model.domains) * self.batch_size * (batch + 1) / (now - self._began)
            self._bar.update(step, [*means(self.model).items(), ("images/s", speed)])

    def _name(self, epoch):
        return f"Epoch {epoch + 1}" + (f"/{self.num_epochs}" if self.num_epochs else "")

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
            speed = len(self.model.domains) * self.batch_size * self._steps / seconds
            print(f"{self._name(epoch)}  {losses}  {speed:.1f} images/s", flush=True)
        self._first_step = 0


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
