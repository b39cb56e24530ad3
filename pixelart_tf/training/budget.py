"""A training that ends on time: as many steps as fit into so many minutes, the learning rate's fall included."""

import time
from collections.abc import Callable

import keras

from pixelart_tf.base.cli import UserError
from pixelart_tf.training.callbacks import sync
from pixelart_tf.training.optimizers import ConstantThenLinear

WARM_UP = 3        # steps that compile, fill caches and say nothing about the rest
MEASURED = 5       # steps, at least, that the first plan rests on
REFITS = 50        # times that the plan is fitted to the clock again
ALLOWANCE = 0.05   # of the budget, for the end of an epoch as long as none has been seen


class TooShort(UserError):
    """The time is over before the training has begun."""


class Budget(keras.callbacks.Callback):
    """Fits the number of steps and the learning rate to the time that is left, again and again.

    A slower machine shortens the schedule, a quicker one lengthens it; either way the learning rate has fallen to where
    it should when the time is over, and has never risen or jumped. The time of an epoch's end, in which others save and
    draw, is the gap between two epochs, and kept free.

    Args:
        minutes: of the whole run.
        began: when the run began, of `clock`.
        schedule: of the optimizer.
        decay_share: of the steps, at the end, over which the learning rate falls, 0 to 1.
        steps_per_epoch: of the run.
        first_step: of the first epoch, where it goes on within one.
        measure_keep: seconds to keep free for what comes after the training; asked once, after the warm-up.
        clock: seconds.
        tell: takes a line when the first plan is made.

    Attributes:
        num_steps: of the plan; None before there is one.
    """

    def __init__(
        self, *, minutes: float, began: float, schedule: ConstantThenLinear, decay_share: float, steps_per_epoch: int,
        first_step: int = 0, measure_keep: Callable[[], float] = lambda: 0.0,
        clock: Callable[[], float] = time.monotonic, tell: Callable[[str], None] = print,
    ):
        super().__init__()
        self.minutes, self.deadline, self.schedule = minutes, began + 60 * minutes, schedule
        self.decay_share, self.steps_per_epoch, self._first_step = decay_share, steps_per_epoch, first_step
        self._measure_keep, self.clock, self.tell = measure_keep, clock, tell
        self.num_steps: int | None = None
        self._keep = 0.0
        self._epoch_end = ALLOWANCE * 60 * minutes   # seconds
        self._epoch_end_seen = False
        self._seen = 0                               # steps in this process
        self._since: tuple[int, float] | None = None   # steps and time from which the speed is taken
        self._seconds = 0.0                          # a step
        self._stopped_at: float | None = None

    def on_epoch_begin(self, epoch, logs=None):
        self._before = epoch * self.steps_per_epoch + self._first_step   # steps of the run when the epoch begins
        self._first_step = 0
        now = self.clock()
        if not self._seen:   # until there is a plan, the rate does not begin to fall
            self.schedule.end_at(self._before + 2**20, now=self._before, share=0)
        if self._stopped_at is not None:
            gap = now - self._stopped_at
            self._epoch_end = max(self._epoch_end, gap) if self._epoch_end_seen else gap
            self._epoch_end_seen = True
            if self._since is not None:
                self._since = self._since[0], self._since[1] + gap   # the speed is that of the steps alone

    def on_train_batch_end(self, batch, logs=None):
        now, done = self.clock(), self._before + batch + 1
        self._stopped_at = now
        self._seen += 1
        if self._since is None:
            if self._seen >= WARM_UP:
                self._begin(done)
            return
        steps, seconds = done - self._since[0], now - self._since[1]
        due = self.deadline - self._keep - self._epoch_end
        if self.num_steps is None:
            ready = steps >= MEASURED and (seconds >= 1 or now >= due)
        else:
            ready = seconds >= 60 * self.minutes / REFITS and steps > 0
        if ready:
            self._fit(done, now, seconds / steps)
        if now >= due or (self.num_steps is not None and done >= self.num_steps):
            self.model.stop_training = True

    def _begin(self, done):
        if self.clock() >= self.deadline:
            raise TooShort(
                f"`train.minutes` is over before {WARM_UP} steps are done: starting and compiling took "
                f"{self.clock() - self.deadline + 60 * self.minutes:.0f} s. Received: {self.minutes:g}"
            )
        self._keep = self._measure_keep()
        self._since = done, self.clock()

    def _fit(self, done, now, seconds):
        # The newest measure counts as much as all before: noise is smoothed, a slow-down is seen soon.
        self._seconds = (self._seconds + seconds) / 2 if self._seconds else seconds
        left = self.deadline - self._keep - self._epoch_end - now
        # Each epoch's end but the last, which is kept free already, is spread over its steps.
        more = max(0, int(left / (self._seconds + self._epoch_end / self.steps_per_epoch)))
        is_first, self.num_steps = self.num_steps is None, done + more
        sync(self.model)   # on JAX, a variable is read again only after that
        self.schedule.end_at(self.num_steps, now=done, share=self.decay_share)
        self._since = done, now
        if is_first:
            self.tell(
                f"Budget     {self.minutes:g} min: about {self.num_steps:,} steps "
                f"({self.num_steps / self.steps_per_epoch:.1f} epochs) at {self._seconds:.3g} s a step; "
                f"{self._keep:.0f} s are kept for what comes after"
            )
