"""Networks of the PyTorch CycleGAN and of CUT: those implementations' outputs from their own files, and bad files."""

import struct
from pathlib import Path

import keras
import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import torch_file, torch_networks

GOLDEN_DIR = Path(__file__).parent / "data" / "golden" / "torch_networks"
SHARED = Path(__file__).parents[2] / "shared" / "golden" / "pytorch_cyclegan"


def run(network, images):
    return network.predict_on_batch(images)


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("resnet_6blocks", 64, "resnet_6blocks of the PyTorch CycleGAN, width 2"),
        ("cut", 64, "resnet_4blocks of CUT, width 2"),
        ("cut_1_channel", 64, "resnet_3blocks of CUT, width 2, with dropout"),
        ("unet_128", 128, "unet_128 of the PyTorch CycleGAN, width 1"),
        ("patchgan", 64, "PatchGAN of the PyTorch CycleGAN, 3 layers, width 2"),
    ],
)
def test_outputs_are_those_of_pytorch(name, size, told):
    """Numbers by torch 2.14.1 and the published `models/networks.py`, see data/golden/torch_networks/make.py."""
    found = torch_networks.read(GOLDEN_DIR / f"{name}.pth")
    assert found.told == told
    channels = 1 if "1_channel" in name else 3
    x = np.random.default_rng(5).integers(0, 256, (1, size, size, channels)).astype("float32") / np.float32(127.5) - 1
    y = run(found.model, x)
    # Float32's rounding differs by processor: up to 7e-6 on one, 1.1e-5 (1 of 1,452 values of CUT) on another.
    np.testing.assert_allclose(y[:, ::3, ::3], np.load(GOLDEN_DIR / "outputs.npz")[name], atol=2e-5)
    assert found.is_generator == (name != "patchgan")


@pytest.mark.parametrize("name", ["resnet_9blocks", "resnet_9blocks_dropout", "unet_256"])
def test_outputs_are_those_of_the_published_layouts(name):
    """The second picture is a ramp, flat from top to bottom, whose tiny variances enlarge rounding: there PyTorch's own
    float32 is 5e-5 (without dropout) and 1.4e-4 (with) from float64."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    golden = np.load(SHARED / f"{name}_io.npz")
    found = torch_networks.read(SHARED / f"{name}.pth")
    y = run(found.model, golden["x"].astype("float32") / np.float32(127.5) - 1)
    np.testing.assert_allclose(y[0], golden["y"][0], atol=1e-5)
    np.testing.assert_allclose(y[1], golden["y"][1], atol=1e-4 if name == "unet_256" else 3e-4)


def state(name="resnet_6blocks"):
    return torch_file.read(GOLDEN_DIR / f"{name}.pth")


def refused(given):
    with pytest.raises(UserError) as caught:
        torch_networks.found_in(given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_old_statistics_and_prefixes_are_dropped():
    old = {f"module.{key}": array for key, array in state().items()}
    old |= {"module.model.2.running_mean": np.zeros(2), "module.model.2.num_batches_tracked": np.array(7)}
    weights = torch_networks.found_in(old).model.get_weights()
    for array, expected in zip(weights, torch_networks.found_in(state()).model.get_weights(), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_network_is_built_for_the_size_that_is_asked_for():
    assert torch_networks.found_in(state()).model.input_shape == (None, None, None, 3)
    assert torch_networks.found_in(state(), image_size=(64, 96)).model.input_shape == (None, 64, 96, 3)
    assert torch_networks.found_in(state("unet_128")).model.input_shape == (None, 128, 128, 3)
    assert torch_networks.found_in(state("unet_128"), image_size=256).model.output_shape == (None, 256, 256, 3)
    with pytest.raises(UserError, match="a unet that cannot be built here: `image_size` must be a multiple of 128"):
        torch_networks.found_in(state("unet_128"), image_size=100)


def test_what_is_missing_strange_or_of_another_shape_is_named():
    resnet = state()
    missing = {key: array for key, array in resnet.items() if key != "model.16.weight"}
    assert refused(missing) == (
        "looks like a resnet_6blocks of the PyTorch CycleGAN, width 2, but is none: missing: model.16.weight"
    )
    strange = resnet | {"model.99.weight": np.zeros(3)}
    assert refused(strange).endswith("but is none: strange: model.99.weight")
    shaped = resnet | {"model.4.bias": np.zeros(5, np.float32)}
    assert refused(shaped).endswith("but is none: model.4.bias is (5,) instead of (4,)")
    assert "missing: model.1.weight" in refused({"model.10.conv_block.1.weight": np.zeros((8, 8, 3, 3))})


def test_other_networks_are_refused_in_one_line():
    assert "its first keys: features.0.weight" in refused({"features.0.weight": np.zeros((64, 3, 3, 3))})
    batch_norm = state() | {"model.2.weight": np.ones(2), "model.2.running_mean": np.zeros(2)}
    assert refused(batch_norm).startswith("has batch norm (model.2 ")
    assert "CUT the generators are known" in refused(state("patchgan") | {"model.2.filt": np.ones((2, 1, 3, 3))})
    blurred = state("cut")
    other = blurred | {"model.7.filt": np.ones_like(blurred["model.7.filt"])}
    assert refused(other) == "model.7.filt: another blur than CUT's"
    broken = state() | {"model.1.bias": np.array([0, np.nan], np.float32)}
    assert "hold NaN or infinity (the first: model.1.bias)" in refused(broken)


def test_malicious_and_truncated_files_are_refused(tmp_path):
    path = tmp_path / "bad.pth"
    path.write_bytes(b"\x80\x02cos\nsystem\nX" + struct.pack("<I", 4) + b"true\x85R.")   # os.system("true")
    with pytest.raises(UserError, match="refused"):
        torch_networks.read(path)
    path.write_bytes((GOLDEN_DIR / "unet_128.pth").read_bytes()[:9000])
    with pytest.raises(UserError, match=f"{path}: "):
        torch_networks.read(path)


def test_the_result_is_a_plain_keras_file(tmp_path):
    """Opened without anything of ours, with the names that `networks` gives."""
    found = torch_networks.read(GOLDEN_DIR / "cut.pth")
    found.model.save(tmp_path / "cut.keras")
    opened = keras.saving.load_model(tmp_path / "cut.keras", compile=False)
    assert opened.name == "resnet"
    x = np.random.default_rng(0).uniform(-1, 1, (1, 32, 48, 3)).astype("float32")
    np.testing.assert_allclose(run(opened, x), run(found.model, x), atol=1e-6)
