"""Saved networks: whole ones are opened, and bombs, broken weights and odd descriptions are told in one line."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats.keras_file import open_model, save_model
from pixelart_tf.networks import GENERATORS

MB = 2**20


@pytest.fixture
def whole(tmp_path):
    """A saved network with some weights."""
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(8, 3)(inputs))
    model.save(tmp_path / "whole.keras")
    return tmp_path / "whole.keras"


def refused(path):
    with pytest.raises(UserError) as caught:
        open_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def changed(whole, path, *, compression=zipfile.ZIP_STORED, **members):
    """A copy of a `.keras` file with other members, `_` standing for `.`."""
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", compression) as archive:
        contents = {name: source.read(name) for name in source.namelist()}
        for name, content in contents.items():
            archive.writestr(name, members.get(name.replace(".", "_"), content))
    return path


def test_a_whole_file_is_opened_also_where_it_is_compressed(whole, tmp_path):
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 3)).astype(np.float32)
    expected = keras.saving.load_model(whole)(x)
    compressed = changed(whole, tmp_path / "compressed.keras", compression=zipfile.ZIP_DEFLATED)
    for path in (whole, compressed):
        np.testing.assert_array_equal(open_model(path)(x), expected)


@pytest.mark.parametrize("name", GENERATORS)
def test_what_is_saved_names_no_initializer_that_an_older_keras_refuses(name, tmp_path):
    """Keras 3.15 writes `input_axes` of each random initializer; Keras 3.13.2 refused such files."""
    model = GENERATORS[name]()
    save_model(model, tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        description = archive.read("config.json")
    initializers = []
    json.loads(description, object_hook=lambda each: initializers.append(each) or each)
    named = [each["class_name"] for each in initializers if each.get("module") == "keras.initializers"]
    assert {*named} == {"Zeros"}
    opened = open_model(tmp_path / "a.keras")
    for here, there in zip(model.get_weights(), opened.get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_file_of_a_newer_keras_that_cannot_be_opened_is_told_as_such(whole, tmp_path):
    with zipfile.ZipFile(whole) as archive:
        description = archive.read("config.json")
    known = b'"class_name": "GlorotUniform", "config": {'
    assert known in description
    description = description.replace(known, known + b'"unheard_of": 1, ')
    path = changed(whole, tmp_path / "new.keras", config_json=description, metadata_json=b'{"keras_version": "3.99.1"}')
    assert refused(path) == (
        f"cannot be opened as a Keras model (written by Keras 3.99.1, and this is {keras.__version__})"
    )


@pytest.mark.parametrize("member", ["config_json", "metadata_json"])
def test_a_description_that_claims_gigabytes_is_refused_before_it_is_unpacked(whole, tmp_path, member, monkeypatch):
    """Spaces, which JSON allows and which take a thousandth of the room; 3 GB of them, as the zip says."""
    size, claim = limits.NETWORK_TEXT_BYTES + 1, 3 * 10**9
    path = changed(whole, tmp_path / "bomb.keras", compression=zipfile.ZIP_DEFLATED, **{member: b" " * size})
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda *_: pytest.fail("it was unpacked"))
    assert "refused as a bomb" in refused(path)
    encoded = path.read_bytes()
    assert encoded.count(size.to_bytes(4, "little")) == 2   # in the member's head and in the zip's directory
    path.write_bytes(encoded.replace(size.to_bytes(4, "little"), claim.to_bytes(4, "little")))
    assert refused(path).startswith("unpacks to 3,000,")


def test_a_description_that_is_too_long_is_refused_also_where_it_is_not_compressed(whole, tmp_path):
    path = changed(whole, tmp_path / "long.keras", config_json=b" " * (limits.NETWORK_TEXT_BYTES + 1))
    assert refused(path) == "unpacks to 67,108,865 bytes, and at most 67,108,864 are taken: refused as a bomb"


def test_members_that_grow_a_thousandfold_are_refused(whole, tmp_path):
    path = changed(
        whole, tmp_path / "bomb.keras", compression=zipfile.ZIP_DEFLATED, model_weights_h5=bytes(limits.GROWTH_BYTES)
    )
    assert "over 50 times the file's size: refused as a bomb" in refused(path)


@pytest.mark.parametrize(
    ("shape", "told"),
    [((2, MB, MB), "at most 8,589,934,592 are taken: refused as a bomb"), ((64, MB), "over 50 times the file's size")],
    ids=["terabytes", "megabytes"],
)
def test_weights_that_claim_what_was_never_written_are_refused(whole, tmp_path, shape, told):
    """HDF5 keeps an array in pieces, and those that are not there read as zeros."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_dataset("layers/conv2d/vars/0", shape, "f4", chunks=(1,) * (len(shape) - 1) + (1024,))
    path = changed(whole, tmp_path / "bomb.keras", model_weights_h5=(tmp_path / "weights.h5").read_bytes())
    assert path.stat().st_size < MB
    assert told in refused(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(whole, bad):
    """One of the 216 numbers of a kernel."""
    model = keras.saving.load_model(whole)
    kernel, bias = model.get_weights()
    kernel[1, 2, 0, 3] = bad
    model.set_weights([kernel, bias])
    model.save(whole)
    assert refused(whole) == (
        f"1 of its 2 weights hold NaN or infinity (the first: {model.weights[0].path}): its training failed"
    )


def test_a_description_of_endless_depth_is_told(whole, tmp_path):
    for depth in (2_000, 200_000):
        path = changed(whole, tmp_path / "deep.keras", config_json=b"[" * depth + b"]" * depth)
        assert refused(path) == "cannot be opened as a Keras model (nested too deeply)"


def test_too_little_memory_is_told(whole, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(keras.saving, "load_model", full)
    assert refused(whole) == "cannot be opened as a Keras model (not enough memory)"
