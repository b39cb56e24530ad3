"""The train command on other devices: JAX, two mirrored devices, two hosts; each run is a process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

EXPERIMENT = """
[data]
image_size = 16
jitter = 4
[data.source]
files = "source"
[data.target]
files = "target"
[model.generator]
name = "resnet"
base_width = 4
num_downsamplings = 1
num_blocks = 1
[model.discriminator]
base_width = 4
num_layers = 1
[optimizer]
learning_rate = 1e-3
ema_momentum = 0.9
[train]
epochs = 2
decay_epochs = 1
steps_per_epoch = 4
batch_size = 4
[samples]
count = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    rng = np.random.default_rng(0)
    for side, count in (("source", 5), ("target", 3)):
        (folder / side).mkdir()
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(folder / side / f"{i}.png")
    (folder / "tiny.toml").write_text(EXPERIMENT)
    return folder


def start(folder, run, *more, **env):
    command = [sys.executable, "-m", "pixelart_tf.train", str(folder / "tiny.toml"), "--run", str(folder / run), *more]
    return subprocess.Popen(command, env=os.environ | env, stdout=subprocess.DEVNULL)


def losses(folder, run):
    rows = [json.loads(line) for line in (folder / run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows]


@pytest.fixture(scope="module")
def one_device(folder):
    assert start(folder, "one", "--backend", "tensorflow").wait() == 0
    return losses(folder, "one")


def assert_near(rows, expected):
    assert len(rows) == len(expected) == 2
    for ours, theirs in zip(rows, expected, strict=True):
        # Adam makes much of what differs in the last bit, early on: test_distributed.py is exact, with SGD.
        assert ours == pytest.approx(theirs, rel=5e-3)


def test_mirrored_devices(folder, one_device):
    assert start(folder, "mirrored", "--backend", "tensorflow", "--devices", "CPU:0", "CPU:1").wait() == 0
    assert_near(losses(folder, "mirrored"), one_device)
    assert (folder / "mirrored/samples/epoch_0002.png").exists()
    assert (folder / "mirrored/to_target.keras").exists()


def test_two_hosts(folder, one_device, two_hosts):
    processes = [start(folder, "hosts", "--backend", "tensorflow", TF_CONFIG=tf_config) for tf_config in two_hosts]
    assert [process.wait() for process in processes] == [0, 0]
    assert_near(losses(folder, "hosts"), one_device)
    assert (folder / "hosts/to_target.keras").exists()


def test_jax(folder):
    # Its initial weights are other ones, so that only what a run leaves can be compared.
    assert start(folder, "jax", "--backend", "jax").wait() == 0
    assert [row["step"] for row in losses(folder, "jax")] == [4, 8]
    assert (folder / "jax/samples/epoch_0002.png").exists()
    assert (folder / "jax/to_target.keras").exists()


def dry_run(*arguments):
    command = [sys.executable, "-m", "pixelart_tf.train", *map(str, arguments), "--dry-run"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_who_names_no_experiment_gets_the_full_size_where_there_is_more_than_one_device(folder, one_device):
    out = dry_run("--backend", "jax", "--devices", "CPU:0", "CPU:1")
    assert out.startswith(
        "Experiment unet_256, as none was named and there are several devices: the U-Net of full size at 256 pixels\n"
    )
    assert "2 x CPU, jax, DataParallel" in out
    assert "to_target 54.41, to_source 54.41" in out
    assert dry_run("--backend", "jax", "--devices", "CPU:0").startswith("Run        runs/quickstart\n")
    # A run that goes on is the one that it was.
    resumed = dry_run("--run", folder / "one", "--resume", "--backend", "tensorflow", "--devices", "CPU:0", "CPU:1")
    assert resumed.startswith(f"Run        {folder / 'one'}, resumed\n")
