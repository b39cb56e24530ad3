"""A network as an ONNX file, and ONNX Runtime to run it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import pixelart_tf
from pixelart_tf.base.cli import UserError

PACKAGES = ("onnx", "onnxruntime", "tf2onnx")
# Of July 2022: what runs ONNX files on phones and in browsers takes it, too.
OPSET = 17
AXES = ("batch", "height", "width")


def write(network: Any, path: Path, shape: tuple[int | None, ...], *, ranges: str) -> None:
    """Writes a network of one input and one output.

    Input and output keep the names of the network's layers, and sides of any length are named: `batch`, `height` and
    `width`; `made_height` and `made_width` where the network changes them.

    Args:
        network: a functional `keras.Model` on the TensorFlow backend, all of it float32.
        path: of the file.
        shape: of the input, (B, H, W, C) or (B, n); None is any.
        ranges: what goes in and what comes out, in words, for the file's description.

    Raises:
        UserError: TensorFlow cannot compute it for pictures of any size.
    """
    import keras
    import onnx

    from pixelart_tf.formats import signatures

    given, made = signatures.names(network)
    with signatures.any_size_or_told():
        # Always with a signature: without one Keras refuses a network that was not called since it was opened.
        network.export(
            path, format="onnx", verbose=False, opset_version=OPSET,
            input_signature=[keras.InputSpec(shape=shape, dtype="float32", name=given)],
        )
    model = onnx.load(path)
    graph = model.graph
    _rename(graph, {graph.input[0].name: given, graph.output[0].name: made})
    _name_axes(graph.input[0], shape, AXES)
    kept = network.compute_output_shape((1, *(side or 512 for side in shape[1:])))[1:3] == tuple(
        side or 512 for side in shape[1:3]
    )
    _name_axes(graph.output[0], network.compute_output_shape(shape), AXES if kept else
               ("batch", "made_height", "made_width"))
    graph.name, model.doc_string = network.name, ranges
    model.producer_name, model.producer_version = "pixelart_tf", pixelart_tf.__version__
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:   # tf2onnx only logs these
        raise UserError(f"no valid ONNX file comes of it ({str(error).strip().splitlines()[0]})") from None
    onnx.save(model, path)


def runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What runs such a file on the CPU: takes and gives float32 (B, ...)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (name,) = (each.name for each in session.get_inputs())
    return lambda values: session.run(None, {name: values})[0]


def _rename(graph: Any, new: dict[str, str]) -> None:
    """Gives tensors of a graph, the inputs and outputs among them, other names."""
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = new.get(name, name)
    for each in (*graph.input, *graph.output, *graph.value_info):
        each.name = new.get(each.name, each.name)


def _name_axes(tensor: Any, shape: tuple[int | None, ...], names: tuple[str, ...]) -> None:
    for i, (axis, side) in enumerate(zip(tensor.type.tensor_type.shape.dim, shape, strict=True)):
        if side is None:
            axis.dim_param = names[i]
        else:
            axis.dim_value = side
