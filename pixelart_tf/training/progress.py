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
        within: whether losses can be told within an epoch, too: several hosts must read them at the same step. Without
            a bar it is a line a minute.
    """

    WARM_UP = 3   # steps that compile, fill caches and say nothing about the rest

    def __init__(
        self, *, num_epochs: int | None, steps_per_epoch: int, first_step: int, batch_size: int, interactive: bool,
        within: bool = True,
    ):
        super().__init__()
        self.num_epochs, self.steps_per_epoch, self.batch_size = num_epochs, steps_per_epoch, batch_size
        self._first_step, self.interactive, self.within = first_step, interactive, within
        self._timed_from = None
        self._estimated = num_epochs is None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._began, self._drawn = epoch, time.monotonic(), 0.0
        self._told = self._began
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
        elif self.within and not self.interactive and now - self._told > 60 and step < self.steps_per_epoch:
            self._told = now
            sync(self.model)
            print(f"{self._name(self._epoch)}  step {step:,}/{self.steps_per_epoch:,}  {self._line(now)}", flush=True)

    def _line(self, now):
        losses = "  ".join(f"{name} {value:.3f}" for name, value in means(self.model).items())
        speed = len(self.model.domains) * self.batch_size * self._steps / (now - self._began)
        return f"{losses}  {speed:.1f} images/s"

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
            rate = float(self.model.optimizer.learning_rate)
            print(f"{self._name(epoch)}  {self._line(time.monotonic())}  learning rate {rate:.3g}", flush=True)
        self._first_step = 0


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
