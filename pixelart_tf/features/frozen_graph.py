"""The weights in the frozen TensorFlow graph of 2015 (`classify_image_graph_def.pb`), read without TensorFlow."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pixelart_tf.features.inception import EPSILON, NETWORK, Unit
from pixelart_tf.formats.torch_file import WeightsError

# The few fields of tensorflow/core/framework/*.proto that are needed: name, number, type; `*` for repeated ones.
_MESSAGES = {
    "GraphDef": [("node", 1, "NodeDef*")],
    "NodeDef": [("name", 1, "string"), ("op", 2, "string"), ("attr", 5, "Attr*")],
    "Attr": [("key", 1, "string"), ("value", 2, "AttrValue")],   # how an entry of a map is written
    "AttrValue": [("f", 4, "float"), ("b", 5, "bool"), ("tensor", 8, "TensorProto")],
    "TensorProto": [
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "TensorShapeProto"),
        ("tensor_content", 4, "bytes"),
        ("float_val", 5, "float*"),
    ],
    "TensorShapeProto": [("dim", 2, "Dim*")],
    "Dim": [("size", 1, "int64")],
}
_DT_FLOAT = 1
# The parts of a unit there -> in the PyTorch state dict.
_BATCH_NORM = {
    "beta": "bn.bias",
    "gamma": "bn.weight",
    "moving_mean": "bn.running_mean",
    "moving_variance": "bn.running_var",
}


def _graph_def() -> type:
    """The protobuf class `GraphDef`, in a pool of its own as TensorFlow has one of that name."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="frozen_graph.proto", package="frozen_graph", syntax="proto3")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, number, kind in fields:
            label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            field = message.field.add(name=name, number=number, label=label)
            kind = kind.removesuffix("*")
            if kind in _MESSAGES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".frozen_graph.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("frozen_graph.GraphDef"))


def names(steps: list = NETWORK, scope: str = "") -> Iterator[tuple[str, str]]:
    """Every unit's name in the PyTorch state dict and in the graph, such as Mixed_5b.branch5x5_1, mixed/tower/conv.

    The graph counts from 0 and leaves the number out there. A branch that is one unit is in the block itself, other
    branches are its towers.
    """
    num_units = num_blocks = 0
    for step in steps:
        if isinstance(step, Unit):
            yield step.name, scope + _numbered("conv", num_units)
            num_units += 1
        elif isinstance(step, list):
            block = scope + _numbered("mixed", num_blocks)
            num_blocks += 1
            yield from _branch_names(step, block)


def _branch_names(branches: list, block: str) -> Iterator[tuple[str, str]]:
    alone = [branch for branch in branches if len(branch) == 1]
    yield from names([step for branch in alone for step in branch], f"{block}/")
    for index, branch in enumerate(branch for branch in branches if len(branch) > 1):
        yield from names(branch, f"{block}/{_numbered('tower', index)}/")


def _numbered(name: str, index: int) -> str:
    return f"{name}_{index}" if index else name


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads the FID Inception's weights.

    Returns:
        name -> float32 array, with the names and the order of axes of the PyTorch state dict. Where a batch norm does
        not scale, its gamma is 1.

    Raises:
        WeightsError: no frozen graph, a damaged one, or that of another network.
    """
    try:
        graph = _graph_def().FromString(Path(path).read_bytes())
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from None
    except DecodeError:
        raise WeightsError(f"{path}: damaged, or not a frozen TensorFlow graph") from None
    nodes = {node.name: node for node in graph.node}
    try:
        state = {}
        for torch_name, name in names():
            kernel = _constant(nodes, f"{name}/conv2d_params")   # (height, width, in, out)
            if kernel.ndim != 4:
                raise WeightsError(f"{name}/conv2d_params has {kernel.ndim} axes instead of 4")
            state[f"{torch_name}.conv.weight"] = kernel.transpose(3, 2, 0, 1)
            for part, torch_part in _BATCH_NORM.items():
                state[f"{torch_name}.{torch_part}"] = _constant(nodes, f"{name}/batchnorm/{part}")
            if not _scales(nodes, f"{name}/batchnorm"):
                state[f"{torch_name}.bn.weight"] = np.ones_like(state[f"{torch_name}.bn.bias"])
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    return state


def _node(nodes: dict, name: str, op: str) -> dict:
    """A node's attributes."""
    if name not in nodes or nodes[name].op != op:
        raise WeightsError(f"a graph without the {op} `{name}`: not the Inception of 2015-12-05")
    return {entry.key: entry.value for entry in nodes[name].attr}


def _constant(nodes: dict, name: str) -> np.ndarray:
    attributes = _node(nodes, name, "Const")
    tensor = attributes["value"].tensor if "value" in attributes else None
    if tensor is None or tensor.dtype != _DT_FLOAT:
        raise WeightsError(f"`{name}` is not of float32")
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    try:
        if tensor.tensor_content:
            return np.frombuffer(tensor.tensor_content, "<f4").reshape(shape)
        numbers = np.array(tensor.float_val, np.float32)
        # One number stands for a whole array of it; no array here has more than 2048 of a kind.
        return np.full(shape, numbers[0]) if len(numbers) == 1 and np.prod(shape) <= 2048 else numbers.reshape(shape)
    except ValueError:
        raise WeightsError(f"`{name}` holds other numbers than its shape {tuple(shape)} says") from None


def _scales(nodes: dict, name: str) -> bool:
    attributes = _node(nodes, name, "BatchNormWithGlobalNormalization")
    epsilon = attributes["variance_epsilon"].f if "variance_epsilon" in attributes else 0.0
    if not np.isclose(epsilon, EPSILON, rtol=1e-5, atol=0):
        raise WeightsError(f"`{name}` has the epsilon {epsilon:g} instead of {EPSILON:g}")
    return "scale_after_normalization" in attributes and attributes["scale_after_normalization"].b
