"""Generators as they are saved: cells around a native-size network, float32 after 16-bit training."""

import keras
import numpy as np
import pytest

from pixelart_tf.generators.native import own_cell
from pixelart_tf.generators.saving import as_float32, with_cells, with_read_cells
from pixelart_tf.networks import resnet, unet

pytestmark = pytest.mark.keras_only


def noise(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def test_cells_are_box_means_in_and_flat_squares_out(tmp_path):
    generator = resnet(base_width=4, num_downsamplings=1, num_blocks=1, name="to_target")
    with_cells(generator, 8).save(tmp_path / "g.keras")
    saved = keras.saving.load_model(tmp_path / "g.keras")
    images = noise(2, 64, 96, 3)
    made = keras.ops.convert_to_numpy(saved(images))
    means = images.reshape(2, 8, 8, 12, 8, 3).mean(axis=(2, 4))
    expected = keras.ops.convert_to_numpy(generator(means))
    assert made.shape == images.shape
    np.testing.assert_allclose(made, expected.repeat(8, axis=1).repeat(8, axis=2), atol=1e-5)
    assert saved.name == "to_target"


def test_cells_of_one_pixel_change_nothing():
    generator = resnet(base_width=4, num_downsamplings=1, num_blocks=1)
    assert with_cells(generator, 1) is generator
    with pytest.raises(ValueError, match="cell_size"):
        with_cells(generator, 0)


def test_read_cells_are_the_medians_of_what_is_drawn(tmp_path):
    generator = unet(image_size=32, base_width=4, name="to_target")
    with_read_cells(generator, 4).save(tmp_path / "g.keras")
    saved = keras.saving.load_model(tmp_path / "g.keras")
    images = noise(2, 32, 32, 3)
    made = keras.ops.convert_to_numpy(saved(images))
    drawn = keras.ops.convert_to_numpy(generator(images)).reshape(2, 8, 4, 8, 4, 3)
    medians = np.median(drawn.transpose(0, 1, 3, 2, 4, 5).reshape(2, 8, 8, 16, 3), axis=3)
    np.testing.assert_allclose(made, medians.repeat(4, axis=1).repeat(4, axis=2), atol=1e-5)
    assert saved.name == "to_target"
    assert own_cell(saved) == (4, 4)
    assert own_cell(generator) is None
    assert with_read_cells(generator, 1) is generator
    for network, size in ((generator, 5), (resnet(base_width=4, num_downsamplings=1, num_blocks=1), 4)):
        with pytest.raises(ValueError, match="`read_size` must divide"):
            with_read_cells(network, size)


@pytest.mark.parametrize("make", [
    lambda: resnet(base_width=4, num_downsamplings=1, num_blocks=1, from_input=True),
    lambda: unet(image_size=32, base_width=4),
])
def test_sixteen_bit_generators_are_saved_in_float32(make, tmp_path):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        trained = make()
    finally:
        keras.config.set_dtype_policy("float32")
    images = noise(2, 32, 32, 3)
    reference = make()
    reference.set_weights(trained.get_weights())
    copy = as_float32(trained)
    copy.save(tmp_path / "g.keras")
    made = keras.ops.convert_to_numpy(keras.saving.load_model(tmp_path / "g.keras")(images))
    np.testing.assert_allclose(made, keras.ops.convert_to_numpy(reference(images)), atol=1e-6)
    assert not np.allclose(made, keras.ops.convert_to_numpy(trained(images)), atol=1e-6)   # 16 bits do differ
    assert as_float32(copy) is copy
