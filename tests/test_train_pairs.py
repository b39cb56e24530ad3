"""The command with models that learn from pairs, from made partners, and from noise."""

import json
import shlex

import keras
import numpy as np
import pytest
from test_train import train

from pixelart_tf import train as command
from pixelart_tf import translate
from pixelart_tf.pictures import images

NETWORKS = """
[model.generator]
base_width = 4
[model.discriminator]
base_width = 4
[train]
epochs = 2
batch_size = 2
[samples]
count = 3
"""
PAIRS = """
[data]
image_size = 32
jitter = 4
[data.source]
files = "left"
[data.target]
files = "right"
[model]
name = "pix2pix"
""" + NETWORKS.replace("[train]", "num_layers = 2\n[train]") + 'source = "held out"\ntarget = "held out"\n'
ALONE = """
[data.target]
files = "right"
image_size = 32
[model]
name = "NAME"
""" + NETWORKS + 'target = "held out"\n'


@pytest.fixture
def folder(tmp_path):
    """Twelve pairs: in two folders, and side by side in one."""
    rng = np.random.default_rng(0)
    for i in range(12):
        pair = [rng.integers(0, 256, (4, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(2)]
        for side, suffix, picture in zip(("left", "right", "both"), ("png", "bmp", "png"),
                                         (*pair, np.concatenate(pair, axis=1)), strict=True):
            (tmp_path / side).mkdir(exist_ok=True)
            images.write(tmp_path / side / f"{i:02}.{suffix}", picture)
    (tmp_path / "pairs.toml").write_text(PAIRS)
    return tmp_path


def alone(folder, name, more=""):
    path = folder / f"{name}.toml"
    text = ALONE.replace("NAME", name)
    if name == "autoencoder":   # which has no discriminator
        text = text.replace("[model.discriminator]\nbase_width = 4\n", "")
    path.write_text(text + more)
    return path


def refused(capsys, *arguments):
    """The one line that the command prints, in this process, when it exits with 2."""
    capsys.readouterr()
    assert command.main([str(each) for each in arguments]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def log(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_pairs_of_two_folders_and_side_by_side_train_the_same(folder):
    train(folder / "pairs.toml", "--run", folder / "two")
    train(folder / "pairs.toml", "--run", folder / "one", "--set", f"data.source.files={folder}/both", "--set",
          f"data.target.files={folder}/both", "--set", "data.source.half=left", "--set", "data.target.half=right")
    weights = [keras.saving.load_model(folder / run / "to_target.keras").get_weights() for run in ("two", "one")]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {"samples", "patch_maps", "networks.png"} <= {each.name for each in (folder / "two").iterdir()}


@pytest.mark.parametrize(("change", "message"), [
    ("left/03.png", "[data] every name must be in both paired domains. Received: '03' in the target only"),
    ("right/11.bmp", "[data] every name must be in both paired domains. Received: '11' in the source only"),
    ("data.target.jitter=2", "[data] `jitter` must be the same part of `image_size` in paired domains"),
    ("data.target.mirror=false", "[data] `mirror` must be the same in paired domains"),
    ("samples.target=", '[samples] `source` and `target` must both be "held out", or neither, as they are pairs'),
    ("data.source.half=top", "[data.source] `half` must be one of left, right. Received: 'top'"),
    ("data.target.image_size=30", "[model] `image_size` must be a multiple of 4. Received: (30, 30)"),
])
def test_pairs_that_do_not_match_are_told_at_once(folder, change, message, capsys):
    arguments = ["--set", change] if "=" in change else []
    if not arguments:
        (folder / change).unlink()
    assert message in refused(capsys, folder / "pairs.toml", "--run", folder / "run", *arguments)
    assert not (folder / "run").exists()


def test_a_missing_partner_is_told(folder, capsys):
    err = refused(capsys, alone(folder, "pix2pix"), "--run", folder / "run")
    assert "`data.source.files` is missing, or a [data.partner] table, which makes pairs" in err


@pytest.mark.slow
@pytest.mark.parametrize(("name", "more", "saved"), [
    ("pix2pix", '[data.partner]\nmade = "edges"\n', "to_target"),
    ("autoencoder", '[data.partner]\nmade = "pixelated"\nblock = 4\nenlarge = false\n', "autoencoder"),
    ("dcgan", "", "generator"),
], ids=["edges to pictures", "cells to pictures", "noise to pictures"])
def test_a_resume_goes_on_exactly_and_the_next_command_works(folder, name, more, saved):
    path = alone(folder, name, more)
    out, _ = train(path, "--run", folder / "whole")
    following = shlex.split(out.splitlines()[-1].replace("PICTURES", str(folder / "right")))
    assert following[:3] == ["python", "-m", "pixelart_tf.translate"]
    assert translate.main(following[3:]) == 0   # of pictures, or of noise
    train(path, "--run", folder / "parts", "--set", "train.epochs=1")
    train(path, "--run", folder / "parts", "--resume")
    weights = [keras.saving.load_model(folder / run / f"{saved}.keras").get_weights() for run in ("whole", "parts")]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row["epoch"] for row in log(folder / "parts")] == [1, 2]
    assert images.read((folder / "whole" / "samples" / "epoch_0002.png").read_bytes()).ndim == 3
