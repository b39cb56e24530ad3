"""Networks that Keras 2 saved with tensorflow-addons: its outputs from its own files, and files of something else."""

import json
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import keras2
from pixelart_tf.formats.keras_file import open_model
from pixelart_tf.layers.instance_normalization import InstanceNormalization

GOLDEN_DIR = Path(__file__).parent / "data" / "golden"
SHARED = Path(__file__).parents[2] / "shared" / "golden" / "tfa_cyclegan"   # golden/README.md tells
LEGACY = GOLDEN_DIR / "tfa_disc_legacy.h5"


def shared(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


@pytest.mark.parametrize("suffix", [".h5", "_legacy.h5", ".weights.h5"])
@pytest.mark.parametrize("network", ["gen", "disc"])
def test_outputs_are_those_of_keras_2(network, suffix):
    """TensorFlow 2.15.1, Keras 2.15, tensorflow-addons 0.23."""
    golden = np.load(shared(f"{network}_trained_io.npz"))
    found = keras2.read(shared(f"{network}_trained{suffix}"))
    assert found.options["slope"] == 0.3
    assert found.is_generator == (network == "gen")
    y = found.model.predict_on_batch(golden["x_u8"].astype("float32") / np.float32(127.5) - 1)
    np.testing.assert_allclose(y, golden["y"], atol=1e-5)


def test_weights_alone_give_the_slope_that_is_asked_for():
    golden = np.load(GOLDEN_DIR / "tfa_cyclegan.npz")
    x = golden["x"].astype("float32") / np.float32(127.5) - 1
    np.testing.assert_allclose(keras2.read(LEGACY).model.predict_on_batch(x), golden["disc"], atol=1e-5)
    other = keras2.read(LEGACY, slope=0.2)
    assert "slope 0.2" in other.told
    assert np.abs(other.model.predict_on_batch(x) - golden["disc"]).max() > 1e-3


def test_an_archive_of_keras_2_is_read_and_told_apart(tmp_path):
    """Its config.json as Keras 2.15 wrote that of the whole model into the `.h5`, its weights as the v3 layout."""
    with h5py.File(shared("disc_trained.h5")) as file:
        config = json.loads(file.attrs["model_config"])
    path = tmp_path / "old.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0", "date_saved": "2023-12-01@00:00:00"}))
        archive.write(shared("disc_trained.weights.h5"), "model.weights.h5")
    with pytest.raises(UserError) as caught:
        open_model(path)
    told = f"`python -m pixelart_tf.convert {path} generator.keras` makes a .keras file of them"
    assert str(caught.value) == f"{path}: Keras 2.15.0 weights: {told}"
    golden = np.load(shared("disc_trained_io.npz"))
    y = keras2.read(path).model.predict_on_batch(golden["x_u8"].astype("float32") / np.float32(127.5) - 1)
    np.testing.assert_allclose(y, golden["y"], atol=1e-5)


def test_translate_names_convert_for_old_weights():
    with pytest.raises(UserError, match=r"Keras 2 weights: `python -m pixelart_tf\.convert "):
        open_model(LEGACY)


def refused(path):
    with pytest.raises(UserError) as caught:
        keras2.read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_hdf5_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["temperatures"] = np.zeros((3, 4))
    assert refused(path).startswith("HDF5, but not weights of Keras: not the U-Net and the PatchGAN ")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(inputs))
    path = tmp_path / "other.weights.h5"
    keras.Model(inputs, x).save_weights(path)
    assert "strange: layers/batch_normalization/vars/0" in refused(path)
    path.write_bytes(LEGACY.read_bytes()[:30000])
    refused(path)


def test_a_whole_model_with_layers_of_something_else_is_refused(tmp_path):
    path = tmp_path / "lambda.h5"
    shutil.copy(LEGACY, path)
    layers = [{"class_name": name, "config": {"name": name}} for name in ("Conv2D", "Lambda", "Custom>Attention")]
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": {"name": "x", "layers": layers}})
    assert refused(path).endswith(": it has Attention, Lambda")


def test_weights_of_another_shape_missing_or_broken_are_named(tmp_path):
    path = tmp_path / "changed.h5"

    def changed(change):
        shutil.copy(LEGACY, path)
        with h5py.File(path, "a") as file:
            change(file)
        return refused(path)

    def replace(name, array):
        def change(file):
            del file[name]
            file[name] = array
        return change

    norm = "instance_normalization_16/instance_normalization_16/beta:0"
    assert f"but is none: {norm.partition('/')[2]} is (5,)" in changed(replace(norm, np.zeros(5, "f4")))
    assert "hold NaN or infinity" in changed(replace(norm, np.full(32, np.nan, "f4")))
    bare = {"weight_names": []}
    assert "missing: gamma 2 of 3, beta 2 of 3" in changed(
        lambda file: file["instance_normalization_16"].attrs.update(bare)
    )


def test_arrays_in_other_files_are_refused(tmp_path):
    """HDF5 can name bytes of any file as an array."""
    (tmp_path / "secret").write_bytes(bytes(64))
    path = tmp_path / "external.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/conv2d/vars/0", (16,), "f4", external=[(str(tmp_path / "secret"), 0, 64)])
    assert "is kept in another file" in refused(path)


def tutorial_block(filters, *, norm=True):
    layers = [keras.layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False)]
    layers += [InstanceNormalization()] if norm else []
    return keras.Sequential([*layers, keras.layers.LeakyReLU(negative_slope=0.3)])


def test_the_public_instance_norm_loads_the_notebooks_weights_as_they_are():
    """The tutorial's own code, with the layer in the add-on's place; 1.7e-6 is what was measured for the generator."""
    inputs = keras.Input((256, 256, 3))
    x = inputs
    for filters in (4, 8, 16):
        x = tutorial_block(filters, norm=filters > 4)(x)
    x = keras.layers.Conv2D(32, 4, use_bias=False)(keras.layers.ZeroPadding2D()(x))
    x = keras.layers.LeakyReLU(negative_slope=0.3)(InstanceNormalization()(x))
    x = keras.layers.Conv2D(1, 4)(keras.layers.ZeroPadding2D()(x))
    model = keras.Model(inputs, x)
    model.load_weights(shared("disc_trained.weights.h5"))
    golden = np.load(shared("disc_trained_io.npz"))
    y = model.predict_on_batch(golden["x_u8"].astype("float32") / np.float32(127.5) - 1)
    np.testing.assert_allclose(y, golden["y"], atol=1e-5)


def test_the_public_instance_norm_has_the_addons_name_and_config():
    """`groups` is in the add-on's saved options, too."""
    assert keras.saving.get_registered_name(InstanceNormalization) == "Addons>InstanceNormalization"
    config = {"name": "norm", "groups": -1, "axis": -1, "epsilon": 0.001, "center": True, "scale": True}
    layer = keras.saving.deserialize_keras_object(
        {"class_name": "InstanceNormalization", "registered_name": "Addons>InstanceNormalization", "config": config}
    )
    assert isinstance(layer, InstanceNormalization)
    saved = layer.get_config()
    assert {key: saved[key] for key in config} == config
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    expected = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-3)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x)), expected, atol=1e-5)


def test_damaged_archives_are_told_in_one_line(tmp_path):
    path = tmp_path / "old.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{")
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        archive.writestr("model.weights.h5", LEGACY.read_bytes())
    assert refused(path).startswith("damaged, or not a file of Keras 2 (")
