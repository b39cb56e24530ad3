"""The picture of what a training will see."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from pixelart_tf import devices, records
from pixelart_tf.pictures import images
from pixelart_tf.settings.experiment import Settings, tables_of
from pixelart_tf.training import run
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
    told = []
    page = drawn([batch, batch], progress=lambda *numbers: told.append(numbers))
    assert page.dtype == np.uint8
    assert page.shape[0] > 240 + 2 * 64   # the charts, and both rows of 64 pixels
    assert page.shape[1] > 6 * 64   # of both batches, as the first one has fewer than are shown
    assert told == [(3, 200), (6, 200)]
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


def test_no_more_is_taken_than_is_drawn_and_counted():
    def batches(size, side):
        while True:
            taken.append(size)
            yield {"target": np.zeros((size, side, side, 3), np.float32)}

    for size, side, pictures in ((7, 8, 203), (16, 1024, 16), (1, 1024, 16), (3, 3072, 3)):
        taken = []
        page = drawn(batches(size, side))
        assert sum(taken) == pictures
        assert page.shape[1] < 3100   # two of 1,024 pixels, one of 3,072


def test_noise_is_drawn_as_squares_of_its_numbers():
    noise = np.tile([4.0, -4.0, 0.0, 9.0, -9.0], (2, 1)).astype(np.float32)
    page = drawn([{"target": np.zeros((2, 12, 12, 3), np.float32), "noise": noise}])
    rows = [row for row in page.tolist() if [0, 0, 0] in row[4 : 4 + 60]]
    assert rows   # four deviations below 0 and more are black; nothing else is
    one = next(row for row in rows if row[30] == [0, 0, 0])
    # 3x3 squares of 20 pixels: 4, -4, 0 in the first row
    assert [one[4 + 10], one[4 + 30], one[4 + 50]] == [[255] * 3, [0] * 3, [128] * 3]


EXPERIMENTS = {
    "cyclegan": """
[data.source]
files = "{folder}/heldout_cartoon*.tfrec"
image_size = 16
[model.generator]
name = "resnet"
base_width = 4
num_blocks = 1
[model.discriminator]
base_width = 4
num_layers = 1
""",
    "pix2pix": """
[data.partner]
made = "pixelated"
block = 4
[model.generator]
name = "resnet"
base_width = 4
num_blocks = 1
[model.discriminator]
base_width = 4
num_layers = 1
""",
    "dcgan": """
[model.generator]
base_width = 4
[model.discriminator]
base_width = 4
""",
}


def ready(folder, name, run_name="run"):
    """A run of one step of 4 pictures."""
    (folder / "e.toml").write_text(f"""
[data.target]
files = "{SPRITES}"
image_size = 16
resize = "nearest"
hue = true
[train]
steps_per_epoch = 1
epochs = 1
decay_epochs = 0
batch_size = 4
[model]
name = "{name}"
""" + EXPERIMENTS[name].replace("{folder}", str(SPRITES.parent)))
    return run.Run(Settings(tables_of(folder / "e.toml", [])), devices.choose(), folder / run_name)


@pytest.mark.parametrize("name", [pytest.param("cyclegan", marks=pytest.mark.slow), "pix2pix", "dcgan"])
def test_a_run_begins_by_drawing_its_first_batch(name, tmp_path, monkeypatch):
    """What its own data set gives `fit` first; partners are made once for both."""
    from pixelart_tf.data import partners

    began = ready(tmp_path, name)
    if began.partners is not None and began.partners.drawn_shape is not None:
        assert began.partners.drawings.shape == began.partners.drawn_shape
    monkeypatch.setattr(partners, "drawings", None)   # or they would be drawn again
    began.fit(interactive=False)
    page = images.read(began.folder.batch)
    np.testing.assert_array_equal(page, drawn(began.dataset(0)))
    first = next(iter(began.dataset(0)))
    assert first.keys() == set(began.model.feed)
    for key in first.keys() - {"noise"}:
        one = images.to_uint8(np.asarray(first[key])[0])
        one = one.repeat(64 // len(one), 0).repeat(64 // len(one), 1)
        assert any((page[y : y + 64, 4:68] == one).all() for y in range(len(page) - 64)), key


@pytest.mark.slow
def test_it_leaves_the_run_as_it_would_be_without(tmp_path):
    """Bit for bit: a run that finds its batch drawn draws none."""
    one, other = ready(tmp_path, "dcgan"), ready(tmp_path, "dcgan", "other")
    other.folder.batch.parent.mkdir(parents=True)
    other.folder.batch.touch()
    for each in (one, other):
        keras.utils.set_random_seed(each.settings.train.seed)
        each.fit(interactive=False)
    assert one.folder.batch.stat().st_size > 0 == other.folder.batch.stat().st_size
    for mine, theirs in zip(one.model.weights, other.model.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_only_the_chief_draws_it(tmp_path):
    other = ready(tmp_path, "dcgan")
    other.devices = dataclasses.replace(other.devices, host=1)
    other.fit(interactive=False)
    assert not other.folder.path.exists()
