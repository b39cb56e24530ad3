"""`python -m pixelart_tf.convert`: what comes in, from the command line, and what is refused in one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import refusals
from processes import environment

from pixelart_tf import convert, translate
from pixelart_tf.formats.keras_file import open_model
from pixelart_tf.pictures import images

refused = refusals.of(convert)
GOLDEN_DIR = Path(__file__).parent / "data" / "golden"
TORCH = GOLDEN_DIR / "torch_networks"
LEGACY = GOLDEN_DIR / "tfa_disc_legacy.h5"
EXPERIMENT = Path(__file__).parents[1] / "experiments" / "unet_256.toml"
PICTURE = next(iter(sorted((Path(__file__).parent / "data" / "pictures").glob("gc-*"))))


@pytest.mark.parametrize("name", ["cut", "cut_1_channel"])
def test_a_checkpoint_of_pytorch_becomes_a_generator_that_translate_takes(tmp_path, capsys, name):
    """One of 1 channel too, which sees grey pictures."""
    out = tmp_path / "generator.keras"
    assert convert.main([str(TORCH / f"{name}.pth"), str(out)]) == 0
    told = capsys.readouterr().out
    assert f"{out}: resnet_" in told
    assert f"--set finetune.to_target={out} --set model.generator.name=resnet " in told
    assert translate.main([str(out), str(PICTURE), str(tmp_path / "out.png")]) == 0
    assert images.read(tmp_path / "out.png").shape == images.read(PICTURE).shape


def test_what_is_printed_trains_the_network_on(tmp_path, capsys):
    """The options of the line that the command prints build a network of the same weights."""
    from pixelart_tf import networks

    out = tmp_path / "unet.keras"
    assert convert.main([str(TORCH / "unet_128.pth"), str(out)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    options = dict(word.removeprefix("model.generator.").split("=") for word in line.split() if "model." in word)
    assert options.pop("name") == "unet"
    assert options.pop("layout") == "pytorch"
    numbers = {key: float(value) if "." in value or "e" in value else int(value) for key, value in options.items()}
    network = networks.unet(image_size=128, layout="pytorch", **numbers)
    assert [w.shape for w in network.weights] == [w.shape for w in open_model(out).weights]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_converted_unet_trains_on_with_the_bundled_shards(tmp_path, capsys, backend):
    """By the line that the command prints; two steps of an epoch, as whole ones take minutes."""
    out, run = tmp_path / "unet.keras", tmp_path / "run"
    assert convert.main([str(TORCH / "unet_128.pth"), str(out)]) == 0
    advice = capsys.readouterr().out.splitlines()[1].partition(": ")[2].split()
    small = (
        "data.image_size=128 model.discriminator.base_width=4 train.epochs=1 train.decay_epochs=0 train.batch_size=1 "
        "train.steps_per_epoch=2 samples.count=1"
    )
    sets = [word for each in small.split() for word in ("--set", each)]
    command = [sys.executable, "-m", "pixelart_tf.train", EXPERIMENT, "--backend", backend, "--run", run]
    done = subprocess.run([*command, *advice, *sets], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, after = (open_model(path).get_weights() for path in (out, run / "to_target.keras"))
    changes = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert 0 < max(changes) < 1e-2   # two steps of Adam, of 2e-4 each at most, from where it was
    assert translate.main([str(run / "to_target.keras"), str(PICTURE), str(tmp_path / "out.png")]) == 0


def test_weights_of_keras_2_come_in_with_their_slope(tmp_path, capsys):
    out = tmp_path / "disc.keras"
    assert convert.main([str(LEGACY), str(out), "--slope", "0.25", "--size", "256"]) == 0
    assert "slope 0.25" in capsys.readouterr().out
    golden = np.load(GOLDEN_DIR / "tfa_cyclegan.npz")
    opened = open_model(out)
    assert opened.input_shape == (None, 256, 256, 3)
    assert np.abs(opened.predict_on_batch(golden["x"].astype("float32") / 127.5 - 1) - golden["disc"]).max() > 1e-3


def test_mistakes_are_told_in_one_line_and_leave_nothing(tmp_path, capsys):
    out = tmp_path / "out.keras"
    pth = TORCH / "cut.pth"
    assert refused(capsys, tmp_path / "no.pth", out) == f"{tmp_path / 'no.pth'}: no such file"
    assert refused(capsys, PICTURE, out).endswith(": of no kind that is taken (.pth, .h5, .weights.h5, .keras)")
    assert refused(capsys, pth, tmp_path / "out.txt").startswith(f"{tmp_path / 'out.txt'}: must end in .keras, .onnx, ")
    assert refused(capsys, pth, tmp_path / "no" / "out.keras") == f"{tmp_path / 'no'}: no such folder"
    assert refused(capsys, pth, out, "--slope", "0.3").startswith(f"{pth}: --slope is for weights of Keras 2")
    assert "`slope` must be" in refused(capsys, LEGACY, out, "--slope", "3")
    assert "must be a multiple of 8" in refused(capsys, LEGACY, out, "--size", "100")
    for option in (("--size", "64"), ("--slope", "0.2")):
        message = refused(capsys, "van-gogh", out, "--class", "the_starry_night", *option)
        assert message == f"{out}: --size and --slope are for networks of other frameworks, not for --class"
    assert not list(tmp_path.iterdir())
    out.write_bytes(b"mine")
    assert refused(capsys, pth, out).endswith("already there; --overwrite replaces it")
    assert out.read_bytes() == b"mine"


def test_what_is_a_keras_3_file_needs_no_conversion(tmp_path, capsys):
    out = tmp_path / "out.keras"
    assert convert.main([str(TORCH / "cut.pth"), str(out)]) == 0
    capsys.readouterr()
    assert refused(capsys, out, tmp_path / "again.keras") == f"{out}: a .keras file of Keras 3 already"
