"""The command: what it writes, that a killed run goes on exactly, and what each mistake is told.

"Exactly" is bit for bit, on a CPU. Runs are in processes of their own, as a user starts them.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pictures import images
from pixelart_tf.settings import config
from pixelart_tf.settings.experiment import Settings

ROOT = Path(__file__).parents[1]
EXPERIMENT = """
[data]
image_size = 16
jitter = 3
mirror = true
[data.source]
files = "source"
[data.target]
files = "target"
[model]
pool_size = 3
diff_augment = "color,translation,cutout"
[model.generator]
name = "resnet"
base_width = 4
num_blocks = 1
num_downsamplings = 1
dropout = 0.5
[model.discriminator]
base_width = 4
num_layers = 1
[optimizer]
learning_rate = 2e-3
ema_momentum = 0.9
[train]
epochs = 3
decay_epochs = 2
batch_size = 2
keep_every = 2
[samples]
count = 2
"""
# A model of one small network, for what the command does with any: its graph is made in a tenth of the time.
LIGHT = """
[data]
image_size = 16
jitter = 3
mirror = true
[data.target]
files = "source"
[model]
name = "autoencoder"
[model.generator]
base_width = 4
latent_size = 8
[optimizer]
""" + EXPERIMENT.split("[optimizer]")[1]
STEPS = 4   # an epoch: 7 pictures in the larger domain, 2 a step
LOSSES = ("to_target", "to_source", "source_discriminator", "target_discriminator", "cycle", "identity")
# The command, killed with SIGKILL at the nth writing of a file: while it is written, before it gets its name, or after.
KILLED = """
import contextlib, os, signal, sys
from pixelart_tf import train
from pixelart_tf.base import files

name, moment, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
replacing = files.replacing

@contextlib.contextmanager
def fatal(path, **options):
    global count
    count -= path.name == name
    die = path.name == name and not count
    with replacing(path, **options) as temporary:
        if die and moment == "while":
            temporary.write_bytes(b"PK half a file")
            os.kill(os.getpid(), signal.SIGKILL)
        yield temporary
        if die and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
    if die:
        os.kill(os.getpid(), signal.SIGKILL)

files.replacing = fatal
sys.exit(train.main(sys.argv[4:]))
"""


def environment(backend="tensorflow"):
    clean = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "XLA_FLAGS", "TF_CONFIG")}
    return clean | {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def start(*arguments, killed=None, backend="tensorflow"):
    program = ["-c", KILLED, *map(str, killed)] if killed else ["-m", "pixelart_tf.train"]
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)], cwd=ROOT, env=environment(backend), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # As in a terminal, whatever the tests were started from.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def train(*arguments, status=0, **options):
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=400)
    assert process.returncode == status, err
    return out, err


def state(folder):
    with np.load(folder / "checkpoint.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def place(folder):
    """Where the checkpoint is: its epoch and step, and the epoch's line of the log where it has one."""
    return json.loads(str(state(folder)["place"]))


def timeless(row):
    return {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")}


def rows(folder):
    """The log without the times."""
    return [timeless(json.loads(line)) for line in (folder / "log.jsonl").read_text().splitlines()]


def weights(path):
    import keras

    return keras.saving.load_model(path, compile=False).get_weights()


def assert_same_run(folder, other):
    assert rows(folder) == rows(other)
    mine, theirs = state(folder), state(other)
    assert mine.keys() == theirs.keys()
    places = [place(each) for each in (folder, other)]
    assert places[0] | {"row": timeless(places[0]["row"])} == places[1] | {"row": timeless(places[1]["row"])}
    for name in mine.keys() - {"place"}:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """An experiment file beside seven pictures and four."""
    folder = tmp_path_factory.mktemp("experiment")
    rng = np.random.default_rng(0)
    for name, count in (("source", 7), ("target", 4)):
        (folder / name).mkdir()
        for number in range(count):
            images.write(folder / name / f"{number}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    (folder / "tiny.toml").write_text(EXPERIMENT)
    (folder / "light.toml").write_text(LIGHT)
    return folder / "tiny.toml"


@pytest.fixture(scope="module")
def light(experiment):
    return experiment.with_name("light.toml")


@pytest.fixture(scope="module")
def finished_light(light, tmp_path_factory):
    """The folder of an uninterrupted run of the small model."""
    folder = tmp_path_factory.mktemp("finished_light") / "run"
    train(light, "--run", folder)
    return folder


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    """The folder of an uninterrupted run, and what it printed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    out, err = train(experiment, "--run", folder)
    assert err == ""
    return folder, out


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


def test_a_finished_run_has_nothing_to_resume(experiment, finished):
    folder, _ = finished
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".npz", ".keras", ".jsonl")}
    (folder / "samples" / "batch.png").unlink()   # of the run's begin: a resume draws none
    out, _ = train(experiment, "--run", folder, "--resume")
    assert "3 epochs and 0 steps" in out
    assert before == {path: path.read_bytes() for path in before}
    assert not (folder / "samples" / "batch.png").exists()


def test_the_next_command_is_quoted_where_a_shell_asks_for_it(experiment, finished, tmp_path, capsys):
    from pixelart_tf import train

    folder = copied(finished[0], tmp_path / "my run")
    assert train.main([str(experiment), "--run", str(folder), "--resume"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(last)[-3:] == [str(folder / "to_target.keras"), "PICTURES", str(folder / "translated")]


@pytest.mark.slow
def test_the_same_command_gives_the_same_run(experiment, finished, tmp_path):
    train(experiment, "--run", tmp_path / "again")
    assert_same_run(tmp_path / "again", finished[0])
    for name in ("to_target.keras", "to_source.keras"):
        for mine, theirs in zip(weights(tmp_path / "again" / name), weights(finished[0] / name), strict=True):
            np.testing.assert_array_equal(mine, theirs)


ALWAYS = ("--set", "train.checkpoint_minutes=0.00001")   # a checkpoint after every step


@pytest.mark.slow
def test_kill_and_resume_is_exact(experiment, finished, tmp_path):
    """One run, killed again and again: in writing a checkpoint, in an epoch, between epochs, in writing pictures."""
    folder = tmp_path / "run"
    command = (experiment, "--run", folder, "--resume", *ALWAYS)
    # Each epoch saves after steps 1, 2, 3 and at its end.
    train(*command, killed=("checkpoint.npz", "while", 1), status=-signal.SIGKILL)
    assert not (folder / "checkpoint.npz").exists()
    train(*command, killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    assert place(folder) == {"epoch": 0, "step": 2}
    train(*command, killed=("checkpoint.npz", "before", 2), status=-signal.SIGKILL)   # the end of epoch 1
    assert place(folder) == {"epoch": 0, "step": 3}
    assert rows(folder) == []
    train(*command, killed=("to_source.keras", "while", 2), status=-signal.SIGKILL)   # epoch 2 is saved, not drawn
    assert (place(folder)["epoch"], place(folder)["step"]) == (2, 0)
    assert [row["epoch"] for row in rows(folder)] == [1]
    train(*command)
    assert_same_run(folder, finished[0])
    for name in ("to_target.keras", "to_source.keras"):
        for mine, theirs in zip(weights(folder / name), weights(finished[0] / name), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    left = [path.name for path in folder.rglob(".*")]
    assert not left


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupt_saves_and_says_how_to_go_on(light, finished_light, tmp_path, number):
    folder = tmp_path / "run"
    process = start(light, "--run", folder, *ALWAYS)
    deadline = time.monotonic() + 300
    while not (folder / "checkpoint.npz").exists():   # after the first step
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert err == ""
    assert "Stopping after this step; press Ctrl-C again to stop at once." in out
    assert f"add --resume to the same command (run folder: {folder})" in out
    out, _ = train(light, "--run", folder, "--resume")
    assert f"{folder}, resumed" in out
    assert_same_run(folder, finished_light)


@pytest.mark.slow
def test_several_steps_an_execution_fill_whole_epochs_and_resume(light, tmp_path):
    settings = ("--set", "train.steps_per_execution=3", "--set", "train.epochs=2", *ALWAYS)
    out, _ = train(light, "--run", tmp_path / "a", *settings)
    assert "6 an epoch" in out   # 4, rounded up
    assert [row["step"] for row in rows(tmp_path / "a")] == [6, 12]
    killed = ("checkpoint.npz", "after", 3)
    train(light, "--run", tmp_path / "b", *settings, killed=killed, status=-signal.SIGKILL)
    assert place(tmp_path / "b") == {"epoch": 1, "step": 3}
    train(light, "--run", tmp_path / "b", *settings, "--resume")
    assert_same_run(tmp_path / "a", tmp_path / "b")


@pytest.mark.slow
def test_on_jax_too_kill_and_resume_is_exact(light, tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))   # three starts, one compilation
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    command = (light, "--backend", "jax", "--set", "train.epochs=2", *ALWAYS)
    out, _ = train(*command, "--run", tmp_path / "a")
    assert "1 x CPU, jax, float32, XLA on" in out
    train(*command, "--run", tmp_path / "b", killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    assert place(tmp_path / "b") == {"epoch": 0, "step": 2}
    train(*command, "--run", tmp_path / "b", "--resume")
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert all(np.isfinite(w).all() for w in weights(tmp_path / "b" / "autoencoder.keras"))


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_run_and_spoils_nothing(experiment, tmp_path):
    folder = tmp_path / "run"
    _, err = train(experiment, "--run", folder, "--set", "optimizer.learning_rate=1e18", *ALWAYS, status=2)
    assert len(err.splitlines()) == 1
    assert "became nan in epoch 1: start another run with a lower `optimizer.learning_rate`" in err
    assert f"The last good state is in {folder / 'checkpoint.npz'}." in err
    assert place(folder) == {"epoch": 0, "step": 1}
    assert all(np.isfinite(array).all() for name, array in state(folder).items() if name != "place")
    assert (folder / "log.jsonl").read_text() == ""
    assert sorted(path.suffix for path in folder.iterdir() if path.is_file()) == [".jsonl", ".npz", ".png", ".toml"]


@pytest.fixture
def tiny_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "none", str(disk)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"cannot mount a small disk here: {mount.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_line(experiment, tiny_disk):
    _, err = train(experiment, "--run", tiny_disk / "run", status=2)
    assert len(err.splitlines()) == 1
    assert "No space left on device" in err
    assert str(tiny_disk / "run") in err
    assert not list((tiny_disk / "run").rglob(".*"))


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


def message(capsys, *arguments, status=2):
    """The one line that the command writes to stderr."""
    from pixelart_tf import train

    capsys.readouterr()
    assert train.main([str(argument) for argument in arguments]) == status
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1, err
    assert "Traceback" not in out
    return err


def test_a_dry_run_writes_nothing(experiment, tmp_path, capsys, monkeypatch):
    from pixelart_tf import train

    monkeypatch.chdir(tmp_path)
    assert train.main([str(experiment), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "12 in all" in out
    assert "nothing was written" in out
    assert list(tmp_path.iterdir()) == []


def test_one_picture_is_enough(experiment, tmp_path, capsys):
    from pixelart_tf import train

    (tmp_path / "one").mkdir()
    images.write(tmp_path / "one" / "only.png", np.zeros((20, 20, 3), np.uint8))
    sets = [f"data.{side}.files={tmp_path / 'one'}" for side in ("source", "target")]
    folder = tmp_path / "run"
    arguments = [str(experiment), "--run", str(folder), "--set", "train.epochs=1", "--set", "train.decay_epochs=0"]
    assert train.main([*arguments, *(word for text in sets for word in ("--set", text))]) == 0
    assert rows(folder)[0]["step"] == 1
    assert all(np.isfinite(w).all() for w in weights(folder / "to_target.keras"))


@pytest.mark.parametrize(("override", "expected"), [
    ("model.cycle_wieght=3", "`model.cycle_wieght` is not a setting. Did you mean `cycle_weight`?"),
    ("model.generator.base_widht=3", "`model.generator.base_widht` is not a setting. Did you mean `base_width`?"),
    ("modle.cycle_weight=3", "[modle] is not a table. Known: data, export, finetune, model, optimizer, samples, score"),
    ("data.source.jiter=3", "`data.source.jiter` is not a setting. Did you mean `jitter`?"),
    ("train.epochs=three", "`train.epochs` must be a whole number. Received: 'three'"),
    ("train.epochs=1.5", "`train.epochs` must be a whole number. Received: 1.5"),
    ("train=3", "`train` must be a table. Received: 3"),
    ("data.source=3", "`data.source` must be a table. Received: 3"),
    ("model.generator=3", "`model.generator` must be a table. Received: 3"),
    ("model.name=gan", "`model.name` must be one of cyclegan, pix2pix"),
    ("model.name=[1]", "`model.name` must be one of cyclegan, pix2pix"),
    ("model.generator.name=vgg", "`model.generator.name` must be one of unet, resnet, cells. Received: 'vgg'"),
    ("model.objective=wgan", "[model] `objective` must be one of lsgan, bce, hinge, wgangp. Received: 'wgan'"),
    ("optimizer.learning_rate=0", "[optimizer] `learning_rate` must be above 0. Received: 0.0"),
    ("optimizer.learning_rate=fast", "`optimizer.learning_rate` must be a number. Received: 'fast'"),
    ("optimizer.ema_momentum=1", "[optimizer] `ema_momentum` must be at least 0 and below 1. Received: 1.0"),
    ("train.batch_size=0", "[train] `batch_size` must be at least 1. Received: 0"),
    ("train.seed=-1", "[train] `seed` must be at least 0"),
    ("data.image_size=0", "`image_size` must be a positive number of pixels"),
    ("data.image_size=17", "`image_size` must"),
    ("data.image_size=4", "`image_size` must be at least 6. Received: "),
    ("data.target.image_size=32", "[model] `identity_weight` must be 0 where sizes differ, as no picture is in both."),
    ("data.target.grey=true", "`identity_weight` must be 0 where one domain is grey"),
    ("data.source.files=", "`data.source.files` must name shards or pictures. Received: ''"),
    ("finetune.to_target=none.keras", "finetune.to_target: "),
    ("model.pool_size=10000000", "`pool_size` must be at most 699,050. Received: 10,000,000"),
    ("model.generator.base_width=100000", "`base_width` must be at most 1,024. Received: 100,000"),
    ("model.generator.num_blocks=100000", "`num_blocks` must be at most 64. Received: 100,000"),
    ("model.discriminator.base_width=100000", "`base_width` must be at most 1,024. Received: 100,000"),
    ("data.source.jitter=100000", "`jitter` must be at most 16. Received: 100,000"),
    ("train.epochs=" + "9" * 400, "`epochs` must be at most 1,000,000. Received: a number of over 30 digits"),
    ("train.batch_size=10000000", "`batch_size` must be at most 65,536. Received: 10,000,000"),
    ("samples.count=10000000", "`count` must be at most 256. Received: 10,000,000"),
    ("samples.scale=1000", "`scale` must be at most 32. Received: 1,000"),
    ("export.cell_size=100000", "`cell_size` must be at most 256. Received: 100,000"),
    ("export.read_size=5", "[export] `read_size` must divide the size of what is made, "),
    ("nonsense", "--set takes table.key=value, such as model.cycle_weight=20. Received: nonsense"),
])
def test_a_wrong_setting_is_named_in_one_line(experiment, capsys, override, expected):
    assert expected in message(capsys, experiment, "--dry-run", "--set", override)


def _cut(folder):
    images.write(folder / "cut.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:1500])
    return "cut.jpg: "


def _text(folder):
    (folder / "text.jpg").write_text("no picture")
    return "text.jpg: not a picture"


def _zero(folder):
    (folder / "zero.png").write_bytes(b"")
    return "zero.png: empty file"


def _empty(folder):
    for path in folder.iterdir():
        path.unlink()
    return str(folder)


def _shard(folder):
    (folder / "photo00-3.tfrec").write_bytes(b"not a record" * 9)
    return "photo00-3.tfrec: "


@pytest.mark.parametrize("spoil", [_cut, _text, _zero, _empty, _shard])
def test_a_bad_picture_is_named_in_one_line(experiment, tmp_path, capsys, spoil):
    folder = tmp_path / "pictures"
    folder.mkdir()
    images.write(folder / "good.png", np.zeros((20, 20, 3), np.uint8))
    expected = spoil(folder)
    assert expected in message(capsys, experiment, "--dry-run", "--set", f"data.source.files={folder}")


def test_all_bad_pictures_are_named_at_once_or_left_out(experiment, tmp_path, capsys):
    from pixelart_tf import train

    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        images.write(folder / f"good{i}.png", np.full((20, 20, 3), i, np.uint8))
    shutil.copytree(folder, tmp_path / "shown")
    (folder / "bad0.png").write_text("no picture")
    (folder / "bad1.png").write_bytes((folder / "good0.png").read_bytes()[:50])
    command = (
        experiment, "--dry-run", "--set", f"data.source.files={folder}", "--set", f"samples.source={tmp_path}/shown",
    )
    told = message(capsys, *command)
    assert "2 of 5 pictures are bad, nothing is trained (--skip-bad trains on the rest): " in told
    assert all(f"{folder}/bad{i}.png: " in told for i in range(2))
    assert train.main([*map(str, command), "--skip-bad"]) == 0
    out, err = capsys.readouterr()
    assert "Source     3 pictures" in out
    assert err.startswith("note: 2 bad pictures are left out: ")
    assert all(f"{folder}/bad{i}.png: " in err for i in range(2))


def test_files_that_are_not_what_they_should_be(experiment, finished, tmp_path, capsys):
    assert "none.toml: no such experiment file" in message(capsys, tmp_path / "none.toml")
    assert f"{tmp_path}: no such experiment file" in message(capsys, tmp_path)
    (tmp_path / "bad.toml").write_text("[data\n")
    assert "bad.toml: not a TOML file: " in message(capsys, tmp_path / "bad.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    assert "bad.toml: not a TOML file: " in message(capsys, tmp_path / "bad.toml")
    (tmp_path / "file").write_text("in the way")
    assert f"--run: {tmp_path / 'file'} is not a folder" in message(capsys, experiment, "--run", tmp_path / "file")
    inside = tmp_path / "file" / "run"
    assert str(tmp_path / "file") in message(capsys, experiment, "--run", inside)
    for name in ("text", "other"):
        path = tmp_path / f"{name}.keras"
        path.write_text("no generator")
        if name == "other":
            path.write_bytes((finished[0] / "to_target.keras").read_bytes()[:-500])
        said = message(capsys, experiment, "--dry-run", "--set", f"finetune.to_target={path}")
        assert f"finetune.to_target: not a saved generator: {path}" in said
    said = message(capsys, experiment, "--dry-run", "--set", "model.generator.base_width=8",
                   "--set", f"finetune.to_target={finished[0] / 'to_target.keras'}")
    assert "has other weights than [model.generator] asks for" in said


def test_a_run_is_not_overwritten_and_resumes_with_its_own_settings_only(experiment, finished, tmp_path, capsys):
    folder, _ = finished
    before = (folder / "config.toml").read_text()
    said = message(capsys, experiment, "--run", folder)
    assert f"{folder} holds an earlier run: add --resume to go on with it, or --run DIR for another folder" in said
    for key, old, new in (
        ("model.cycle_weight", 10.0, 20.0), ("train.batch_size", 2, 1), ("train.seed", 0, 7),
        ("data.source.jitter", 3, 2), ("model.generator.dropout", 0.5, 0.0), ("optimizer.beta_1", 0.5, 0.9),
    ):
        said = message(capsys, experiment, "--run", folder, "--resume", "--set", f"{key}={new}")
        assert f"--resume: `{key}` was {old!r} when {folder} began and is {new!r} now" in said
    assert (folder / "config.toml").read_text() == before


def copied(run, folder):
    """A run's folder as it is, to go on with."""
    shutil.copytree(run, folder)
    return folder


def test_a_run_made_before_an_option_existed_goes_on(light, finished_light, tmp_path):
    """What nobody names comes from the run's own config.toml, then from the defaults."""
    folder = copied(finished_light, tmp_path / "run")
    config_file = folder / "config.toml"
    lines = config_file.read_text().splitlines(keepends=True)
    lines = lines[: lines.index("[run]\n")]
    kept = [line for line in lines if not line.startswith(("distance", "fit"))]
    assert len(kept) == len(lines) - 2
    config_file.write_text("".join(kept))
    out, _ = train(light, "--run", folder, "--resume", "--set", "train.epochs=4")
    assert "Done       3 epochs and 0 steps" in out
    assert [row["epoch"] for row in rows(folder)] == [1, 2, 3, 4]
    assert "distance =" in config_file.read_text()


def test_a_run_goes_on_by_its_folder_alone(finished, tmp_path, capsys):
    from pixelart_tf import train

    folder = copied(finished[0], tmp_path / "run")
    assert train.main(["--run", str(folder), "--resume", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "7 pictures, 16x16x3" in out   # not the quickstart's
    assert "Done       3 epochs and 0 steps" in out


def test_settings_that_nobody_names_are_those_of_the_run(experiment, finished, tmp_path, capsys):
    """The experiment's file has lost a line since: what the run was begun with holds."""
    from pixelart_tf import train

    folder = copied(finished[0], tmp_path / "run")
    lines = experiment.read_text().splitlines(keepends=True)
    shorter = experiment.parent / "shorter.toml"
    shorter.write_text("".join(line for line in lines if not line.startswith(("jitter", "pool_size", "learning_rate"))))
    assert train.main([str(shorter), "--run", str(folder), "--resume", "--dry-run"]) == 0
    capsys.readouterr()


def rates(folder):
    return [row["learning_rate"] for row in rows(folder)]


def test_going_on_after_the_end_trains_on(light, finished_light, tmp_path):
    """The learning rate had fallen to 0 after 3 epochs; 5 more are asked for, at another rate."""
    folder = copied(finished_light, tmp_path / "run")
    before = weights(folder / "autoencoder.keras")
    more = ("--set", "train.epochs=8", "--set", "train.decay_epochs=1", "--set", "optimizer.learning_rate=1e-3")
    out, _ = train(light, "--run", folder, "--resume", *more)
    assert "8 epochs, 32 in all, learning rate 0.001, falling over the last 1" in out
    assert "learning rate 0.001" in next(line for line in out.splitlines() if line.startswith("Epoch 4/8"))
    np.testing.assert_allclose(rates(folder), [2e-3, 1e-3, 0, 1e-3, 1e-3, 1e-3, 1e-3, 0], rtol=1e-6)
    assert any((a != b).any() for a, b in zip(before, weights(folder / "autoencoder.keras"), strict=True))


@pytest.mark.slow
def test_a_run_killed_early_can_be_made_longer(light, tmp_path):
    folder = tmp_path / "run"
    train(light, "--run", folder, *ALWAYS, killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    train(light, "--run", folder, "--resume", "--set", "train.epochs=5", "--set", "train.decay_epochs=3")
    np.testing.assert_allclose(rates(folder), [2e-3, 2e-3, 4e-3 / 3, 2e-3 / 3, 0], rtol=1e-5, atol=1e-9)


@pytest.mark.slow
def test_what_a_killed_epoch_owes_is_made_up(light, finished_light, tmp_path):
    """Killed when the state of epoch 2 is saved, and nothing of it is drawn or logged."""
    folder = tmp_path / "run"
    train(light, "--run", folder, killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    assert [row["epoch"] for row in rows(folder)] == [1]
    assert not (folder / "samples" / "epoch_0002.png").exists()
    train(light, "--run", folder, "--resume")
    assert_same_run(folder, finished_light)
    for path in (finished_light / "samples").iterdir():
        assert (folder / "samples" / path.name).read_bytes() == path.read_bytes()
    name = "kept/epoch_0002/autoencoder.keras"   # made up, too: no later epoch would have its weights
    pairs = list(zip(weights(folder / name), weights(finished_light / name), weights(folder / "autoencoder.keras"),
                     strict=True))
    assert all((a == b).all() for a, b, _ in pairs)
    assert any((a != last).any() for a, _, last in pairs)


@pytest.mark.slow
def test_what_the_last_epoch_owes_is_made_up(light, finished_light, tmp_path):
    folder = tmp_path / "run"
    train(light, "--run", folder, killed=("checkpoint.npz", "after", 3), status=-signal.SIGKILL)
    assert not (folder / "samples" / "epoch_0003.png").exists()
    train(light, "--run", folder, "--resume")
    assert_same_run(folder, finished_light)
    assert (folder / "autoencoder.keras").exists()


def test_grey_and_color_can_be_trained_together(experiment, tmp_path, capsys):
    """The sheet of the identity, which no picture has there, once ended the run before the first checkpoint."""
    from pixelart_tf import train

    sets = ("data.source.grey=true", "model.identity_weight=0", "train.epochs=1", "train.decay_epochs=0")
    arguments = [str(experiment), "--run", str(tmp_path / "run"), *(word for text in sets for word in ("--set", text))]
    assert train.main(arguments) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "run" / "samples" / "epoch_0001.png").exists()


def test_a_picture_that_cannot_be_drawn_ends_no_training(light, tmp_path, capsys, monkeypatch):
    from pixelart_tf import train
    from pixelart_tf.models.autoencoder import Autoencoder

    def sheets(self, generators, samples):
        raise ValueError("no picture today")

    monkeypatch.setattr(Autoencoder, "sheets", sheets)
    folder = tmp_path / "run"
    sets = ("--set", "train.epochs=1", "--set", "train.decay_epochs=0")
    assert train.main([str(light), "--run", str(folder), *sets]) == 0
    assert "no picture today" in capsys.readouterr().err
    assert (folder / "checkpoint.npz").exists()
    assert len(rows(folder)) == 1


def test_a_page_that_cannot_be_written_ends_no_training(light, tmp_path, capsys):
    folder = tmp_path / "run"
    (folder / "gallery.html" / "mine").mkdir(parents=True)
    sets = ("--set", "train.epochs=1", "--set", "train.decay_epochs=0")
    said = message(capsys, light, "--run", folder, *sets, status=0)
    assert said.startswith("note: the gallery could not be written: ")
    assert f"{folder / 'gallery.html'}: Is a directory" in said
    assert len(rows(folder)) == 1
    assert not list(folder.rglob(".part*"))


def test_a_run_is_of_the_pictures_that_it_was_begun_with(experiment, finished, tmp_path, capsys):
    """Some are gone: that is told. All are there, in another folder: that is allowed."""
    from pixelart_tf import train

    folder = copied(finished[0], tmp_path / "run")
    moved = tmp_path / "moved"
    shutil.copytree(experiment.parent / "source", moved)
    arguments = [str(experiment), "--run", str(folder), "--resume", "--dry-run", "--set", f"data.source.files={moved}"]
    assert train.main(arguments) == 0
    assert f"7 pictures, 16x16x3, {moved}" in capsys.readouterr().out
    (moved / "3.png").unlink()
    said = message(capsys, *arguments)
    assert f"--resume: the pictures of `data.source.files` are not those that {folder} began with: 7 pictures (" in said
    assert "then, 6 pictures (" in said
    images.write(moved / "3.png", np.zeros((20, 24, 3), np.uint8))   # another one of the same name
    assert "are not those" in message(capsys, *arguments)


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
    from pixelart_tf import train

    files = [f"data.source.files={own / 'mine'}", f"data.target.files={own / 'wanted'}"]
    sets = [word for text in files for word in ("--set", text)]
    assert train.main([str(ROOT / "experiments/quickstart.toml"), "--run", str(own / "run"), "--dry-run", *sets]) == 0
    out = capsys.readouterr().out
    assert "Source     36 pictures" in out
    assert "Held out   4 source and 3 target pictures, not trained on, for samples and scores" in out
    assert "4 translations (held out from training)" in out
    assert "3 real pictures (held out from training)" in out
    assert "heldout_" not in out
    # What the user names himself stays.
    assert train.main([
        str(ROOT / "experiments/quickstart.toml"), "--run", str(own / "run"), "--dry-run", *sets,
        "--set", f"score.source={own / 'wanted'}", "--set", f"samples.source={own / 'wanted'}",
    ]) == 0
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
    from pixelart_tf import train

    for path in sorted((own / "mine").iterdir())[1:]:
        path.unlink()
    sets = ("--set", f"data.source.files={own / 'mine'}")
    assert train.main([str(ROOT / "experiments/quickstart.toml"), "--run", str(own / "run"), "--dry-run", *sets]) == 0
    out = capsys.readouterr().out
    assert "Source     1 picture," in out
    assert "Held out   0 source pictures" in out
    assert "Score      none, as it takes 2 held-out pictures of each domain" in out


def test_two_trainings_in_one_folder_are_refused(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        said = message(capsys, experiment, "--run", folder, "--resume")
    finally:
        os.close(handle)
    assert f"{folder}: another training is going on here" in said


def test_a_lock_dies_with_its_process(tmp_path):
    from pixelart_tf.training.lock import FolderInUse, locked

    code = f"import time; from pixelart_tf.training.lock import locked; from pathlib import Path\n" \
        f"with locked(Path({str(tmp_path)!r})): print(1, flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout.readline() == b"1\n"
    with pytest.raises(FolderInUse), locked(tmp_path):
        pass
    process.kill()
    process.wait()
    with locked(tmp_path):
        pass


def test_nothing_to_resume_is_said(experiment, tmp_path, capsys):
    from pixelart_tf import train

    assert train.main([str(experiment), "--run", str(tmp_path / "run"), "--resume", "--dry-run"]) == 0
    assert f"{tmp_path / 'run'}, a new one: nothing to resume" in capsys.readouterr().out


def test_a_checkpoint_that_is_gone_is_told_and_the_log_stays(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    (folder / "checkpoint.npz").unlink()
    log = (folder / "log.jsonl").read_bytes()
    said = message(capsys, experiment, "--run", folder, "--resume")
    assert "log.jsonl tells of 3 epochs, but checkpoint.npz is gone" in said
    assert (folder / "log.jsonl").read_bytes() == log


def test_the_precision_is_the_runs(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    said = message(capsys, experiment, "--run", folder, "--resume", "--precision", "mixed_bfloat16")
    assert f"--precision: {folder} was begun with float32. Received: mixed_bfloat16" in said


@pytest.mark.slow
def test_a_run_in_float16_goes_on_in_float16(light, tmp_path):
    folder = tmp_path / "run"
    one = ("--set", "train.epochs=1", "--set", "train.decay_epochs=0")
    out, _ = train(light, "--run", folder, "--precision", "mixed_float16", *one)
    assert "mixed_float16" in out
    out, _ = train(light, "--run", folder, "--resume", "--set", "train.epochs=2", "--set", "train.decay_epochs=0")
    assert "mixed_float16" in out   # not what `auto` is on a CPU
    assert [row["epoch"] for row in rows(folder)] == [1, 2]


def test_a_loss_that_explodes_stops_the_run(tmp_path):
    import keras

    from pixelart_tf.training.callbacks import Diverged, Guard

    class Losses:
        def __init__(self, **values):
            self.trackers = {name: keras.metrics.Mean() for name in values}
            for name, value in values.items():
                self.trackers[name].update_state(value)
            self.trainable_variables = []

    guard = Guard(tmp_path / "checkpoint.npz")
    guard.on_epoch_begin(0)
    for value in (2.0, 1900.0, -1900.0):   # 1,000 times the first are allowed
        guard.set_model(Losses(cycle=value))
        guard.check()
    guard.set_model(Losses(cycle=2001.0))
    with pytest.raises(Diverged, match=r"the loss `cycle` became 2001, from 2 at first in epoch 1"):
        guard.check()


def test_a_broken_checkpoint_is_named(experiment, finished, tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config.toml", "log.jsonl", "checkpoint.npz"):
        (folder / name).write_bytes((finished[0] / name).read_bytes())
    content = (folder / "checkpoint.npz").read_bytes()
    (folder / "checkpoint.npz").write_bytes(content[: len(content) // 2])
    said = message(capsys, experiment, "--run", folder, "--resume")
    assert f"{folder / 'checkpoint.npz'}: not a checkpoint, or a broken one" in said
    (folder / "checkpoint.npz").write_bytes(content)
    (folder / "log.jsonl").write_text("not a log\n")
    assert "log.jsonl: not a log of a run any more" in message(capsys, experiment, "--run", folder, "--resume")
