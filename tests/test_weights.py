"""Where the FID Inception's weights come from: a fetch from a real server, and every kind of file."""

import contextlib
import functools
import hashlib
import http.server
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf.features import frozen_graph, weights
from pixelart_tf.features.inception import inception, shapes
from pixelart_tf.formats.torch_file import WeightsError
from pixelart_tf.pictures import images

PICTURES = Path(__file__).parent / "data" / "pictures"
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


def refusal(function, *arguments) -> str:
    with pytest.raises(WeightsError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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


def by_rule(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith(("running_var", "moving_variance")):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if name.endswith(("bn.weight", "gamma")):
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    if len(shape) == 1:
        return rng.normal(0, 0.1, shape).astype(np.float32)
    return (rng.normal(0, 1, shape) * np.sqrt(2 * max(shape[0], shape[-1]) / np.prod(shape))).astype(np.float32)


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


class Graph:
    """The graph of 2015, from its input to `pool_3`, with TensorFlow's own protos and the node names that it has."""

    def __init__(self, *, scale=True, epsilon=1e-3):
        import tensorflow as tf

        self.tf, self.scale, self.epsilon = tf, scale, epsilon
        self.graph = tf.compat.v1.GraphDef()
        self.graph.versions.producer = 8   # BatchNormWithGlobalNormalization is gone since version 9
        x = self.node("DecodeJpeg", "Placeholder", dtype=tf.float32)
        x = self.node("ExpandDims", "ExpandDims", x, self.const("ExpandDims/dim", np.int32(0)))
        x = self.node("ResizeBilinear", "ResizeBilinear", x, self.const("size", np.int32([299, 299])))
        x = self.node("Sub", "Sub", x, self.const("Sub/y", np.float32(128)))
        x = self.node("Mul", "Mul", x, self.const("Mul/y", np.float32(1 / 128)))
        x = self.unit("conv", x, 3, 32, (3, 3), 2, "VALID")
        x = self.unit("conv_1", x, 32, 32, (3, 3), 1, "VALID")
        x = self.unit("conv_2", x, 32, 64, (3, 3))
        x = self.unit("conv_3", self.pool("pool", x), 64, 80, (1, 1), 1, "VALID")
        x = self.unit("conv_4", x, 80, 192, (3, 3), 1, "VALID")
        x = self.pool("pool_1", x)
        x = self.mixed_35("mixed", x, 192, 32)
        x = self.mixed_35("mixed_1", x, 256, 64)
        x = self.mixed_35("mixed_2", x, 288, 64)
        x = self.join("mixed_3", [
            self.unit("mixed_3/conv", x, 288, 384, (3, 3), 2, "VALID"),
            self.tower("mixed_3/tower", x, 288, (64, (1, 1)), (96, (3, 3)), (96, (3, 3), 2, "VALID")),
            self.pool("mixed_3/pool", x),
        ])
        for name, width in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
            x = self.mixed_17(name, x, width)
        x = self.join("mixed_8", [
            self.tower("mixed_8/tower", x, 768, (192, (1, 1)), (320, (3, 3), 2, "VALID")),
            self.tower(
                "mixed_8/tower_1", x, 768, (192, (1, 1)), (192, (1, 7)), (192, (7, 1)), (192, (3, 3), 2, "VALID")
            ),
            self.pool("mixed_8/pool", x),
        ])
        x = self.mixed_8("mixed_9", x, 1280, "AvgPool")
        x = self.mixed_8("mixed_10", x, 2048, "MaxPool")
        self.node("pool_3", "AvgPool", x, ksize=[1, 8, 8, 1], strides=[1, 1, 1, 1], padding="VALID")

    def node(self, name, op, *inputs, **attributes):
        tf = self.tf
        node = self.graph.node.add(name=name, op=op, input=inputs)
        if op not in ("Placeholder", "Const"):
            node.attr["T"].type = tf.float32.as_datatype_enum
        for key, value in attributes.items():
            if isinstance(value, tf.DType):
                node.attr[key].type = value.as_datatype_enum
            elif isinstance(value, bool):
                node.attr[key].b = value
            elif isinstance(value, float):
                node.attr[key].f = value
            elif isinstance(value, int):
                node.attr[key].i = value
            elif isinstance(value, str):
                node.attr[key].s = value.encode()
            else:
                node.attr[key].list.i.extend(value)
        return name

    def const(self, name, array):
        self.node(name, "Const", dtype=self.tf.as_dtype(array.dtype))
        self.graph.node[-1].attr["value"].tensor.CopyFrom(self.tf.make_tensor_proto(array))
        return name

    def unit(self, name, x, channels_in, channels, kernel, stride=1, padding="SAME"):
        shape = (*kernel, channels_in, channels)
        kernels = self.const(f"{name}/conv2d_params", by_rule(f"{name}/conv2d_params", shape))
        x = self.node(f"{name}/Conv2D", "Conv2D", x, kernels, strides=[1, stride, stride, 1], padding=padding)
        vectors = [
            self.const(f"{name}/batchnorm/{part}", by_rule(f"{name}/batchnorm/{part}", (channels,)))
            for part in ("moving_mean", "moving_variance", "beta", "gamma")
        ]
        x = self.node(
            f"{name}/batchnorm", "BatchNormWithGlobalNormalization", x, *vectors,
            variance_epsilon=self.epsilon, scale_after_normalization=self.scale,
        )
        return self.node(name, "Relu", x)

    def tower(self, name, x, channels, *units):
        for index, (out, *rest) in enumerate(units):
            x = self.unit(f"{name}/conv_{index}".removesuffix("_0"), x, channels, out, *rest)
            channels = out
        return x

    def pool(self, name, x, op="MaxPool", stride=2, padding="VALID"):
        return self.node(name, op, x, ksize=[1, 3, 3, 1], strides=[1, stride, stride, 1], padding=padding)

    def join(self, name, branches):
        axis = self.const(f"{name}/join/concat_dim", np.int32(3))
        return self.node(f"{name}/join", "Concat", axis, *branches, N=len(branches))

    def pooled(self, name, x, channels, out, op="AvgPool"):
        x = self.pool(f"{name}/tower_2/pool", x, op, 1, "SAME")
        return self.unit(f"{name}/tower_2/conv", x, channels, out, (1, 1))

    def mixed_35(self, name, x, channels, pooled):
        return self.join(name, [
            self.unit(f"{name}/conv", x, channels, 64, (1, 1)),
            self.tower(f"{name}/tower", x, channels, (48, (1, 1)), (64, (5, 5))),
            self.tower(f"{name}/tower_1", x, channels, (64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
            self.pooled(name, x, channels, pooled),
        ])

    def mixed_17(self, name, x, width):
        seven = [(width, (1, 1)), (width, (7, 1)), (width, (1, 7)), (width, (7, 1)), (192, (1, 7))]
        return self.join(name, [
            self.unit(f"{name}/conv", x, 768, 192, (1, 1)),
            self.tower(f"{name}/tower", x, 768, (width, (1, 1)), (width, (1, 7)), (192, (7, 1))),
            self.tower(f"{name}/tower_1", x, 768, *seven),
            self.pooled(name, x, 768, 192),
        ])

    def mixed_8(self, name, x, channels, op):
        towers = [
            self.tower(f"{name}/tower", x, channels, (384, (1, 1))),
            self.tower(f"{name}/tower_1", x, channels, (448, (1, 1)), (384, (3, 3))),
        ]
        split = [
            self.join(f"{name}/{tower}/mixed", [
                self.unit(f"{name}/{tower}/mixed/conv", y, 384, 384, (1, 3)),
                self.unit(f"{name}/{tower}/mixed/conv_1", y, 384, 384, (3, 1)),
            ])
            for tower, y in zip(("tower", "tower_1"), towers, strict=True)
        ]
        one = self.unit(f"{name}/conv", x, channels, 320, (1, 1))
        return self.join(name, [one, *split, self.pooled(name, x, channels, 192, op)])

    def run(self, picture):
        """(H, W, 3) -> (2048,), by TensorFlow."""
        tf = self.tf
        with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
            tf.compat.v1.import_graph_def(self.graph, name="")
            return session.run("pool_3:0", {"DecodeJpeg:0": picture}).reshape(-1)


@pytest.fixture
def save_graph(tmp_path):
    pytest.importorskip("tensorflow")

    def save(**options):
        graph = Graph(**options)
        path = tmp_path / "classify_image_graph_def.pb"
        path.write_bytes(graph.graph.SerializeToString())
        return graph, path

    return save


@pytest.mark.slow
@pytest.mark.parametrize("scale", [True, False])
def test_the_original_graph_gives_the_same_features(save_graph, scale):
    """The whole recipe: names, folding, resize and scale, blocks, pools; run by TensorFlow, and read by ours."""
    graph, path = save_graph(scale=scale)
    picture = images.read(PICTURES / "gc-chicken.jpg")[:200]
    expected = graph.run(picture)
    read, _ = weights.read_inception(path)
    features = inception(read).predict(picture[None].astype(np.float32), verbose=0)[0]
    assert np.linalg.norm(features - expected) / np.linalg.norm(expected) < 1e-5
    assert np.abs(features - expected).max() / expected.max() < 1e-5


@pytest.mark.slow
def test_other_graphs_are_told_in_one_line(save_graph, tmp_path):
    assert "epsilon 0.01 instead of 0.001" in refusal(frozen_graph.read, save_graph(epsilon=0.01)[1])
    graph, path = save_graph()
    whole = path.read_bytes()
    for size in (1, 100, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:size])
        assert refusal(frozen_graph.read, path) == f"{path}: damaged, or not a frozen TensorFlow graph"
    del graph.graph.node[-40:]
    path.write_bytes(graph.graph.SerializeToString())
    assert "not the Inception of 2015-12-05" in refusal(weights.read_inception, path)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    assert refusal(frozen_graph.read, path) == f"{path}: No such file or directory"


def test_names_in_the_graph_are_the_published_ones():
    """Some of those that public converters between the two files list."""
    names = dict(frozen_graph.names())
    assert len(set(names.values())) == len(names) == 94
    for torch_name, name in {
        "Conv2d_1a_3x3": "conv",
        "Conv2d_4a_3x3": "conv_4",
        "Mixed_5b.branch1x1": "mixed/conv",
        "Mixed_5b.branch5x5_2": "mixed/tower/conv_1",
        "Mixed_5c.branch3x3dbl_3": "mixed_1/tower_1/conv_2",
        "Mixed_5d.branch_pool": "mixed_2/tower_2/conv",
        "Mixed_6a.branch3x3": "mixed_3/conv",
        "Mixed_6a.branch3x3dbl_1": "mixed_3/tower/conv",
        "Mixed_6b.branch7x7_3": "mixed_4/tower/conv_2",
        "Mixed_6e.branch7x7dbl_5": "mixed_7/tower_1/conv_4",
        "Mixed_7a.branch3x3_2": "mixed_8/tower/conv_1",
        "Mixed_7a.branch7x7x3_4": "mixed_8/tower_1/conv_3",
        "Mixed_7b.branch3x3_2a": "mixed_9/tower/mixed/conv",
        "Mixed_7c.branch3x3dbl_3b": "mixed_10/tower_1/mixed/conv_1",
        "Mixed_7c.branch_pool": "mixed_10/tower_2/conv",
    }.items():
        assert names[torch_name] == name
