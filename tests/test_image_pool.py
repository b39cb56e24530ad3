"""ImagePool against the reference's rule, written here as the plain loop that it is."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.layers.image_pool import ImagePool

pytestmark = pytest.mark.keras_only


def numbered(first, count):
    """Pictures (count, 2, 2, 1) that are filled with first, first + 1, ..."""
    return np.arange(first, first + count, dtype="float32").reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 1), "float32")


def numbers(images):
    images = ops.convert_to_numpy(images)
    assert (images == images[:, :1, :1, :]).all()
    return images[:, 0, 0, 0].astype(int).tolist()


def feed(pool, batch_size, steps):
    """What the pool returns for the pictures 0, 1, 2, ..., and what it holds after each batch."""
    given, held = [], []
    for step in range(steps):
        given.append(numbers(pool(numbered(step * batch_size, batch_size), training=True)))
        held.append(numbers(pool.images))
    return given, held


def test_returns_its_input_while_it_fills():
    pool = ImagePool(6, seed=0)
    given, held = feed(pool, 3, 2)
    assert given == [[0, 1, 2], [3, 4, 5]]
    assert held[-1] == [0, 1, 2, 3, 4, 5]
    assert int(pool.count) == 6


@pytest.mark.parametrize(("pool_size", "batch_size"), [(4, 1), (4, 3), (2, 5), (1, 4), (50, 4)])
def test_every_picture_is_given_now_or_later_or_is_still_held(pool_size, batch_size):
    # Source: the reference's loop. While it fills, a picture is both given and held; later, it is given now (not
    # held), or it is held and an older one is given, which leaves. So nothing is ever lost or made up.
    given, held = feed(ImagePool(pool_size, seed=1), batch_size, steps=60)
    seen = sorted([number for batch in given for number in batch][pool_size:] + held[-1])
    assert seen == list(range(60 * batch_size))
    for step, batch in enumerate(given):
        assert max(batch) < (step + 1) * batch_size


def test_places_of_a_batch_follow_one_another():
    # With one place, a batch of swaps hands each picture on to the next swap: the loop's behaviour, not a parallel one.
    given, _ = feed(ImagePool(1, seed=2), 8, steps=1)
    held = 0
    swaps = 0
    for place, number in enumerate(given[0][1:], start=1):
        assert number in (place, held)
        if number != place:
            held = place
            swaps += 1
    assert swaps > 1


def test_half_of_the_pictures_are_older_ones_and_all_places_are_drawn_alike():
    # Source: the reference draws p ~ U(0, 1) against 0.5 and a place from U{0 .. size - 1}.
    pool = ImagePool(10, seed=3)
    pool(numbered(0, 10), training=True)
    places = []
    before = numbers(pool.images)
    for step in range(400):
        pool(numbered(10 + 4 * step, 1), training=True)
        after = numbers(pool.images)
        places += [i for i in range(10) if before[i] != after[i]]
        before = after
    assert len(places) == pytest.approx(200, abs=4 * 10)  # 4 standard deviations of a binomial
    counts = np.bincount(places, minlength=10)
    assert counts.min() > 5
    assert counts.max() < 42


def test_outside_training_nothing_happens():
    pool = ImagePool(2, seed=0)
    images = numbered(3, 4)
    assert numbers(pool(images, training=False)) == [3, 4, 5, 6]
    assert int(pool.count) == 0
    assert numbers(pool.images) == [0, 0]


def test_variables_hold_the_whole_state():
    one, other = ImagePool(4, seed=5), ImagePool(4, seed=6)
    feed(one, 3, 10)
    other.build((None, 2, 2, 1))
    assert len(one.variables) == 3  # pictures, count, the random generator's state
    for mine, yours in zip(other.variables, one.variables, strict=True):
        mine.assign(yours)
    assert feed(one, 3, 10) == feed(other, 3, 10)
    assert not one.trainable_variables


def test_mixed_precision_does_not_round_the_pictures():
    pool = ImagePool(2, seed=0, dtype="mixed_bfloat16")
    images = np.full((2, 2, 2, 3), 0.123456789, "float32")
    assert keras.backend.standardize_dtype(pool(images, training=True).dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(pool.images), images)


def test_stateless_call_gives_the_state_as_values():
    # What the JAX backend's `fit` does; TensorFlow has it as well.
    stateful, stateless = ImagePool(3, seed=7), ImagePool(3, seed=7)
    stateless.build((None, 2, 2, 1))
    values = [variable.value for variable in stateless.non_trainable_variables]
    for step in range(6):
        images = numbered(2 * step, 2)
        outputs, values = stateless.stateless_call([], values, images, training=True)
        assert numbers(outputs) == numbers(stateful(images, training=True))


class PoolInTheLoss(keras.Model):
    """The least model that has a pool in its loss: the gradient must come from `images` and not through the pool."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        self.pool = ImagePool(4, seed=0)
        self.pool.build((None, 2, 2, 1))

    def build(self, input_shape):
        pass

    def call(self, images):
        return ops.multiply(images, self.scale)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(y_pred) + 100.0 * ops.mean(self.pool(y_pred, training=training))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_within_fit_and_without_gradient(jit_compile):
    model = PoolInTheLoss()
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=jit_compile)
    model.fit(np.ones((2, 2, 2, 1), "float32"), batch_size=2, epochs=1, verbose=0)
    assert float(model.scale) == pytest.approx(0.0)  # 1 - d mean(scale * 1) / d scale; 100 more through the pool
    assert int(model.pool.count) == 2
    model.fit(np.ones((4, 2, 2, 1), "float32"), batch_size=2, epochs=1, verbose=0)
    assert int(model.pool.count) == 4


MIRRORED = """
import keras, numpy as np, tensorflow as tf
from pixelart_tf.layers.image_pool import ImagePool

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(
    ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
)
with strategy.scope():
    pool = ImagePool(4, seed=0)
    pool.build((None, 1, 1, 1))
step = tf.function(lambda images: pool(images, training=True), jit_compile=False)
pictures = np.arange(40, dtype="float32").reshape(-1, 1, 1, 1)
for batch in strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices(pictures).batch(4)):
    given = strategy.experimental_local_results(strategy.run(step, args=(batch,)))
    assert len(given) == 2
held = [value.numpy().ravel() for value in strategy.experimental_local_results(pool.images.value)]
assert len(held) == 2 and np.array_equal(held[0], held[1]), held
assert all(int(number) % 4 < 2 for number in held[0]), held  # the first replica's half of each batch
assert len(set(held[0])) == 4 and held[0].max() > 5, held
"""


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_mirrored_replicas_share_the_first_ones_fakes():
    # In a process of its own, as logical devices must be set before TensorFlow starts.
    done = subprocess.run([sys.executable, "-c", MIRRORED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_arguments():
    with pytest.raises(ValueError, match=r"`pool_size` must be a whole number of at least 1. Received: 0"):
        ImagePool(0)
    with pytest.raises(ValueError, match=r"`images` must have a known height, width and channels"):
        ImagePool(2).build((None, None, 2, 3))
    assert ImagePool.from_config(ImagePool(7, seed=1).get_config()).pool_size == 7
