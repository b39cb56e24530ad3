"""The command with models that learn from pairs, from made partners, and from noise."""

import shlex

import numpy as np
import pytest
from tiny_runs import assert_same_weights, refused, rows, train_here

from pixelart_tf import translate
from pixelart_tf.pictures import images

REST = """
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
[model.generator]
base_width = 4
[model.discriminator]
base_width = 4
num_layers = 2
""" + REST + 'source = "held out"\ntarget = "held out"\n'
ALONE = """
[data.target]
files = "right"
image_size = 32
[model]
name = "NAME"
[model.generator]
base_width = 4
[model.discriminator]
base_width = 4
""" + REST + 'target = "held out"\n'


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


def trained(capsys, *arguments):
    """What the command prints, in this process."""
    train_here(*arguments)
    return capsys.readouterr().out


@pytest.mark.slow
def test_pairs_of_two_folders_and_side_by_side_train_the_same(folder, capsys):
    trained(capsys, folder / "pairs.toml", "--run", folder / "two")
    both = [f"data.source.files={folder}/both", f"data.target.files={folder}/both", "data.source.half=left",
            "data.target.half=right"]
    sets = [word for text in both for word in ("--set", text)]
    trained(capsys, folder / "pairs.toml", "--run", folder / "one", *sets)
    assert_same_weights(folder / "two", folder / "one", "to_target.keras")
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
    err = refused(capsys, folder / "pairs.toml", "--run", folder / "run", "--set", "model.name=cyclegan", "--set",
                  "model.pair_weight=1")
    assert "`pair_weight` needs partners of the source's shape, made by [data.partner]. Received: None and" in err
    err = refused(capsys, folder / "pairs.toml", "--run", folder / "run", "--set", "data.partner.made=grey")
    assert "[data] `source` is not for pix2pix with a [data.partner] table. Known: target" in err


@pytest.mark.parametrize(("settings", "message"), [
    (("model.name=cyclegan", "data.target.image_size=16", "data.target.jitter=2"),
     "[model] `identity_weight` must be 0 where sizes differ, as no picture is in both"),
    (("model.name=cyclegan", "model.identity_weight=0", "data.target.image_size=16"),
     "[model] `generator.name` must be cells where pictures come out in another size. Received: (32, 32) and (16, 16)"),
    (("model.name=cyclegan", "model.identity_weight=0", "data.target.image_size=24"),
     "[model] source and target must be of one size, or one of them a whole number of times as large"),
    (("model.name=cyclegan", "model.identity_weight=0", "data.source.image_size=36", "data.target.image_size=12",
      "model.generator.name=cells"), "[model] `generator.name` cells needs sizes of which one is 1, 2, 4, 8 or "
     "16 times the other. Received: (36, 36) and (12, 12)"),
    (("model.generator.name=cells", "data.target.image_size=24"), "[model] `generator.name` cells needs sizes"),
    (("model.name=cyclegan", "model.pair_weight=1", "model.identity_weight=0", "data.partner.made=grey"),
     "[model] `pair_weight` needs partners of the source's shape"),
])
def test_sizes_that_no_generator_joins_are_told(folder, settings, message, capsys):
    sets = [word for setting in settings for word in ("--set", setting)]
    assert message in refused(capsys, folder / "pairs.toml", "--run", folder / "run", *sets)
    assert not (folder / "run").exists()


@pytest.mark.parametrize(("name", "partner", "message"), [
    ("pix2pix", 'made = "photo"', "[data.partner] `made` must be one of drawing, pixelated, grey, edges, "
     "low_resolution. Received: 'photo'"),
    ("pix2pix", "", "`data.partner.made` is missing"),
    ("pix2pix", 'made = "grey"\nblok = 4', "`data.partner.blok` is not a setting. Did you mean `block`?"),
    ("pix2pix", 'made = "pixelated"\nblock = 5', "[data.partner] `block` must divide the height, 32"),
    ("pix2pix", 'made = "low_resolution"\nfactor = 5', "[data.partner] `factor` must divide the height, 32"),
    ("dcgan", 'made = "grey"', "[data.partner] is not used by dcgan with these options"),
])
def test_a_partner_that_cannot_be_made_is_told(folder, name, partner, message, capsys):
    path = alone(folder, name, f"[data.partner]\n{partner}\n")
    assert message in refused(capsys, path, "--run", folder / "run")
    assert not (folder / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "more", "saved"), [
    ("pix2pix", '[data.partner]\nmade = "edges"\n', "to_target"),
    ("autoencoder", '[data.partner]\nmade = "pixelated"\nblock = 4\nenlarge = false\n', "autoencoder"),
    ("dcgan", "", "generator"),
], ids=["edges to pictures", "cells to pictures", "noise to pictures"])
def test_a_resume_goes_on_exactly_and_the_next_command_works(folder, name, more, saved, capsys):
    path = alone(folder, name, more)
    out = trained(capsys, path, "--run", folder / "whole")
    following = shlex.split(out.splitlines()[-1].replace("PICTURES", str(folder / "right")))
    assert following[:3] == ["python", "-m", "pixelart_tf.translate"]
    assert translate.main(following[3:]) == 0   # of pictures, or of noise
    trained(capsys, path, "--run", folder / "parts", "--set", "train.epochs=1")
    trained(capsys, path, "--run", folder / "parts", "--resume")
    assert_same_weights(folder / "whole", folder / "parts", f"{saved}.keras")
    assert [row["epoch"] for row in rows(folder / "parts")] == [1, 2]
    assert images.read((folder / "whole" / "samples" / "epoch_0002.png").read_bytes()).ndim == 3


@pytest.mark.slow
def test_a_folder_of_folders_makes_a_dcgan_of_classes(folder, capsys):
    for number in range(12):
        path = folder / "right" / f"{number:02}.bmp"
        (path.parent / ("odd", "even")[number % 2 == 0]).mkdir(exist_ok=True)
        path.rename(path.parent / ("odd", "even")[number % 2 == 0] / path.name)
    path = alone(folder, "dcgan")
    out = trained(capsys, path, "--run", folder / "whole")
    assert "Classes    even (" in out
    trained(capsys, path, "--run", folder / "parts", "--set", "train.epochs=1")
    trained(capsys, path, "--run", folder / "parts", "--resume")
    assert_same_weights(folder / "whole", folder / "parts", "generator.keras")
    given = ["--samples", "2", str(folder / "whole" / "generator.keras"), str(folder / "drawn"), "--class"]
    assert translate.main([*given, "odds"]) == 2
    assert "`--class` must be one of even, odd. Received: odds" in capsys.readouterr().err
    assert translate.main([*given, "odd"]) == 0
    (folder / "right" / "odd").rename(folder / "right" / "others")
    err = refused(capsys, "--run", folder / "parts", "--resume", "--set", "train.epochs=3")
    assert "are not those that" in err
    assert "began with: even, odd then, even, others now" in err
