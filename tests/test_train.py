"""The command: what it says, writes and shows, and which pictures it trains on and holds out."""

import shlex

import numpy as np
import pytest
from PIL import Image
from tiny_runs import (
    LOSSES,
    ROOT,
    STEPS,
    assert_same_run,
    assert_same_weights,
    copied,
    rows,
    state,
    train,
    train_here,
    weights,
)

from pixelart_tf.pictures import images
from pixelart_tf.settings import config
from pixelart_tf.settings.experiment import Settings


def test_it_says_what_will_happen_and_where_all_is(finished):
    folder, out = finished
    lines = out.splitlines()
    assert lines[0].split() == ["Run", str(folder)]
    assert "1 x CPU, tensorflow, float32, XLA off" in lines[1]
    assert "7 pictures, 16x16x3" in lines[2]
    assert "4 pictures, 16x16x3" in lines[3]
    assert "million parameters: to_target 0.0" in lines[4]
    assert "4 an epoch of 2 pairs, 3 epochs, 12 in all, learning rate 0.002, falling over the last 2" in lines[5]
    assert [line.split("  ")[0] for line in lines[6:9]] == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
    for name in ("samples/epoch_0003.png", "gallery.html", "curves.png", "to_target.keras", "to_source.keras"):
        assert str(folder / name) in out
        assert (folder / name).exists()
    generator, out = folder / "to_target.keras", folder / "translated"
    assert lines[-1].strip() == f"python -m pixelart_tf.translate {generator} PICTURES {out}"


def test_the_run_folder_holds_what_help_says_and_nothing_else(finished):
    folder, _ = finished
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.npz", "config.toml", "curves.png", "gallery.html", "kept", "log.jsonl", "networks.png",
        "patch_maps", "patch_maps_back", "samples", "samples_back", "tensorboard", "to_source.keras", "to_target.keras",
    ]
    help_text, _ = train("--help")
    for path in folder.iterdir():
        assert path.name in help_text
    sheets = ["epoch_0001.png", "epoch_0002.png", "epoch_0003.png"]
    for name in ("samples", "samples_back", "patch_maps", "patch_maps_back"):
        first = ["batch.png"] if name == "samples" else []
        assert sorted(path.name for path in (folder / name).iterdir()) == first + sheets
    kept = sorted(path.relative_to(folder / "kept").as_posix() for path in (folder / "kept").rglob("*.*"))
    assert kept == ["epoch_0002/to_source.keras", "epoch_0002/to_target.keras"]


def test_the_log_has_a_line_an_epoch(finished):
    folder, _ = finished
    log = rows(folder)
    assert [row["epoch"] for row in log] == [1, 2, 3]
    assert [row["step"] for row in log] == [STEPS, 2 * STEPS, 3 * STEPS]
    np.testing.assert_allclose([row["learning_rate"] for row in log], [2e-3, 1e-3, 0], rtol=1e-6)
    assert all(np.isfinite(row[name]) for row in log for name in LOSSES)
    assert log[0].keys() == {"epoch", "step", "learning_rate", *LOSSES}


def test_the_config_reads_back_to_the_same_settings(experiment, finished):
    folder, _ = finished
    written = config.read(folder / "config.toml")
    from pixelart_tf.training.building import Plan

    assert Plan.of(Settings(written)).tables() == Plan.of(Settings(config.read(experiment))).tables()
    told = written["run"]
    assert (told["saved"], told["precision"]) == (["to_target", "to_source"], "float32")
    assert told["pictures"]["source"].startswith("7 pictures (")
    assert written["model"]["generator"]["stddev"] == 0.02   # a default, filled in
    assert written["data"]["source"]["files"] == str(experiment.parent / "source")


def test_tensorboard_reads_the_losses(finished):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, _ = finished
    events = EventAccumulator(str(folder / "tensorboard" / "train"))
    events.Reload()
    log = rows(folder)
    for name in LOSSES:
        found = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(f"epoch_{name}")]
        np.testing.assert_allclose(found, [row[name] for row in log], atol=1e-5)


def test_the_pictures_decode_and_are_no_blanks(finished):
    folder, _ = finished
    for name in ("samples/epoch_0003.png", "patch_maps/epoch_0003.png", "curves.png"):
        with Image.open(folder / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10, name
    with Image.open(folder / "samples" / "epoch_0003.png") as picture:
        assert picture.height > 4 * 16   # four rows of pictures


def test_the_generators_are_the_checkpoints_averages(experiment, finished):
    from pixelart_tf import devices
    from pixelart_tf.training import checkpoint, run
    from pixelart_tf.training.optimizers import averaged

    folder, _ = finished
    resumed = run.Run(Settings(config.read(experiment)), devices.choose(), folder, resume=True)
    assert (resumed.place["epoch"], resumed.place["step"]) == (3, 0)
    for generator in (resumed.model.to_target, resumed.model.to_source):
        saved = weights(folder / f"{generator.name}.keras")   # by plain `keras.saving.load_model`
        for mine, wanted in zip(saved, averaged(generator, resumed.model.optimizer).get_weights(), strict=True):
            np.testing.assert_array_equal(mine, wanted)
        assert any((a != b).any() for a, b in zip(saved, generator.get_weights(), strict=True))
    assert len(checkpoint.variables(resumed.model)) == len(state(folder)) - 1


def test_the_next_command_is_quoted_where_a_shell_asks_for_it(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "my run")
    train_here(experiment, "--run", folder, "--resume")
    last = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(last)[-3:] == [str(folder / "to_target.keras"), "PICTURES", str(folder / "translated")]


@pytest.mark.slow
def test_the_same_command_gives_the_same_run(experiment, finished, tmp_path):
    train_here(experiment, "--run", tmp_path / "again")
    assert_same_run(tmp_path / "again", finished[0])
    assert_same_weights(tmp_path / "again", finished[0], "to_target.keras", "to_source.keras")


@pytest.mark.slow
@pytest.mark.parametrize("names", [("to_target",), ("to_target", "to_source")], ids=["one", "both"])
def test_finetuning_starts_from_saved_generators(experiment, finished, tmp_path, names):
    from pixelart_tf import devices
    from pixelart_tf.training import run

    overrides = [f"finetune.{name}={finished[0] / name}.keras" for name in names]
    settings = Settings(config.read(experiment, overrides))
    model = run.Run(settings, devices.choose(), tmp_path / "run").model
    for name in ("to_target", "to_source"):
        pairs = zip(getattr(model, name).get_weights(), weights(finished[0] / f"{name}.keras"), strict=True)
        assert all((a == b).all() for a, b in pairs) == (name in names)


def test_a_dry_run_writes_nothing(experiment, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_here(experiment, "--dry-run")
    out = capsys.readouterr().out
    assert "12 in all" in out
    assert "nothing was written" in out
    assert list(tmp_path.iterdir()) == []


def test_one_picture_is_enough(experiment, tmp_path, capsys):
    (tmp_path / "one").mkdir()
    images.write(tmp_path / "one" / "only.png", np.zeros((20, 20, 3), np.uint8))
    sets = [f"data.{side}.files={tmp_path / 'one'}" for side in ("source", "target")]
    folder = tmp_path / "run"
    arguments = [experiment, "--run", folder, "--set", "train.epochs=1", "--set", "train.decay_epochs=0"]
    train_here(*arguments, *(word for text in sets for word in ("--set", text)))
    assert rows(folder)[0]["step"] == 1
    assert all(np.isfinite(w).all() for w in weights(folder / "to_target.keras"))


def test_grey_and_color_can_be_trained_together(experiment, tmp_path, capsys):
    """The sheet of the identity, which no picture has there, once ended the run before the first checkpoint."""
    sets = ("data.source.grey=true", "model.identity_weight=0", "train.epochs=1", "train.decay_epochs=0")
    train_here(experiment, "--run", tmp_path / "run", *(word for text in sets for word in ("--set", text)))
    assert capsys.readouterr().err == ""
    assert (tmp_path / "run" / "samples" / "epoch_0001.png").exists()


def test_a_picture_that_cannot_be_drawn_ends_no_training(light, tmp_path, capsys, monkeypatch):
    from pixelart_tf.models.autoencoder import Autoencoder

    def sheets(self, generators, samples):
        raise ValueError("no picture today")

    monkeypatch.setattr(Autoencoder, "sheets", sheets)
    folder = tmp_path / "run"
    sets = ("--set", "train.epochs=1", "--set", "train.decay_epochs=0")
    train_here(light, "--run", folder, *sets)
    assert "no picture today" in capsys.readouterr().err
    assert (folder / "checkpoint.npz").exists()
    assert len(rows(folder)) == 1


def test_a_page_that_cannot_be_written_ends_no_training(light, tmp_path, capsys):
    folder = tmp_path / "run"
    (folder / "gallery.html" / "mine").mkdir(parents=True)
    sets = ("--set", "train.epochs=1", "--set", "train.decay_epochs=0")
    train_here(light, "--run", folder, *sets)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("note: the gallery could not be written: ")
    assert f"{folder / 'gallery.html'}: Is a directory" in said
    assert len(rows(folder)) == 1
    assert not list(folder.rglob(".part*"))


@pytest.fixture
def own(tmp_path):
    """40 and 30 pictures of a user's own, each of one color."""
    for name, count in (("mine", 40), ("wanted", 30)):
        (tmp_path / name).mkdir()
        for number in range(count):
            images.write(tmp_path / name / f"{number}.png", np.full((16, 16, 3), number, np.uint8))
    return tmp_path


def test_a_users_own_pictures_are_what_is_shown_and_scored(own, capsys, one_lite0):
    """Not the held-out pictures of the quickstart, which are of other things."""
    files = [f"data.source.files={own / 'mine'}", f"data.target.files={own / 'wanted'}"]
    sets = [word for text in files for word in ("--set", text)]
    train_here(ROOT / "experiments/quickstart.toml", "--run", own / "run", "--dry-run", *sets)
    out = capsys.readouterr().out
    assert "Source     36 pictures" in out
    assert "Held out   4 source and 3 target pictures, not trained on, for samples and scores" in out
    assert "4 translations (held out from training)" in out
    assert "3 real pictures (held out from training)" in out
    assert "heldout_" not in out
    # What the user names himself stays.
    train_here(
        ROOT / "experiments/quickstart.toml", "--run", own / "run", "--dry-run", *sets,
        "--set", f"score.source={own / 'wanted'}", "--set", f"samples.source={own / 'wanted'}",
    )
    out = capsys.readouterr().out
    assert "Source     40 pictures" in out
    assert f"30 translations of {own / 'wanted'} (" in out


def test_what_is_held_out_is_never_trained_on(experiment, own):
    from pixelart_tf import devices
    from pixelart_tf.settings.experiment import with_own_pictures
    from pixelart_tf.training import run

    given = [f"data.source.files={own / 'mine'}", f"data.target.files={own / 'wanted'}", "data.jitter=0"]
    tables = with_own_pictures(config.read(experiment, given), ["data.source.files", "data.target.files"])
    one, same = (run.Run(Settings(tables), devices.choose(), own / "run") for _ in range(2))
    levels = set(np.rint(one.pictures["source"].data.numpy()[:, 0, 0, 0]).tolist())
    shown = set(np.rint((one.samples["source"][:, 0, 0, 0] + 1) * 127.5).astype(int).tolist())
    assert len(levels) == 36
    assert shown
    assert not shown & levels
    np.testing.assert_array_equal(one.samples["source"], same.samples["source"])
    assert len(one.pictures["target"]) == 27


def test_few_pictures_are_not_scored_and_one_is_enough(own, capsys):
    for path in sorted((own / "mine").iterdir())[1:]:
        path.unlink()
    sets = ("--set", f"data.source.files={own / 'mine'}")
    train_here(ROOT / "experiments/quickstart.toml", "--run", own / "run", "--dry-run", *sets)
    out = capsys.readouterr().out
    assert "Source     1 picture," in out
    assert "Held out   0 source pictures" in out
    assert "Score      none, as it takes 2 held-out pictures of each domain" in out
