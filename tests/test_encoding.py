"""`translate --encoder`: what the levels of an encoder put out."""

import keras
import numpy as np
import pytest
from PIL import Image

from pixelart_tf import translate
from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.encoding import encoder_levels
from pixelart_tf.networks import cells, resnet, unet

COW = "tests/data/pictures/gc-cow.jpg"


def test_the_levels_are_those_of_the_way_down():
    """Sizes by the networks' own definitions; the values of a level are those of a model that ends there."""
    image = np.random.default_rng(0).uniform(-1, 1, (32, 32, 3)).astype("float32")
    network = resnet(base_width=4, num_blocks=2, num_downsamplings=2)
    levels = encoder_levels(network, image)
    assert [level.values.shape for level in levels] == [(32, 32, 4), (16, 16, 8), (8, 8, 16)]
    assert levels[-1].name.startswith("block_1")
    for level in levels:
        part = keras.Model(network.input, network.get_layer(level.name).output)
        np.testing.assert_allclose(level.values, part(image[None])[0], atol=1e-5)
    sizes = [len(level.values) for level in encoder_levels(unet(image_size=32, base_width=4), image)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    down = cells(base_width=4, num_blocks=2, scale=0.25)   # which ends at its smallest
    assert [level.values.shape[0] for level in encoder_levels(down, image)] == [16, 8]
    assert encoder_levels(down, image)[-1].values.shape[-1] > 3
    flat = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 3, padding="same")])
    with pytest.raises(UserError, match="nothing in this network gets smaller"):
        encoder_levels(flat, image)


def test_the_command_draws_a_sheet(tmp_path, capsys):
    resnet(base_width=4, num_blocks=1, num_downsamplings=1).save(tmp_path / "g.keras")
    out = tmp_path / "levels.png"
    assert translate.main(["--encoder", str(tmp_path / "g.keras"), COW, str(out)]) == 0
    with Image.open(out) as picture:
        assert picture.size[0] > 900
    assert translate.main(["--encoder", str(tmp_path / "g.keras"), COW, str(out)]) == 2
    assert translate.main(["--encoder", str(tmp_path / "g.keras"), COW, str(tmp_path / "a.jpg")]) == 2
    assert "levels.png" in capsys.readouterr().err
    assert translate.main(["--encoder", "--samples", "3", str(tmp_path / "g.keras"), COW, str(tmp_path / "b.png")]) == 2
    assert "--samples are made of none" in capsys.readouterr().err
