"""Settings that no machine bears are told in one line, at once, and before anything is built.

What they did before: `base_width=100000` took over 7 GB, `num_downsamplings=1000000` of a U-Net never came back, 400
digits of epochs were a traceback.
"""

import resource
import time

import numpy as np
import pytest

from pixelart_tf.pictures import images

EXPERIMENT = """
[data]
image_size = 64
[data.source]
files = "pictures"
[data.target]
files = "pictures"
[model.generator]
name = "resnet"
base_width = 4
[model.discriminator]
base_width = 4
num_layers = 1
[train]
epochs = 3
"""
MOST_SECONDS = 20.0   # some took minutes, or never came back; a busy machine takes a few
MOST_BYTES = 300e6   # by which this process may grow
DIGITS = "9" * 400


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """An experiment beside one picture; what takes a start's time is done."""
    from pixelart_tf import train

    folder = tmp_path_factory.mktemp("bounds")
    (folder / "pictures").mkdir()
    images.write(folder / "pictures" / "0.png", np.zeros((64, 64, 3), np.uint8))
    (folder / "tiny.toml").write_text(EXPERIMENT)
    assert train.main([str(folder / "tiny.toml"), "--dry-run", "--run", str(folder / "run")]) == 0
    return folder / "tiny.toml"


def message(capsys, experiment, *overrides):
    """The one line on stderr that the command ends with."""
    from pixelart_tf import train

    capsys.readouterr()
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sets = [word for override in overrides for word in ("--set", override)]
    assert train.main([str(experiment), "--dry-run", "--run", str(experiment.parent / "run"), *sets]) == 2
    seconds = time.monotonic() - began
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1, err
    assert "Traceback" not in out
    assert len(err) < 400
    assert seconds < MOST_SECONDS
    assert grown < MOST_BYTES
    return err


UNET = "model.generator={name = 'unet'}"


@pytest.mark.parametrize(("overrides", "expected"), [
    # A picture of 64x64x3 takes 49,152 bytes in float32, and 2 ** 31 // 49,152 = 43,690.
    (["model.pool_size=43691"], "[model] `pool_size` must be at most 43,690. Received: 43,691, and a picture of the "
     "pool takes 49,152 bytes of 2,147,483,648"),
    ([f"model.pool_size={DIGITS}"], "`pool_size` must be at most 43,690. Received: a number of over 30 digits, and"),
    ([f"model.pool_size=-{DIGITS}"], "`pool_size` must be at least 0. Received: a number of over 30 digits"),
    (["model.generator.base_width=100000"], "[model] `base_width` must be at most 1,024. Received: 100,000"),
    ([f"model.generator.base_width={DIGITS}"], "`base_width` must be at most 1,024. Received: a number of over 30"),
    (["model.generator.num_blocks=100000"], "`num_blocks` must be at most 64. Received: 100,000"),
    (["model.generator.num_downsamplings=100000"], "`num_downsamplings` must be at most 8. Received: 100,000"),
    # Nine blocks of two 3x3 convolutions at 4 * 1,024 channels are 2.7e9 weights, 11 GB.
    (["model.generator.base_width=1024"], "`base_width` must be at most 439 with as many layers, else there are over "
     "536,870,912 weights. Received: 1,024"),
    ([UNET, "model.generator.base_width=1024"], "with as many layers, else there are over 536,870,912 weights"),
    ([UNET, "model.generator.base_width=100000"], "`base_width` must be at most 1,024. Received: 100,000"),
    ([UNET, "model.generator.num_downsamplings=1000000000"], "`num_downsamplings` must be at most 12. Received: 1,000"),
    ([UNET, "model.generator.slope=-1"], "`slope` must be at least 0 and below 1. Received: -1.0"),
    (["model.discriminator.base_width=100000"], "`base_width` must be at most 1,024. Received: 100,000"),
    (["model.discriminator.num_layers=100000"], "`num_layers` must be at most 8. Received: 100,000"),
    (["model.discriminator.slope=1e300"], "`slope` must be at least 0 and below 1. Received: 1e+300"),
    (["data.image_size=4096", "model.discriminator.num_layers=4", "model.discriminator.base_width=1024"],
     "`base_width` must be at most "),
    (["data.source.jitter=100000"], "[data.source] `jitter` must be at most 64. Received: 100,000"),
    (["data.target.jitter=100000"], "[data.target] `jitter` must be at most 64. Received: 100,000"),
    (["data.source.boxes=100000"], "`boxes` must be at most the shorter side, 64. Received: 100000"),
    (["data.source.pixelate=100000"], "`pixelate` must divide the height, 64, and the width, 64. Received: 100000"),
    (["data.image_size=100000"], "`image_size` must be at most 4096 pixels a side. Received: 100000"),
    (["data.image_size=[64, 100000]"], "`image_size` must be at most 4096 pixels a side. Received: (64, 100000)"),
    (["model.color_block=100000"], "`color_block` must be 1 to 64, the image's size. Received: 100000"),
    ([f"train.epochs={DIGITS}"], "[train] `epochs` must be at most 1,000,000. Received: a number of over 30 digits"),
    ([f"train.epochs=-{DIGITS}"], "[train] `epochs` must be at least 1. Received: a number of over 30 digits"),
    ([f"train.decay_epochs={DIGITS}"], "`decay_epochs` must be 0 to `epochs` (3). Received: a number of over 30"),
    (["train.steps_per_epoch=10000000"], "`steps_per_epoch` must be at most 1,000,000. Received: 10,000,000"),
    (["train.batch_size=10000000"], "`batch_size` must be at most 65,536. Received: 10,000,000"),
    (["train.steps_per_execution=10000000"], "`steps_per_execution` must be at most 65,536. Received: 10,000,000"),
    (["train.sample_every=10000000"], "`sample_every` must be at most 1,000,000. Received: 10,000,000"),
    (["train.keep_every=10000000"], "`keep_every` must be at most 1,000,000. Received: 10,000,000"),
    (["train.keep_every=-1"], "[train] `keep_every` must be at least 0. Received: -1"),
    ([f"train.seed={DIGITS}"], "`seed` must be at least 0 and below 2 ** 32. Received: a number of over 30 digits"),
    (["train.minutes=1e300"], "`minutes` must be at most 10,000,000. Received: 1e+300"),
    (["samples.count=10000000"], "[samples] `count` must be at most 256. Received: 10,000,000"),
    (["samples.scale=10000000"], "[samples] `scale` must be at most 32. Received: 10,000,000"),
    (["score.every=10000000"], "[score] `every` must be at most 1,000,000. Received: 10,000,000"),
    ([f"score.count={DIGITS}"], "[score] `count` must be at most 1,000,000. Received: a number of over 30 digits"),
    (["score.epsilon=-1"], "[score] `epsilon` must be at least 0. Received: -1.0"),
    (["export.cell_size=100000"], "[export] `cell_size` must be at most 256. Received: 100,000"),
])
def test_a_setting_far_too_large_is_one_line_at_once(experiment, capsys, overrides, expected):
    assert expected in message(capsys, experiment, *overrides)


def test_what_is_large_and_sane_is_taken(experiment, capsys):
    from pixelart_tf import train

    sets = ("model.pool_size=2000", "model.generator.base_width=128", "train.epochs=100000", "data.jitter=64",
            "samples.count=256", "export.cell_size=256", "train.keep_every=1000")
    arguments = [str(experiment), "--dry-run", "--run", str(experiment.parent / "run")]
    assert train.main([*arguments, *(word for text in sets for word in ("--set", text))]) == 0


@pytest.mark.parametrize("name", ["resnet", "unet", "patchgan"])
def test_the_weights_that_are_told_are_those_that_are_made(name, monkeypatch):
    """To a fifth, before the network is made."""
    from pixelart_tf.networks import DISCRIMINATORS, GENERATORS, blocks

    make = (GENERATORS | DISCRIMINATORS)[name]
    made = make(image_size=256, base_width=16).count_params()
    monkeypatch.setattr(blocks, "MOST_WEIGHTS", 1.2 * made)
    make(image_size=256, base_width=16)
    monkeypatch.setattr(blocks, "MOST_WEIGHTS", 0.8 * made)
    with pytest.raises(ValueError, match=r"^`base_width` must be at most 1[0-5] with as many layers"):
        make(image_size=256, base_width=16)
