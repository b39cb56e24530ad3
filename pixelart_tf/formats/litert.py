"""A network as a LiteRT (TensorFlow Lite) file, and LiteRT to run it."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.formats.rebuilding import rebuilt

PACKAGES = ("ai_edge_litert",)


def write(network: Any, path: Path, shape: tuple[int | None, ...], *, float16: bool = False) -> None:
    """Writes a network of one input and one output, by LiteRT's own operations only.

    The file's signature `serving_default` names the input and the output as the network's layers are.

    Args:
        network: a functional `keras.Model` on the TensorFlow backend, all of it float32.
        path: of the file.
        shape: of the input, (B, H, W, C) or (B, n); None is any.
        float16: keep the weights in 16 bits, which halves the file; it computes in 32 all the same.

    Raises:
        UserError: the network needs operations that LiteRT does not have, which TensorFlow's converter would leave to
            TensorFlow ("Flex") without a word.
    """
    import keras
    import tensorflow as tf

    from pixelart_tf.formats import signatures

    network = _by_logarithms(network)
    given, made = signatures.names(network)
    archive = keras.export.ExportArchive()
    archive.track(network)
    with tempfile.TemporaryDirectory() as folder:
        with signatures.any_size_or_told():
            archive.add_endpoint(
                "serve", lambda values: {made: network(values, training=False)},
                input_signature=[tf.TensorSpec(shape, tf.float32, name=given)],
            )
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        try:
            written = converter.convert()
        except Exception as error:   # of a class that TensorFlow does not show
            needed = sorted(set(re.findall(r"\bFlex(\w+)|'tf\.(\w+)' op is neither", str(error))))
            if not needed:
                raise
            told = ", ".join(sorted({"".join(each) for each in needed}))
            advice = "; --size PIXELS, for one size only, may do" if None in shape[1:] else ""
            raise UserError(f"LiteRT does not have what the network needs ({told}){advice}") from None
    path.write_bytes(written)


def runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What runs such a file on two threads of the CPU: takes and gives float32 (B, ...)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=2)
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(values: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != values.shape:
            interpreter.resize_tensor_input(given["index"], values.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(made["index"])

    return run


def _by_logarithms(network: Any) -> Any:
    """The same network without arctanh, which LiteRT does not have; itself where there is none."""
    from pixelart_tf.layers.arctanh import Arctanh

    def instead(operation):
        if type(operation).__name__ == "Arctanh":
            return Arctanh(name=operation.name)
        return type(operation).from_config(operation.get_config())

    if not any(_has_arctanh(operation) for operation in network.operations):
        return network
    return rebuilt(network, instead)


def _has_arctanh(operation: Any) -> bool:
    inner = getattr(operation, "operations", None) or getattr(operation, "layers", [])   # of a block
    return type(operation).__name__ == "Arctanh" or any(map(_has_arctanh, inner))
