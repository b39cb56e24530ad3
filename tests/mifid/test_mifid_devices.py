"""The mifid command in a process of its own: on two devices, on JAX, and with a mistake."""

import json
import subprocess
import sys

import pytest
from processes import environment
from running_mifid import ROOT, close

pytestmark = pytest.mark.usefixtures("one_lite0")


def start(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "pixelart_tf.mifid", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
        env=environment(TF_CPP_MIN_LOG_LEVEL="3", **more), check=False,
    )


@pytest.mark.slow
def test_two_devices_score_as_one(scored, sets, tmp_path):
    """Batches of 5 are not shared evenly by two devices."""
    arguments = (sets / "cartoons.zip", sets / "sprites", "--network", "lite0", "--batch-size", 5, "--json")
    two = start(*arguments, "--no-cache", "--devices", "CPU:0", "CPU:1")
    assert two.returncode == 0, two.stderr
    assert close(json.loads(two.stdout), scored(*arguments[:2], "--no-cache"))


@pytest.mark.slow
def test_jax_scores_as_tensorflow(scored, sets):
    pytest.importorskip("jax")
    other = start(
        sets / "cartoons", sets / "sprites", "--network", "lite0", "--json", "--backend", "jax", "--no-cache"
    )
    assert other.returncode == 0, other.stderr
    assert close(json.loads(other.stdout), scored(sets / "cartoons", sets / "sprites"), relative=1e-4)


def test_a_process_tells_a_mistake_in_one_line(tmp_path):
    told = start(tmp_path / "none", tmp_path)
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr == f"python -m pixelart_tf.mifid: {tmp_path / 'none'}: no such file or folder\n"
