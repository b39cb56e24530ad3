"""What several test modules share."""

import json
import os
import socket
import subprocess

import numpy as np
import pytest
from tiny_runs import EXPERIMENT, LIGHT, train, train_here

from pixelart_tf.pictures import images

_built = {}


def pytest_xdist_auto_num_workers(config):
    """Two at least, as many tests wait for processes of their own; four at most, as each holds two gigabytes."""
    return min(max(len(os.sched_getaffinity(0)), 2), 4)


@pytest.fixture
def two_hosts():
    """TF_CONFIG for each of two hosts on this machine's loopback, at free ports."""
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    workers = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return [json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}}) for i in range(2)]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KB."""
    path = tmp_path / "disk"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.fixture
def one_lite0(monkeypatch, tmp_path):
    """lite0 is built once for all tests that ask for this, as that takes seconds; a cache folder of the test's own."""
    from pixelart_tf import features

    load = features.load

    def once(network, **options):
        if network != "lite0" or options.get("weights") is not None:
            return load(network, **options)
        if network not in _built:
            _built[network] = load(network)
        return _built[network]

    monkeypatch.setattr(features, "load", once)
    monkeypatch.setenv("PIXELART_TF_CACHE", str(tmp_path / "cache"))


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
    train_here(light, "--run", folder)
    return folder


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    """The folder of an uninterrupted run, and what it printed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    out, err = train(experiment, "--run", folder)
    assert err == ""
    return folder, out
