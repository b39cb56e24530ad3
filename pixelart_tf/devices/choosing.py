"""TPU, GPUs, several hosts or a CPU: the Keras backend, the `tf.distribute` strategy and the precision.

Keras picks its backend when it is first imported, and TensorFlow fixes its devices at its first operation. So a command
calls `select_backend` before anything imports Keras, and `choose` before anything computes; nothing heavy is imported
at the top of this file.
"""

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pixelart_tf.base.stderr import quiet
from pixelart_tf.devices.backend import BACKENDS, DeviceError, backend_with_tpu, select_backend, tpu_strategy

__all__ = ["BACKENDS", "PRECISIONS", "DeviceError", "Devices", "choose", "quiet", "select_backend"]

PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Devices:
    """What a run computes on; made by `choose`.

    Attributes:
        kind: `"cpu"`, `"gpu"` or `"tpu"`.
        num_replicas: copies of the model that share a batch, over all hosts.
        strategy: `tf.distribute.Strategy`, or None (one TensorFlow device, or JAX).
        precision: name of a Keras dtype policy.
        jit_compile: whether `compile()` should ask for XLA.
        num_hosts: processes that train together.
        host: number of this process among them.
        description: one line for the start of a run.
    """

    kind: str
    num_replicas: int
    strategy: Any
    precision: str
    jit_compile: bool
    num_hosts: int
    host: int
    description: str

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's files."""
        return self.host == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Where the model and its optimizer must be made. (JAX's distribution holds everywhere, from `choose` on.)"""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def check_batch_size(self, batch_size: int) -> None:
        """Raises a `DeviceError` where replicas would get unequal shares, as their means would then weigh unequally."""
        if batch_size < 1 or batch_size % self.num_replicas:
            raise DeviceError(
                f"`batch_size` must be a positive multiple of {self.num_replicas}, the number of replicas. "
                f"Received: {batch_size}"
            )

    def predictor(self, model: Any) -> Callable[[np.ndarray], np.ndarray]:
        """A function that runs `model`, made in `scope()`, over a batch (B, ...) split over all replicas.

        A batch of any size is taken; it is filled up where the replicas could not share it evenly.
        """
        if self.strategy is None and self.num_replicas == 1:
            return model.predict_on_batch
        import keras

        def filled(batch):
            return np.concatenate([batch, np.repeat(batch[-1:], -len(batch) % self.num_replicas, axis=0)])

        if self.strategy is None:

            def predict(batch):
                shared = filled(batch)
                layout = keras.distribution.distribution().get_data_layout(shared.shape)
                return model.predict_on_batch(keras.distribution.distribute_tensor(shared, layout))[: len(batch)]

            return predict
        import tensorflow as tf

        # `predict_on_batch` would give each replica the whole batch.
        run = tf.function(lambda values: self.strategy.run(model, args=(values,)), reduce_retracing=True)

        def predict(batch):
            shares = np.split(filled(batch), self.num_replicas)
            values = self.strategy.experimental_distribute_values_from_function(
                lambda context: tf.constant(shares[context.replica_id_in_sync_group])
            )
            outputs = self.strategy.experimental_local_results(run(values))
            return np.concatenate([output.numpy() for output in outputs])[: len(batch)]

        return predict

    def distribute(self, make_dataset: Callable[..., Any]) -> Any:
        """A data set for `fit()`.

        Args:
            make_dataset: `make_dataset(num_hosts=n, host=h)` gives a `tf.data.Dataset` of host h's share
                of every global batch, `batch_size / n` elements, of static shape.

        Returns:
            `tf.data.Dataset`, or on several hosts a `tf.distribute.DistributedDataset`.
        """
        import tensorflow as tf

        if self.num_hosts == 1:
            dataset = make_dataset(num_hosts=1, host=0)
            if self.strategy is not None and self.kind != "tpu":
                # Keras distributes the data set and splits its batches over the replicas; there is nothing to shard.
                options = tf.data.Options()
                options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
                dataset = dataset.with_options(options)
            return dataset

        def for_host(context):
            dataset = make_dataset(num_hosts=context.num_input_pipelines, host=context.input_pipeline_id)
            share = tf.nest.flatten(dataset.element_spec)[0].shape[0]
            num_local = context.num_replicas_in_sync // context.num_input_pipelines
            # Here a replica takes a whole element, so the host's share is cut into one piece for each local replica.
            return dataset.rebatch(share // num_local, drop_remainder=True) if num_local > 1 else dataset

        # Not `experimental_distribute_dataset`: with sharding by data every host would decode every picture, and
        # without sharding it divides a host's share by the replicas of all hosts.
        return self.strategy.distribute_datasets_from_function(for_host)


def choose(
    *, tpu: bool = False, precision: str = "auto", devices: Sequence[str] | None = None, exact: bool = False,
    join_hosts: bool = True,
) -> Devices:
    """Sets this process up to compute on the best devices there are; to be called before any computation.

    On TensorFlow: `TPUStrategy` with `tpu`, `MultiWorkerMirroredStrategy` where TF_CONFIG names several hosts,
    `MirroredStrategy` over several GPUs, else one GPU or the CPU without a strategy. On JAX: all devices of the best
    platform, data-parallel. The Keras dtype policy is set too.

    Args:
        tpu: ask for a TPU.
        precision: `"float32"`, `"mixed_float16"`, `"mixed_bfloat16"`, or `"auto"`: bfloat16 on a TPU and on GPUs of
            compute capability 8, float16 on GPUs of compute capability 7, float32 elsewhere.
        devices: restrict the choice, such as `["GPU:1"]`. `["CPU:0", "CPU:1"]` splits the CPU into two devices, to try
            out what several of them do without having them.
        exact: float32 is to be computed in float32, where GPUs and TPUs else multiply in fewer bits: for numbers that
            are to be compared with those of another device.
        join_hosts: whether to wait for the other hosts that TF_CONFIG names; a command that works alone does not.

    Raises:
        DeviceError: devices that are not there, an unknown precision, or an unusable TF_CONFIG.
    """
    if precision not in PRECISIONS:
        raise DeviceError(f"`precision` must be one of {', '.join(PRECISIONS)}. Received: {precision!r}")
    wanted = _parse(devices) if devices is not None else (None, [])
    num_hosts, host = _hosts(os.environ.get("TF_CONFIG", "") if join_hosts else "")
    with quiet():
        import keras

    backend = keras.backend.backend()
    if tpu:
        backend_with_tpu((backend,))
    if backend == "jax" and num_hosts > 1:
        raise DeviceError("TF_CONFIG names several hosts, which needs `--backend tensorflow`. Received: jax")
    kind, num_replicas, name, capability, strategy = (
        _choose_jax(tpu, *wanted) if backend == "jax" else _choose_tensorflow(tpu, *wanted, num_hosts)
    )
    if exact:
        _compute_exactly(backend)
    policy = _precision(kind, capability) if precision == "auto" else precision
    keras.config.set_dtype_policy(policy)
    # JAX always compiles. On TensorFlow XLA is on for one GPU, as Keras' "auto" has it. It is off on a CPU, where it
    # slowed training steps (seconds without -> with, on two cores: U-Net 256 px batch 1 0.110 -> 0.158, U-Net 64 px
    # batch 8 0.068 -> 0.311, ResNet-6 32 px batch 8 0.162 -> 0.181). It is off under a mirrored strategy, as replicas
    # meet within the step, and under TPUStrategy, which compiles by itself.
    jit_compile = backend == "jax" or (kind == "gpu" and strategy is None)
    parallel = {"CollectiveAllReduceStrategy": "MultiWorkerMirroredStrategy", "TPUStrategyV2": "TPUStrategy"}
    parts = [
        f"{num_replicas} x {kind.upper()}" + (f" ({name})" if name else ""),
        backend,
        strategy and parallel.get(type(strategy).__name__, type(strategy).__name__),
        "DataParallel" if strategy is None and num_replicas > 1 else None,
        f"host {host + 1} of {num_hosts}" if num_hosts > 1 else None,
        policy,
        "XLA on" if jit_compile or kind == "tpu" else "XLA off",
    ]
    return Devices(
        kind=kind,
        num_replicas=num_replicas,
        strategy=strategy,
        precision=policy,
        jit_compile=jit_compile,
        num_hosts=num_hosts,
        host=host,
        description=", ".join(part for part in parts if part),
    )


def _parse(devices: Sequence[str]) -> tuple[str, list[int]]:
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


def _hosts(tf_config: str) -> tuple[int, int]:
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


def _choose_tensorflow(tpu: bool, kind: str | None, numbers: list[int], num_hosts: int) -> tuple:
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


def _choose_jax(tpu: bool, kind: str | None, numbers: list[int]) -> tuple:
    """As `_choose_tensorflow`, but never a strategy: Keras holds the distribution for the whole process."""
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


def _compute_exactly(backend: str) -> None:
    if backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "float32")
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)


def _precision(kind: str, capability: tuple[int, ...] | None) -> str:
    """The fastest dtype policy that training bears on a device of this kind."""
    if kind == "tpu" or (kind == "gpu" and capability >= (8, 0)):
        return "mixed_bfloat16"
    # Tensor cores came with 7.0; before them, float16 gains nothing.
    return "mixed_float16" if kind == "gpu" and capability >= (7, 0) else "float32"
