"""Where the FID Inception's weights come from: a fetch from a real server, and every kind of file."""

import functools
import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest
from made_weights import by_rule, refusal

from pixelart_tf.features import weights
from pixelart_tf.features.inception import shapes

CONTENT = np.random.default_rng(0).bytes(300_000)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; what the path ends in says how."""

    def __init__(self, requests, *arguments):
        self.requests = requests
        super().__init__(*arguments)

    def do_GET(self):
        self.requests.append(self.path)
        how = self.path.split("/")[1]
        if how == "none":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write({"cut": CONTENT[:100_000], "other": CONTENT[::-1]}.get(how, CONTENT))

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A function that makes the published file one of this machine's; the requests that came."""
    requests = []
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, requests))
    threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("PIXELART_TF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())

    def publish(how, port=served.server_address[1]):
        monkeypatch.setattr(weights, "URL", f"http://127.0.0.1:{port}/{how}/weights.pth")
        return requests

    yield publish
    served.shutdown()
    served.server_close()


def test_the_published_file_is_fetched_once(server, tmp_path):
    requests, told = server("whole"), []
    path = weights.inception_weights(progress=lambda done, total: told.append((done, total)))
    assert path == tmp_path / "cache" / "weights.pth"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert weights.inception_weights() == path
    assert requests == ["/whole/weights.pth"]
    assert [file.name for file in path.parent.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize(
    ("how", "reason"),
    [("none", "status 404"), ("cut", "cut short after 100,000 of 300,000 bytes"), ("other", "another file came")],
)
def test_a_failed_fetch_names_both_ways_out_and_leaves_nothing(server, tmp_path, how, reason):
    server(how)
    message = refusal(weights.inception_weights)
    assert reason in message
    assert weights.URL in message
    assert "--weights FILE" in message
    assert "--network lite0" in message
    assert not list((tmp_path / "cache").iterdir())


def test_no_network_names_both_ways_out(server, tmp_path):
    server("whole", port=9)   # nothing listens to the discard port
    message = refusal(weights.inception_weights)
    assert "Connection refused" in message
    assert "--weights FILE" in message
    assert "--network lite0" in message
    assert not list((tmp_path / "cache").iterdir())


def test_an_interrupted_fetch_leaves_nothing(server, tmp_path):
    server("whole")

    def interrupt(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.inception_weights(progress=interrupt)
    assert not list((tmp_path / "cache").iterdir())


def test_a_changed_file_in_the_cache_is_told(server, tmp_path):
    server("whole")
    path = weights.inception_weights()
    path.write_bytes(CONTENT[:-1])
    message = refusal(weights.inception_weights)
    assert message.startswith(f"{path}: ")
    assert weights.SHA256[:8] in message
    assert hashlib.sha256(CONTENT[:-1]).hexdigest()[:8] in message


def test_a_file_of_ones_own_needs_no_cache(server, tmp_path):
    requests, path = server("whole"), tmp_path / "own.pth"
    assert refusal(weights.inception_weights, path) == f"{path}: no such file"
    assert refusal(weights.inception_weights, tmp_path) == f"{tmp_path}: a folder, not a file"
    path.write_bytes(b"x")
    assert weights.inception_weights(path) == path
    assert not requests


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("PIXELART_TF_CACHE", str(tmp_path / "own"))
    assert weights.cache_dir() == tmp_path / "own"
    monkeypatch.delenv("PIXELART_TF_CACHE")
    assert weights.cache_dir() == tmp_path / "xdg" / "pixelart_tf"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.cache_dir() == tmp_path / ".cache" / "pixelart_tf"


def test_the_published_file_is_pytorch_fids():
    assert weights.URL.endswith(f"-{weights.SHA256[:8]}.pth")


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return {name: by_rule(name, shape) for name, shape in shapes().items()}


def test_an_npz_is_read_and_hashed_as_it_was_saved(state, tmp_path):
    path = tmp_path / "inception.npz"
    weights.save_npz(state | {"fc.weight": np.zeros((1008, 2048), np.float32)}, path)
    read, digest = weights.read_inception(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read.keys() == state.keys()
    assert weights.state_hash(read) == weights.state_hash(dict(reversed(state.items())))
    name = "Mixed_7c.branch_pool.bn.bias"
    assert weights.state_hash(state | {name: np.nextafter(state[name], 9)}) != weights.state_hash(state)
    path.write_bytes(path.read_bytes()[:-1000])
    assert refusal(weights.read_inception, path).startswith(f"{path}: ")


def test_pickles_in_an_npz_are_refused(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{"Conv2d_1a_3x3.conv.weight": np.array([{}], object)})
    assert "damaged .npz" in refusal(weights.read_inception, path)


def test_an_npz_that_unpacks_to_far_more_is_refused(tmp_path):
    path = tmp_path / "w.npz"
    np.savez_compressed(path, **{"Conv2d_1a_3x3.conv.weight": np.zeros(2**26 + 1, np.int8)})
    assert refusal(weights.read_inception, path).startswith(f"{path}: unpacks to 67,108,993 bytes")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"\n<!DOCTYPE html>\n<html>", "a web page, not weights"),
        (b"some text", "of no kind that weights are read from"),
        (b"\x80\x02}.", "not a file of PyTorch"),
        (b"\nsome text", "damaged, or not a frozen TensorFlow graph"),
        (b"PK\x03\x04 and no more", "cut off"),
    ],
)
def test_other_files_are_told_in_one_line(tmp_path, content, reason):
    path = tmp_path / "weights"
    path.write_bytes(content)
    message = refusal(weights.read_inception, path)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert refusal(weights.read_inception, tmp_path) == f"{tmp_path}: Is a directory"


def test_a_state_dict_of_another_network_names_what_is_missing():
    path = Path(__file__).parent / "data" / "golden" / "torch_file" / "zip.pth"
    message = refusal(weights.read_inception, path)
    assert message.startswith(f"{path}: not the FID Inception: 470 of 470 arrays missing (Conv2d_1a_3x3.conv.weight, ")
