"""MiFID while training: what a run logs, draws and keeps, and that it is what the command says of the same pictures."""

import contextlib
import importlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf.pictures import images, sources
from pixelart_tf.settings import tables
from pixelart_tf.training import scoring

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
EXPERIMENT = """
[data]
image_size = 32
jitter = 4
[data.source]
files = "source"
[data.target]
files = "target"
[model.generator]
name = "resnet"
base_width = 4
num_blocks = 1
num_downsamplings = 1
[model.discriminator]
base_width = 4
num_layers = 1
[optimizer]
learning_rate = 2e-3
ema_momentum = 0.5
[train]
epochs = 3
batch_size = 2
[samples]
count = 2
[score]
source = "held_source"
target = "held_target"
every = 2
[export]
cell_size = 2
"""


def run(module, *arguments, status=0):
    """What a command prints, in this process."""
    command = importlib.import_module(f"pixelart_tf.{module}")
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        assert command.main([str(argument) for argument in arguments]) == status, err.getvalue()
    return (err if status else out).getvalue()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of an experiment on real pictures, and what its run printed."""
    folder = tmp_path_factory.mktemp("scored")
    for kind, domain in (("source", "cartoon"), ("target", "sprite")):
        pictures = [item.decode() for item in sources.read(str(ROOT / f"tfrecords/heldout_{domain}*.tfrec"))][:20]
        for number, image in enumerate(pictures):
            path = folder / ("held_" * (number >= 8) + kind) / f"{number:02}.png"
            path.parent.mkdir(exist_ok=True)
            # Of 64x64 pixels: the generator's, which has cells of two.
            images.write(path, images.fit(image, 64, resample="area"))
    (folder / "scored.toml").write_text(EXPERIMENT)
    return folder, run("train", folder / "scored.toml", "--run", folder / "run")


def log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_scored_epochs_have_scores_and_the_summary_says_of_what(finished):
    folder, out = finished
    assert f"MiFID by lite0 every 2 epochs: 12 translations of {folder / 'held_source'} (held out from training)" in out
    assert f"against 12 real pictures of {folder / 'held_target'} (held out from training)" in out
    rows = log(folder / "run")
    assert ["mifid" in row for row in rows] == [False, True, True]   # every second epoch and the last
    for row in rows[1:]:
        assert all(np.isfinite(row[name]) for name in scoring.NAMES)
        assert f"mifid {row['mifid']:.4g}" in out


def test_the_curves_and_tensorboard_have_the_scores(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, _ = finished
    events = EventAccumulator(str(folder / "run" / "tensorboard" / "train"), size_guidance={"tensors": 0})
    events.Reload()
    written = [event.tensor_proto.float_val[0] if event.tensor_proto.float_val else
               np.frombuffer(event.tensor_proto.tensor_content, np.float32)[0]
               for event in events.Tensors("epoch_mifid")]
    np.testing.assert_allclose(written, [row["mifid"] for row in log(folder / "run")[1:]], rtol=1e-5)
    four_panels, five = 1600, images.read(folder / "run" / "curves.png").shape[1]
    assert five == four_panels * 5 // 4


def test_best_is_of_the_epoch_with_the_least_score(finished):
    folder, _ = finished
    best = json.loads((folder / "run" / "best" / "score.json").read_text())
    rows = [row for row in log(folder / "run") if "mifid" in row]
    wanted = min(rows, key=lambda row: row["mifid"])
    assert {key: best[key] for key in ("epoch", *scoring.NAMES)} == {
        key: wanted[key] for key in ("epoch", *scoring.NAMES)
    }
    assert {path.name for path in (folder / "run" / "best").iterdir()} == {
        "score.json", "to_source.keras", "to_target.keras"
    }


def test_the_command_gives_the_score_of_the_best(finished, tmp_path):
    folder, _ = finished
    generator = folder / "run" / "best" / "to_target.keras"
    run("translate", generator, folder / "held_source", tmp_path / "out")
    told = json.loads(run(
        "mifid", tmp_path / "out", folder / "held_target", "--network", "lite0", "--size", 32, "--json", "--no-cache",
        "--bootstrap", 0,
    ))
    best = json.loads((folder / "run" / "best" / "score.json").read_text())
    assert told["weights"] == best["weights"]
    # Only the box-downscale differs, which rounds to bytes in the training's pictures and not in the saved generator:
    # the translations differ by a level or two here and there.
    differences = {name: abs(told[name] / best[name] - 1) for name in scoring.NAMES}
    assert max(differences.values()) < 0.005, differences


def test_a_resumed_run_keeps_the_best_of_before(finished):
    """The second epoch's score is made unbeatable, and a fourth epoch is scored."""
    folder, first = finished
    assert "the best so far" in first
    shutil.copytree(folder / "run", folder / "again")
    rows = log(folder / "again")
    rows[1]["mifid"] = 0.5
    (folder / "again" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = (folder / "again" / "best" / "score.json").read_text()
    out = run("train", folder / "scored.toml", "--run", folder / "again", "--resume", "--set", "train.epochs=4")
    assert "mifid" in log(folder / "again")[3]
    assert "the best so far" not in out
    assert (folder / "again" / "best" / "score.json").read_text() == before


def test_pictures_that_are_trained_on_are_told(finished):
    folder, _ = finished
    out = run(
        "train", folder / "scored.toml", "--run", folder / "dry", "--dry-run", "--set",
        f"score.target={folder / 'target'}",
    )
    assert "12 translations of" in out
    assert f"against 8 real pictures of {folder / 'target'} (8 of them are trained on)" in out


def test_no_features_are_taken_where_nothing_is_trained(finished, monkeypatch):
    """A dry run, and a resume of what has ended, once took seconds for the real pictures' features."""
    folder, _ = finished
    monkeypatch.setattr(scoring.HeldOut, "_features", lambda *_: pytest.fail("features were taken"))
    assert "12 real pictures" in run("train", folder / "scored.toml", "--run", folder / "dry", "--dry-run")
    assert "3 epochs and 0 steps" in run("train", folder / "scored.toml", "--run", folder / "run", "--resume")


@pytest.mark.parametrize(("override", "told"), [
    ("score.target=", "`score.target` is missing: give all of source, target, or none"),
    ("score.network=lite9", "lite9: no such file, nor a network's name"),
    ("score.every=0", "`every` must be at least 1"),
    ("score.count=1", "`count` must be 0 or at least 2"),
    ("score.source=nowhere", "nowhere: no such file or folder"),
    ("score.bogus=1", "`score.bogus` is not a setting"),
])
def test_a_mistake_is_one_line(finished, override, told):
    folder, _ = finished
    err = run("train", folder / "scored.toml", "--run", folder / "bad", "--set", override, status=2)
    assert told in err
    assert len(err.splitlines()) == 1
    assert not (folder / "bad").exists()


def test_the_table_has_defaults_that_score_nothing():
    assert tables.ScoreTable().source == ""
