"""Samples of a generator of noise, to files."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import perturb

from pixelart_tf import translate
from pixelart_tf.generators.saving import save_generator, with_cells
from pixelart_tf.networks import dcgan_generator, noise
from pixelart_tf.pictures import images

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generator_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("dcgan") / "generator.keras"
    with_cells(perturb(dcgan_generator(image_size=16, base_width=4, latent_size=8)), 2).save(path)
    return path


def read(folder):
    return {path.name: images.read(path.read_bytes()) for path in folder.iterdir()}


def test_samples_and_a_walk_are_written(generator_path, tmp_path, capsys):
    assert translate.main(["--samples", "5", "--seed", "1", str(generator_path), str(tmp_path / "five")]) == 0
    assert "5 samples and a walk in" in capsys.readouterr().out
    five = read(tmp_path / "five")
    assert sorted(five) == [*(f"sample_{i:04}.png" for i in range(5)), "walk.png"]
    network = keras.saving.load_model(generator_path)
    wanted = images.to_uint8(ops.convert_to_numpy(network(noise.draw(5, 8, seed=1))))
    for i in range(5):
        assert five[f"sample_{i:04}.png"].shape == (32, 32, 3)
        assert np.abs(five[f"sample_{i:04}.png"].astype(int) - wanted[i]).max() <= 1
    # Five rows of eight; each begins with its sample and ends with the next one.
    walk = five["walk.png"]
    assert walk.shape == (5 * 34 + 2, 8 * 34 + 2, 3)
    for row in range(5):
        for column, sample in ((0, row), (7, (row + 1) % 5)):
            cell = walk[2 + row * 34 :, 2 + column * 34 :][:32, :32]
            assert np.abs(cell.astype(int) - wanted[sample]).max() <= 1
    # A sample depends on its number and the seed alone.
    two = ["--samples", "2", "--seed", "1", "--batch-size", "1", str(generator_path), str(tmp_path / "two")]
    assert translate.main(two) == 0
    np.testing.assert_array_equal(read(tmp_path / "two")["sample_0001.png"], five["sample_0001.png"])
    assert translate.main(two) == 2
    assert "sample_0000.png (and 2 more): already there; --overwrite replaces it" in capsys.readouterr().err
    assert translate.main([*two, "--overwrite", "--seed", "2"]) == 0
    assert np.any(read(tmp_path / "two")["sample_0001.png"] != five["sample_0001.png"])


def test_mistakes_with_samples_are_one_line(generator_path, tmp_path, capsys):
    pictures = tmp_path / "to_target.keras"
    inputs = keras.Input((16, 16, 3))
    keras.Model(inputs, keras.layers.ReLU()(inputs)).save(pictures)
    (tmp_path / "a.png").write_bytes(images.encode(np.zeros((8, 8, 3), np.uint8), "png"))
    out = str(tmp_path / "out")
    for argv, message in (
        ([generator_path, tmp_path / "a.png", out], "makes pictures of 8 numbers of noise, and takes none"),
        (["--samples", "2", pictures, out], "makes pictures of pictures, and not of noise"),
        (["--samples", "2", generator_path, tmp_path / "a.png", out], "--samples: takes no PICTURES. Received: /"),
        ([generator_path, out], "no PICTURES: give GENERATOR PICTURES OUT, or --samples N GENERATOR OUT"),
        (["--samples", "0", generator_path, out], "`--samples` must be 1 to 100,000. Received: 0"),
        (["--samples", "2", "--seed", "-1", generator_path, out], "`--seed` must be 0 or more. Received: -1"),
        (["--samples", "2", "--format", "keep", generator_path, out], "`format` must be png or jpeg"),
        (["--samples", "2", generator_path, tmp_path / "a.png"], "a file, but samples need a folder"),
    ):
        assert translate.main([str(each) for each in argv]) == 2, argv
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory):
    """A generator of two classes, with cells, as training saves it."""
    path = tmp_path_factory.mktemp("classes") / "generator.keras"
    network = perturb(dcgan_generator(image_size=16, base_width=4, latent_size=8, num_classes=2))
    save_generator(network, path, cell_size=2, classes=("fire", "wasser & w\u00e4rme"))
    return path


def test_a_class_is_chosen_by_its_name(of_classes, tmp_path, capsys):
    def drawn(name, *arguments):
        assert translate.main(["--samples", "4", "--seed", "1", str(of_classes), str(tmp_path / name), *arguments]) == 0
        return read(tmp_path / name)

    network = keras.saving.load_model(of_classes)
    in_turn, fire, water = drawn("both"), drawn("fire", "--class", "fire"), drawn("w", "--class", "wasser & w\u00e4rme")
    for number in range(4):
        given = np.concatenate([noise.draw(4, 8, seed=1)[number], [1.0, 0.0]])[None]
        wanted = images.to_uint8(ops.convert_to_numpy(network(given.astype("float32"))))[0]
        name = f"sample_{number:04}.png"
        assert np.abs(fire[name].astype(int) - wanted).max() <= 1
        assert np.abs(fire[name].astype(int) - water[name]).max() > 1
        np.testing.assert_array_equal(in_turn[name], (fire, water)[number % 2][name])
    assert np.abs(fire["walk.png"].astype(int) - water["walk.png"]).max() > 1


def test_mistakes_with_classes_are_one_line(of_classes, generator_path, tmp_path, capsys):
    plain = tmp_path / "plain.keras"   # saved anew, by who knows nothing of its classes
    keras.saving.load_model(of_classes).save(plain)
    (tmp_path / "a.png").write_bytes(images.encode(np.zeros((8, 8, 3), np.uint8), "png"))
    out = tmp_path / "out"
    for argv, message in (
        (["--samples", "2", "--class", "ice", of_classes, out],
         "`--class` must be one of fire, wasser & w\u00e4rme. Received: ice"),
        (["--samples", "2", "--class", "fire", generator_path, out],
         "`--class` is for a generator that was trained on several. Received: fire"),
        (["--samples", "2", plain, out], "the names of its classes are not in its file; take it as training saved it"),
        (["--class", "fire", of_classes, tmp_path / "a.png", out], "--class: is for --samples"),
        (["--samples", "2", "--address", "auto", of_classes, out], "--address: are for PICTURES"),
        (["--encoder", "--address", "auto", "sprite", tmp_path / "a.png", out], "--address: are for PICTURES"),
    ):
        assert translate.main([str(each) for each in argv]) == 2, argv
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.slow
def test_a_mistake_is_one_line_also_where_tensorflow_was_not_imported_before(tmp_path):
    """What TensorFlow says as it is imported came before it."""
    arguments = ["--samples", "3", "sprite", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "pixelart_tf.translate", *arguments], capture_output=True, text=True, cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "makes pictures of pictures, and not of noise" in done.stderr
