"""The loader of feature networks: what a name or a file gives, and what is refused in one line."""

import keras
import numpy as np
import pytest
from keras import layers

from pixelart_tf import features
from pixelart_tf.base.cli import UserError
from pixelart_tf.features import inception, weights

pytestmark = pytest.mark.keras_only

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.float32)


def saved(tmp_path, inputs, outputs, name="own.keras"):
    keras.Model(inputs, outputs).save(tmp_path / name)
    return str(tmp_path / name)


def run(network, images):
    return network.model.predict(images, verbose=0)


def refused(*args, **options):
    with pytest.raises(UserError) as error:
        features.load(*args, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_lite0_works_at_once_and_says_what_it_is():
    network = features.load("lite0")
    result = run(network, IMAGES)
    assert network.name == "lite0"
    assert result.shape == (3, network.dimension) == (3, 1280)
    assert "compare with each other only" in network.note
    assert len(network.weights_hash) == 64
    assert features.load("lite0").weights_hash == network.weights_hash


def test_a_keras_model_of_vectors_gets_pictures_from_minus_1_to_1(tmp_path):
    inputs = keras.Input((None, None, 3))
    network = features.load(saved(tmp_path, inputs, layers.GlobalMaxPooling2D()(inputs)))
    assert (network.name, network.dimension) == ("own.keras", 3)
    assert network.note
    np.testing.assert_allclose(run(network, IMAGES), IMAGES.max(axis=(1, 2)) / 127.5 - 1, atol=1e-6)


def test_a_keras_model_of_maps_is_averaged(tmp_path):
    inputs = keras.Input((None, None, 3))
    network = features.load(saved(tmp_path, inputs, layers.AveragePooling2D(2)(inputs)))
    np.testing.assert_allclose(run(network, IMAGES), IMAGES.mean(axis=(1, 2)) / 127.5 - 1, atol=1e-5)


@pytest.mark.parametrize("size", [(4, 2), (4, None)])
def test_pictures_are_resized_to_a_fixed_size(tmp_path, size):
    inputs = keras.Input((*size, 3))
    network = features.load(saved(tmp_path, inputs, layers.GlobalMaxPooling2D()(inputs)))
    blocks = IMAGES.repeat(3, axis=1).repeat(3, axis=2)   # (3, 24, 24, 3), whatever is averaged over lies within
    assert run(network, blocks).shape == (3, 3)
    assert run(network, IMAGES).max() < (IMAGES / 127.5 - 1).max()   # an average, which leaves the extremes out
    grey = np.full((1, 30, 50, 3), 200, np.float32)
    np.testing.assert_allclose(run(network, grey), 200 / 127.5 - 1, atol=1e-5)


def test_the_hash_tells_models_apart(tmp_path):
    inputs = keras.Input((None, None, 3))
    one = features.load(saved(tmp_path, inputs, layers.Conv2D(4, 1)(inputs), "one.keras"))
    other = features.load(saved(tmp_path, inputs, layers.Conv2D(4, 1)(inputs), "other.keras"))
    assert one.weights_hash != other.weights_hash
    assert features.load(str(tmp_path / "one.keras")).weights_hash == one.weights_hash


def test_a_model_computes_as_it_was_saved_under_any_policy(tmp_path):
    inputs = keras.Input((None, None, 3))
    path = saved(tmp_path, inputs, layers.Conv2D(4, 3)(inputs))
    images = IMAGES + np.float32(0.1)   # which half precision would round
    expected = run(features.load(path), images)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        result = run(features.load(path), images)
    finally:
        keras.config.set_dtype_policy(policy)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_what_is_no_network_is_refused(tmp_path):
    message = refused("lite1")
    assert "lite1" in message
    assert all(name in message for name in features.NETWORKS)
    assert "no such file" in refused(str(tmp_path / "missing.keras"))
    text = tmp_path / "text.keras"
    text.write_text("not a model")
    assert refused(str(text)) == f"{text}: not a .keras file, or cut off"


def test_damaged_and_foreign_files_are_refused(tmp_path):
    inputs = keras.Input((None, None, 3))
    path = tmp_path / "own.keras"
    saved(tmp_path, inputs, layers.Conv2D(64, 3)(inputs))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut off" in refused(str(path))
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(byte ^ 255 for byte in whole[middle : middle + 64]) + whole[middle + 64 :])
    assert "damaged" in refused(str(path))
    np.savez(tmp_path / "features.npz", features=np.zeros((3, 4)))
    assert "cannot be opened as a Keras model" in refused(str(tmp_path / "features.npz"))


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 3), (8, 8, 4)])
def test_models_of_something_else_are_refused(tmp_path, shape):
    inputs = keras.Input(shape)
    path = saved(tmp_path, inputs, layers.Flatten()(inputs))
    message = refused(path)
    assert message.startswith(f"{path}: must map pictures (B, H, W, 3) to features")
    assert str((None, *shape)) in message


def test_models_of_several_outputs_are_refused(tmp_path):
    inputs = keras.Input((8, 8, 3))
    path = saved(tmp_path, inputs, [layers.Flatten()(inputs), layers.GlobalMaxPooling2D()(inputs)])
    assert "must map pictures" in refused(path)


def test_weights_are_for_inception_only(tmp_path):
    assert "`weights` is for the network inception only" in refused("lite0", weights=tmp_path / "weights.pth")


def test_inception_from_a_file_of_other_weights_says_so(tmp_path):
    state = {name: np.full(shape, 0.01, np.float32) for name, shape in inception.shapes().items()}
    weights.save_npz(state, tmp_path / "weights.npz")
    network = features.load("inception", weights=tmp_path / "weights.npz")
    assert (network.name, network.dimension) == ("inception", 2048)
    assert network.model.output_shape == (None, 2048)
    assert network.weights_hash == weights.state_hash(state)
    assert "not the published" in network.note


def test_inception_without_its_weights_is_refused(tmp_path):
    assert "missing.pth" in refused("inception", weights=tmp_path / "missing.pth")
