"""The FID Inception's weights from the frozen graph that it was published as."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from made_weights import by_rule, refusal

from pixelart_tf.features import frozen_graph, weights
from pixelart_tf.features.inception import inception
from pixelart_tf.pictures import images

PICTURES = Path(__file__).parent / "data" / "pictures"


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
