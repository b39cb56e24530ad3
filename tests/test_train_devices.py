"""The train command on other devices: JAX, two mirrored devices, two hosts; each run is a process."""

import subprocess
import sys

import pytest
from processes import environment
from tiny_runs import ROOT, rows

pytestmark = pytest.mark.slow

SETTINGS = ("train.epochs=2", "train.decay_epochs=1", "train.steps_per_epoch=4", "train.batch_size=4")
STEPS = [4, 8]


def start(light, run, *more, **variables):
    sets = [word for setting in SETTINGS for word in ("--set", setting)]
    command = [sys.executable, "-m", "pixelart_tf.train", str(light), "--run", str(run), *sets, *more]
    return subprocess.Popen(command, cwd=ROOT, env=environment("tensorflow", **variables), stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def one_device(light, tmp_path_factory):
    run = tmp_path_factory.mktemp("devices") / "one"
    assert start(light, run, "--backend", "tensorflow").wait() == 0
    return run


def assert_near(run, one_device):
    ours, wanted = rows(run), rows(one_device)
    assert [row["step"] for row in wanted] == STEPS
    for mine, theirs in zip(ours, wanted, strict=True):
        # Adam makes much of what differs in the last bit, early on: test_distributed.py is exact, with SGD.
        assert mine == pytest.approx(theirs, rel=5e-3)
    assert (run / "samples" / "epoch_0002.png").exists()
    assert (run / "autoencoder.keras").exists()


def test_mirrored_devices(light, one_device, tmp_path):
    run = tmp_path / "mirrored"
    assert start(light, run, "--backend", "tensorflow", "--devices", "CPU:0", "CPU:1").wait() == 0
    assert_near(run, one_device)


def test_two_hosts(light, one_device, two_hosts, tmp_path):
    run = tmp_path / "hosts"
    processes = [start(light, run, "--backend", "tensorflow", TF_CONFIG=tf_config) for tf_config in two_hosts]
    assert [process.wait() for process in processes] == [0, 0]
    assert_near(run, one_device)


def test_jax(light, tmp_path):
    run = tmp_path / "jax"
    # Its initial weights are other ones, so that only what a run leaves can be compared.
    assert start(light, run, "--backend", "jax").wait() == 0
    assert [row["step"] for row in rows(run)] == STEPS
    assert (run / "samples" / "epoch_0002.png").exists()
    assert (run / "autoencoder.keras").exists()


def dry_run(*arguments):
    command = [sys.executable, "-m", "pixelart_tf.train", *map(str, arguments), "--dry-run"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment("tensorflow"), capture_output=True, text=True, check=True
    )
    return done.stdout


def test_who_names_no_experiment_gets_the_full_size_where_there_is_more_than_one_device(one_device):
    out = dry_run("--backend", "jax", "--devices", "CPU:0", "CPU:1")
    assert out.startswith(
        "Experiment unet_256, as none was named and there are several devices: the U-Net of full size at 256 pixels\n"
    )
    assert "2 x CPU, jax, DataParallel" in out
    assert "to_target 54.41, to_source 54.41" in out
    assert dry_run("--backend", "jax", "--devices", "CPU:0").startswith("Run        runs/quickstart\n")
    # A run that goes on is the one that it was.
    resumed = dry_run("--run", one_device, "--resume", "--backend", "tensorflow", "--devices", "CPU:0", "CPU:1")
    assert resumed.startswith(f"Run        {one_device}, resumed\n")
