"""One Adam for all networks, the schedule, and averages that are kept beside the weights."""

import operator

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.training.callbacks import sync
from pixelart_tf.training.optimizers import ConstantThenLinear, adam, averaged

pytestmark = pytest.mark.keras_only


def small_network(name, seed):
    x = inputs = keras.Input((4,))
    for layer, size in {"hidden": 3, "top": 1}.items():
        x = keras.layers.Dense(size, kernel_initializer=keras.initializers.RandomNormal(seed=seed), name=layer)(x)
    return keras.Model(inputs, x, name=name)


class Pair(keras.Model):
    """Two generators whose layers have the same names, as a CycleGAN's do."""

    def __init__(self):
        super().__init__()
        self.to_target, self.to_source = small_network("to_target", 1), small_network("to_source", 2)
        self.built = True

    def call(self, x):
        return ops.concatenate([self.to_target(x), self.to_source(-x)], axis=-1)


def pair(optimizer):
    model = Pair()
    model.compile(optimizer=optimizer, loss="mse", jit_compile=keras.backend.backend() == "jax")
    model.optimizer.build(model.trainable_variables)
    return model


def data(steps):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2 * steps, 4)).astype("float32"), rng.normal(size=(2 * steps, 2)).astype("float32")


class Recorder(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        sync(self.model)
        self.weights.append(self.model.get_weights())


@pytest.mark.parametrize("num_decay_steps", [0, 4, 10])
def test_the_rate_is_constant_and_then_falls_linearly_to_zero(num_decay_steps):
    schedule = ConstantThenLinear(2e-4, 10, num_decay_steps)
    rates = [float(schedule(step)) for step in range(12)]
    # The rule of the CycleGAN's PyTorch implementation, per step: 1 - max(0, step - constant steps) / decay steps.
    expected = [2e-4 * max(0, 1 - max(0, s - 10 + num_decay_steps) / max(num_decay_steps, 1)) for s in range(12)]
    np.testing.assert_allclose(rates, expected if num_decay_steps else [2e-4] * 12, rtol=1e-6)
    assert ConstantThenLinear(**schedule.get_config()).get_config() == schedule.get_config()


@pytest.mark.parametrize(
    "wrong",
    [{"learning_rate": 0.0}, {"learning_rate": -1.0}, {"beta_1": 1.0}, {"beta_2": -0.1}, {"ema_momentum": 1.0},
     {"weight_decay": -0.1}, {"clipnorm": -1.0}],
    ids=str,
)
def test_impossible_numbers_are_named(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be .* Received: {next(iter(wrong.values()))}"):
        adam(num_steps=1, **wrong)


def test_one_adam_over_all_networks_is_an_adam_each():
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (4,), (5, 2), (2,)]
    start = [rng.normal(size=shape).astype("float32") for shape in shapes]
    steps = [[rng.normal(size=shape).astype("float32") for shape in shapes] for _ in range(5)]

    def train(groups):
        variables = [keras.Variable(value) for value in start]
        optimizers = [adam(num_steps=5, num_decay_steps=3, learning_rate=1e-2) for _ in groups]
        for gradients in steps:
            for optimizer, group in zip(optimizers, groups, strict=True):
                chosen = [ops.convert_to_tensor(gradients[i]) for i in group]
                optimizer.apply(chosen, [variables[i] for i in group])
        return [ops.convert_to_numpy(v) for v in variables]

    for one, four in zip(train([[0, 1, 2, 3]]), train([[0], [1], [2], [3]]), strict=True):
        np.testing.assert_array_equal(one, four)


def test_averages_are_those_of_numpy_and_leave_the_weights_alone():
    x, y = data(6)
    recorder = Recorder()
    plain = pair(adam(num_steps=6, learning_rate=1e-2))
    plain.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    model = pair(adam(num_steps=6, learning_rate=1e-2, ema_momentum=0.3))
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=[recorder])
    for with_averages, without in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(with_averages, without)

    expected = recorder.weights[0]   # the average begins with the weights after the first step
    for step, weights in enumerate(recorder.weights[1:], 1):
        decay = min(0.3, (step + 1) / (step + 10))   # 2/11, 3/12, and 0.3 from 4/13 on
        expected = [decay * e + (1 - decay) * w for e, w in zip(expected, weights, strict=True)]
    # Both generators have a `hidden/kernel`: each must get its own.
    names = [w.path for w in model.to_target.weights]
    assert names == [w.path for w in model.to_source.weights]
    for generator, wanted in ((model.to_target, expected[:4]), (model.to_source, expected[4:])):
        copy = averaged(generator, model.optimizer)
        assert copy is not generator
        assert copy.name == generator.name
        for mine, numpys in zip(copy.get_weights(), wanted, strict=True):
            np.testing.assert_allclose(mine, numpys, rtol=1e-5, atol=1e-7)
        assert max(np.abs(a - b).max() for a, b in zip(copy.get_weights(), generator.get_weights(), strict=True)) > 1e-4


def test_without_averages_the_generator_is_given_as_it_is():
    model = pair(adam(num_steps=1))
    assert averaged(model.to_target, model.optimizer) is model.to_target


def test_fit_in_two_parts_is_fit_in_one():
    x, y = data(4)
    state = []
    for parts in ([(0, 8)], [(0, 4), (4, 8)]):
        model = pair(adam(num_steps=4, num_decay_steps=2, learning_rate=1e-2, ema_momentum=0.9))
        for first, last in parts:
            model.fit(x[first:last], y[first:last], batch_size=2, shuffle=False, verbose=0)
        state.append([ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]])
    for one, two in zip(*state, strict=True):
        np.testing.assert_array_equal(one, two)


def test_averages_under_loss_scaling():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x, y = data(3)
        optimizer = keras.optimizers.LossScaleOptimizer(
            adam(num_steps=3, learning_rate=1e-2, ema_momentum=0.5), initial_scale=8.0
        )
        recorder = Recorder()
        model = pair(optimizer)
        model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=[recorder])
        assert int(model.optimizer.iterations) == 3
        assert float(model.optimizer.learning_rate) == pytest.approx(1e-2)
        first, second, third = recorder.weights
        shares = 2 / 11 * 3 / 12, 9 / 11 * 3 / 12, 9 / 12
        expected = [sum(map(operator.mul, shares, each)) for each in zip(first, second, third, strict=True)]
        for generator, wanted in ((model.to_target, expected[:4]), (model.to_source, expected[4:])):
            copy = averaged(generator, model.optimizer)
            for mine, numpys in zip(copy.get_weights(), wanted, strict=True):
                np.testing.assert_allclose(mine, numpys, rtol=1e-5, atol=1e-7)
    finally:
        keras.config.set_dtype_policy(policy)


def test_weight_decay_and_clipped_gradients():
    """A weight of 1 without a gradient loses rate x decay (AdamW); a clipped gradient has that length."""
    weight = keras.Variable(np.ones(2, "float32"))
    optimizer = adam(num_steps=1, learning_rate=0.1, weight_decay=0.5)
    optimizer.build([weight])
    optimizer.apply([ops.zeros(2)], [weight])
    np.testing.assert_allclose(ops.convert_to_numpy(weight), 1 - 0.1 * 0.5, rtol=1e-6)

    weight = keras.Variable(np.zeros(2, "float32"))
    optimizer = adam(num_steps=1, clipnorm=1.0)
    optimizer.build([weight])
    optimizer.apply([ops.convert_to_tensor([30.0, 40.0])], [weight])
    moment = ops.convert_to_numpy(optimizer._momentums[0])
    np.testing.assert_allclose(moment, (1 - 0.5) * np.array([0.6, 0.8]), rtol=1e-5)
