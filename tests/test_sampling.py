"""Samples of a generator of noise, to files."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import perturb

from pixelart_tf import translate
from pixelart_tf.generators.saving import with_cells
from pixelart_tf.networks import dcgan_generator, noise
from pixelart_tf.pictures import images


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
