"""Adam that keeps averages of the weights beside them, and the learning rate that is constant, then falls to zero."""

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least


class Adam(keras.optimizers.Adam):
    """Keras' Adam, except that `use_ema` keeps the averages to itself.

    The stock optimizer writes the averages into the weights when `fit` ends, so that a run in two parts would differ
    from a run in one. Here the weights stay what the gradients made them; `averages` tells what a generator should be
    saved with. Early averages have a shorter memory, min(m, (n + 1) / (n + 10)) after n steps, so that a short run's
    are not those of its first steps.
    """

    @property
    def schedule(self) -> "ConstantThenLinear":
        """Of the learning rate."""
        return self._learning_rate

    def build(self, variables):
        if not self.built and isinstance(self._learning_rate, ConstantThenLinear):
            for variable in self._learning_rate.variables:   # so that they are saved, and given to a compiled step
                self._track_variable(variable)
        super().build(variables)

    def finalize_variable_values(self, var_list):
        pass

    def _update_model_variables_moving_average(self, trainable_variables):
        longest, done = self.ema_momentum, ops.cast(self.iterations, "float32")
        self.ema_momentum = ops.minimum(longest, (done + 1) / (done + 10))
        super()._update_model_variables_moving_average(trainable_variables)
        self.ema_momentum = longest

    def averages(self) -> dict[int, keras.Variable]:
        """Averaged weights by the `id` of the variable that they average; empty without `ema_momentum`.

        Not by its path, which the same layers of two generators share.
        """
        if not self.use_ema:
            return {}
        pairs = zip(self._trainable_variables, self._model_variables_moving_average, strict=True)
        return {id(variable): average for variable, average in pairs}


@keras.saving.register_keras_serializable("pixelart_tf")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is constant and then falls linearly to zero (CycleGAN paper, section 4).

    Args:
        learning_rate: the constant.
        num_steps: steps of the whole run.
        num_decay_steps: at the end, over which it falls; step `num_steps` would have zero. 0: it never falls.

    Attributes:
        variables: the three, of which an optimizer makes its own: what was a number when the step was compiled would
            stay that number.
    """

    def __init__(self, learning_rate: float, num_steps: int, num_decay_steps: int):
        self.variables = [
            keras.Variable(float(value), dtype="float32", trainable=False, name=name)
            for name, value in (("peak", learning_rate), ("num_steps", num_steps), ("num_decay_steps", num_decay_steps))
        ]

    def __call__(self, step):
        peak, num_steps, num_decay_steps = self.variables
        left = (num_steps - ops.cast(step, "float32")) / ops.maximum(num_decay_steps, 1.0)
        return peak * ops.where(num_decay_steps > 0, ops.clip(left, 0.0, 1.0), 1.0)

    def restart(self, learning_rate: float, num_steps: int, num_decay_steps: int) -> None:
        """Takes other values than those it was made with, as the run goes on for longer, say."""
        for variable, value in zip(self.variables, (learning_rate, num_steps, num_decay_steps), strict=True):
            variable.assign(value)

    def end_at(self, num_steps: int, *, now: int, share: float) -> None:
        """Lets the run end at another step, without a jump of the learning rate.

        Args:
            num_steps: the new end.
            now: steps done.
            share: of the steps, at the end, over which it falls; once it has begun to fall, it falls to the end.
        """
        rate = float(ops.convert_to_numpy(self(now)))
        peak, old_end, old_decay = (float(ops.convert_to_numpy(variable)) for variable in self.variables)
        left = max(num_steps - now, 1)
        falls = old_decay and now > old_end - old_decay
        decay = left if falls else min(round(share * num_steps), left)
        for variable, value in zip(self.variables, (rate if falls else peak, now + left, decay), strict=True):
            variable.assign(value)

    def get_config(self):
        peak, num_steps, num_decay_steps = (float(ops.convert_to_numpy(variable)) for variable in self.variables)
        return {"learning_rate": peak, "num_steps": int(num_steps), "num_decay_steps": int(num_decay_steps)}


def adam(
    *,
    num_steps: int,
    num_decay_steps: int = 0,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    ema_momentum: float = 0.0,
    weight_decay: float = 0.0,
    clipnorm: float = 0.0,
) -> Adam:
    """The optimizer of all networks.

    Args:
        num_steps, num_decay_steps: see `ConstantThenLinear`.
        learning_rate: until it falls.
        beta_1, beta_2: decay of Adam's first and second moments.
        ema_momentum: decay of the weight averages that the generators are saved with. 0: none are kept.
        weight_decay: share of each weight that is taken off at each step, times the learning rate (AdamW). 0 for none.
        clipnorm: the largest length of each weight's gradient. 0 for any.

    Raises:
        ValueError: a rate that is not above 0, a decay that is not at least 0 and below 1, or a bound below 0.
    """
    if not learning_rate > 0:
        raise ValueError(f"`learning_rate` must be above 0. Received: {learning_rate}")
    for name, decay in {"beta_1": beta_1, "beta_2": beta_2, "ema_momentum": ema_momentum}.items():
        if not 0 <= decay < 1:
            raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {decay}")
    check_at_least(0, weight_decay=weight_decay, clipnorm=clipnorm)
    schedule = ConstantThenLinear(learning_rate, num_steps, num_decay_steps)
    return Adam(
        schedule, beta_1=beta_1, beta_2=beta_2, use_ema=ema_momentum > 0, ema_momentum=ema_momentum or 0.99,
        weight_decay=weight_decay or None, clipnorm=clipnorm or None,
    )


def averaged(generator: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """A copy of `generator` with its averaged weights, or `generator` itself where none are kept or no step is done."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)   # loss scaling wraps the optimizer
    averages = inner.averages()
    if not averages or not int(ops.convert_to_numpy(inner.iterations)):   # the averages are zeros until the first step
        return generator
    copy = keras.models.clone_model(generator)
    copy.set_weights([averages.get(id(weight), weight) for weight in generator.weights])
    return copy
