"""The translate command: which files it writes, what it leaves alone, and what it says to mistakes."""

import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from identities import identity, picture
from keras import layers

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.pictures import images
from pixelart_tf.translate import main

pytestmark = pytest.mark.keras_only


@pytest.fixture
def generator_path(tmp_path):
    identity().save(tmp_path / "identity.keras")
    return str(tmp_path / "identity.keras")


@pytest.fixture
def folder(tmp_path):
    """Pictures of equal names in two folders, of several sizes and formats."""
    folder = tmp_path / "pictures"
    for index, name in enumerate(["a.png", "sub/a.png", "sub/deep/b.bmp"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(folder / name, picture(20 + index, 30, seed=index))
    return folder


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def fails(capsys, *argv):
    """The one line that the command prints when it exits with 2."""
    capsys.readouterr()
    assert main([str(argument) for argument in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_folder_keeps_its_subfolders(generator_path, folder, tmp_path):
    out = tmp_path / "out"
    assert main([generator_path, str(folder), str(out)]) == 0
    assert files(out) == ["a.png", "sub/a.png", "sub/deep/b.png"]
    for index, name in enumerate(files(out)):
        np.testing.assert_array_equal(images.read(out / name), picture(20 + index, 30, seed=index))


@pytest.mark.parametrize(("format", "names"), [
    ("jpeg", ["a.jpg", "sub/a.jpg", "sub/deep/b.jpg"]), ("keep", ["a.png", "sub/a.png", "sub/deep/b.bmp"]),
])
def test_formats(generator_path, folder, tmp_path, format, names):
    assert main([generator_path, str(folder), str(tmp_path / "out"), "--format", format]) == 0
    assert files(tmp_path / "out") == names


def test_a_glob_and_a_single_file(generator_path, folder, tmp_path):
    assert main([generator_path, str(folder / "**" / "a.png"), str(tmp_path / "out")]) == 0
    assert files(tmp_path / "out") == ["a.png", "sub/a.png"]
    assert main([generator_path, str(folder / "a.png"), str(tmp_path / "out2")]) == 0
    assert files(tmp_path / "out2") == ["a.png"]
    assert main([generator_path, str(folder / "a.png"), str(tmp_path / "new" / "named.webp")]) == 0
    np.testing.assert_array_equal(images.read(tmp_path / "new" / "named.webp"), picture(20, 30))


def test_nothing_is_overwritten_unasked(generator_path, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([generator_path, str(folder), str(out)]) == 0
    assert "a.png (and 2 more): already there; --overwrite replaces it" in fails(capsys, generator_path, folder, out)
    assert main([generator_path, str(folder), str(out), "--overwrite"]) == 0
    before = (folder / "a.png").read_bytes()
    for to in (folder, folder / "a.png"):
        assert "an input, which is never overwritten" in fails(
            capsys, generator_path, folder / "a.png", to, "--overwrite"
        )
    (tmp_path / "link").symlink_to(folder)
    assert "an input" in fails(capsys, generator_path, folder, tmp_path / "link", "--overwrite")
    assert (folder / "a.png").read_bytes() == before


def test_outputs_inside_the_inputs_folder_are_not_inputs(generator_path, folder):
    for _ in range(2):
        assert main([generator_path, str(folder), str(folder / "out"), "--overwrite"]) == 0
        assert files(folder / "out") == ["a.png", "sub/a.png", "sub/deep/b.png"]


def test_two_pictures_for_one_output(generator_path, folder, tmp_path, capsys):
    both = (folder / "a.png", folder / "sub" / "a.png")
    assert "would both be written there" in fails(capsys, generator_path, *both, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    images.write(folder / "a.jpg", picture(5, 5))
    assert main([generator_path, str(folder), str(tmp_path / "png")]) == 0
    assert files(tmp_path / "png") == ["a.jpg.png", "a.png", "sub/a.png", "sub/deep/b.png"]
    assert main([generator_path, str(folder), str(tmp_path / "out"), "--format", "keep"]) == 0
    assert files(tmp_path / "out") == ["a.jpg", "a.png", "sub/a.png", "sub/deep/b.bmp"]
    (tmp_path / "file").write_text("")
    assert "need a folder" in fails(capsys, generator_path, folder, tmp_path / "file", "--format", "keep")
    for name in ("o.gif", "o.ico", "o.psd", "o.txt"):   # it became a folder of that name
        assert f"{name[1:]} is not written; choose one of" in fails(capsys, generator_path, folder, tmp_path / name)
    assert main([generator_path, str(folder), str(tmp_path / "art.v2")]) == 0
    assert "an empty path" in fails(capsys, generator_path, folder, "")


def bad_picture(kind, folder):
    path = folder / "bad.jpg"
    if kind == "text":
        path.write_text("not a picture")
    elif kind == "zero bytes":
        path.write_bytes(b"")
    else:
        images.write(path, picture(100, 100))
        path.write_bytes(path.read_bytes()[:3000])
    return path


@pytest.mark.parametrize("kind", ["text", "zero bytes", "truncated"])
def test_a_bad_picture(generator_path, folder, tmp_path, capsys, kind):
    path = bad_picture(kind, folder)
    out = tmp_path / "out"
    assert str(path) in fails(capsys, generator_path, folder, out)
    assert "bad.png" not in files(out)
    assert main([generator_path, str(folder), str(out), "--overwrite", "--skip-bad"]) == 0
    assert f"skipped {path}: " in capsys.readouterr().out
    assert files(out) == ["a.png", "sub/a.png", "sub/deep/b.png"]
    assert ": " in fails(capsys, generator_path, path, tmp_path / "out2", "--skip-bad")


def test_no_pictures(generator_path, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "empty: no pictures there" in fails(capsys, generator_path, tmp_path / "empty", tmp_path / "out")
    assert "none: no such file or folder" in fails(capsys, generator_path, tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bad_generator(generator_path, folder, tmp_path, capsys):
    whole = Path(generator_path).read_bytes()
    text, cut, damaged, foreign = (tmp_path / name for name in ("text.keras", "cut.keras", "bad.keras", "zip.keras"))
    text.write_text("not a model")
    cut.write_bytes(whole[: len(whole) // 2])
    middle = len(whole) // 2
    flipped = bytes(255 - byte for byte in whole[middle - 50 : middle + 50])
    damaged.write_bytes(whole[: middle - 50] + flipped + whole[middle + 50 :])
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("hello.txt", "hello")
    for path, reason in [
        (tmp_path / "none.keras", "no such file"),
        (tmp_path, "no such file"),
        (text, "not a .keras file"),
        (cut, "not a .keras file, or cut off"),
        (damaged, "cannot be opened as a Keras model"),
        (foreign, "cannot be opened as a Keras model"),
    ]:
        line = fails(capsys, path, folder, tmp_path / "out")
        assert str(path) in line
        assert reason in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("inputs", "output", "received"),
    [
        (keras.Input((10,)), lambda x: layers.Dense(3)(x), "(None, 10) -> (None, 3)"),
        (keras.Input((8, 8, 3)), lambda x: layers.Flatten()(x), "(None, 8, 8, 3) -> (None, 192)"),
        (keras.Input((8, 8, 5)), lambda x: layers.Conv2D(3, 1)(x), "(None, 8, 8, 5) -> (None, 8, 8, 3)"),
        (
            [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))],
            lambda x: layers.Add()(x),
            "[(None, 8, 8, 3), (None, 8, 8, 3)] -> (None, 8, 8, 3)",
        ),
    ],
    ids=["vectors", "classifier", "channels", "two inputs"],
)
def test_a_model_that_is_no_generator(tmp_path, inputs, output, received):
    keras.Model(inputs, output(inputs)).save(tmp_path / "other.keras")
    with pytest.raises(UserError) as caught:
        load_generator(tmp_path / "other.keras")
    assert received in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder(generator_path, folder, tmp_path, capsys):
    (tmp_path / "out").mkdir(mode=0o500)
    assert "out" in fails(capsys, generator_path, folder, tmp_path / "out")


def test_a_file_in_the_way_of_a_subfolder(generator_path, folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("in the way")
    assert "sub" in fails(capsys, generator_path, folder, tmp_path / "out")
