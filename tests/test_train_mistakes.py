"""What the command says of wrong settings, bad pictures and files, a full disk, and a training that goes wrong."""

import shutil

import numpy as np
import pytest
from tiny_runs import ALWAYS, place, refused, state, train, train_here

from pixelart_tf.pictures import images


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
    assert expected in refused(capsys, experiment, "--dry-run", "--set", override)


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
    assert expected in refused(capsys, experiment, "--dry-run", "--set", f"data.source.files={folder}")


def test_all_bad_pictures_are_named_at_once_or_left_out(experiment, tmp_path, capsys):
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
    told = refused(capsys, *command)
    assert "2 of 5 pictures are bad, nothing is trained (--skip-bad trains on the rest): " in told
    assert all(f"{folder}/bad{i}.png: " in told for i in range(2))
    train_here(*command, "--skip-bad")
    out, err = capsys.readouterr()
    assert "Source     3 pictures" in out
    assert err.startswith("note: 2 bad pictures are left out: ")
    assert all(f"{folder}/bad{i}.png: " in err for i in range(2))


def test_files_that_are_not_what_they_should_be(light, finished_light, tmp_path, capsys):
    assert "none.toml: no such experiment file" in refused(capsys, tmp_path / "none.toml")
    assert f"{tmp_path}: no such experiment file" in refused(capsys, tmp_path)
    (tmp_path / "bad.toml").write_text("[data\n")
    assert "bad.toml: not a TOML file: " in refused(capsys, tmp_path / "bad.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    assert "bad.toml: not a TOML file: " in refused(capsys, tmp_path / "bad.toml")
    (tmp_path / "file").write_text("in the way")
    assert f"--run: {tmp_path / 'file'} is not a folder" in refused(capsys, light, "--run", tmp_path / "file")
    inside = tmp_path / "file" / "run"
    assert str(tmp_path / "file") in refused(capsys, light, "--run", inside)
    for name in ("text", "other"):
        path = tmp_path / f"{name}.keras"
        path.write_text("no generator")
        if name == "other":
            path.write_bytes((finished_light / "autoencoder.keras").read_bytes()[:-500])
        said = refused(capsys, light, "--dry-run", "--set", f"finetune.autoencoder={path}")
        assert f"finetune.autoencoder: not a saved generator: {path}" in said
    said = refused(capsys, light, "--dry-run", "--set", "model.generator.base_width=8",
                   "--set", f"finetune.autoencoder={finished_light / 'autoencoder.keras'}")
    assert "has other weights than [model.generator] asks for" in said


@pytest.mark.slow
def test_a_full_disk_is_one_line(experiment, small_disk):
    _, err = train(experiment, "--run", small_disk / "run", status=2)
    assert len(err.splitlines()) == 1
    assert "No space left on device" in err
    assert str(small_disk / "run") in err
    assert not list((small_disk / "run").rglob(".*"))


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
