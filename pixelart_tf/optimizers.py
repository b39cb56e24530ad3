"""Adam that keeps averages of the weights beside them, and the learning rate that is constant, then falls to zero."""

import keras
from keras import ops


class Adam(keras.optimizers.Adam):
    """Keras' Adam, except that `use_ema` keeps the averages to itself.

    The stock optimizer writes the averages into the weights when `fit` ends, so that a run in two parts would differ
    from a run in one. Here the weights stay what the gradients made them; `averages` tells what a generator should be
    saved with.
    """

    def finalize_variable_values(self, var_list):
        pass

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
        num_decay_steps: at the end, over which it falls; step `num_steps` would have zero.
    """

    def __init__(self, learning_rate: float, num_steps: int, num_decay_steps: int):
        self.learning_rate, self.num_steps, self.num_decay_steps = learning_rate, num_steps, num_decay_steps

    def __call__(self, step):
        left = ops.cast(self.num_steps - step, "float32") / max(self.num_decay_steps, 1)
        if not self.num_decay_steps:
            left = ops.ones_like(left)
        return self.learning_rate * ops.clip(left, 0.0, 1.0)

    def get_config(self):
        return {
            "learning_rate": self.learning_rate, "num_steps": self.num_steps, "num_decay_steps": self.num_decay_steps,
        }


def adam(
    *,
    num_steps: int,
    num_decay_steps: int = 0,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    ema_momentum: float = 0.0,
) -> Adam:
    """The optimizer of all networks.

    Args:
        num_steps, num_decay_steps: see `ConstantThenLinear`.
        learning_rate: until it falls.
        beta_1, beta_2: decay of Adam's first and second moments.
        ema_momentum: decay of the weight averages that the generators are saved with. 0: none are kept.

    Raises:
        ValueError: a rate that is not above 0, or a decay that is not at least 0 and below 1.
    """
    if not learning_rate > 0:
        raise ValueError(f"`learning_rate` must be above 0. Received: {learning_rate}")
    for name, decay in {"beta_1": beta_1, "beta_2": beta_2, "ema_momentum": ema_momentum}.items():
        if not 0 <= decay < 1:
            raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {decay}")
    schedule = ConstantThenLinear(learning_rate, num_steps, num_decay_steps)
    return Adam(schedule, beta_1=beta_1, beta_2=beta_2, use_ema=ema_momentum > 0, ema_momentum=ema_momentum or 0.99)


def averaged(generator: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """A copy of `generator` with its averaged weights, or `generator` itself where none are kept."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)   # loss scaling wraps the optimizer
    averages = inner.averages()
    if not averages:
        return generator
    copy = keras.models.clone_model(generator)
    copy.set_weights([averages.get(id(weight), weight) for weight in generator.weights])
    return copy
