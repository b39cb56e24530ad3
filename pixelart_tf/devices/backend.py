"""The Keras backend, which Keras settles when it is first imported, and the search for a TPU, which decides it."""

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.stderr import quiet

BACKENDS = ("tensorflow", "jax")


class DeviceError(UserError):
    """The devices that were asked for are not there, or cannot be used that way."""


def select_backend(argv_backend: str | None = None, tpu: bool = False) -> str:
    """Sets the Keras backend by `KERAS_BACKEND`; to be called before anything imports Keras.

    Args:
        argv_backend: `"tensorflow"` or `"jax"`; None means the environment's `KERAS_BACKEND`, else TensorFlow.
        tpu: True looks for a TPU, through TensorFlow first and JAX second, and takes the backend that sees one, unless
            `argv_backend` says which one it must be.

    Returns:
        The name of the backend.

    Raises:
        DeviceError: unknown backend, no TPU, Keras was imported before with another backend, or a `keras.json` that no
            Keras takes.
    """
    # 2 keeps TensorFlow's warnings and hints off the screen and its errors on it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    name = argv_backend or os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in BACKENDS:
        raise DeviceError(f"`backend` must be one of {', '.join(BACKENDS)}. Received: {name!r}")
    if name == "jax" and importlib.util.find_spec("jax") is None:
        raise DeviceError("the jax backend needs JAX, which is not installed: pip install jax")
    if tpu:
        name = backend_with_tpu((argv_backend,) if argv_backend else BACKENDS)
    if "keras" not in sys.modules:
        _check_keras_json()
    else:
        import keras

        if keras.backend.backend() != name:
            raise DeviceError(
                f"Keras was already imported with the {keras.backend.backend()} backend and cannot change to {name}; "
                f"set KERAS_BACKEND={name} before Python starts"
            )
    os.environ["KERAS_BACKEND"] = name
    return name


def _check_keras_json() -> None:
    """A user's own settings of Keras: what would end its import with a traceback is told in one line.

    What it takes and we do not, such as channels first, is set right in `choose`. The backend that the file names does
    not matter, as `KERAS_BACKEND` goes before it.
    """
    home = os.path.expanduser("~")
    folder = os.environ.get("KERAS_HOME", os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras"))
    path = Path(os.path.expanduser(folder)) / "keras.json"   # where Keras looks
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return   # what is no JSON, Keras leaves alone
    if not isinstance(settings, dict):
        raise DeviceError(f"{path}: must be a table of Keras' settings, or be removed. Received: {settings!r}")
    for name, known in (
        ("floatx", ("float16", "float32", "float64")), ("image_data_format", ("channels_last", "channels_first")),
        ("nnx_enabled", (False,)),   # another way to hold variables, which needs one more package
    ):
        if name in settings and settings[name] not in known:
            wanted = " or ".join(map(json.dumps, known))
            raise DeviceError(f"{path}: `{name}` must be {wanted}. Received: {json.dumps(settings[name])}")
    if not isinstance(settings.get("epsilon", 0.0), float):
        raise DeviceError(f"{path}: `epsilon` must be a number with a point. Received: {settings['epsilon']!r}")


# In a process of its own: importing TensorFlow imports Keras, which would settle the backend; and a TPU belongs to one
# process at a time, so that a look that came to nothing must leave no trace before JAX gets its turn.
_LOOK_WITH_TENSORFLOW = """
from pixelart_tf.devices.backend import tpu_strategy
assert tpu_strategy().num_replicas_in_sync
"""


def tpu_strategy() -> Any:
    """`TPUStrategy` over the TPU that TPU_NAME and the like name, else over this machine's."""
    import tensorflow as tf

    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
    except ValueError:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


@functools.cache
def _tensorflow_sees_tpu() -> bool:
    try:
        command = [sys.executable, "-c", _LOOK_WITH_TENSORFLOW]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # this package may not be installed
        return subprocess.run(command, capture_output=True, timeout=300, env=environment).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@functools.cache
def _jax_sees_tpu() -> bool:
    try:
        import jax

        with quiet():
            return bool(jax.devices("tpu"))
    except (ImportError, RuntimeError):
        return False


def backend_with_tpu(backends: Sequence[str]) -> str:
    """The first of `backends` that sees a TPU, or a `DeviceError` which says what was looked for."""
    looks = {
        "tensorflow": (_tensorflow_sees_tpu, "TensorFlow (TPUClusterResolver: TPU_NAME, then a local TPU)"),
        "jax": (_jax_sees_tpu, 'JAX (jax.devices("tpu"))'),
    }
    for name in backends:
        if looks[name][0]():
            return name
    raise DeviceError(f"--tpu: no TPU found. Looked with {' and with '.join(looks[name][1] for name in backends)}")
