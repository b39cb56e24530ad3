"""What several test modules share."""

import json
import socket
import subprocess

import pytest

_built = {}


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
