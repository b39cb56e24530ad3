"""What devices there are, on each backend; nothing heavy is imported at the top of this file."""

import contextlib
import json
import os
import re
from collections.abc import Sequence
from typing import Any

from pixelart_tf.base.stderr import quiet
from pixelart_tf.devices.backend import DeviceError, tpu_strategy


def parse(devices: Sequence[str]) -> tuple[str, list[int]]:
    """`["GPU:0", "GPU:1"]` -> `("GPU", [0, 1])`."""
    matches = [re.fullmatch(r"(CPU|GPU):(\d+)", str(device).upper()) for device in devices]
    numbers = [int(match[2]) for match in matches if match]
    if not matches or not all(matches) or len({match[1] for match in matches}) > 1 or len(set(numbers)) < len(numbers):
        received = list(devices)
        raise DeviceError(f"`devices` must be different devices of one kind, such as GPU:0 GPU:1. Received: {received}")
    return matches[0][1], numbers


def _pick(kind: str, numbers: list[int], there: Sequence[Any]) -> list[Any]:
    if max(numbers) >= len(there):
        raise DeviceError(f"--devices: there is no {kind}:{max(numbers)}, only {len(there)} x {kind} is seen")
    return [there[number] for number in numbers]


def hosts(tf_config: str) -> tuple[int, int]:
    """Number of hosts, and which of them this one is, from the JSON in TF_CONFIG (a chief counts first)."""
    try:
        config = json.loads(tf_config or "{}")
        cluster = config.get("cluster", {})
        jobs = [(job, index) for job in ("chief", "worker") for index in range(len(cluster.get(job, ())))]
        if len(jobs) <= 1:
            return 1, 0
        return len(jobs), jobs.index((config["task"]["type"], int(config["task"]["index"])))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        example = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
        raise DeviceError(f"TF_CONFIG must be like {example}. Received: {tf_config!r}") from error


def several_on_jax(devices: Sequence[str] | None) -> bool:
    """Whether JAX would train on more than one device; asks it only where `devices` does not say."""
    if devices is not None:
        return len(parse(devices)[1]) > 1
    import jax

    with quiet():
        return len(jax.devices()) > 1


def choose_tensorflow(tpu: bool, kind: str | None, numbers: list[int], num_hosts: int) -> tuple:
    """Kind, number of replicas, the device's name, lowest compute capability, strategy."""
    import tensorflow as tf

    if tpu:
        strategy = tpu_strategy()
        return "tpu", strategy.num_replicas_in_sync, None, None, strategy
    with quiet():
        gpus = [] if kind == "CPU" else tf.config.list_physical_devices("GPU")
    if kind == "GPU":
        gpus = _pick(kind, numbers, gpus)
    num_local = len(gpus) or len(numbers) or 1
    try:
        tf.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            # TensorFlow would take all of a GPU's memory, so that no second process could run beside it.
            tf.config.experimental.set_memory_growth(gpu, True)
        if not gpus and num_local > 1:
            logical = [tf.config.LogicalDeviceConfiguration()] * num_local
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    except RuntimeError as error:
        raise DeviceError(f"devices must be chosen before TensorFlow computes anything: {error}") from error

    strategy = None
    if num_hosts > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif num_local > 1:
        strategy = tf.distribute.MirroredStrategy([f"{'GPU' if gpus else 'CPU'}:{i}" for i in range(num_local)])
    num_replicas = strategy.num_replicas_in_sync if strategy else 1
    if not gpus:
        return "cpu", num_replicas, None, None, strategy
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    capability = min(detail.get("compute_capability", (0, 0)) for detail in details)
    return "gpu", num_replicas, details[0].get("device_name"), capability, strategy


def choose_jax(tpu: bool, kind: str | None, numbers: list[int]) -> tuple:
    """As `choose_tensorflow`, but never a strategy: Keras holds the distribution for the whole process."""
    import jax
    import keras

    if kind == "CPU" and max(numbers) > 0 and "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # too late, JAX already runs: `_pick` then counts what it has
            jax.config.update("jax_num_cpu_devices", max(numbers) + 1)
    try:
        there = jax.devices("tpu" if tpu else kind and kind.lower())
    except RuntimeError:
        there = []
    there = _pick(kind, numbers, there) if numbers else there
    with contextlib.suppress(ImportError), quiet():
        import tensorflow as tf

        # TensorFlow only feeds: if it took hold of the accelerator, JAX could not have it.
        for hidden in ("GPU", "TPU"):
            with contextlib.suppress(RuntimeError):  # it already runs, and has what it has
                tf.config.set_visible_devices([], hidden)
    kind = there[0].platform
    if len(there) > 1:
        names = [f"{kind}:{device.id}" for device in there]
        # No sharding by Keras: `distribute` gives each host its own share.
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names, auto_shard_dataset=False))
    elif numbers:
        jax.config.update("jax_default_device", there[0])
    capability = None
    if kind == "gpu":
        capability = min(tuple(map(int, device.compute_capability.split("."))) for device in there)
    return kind, len(there), None if kind == "cpu" else there[0].device_kind, capability, None


def compute_exactly(backend: str) -> None:
    if backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "float32")
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)


def leave_operations_apart(backend: str) -> None:
    """Keeps TensorFlow from joining a convolution and its activation, as training needs what is between them.

    Its remapper tries to on some CPUs, gives up and prints an error for it; steps take as long with it as without.
    """
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"remapping": False})
