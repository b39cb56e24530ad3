"""The picture of what a training will see."""

from pathlib import Path

import numpy as np
import pytest

from pixelart_tf import records
from pixelart_tf.pictures import images
from pixelart_tf.training.preview import drawn

SPRITES = Path(__file__).parents[1] / "tfrecords" / "heldout_sprite00-97.tfrec"


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "e.toml").write_text(f"""
[data.target]
files = "{SPRITES}"
image_size = 32
resize = "nearest"
[data.partner]
made = "grey"
[model]
name = "pix2pix"
""")
    return tmp_path / "e.toml"


def test_rows_and_histograms():
    rng = np.random.default_rng(0)
    batch = {"source": rng.uniform(-1, 1, (3, 16, 16, 3)), "target": -np.ones((3, 8, 8, 1))}
    page = drawn([batch, batch])
    assert page.dtype == np.uint8
    assert page.shape[0] > 240 + 2 * 64   # the charts, and both rows of 64 pixels
    colors = {tuple(color) for color in page.reshape(-1, 3).tolist()}
    assert (0, 0, 0) in colors   # the target is black
    assert len(colors) > 500


def test_the_command_draws_an_experiment(experiment, tmp_path, capsys):
    out = tmp_path / "batch.png"
    assert records.main(["preview", str(experiment), str(out)]) == 0
    assert "batch.png: what a training with" in capsys.readouterr().out
    page = images.read(out)
    assert page.shape[1] > 10 * 64
    for arguments, message in (
        ((experiment, out), "batch.png: already there; --overwrite replaces it"),
        ((experiment, tmp_path / "x.jpg"), "x.jpg: must end in .png"),
        ((tmp_path / "none.toml", tmp_path / "x.png"), "none.toml: no such experiment file"),
        ((experiment, tmp_path / "x.png", "--set", "data.partner.made=photo"), "`made` must be one of drawing, "),
        ((experiment, tmp_path / "x.png", "--set", "model.name=dcgan2"), "`model.name` must be one of cyclegan, "),
    ):
        assert records.main(["preview", *map(str, arguments)]) == 2
        err = capsys.readouterr().err.strip()
        assert message in err
        assert "\n" not in err
