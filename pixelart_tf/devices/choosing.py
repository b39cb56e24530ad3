"""TPU, GPUs, several hosts or a CPU: the Keras backend, the `tf.distribute` strategy and the precision.

Keras picks its backend when it is first imported, and TensorFlow fixes its devices at its first operation. So a command
calls `select_backend` before anything imports Keras, and `choose` before anything computes; nothing heavy is imported
at the top of this file.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pixelart_tf.devices import finding
from pixelart_tf.devices.backend import BACKENDS, DeviceError, backend_with_tpu, select_backend
from pixelart_tf.devices.importing import import_keras

__all__ = ["BACKENDS", "PRECISIONS", "DeviceError", "Devices", "choose", "select_backend"]

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
            make_dataset: `make_dataset(num_hosts=n, host=h)` gives a `tf.data.Dataset` of host h's share of every
                global batch, `batch_size / n` elements, of static shape. Mirrored devices are asked for as hosts are.

        Returns:
            `tf.data.Dataset`, or for mirrored devices and several hosts a `tf.distribute.DistributedDataset`.
        """
        import tensorflow as tf

        if self.num_hosts == 1 and (self.strategy is None or self.kind == "tpu"):
            return make_dataset(num_hosts=1, host=0)

        def for_pipeline(context):
            dataset = make_dataset(num_hosts=context.num_input_pipelines, host=context.input_pipeline_id)
            share = tf.nest.flatten(dataset.element_spec)[0].shape[0]
            num_local = context.num_replicas_in_sync // context.num_input_pipelines
            # Here a replica takes a whole element, so the host's share is cut into one piece for each local replica.
            return dataset.rebatch(share // num_local, drop_remainder=True) if num_local > 1 else dataset

        options = None
        if self.num_hosts == 1:
            # Each replica makes its own share. Otherwise TensorFlow puts an iterator of its own on each device, with an
            # autotuner that no option of a data set reaches and that may keep the end of `fit()` waiting for a minute.
            # Strategies of several hosts know no other way.
            options = tf.distribute.InputOptions(
                experimental_replication_mode=tf.distribute.InputReplicationMode.PER_REPLICA,
                experimental_fetch_to_device=False,
            )
        # Not `experimental_distribute_dataset`: with sharding by data every host would decode every picture, and
        # without sharding it divides a host's share by the replicas of all hosts.
        return self.strategy.distribute_datasets_from_function(for_pipeline, options)


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
    wanted = finding.parse(devices) if devices is not None else (None, [])
    num_hosts, host = finding.hosts(os.environ.get("TF_CONFIG", "") if join_hosts else "")
    keras = import_keras()
    _set_what_we_need(keras)
    backend = keras.backend.backend()
    if tpu:
        backend_with_tpu((backend,))
    if backend == "jax" and num_hosts > 1:
        raise DeviceError("TF_CONFIG names several hosts, which needs `--backend tensorflow`. Received: jax")
    kind, num_replicas, name, capability, strategy = (
        finding.choose_jax(tpu, *wanted) if backend == "jax" else finding.choose_tensorflow(tpu, *wanted, num_hosts)
    )
    if exact:
        finding.compute_exactly(backend)
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


def _set_what_we_need(keras) -> None:
    """A user's keras.json may ask for what networks here are not made for; that is told."""
    config, home = keras.config, os.environ.get("KERAS_HOME", "~/.keras")
    for name, found, needed, set_it in (
        ("image_data_format", config.image_data_format(), "channels_last", config.set_image_data_format),
        ("floatx", config.floatx(), "float32", config.set_floatx),
    ):
        if found != needed:
            print(f"note: {home}/keras.json asks for {name} {found}; pixelart_tf uses {needed}", file=sys.stderr)
            set_it(needed)


def _precision(kind: str, capability: tuple[int, ...] | None) -> str:
    """The fastest dtype policy that training bears on a device of this kind."""
    if kind == "tpu" or (kind == "gpu" and capability >= (8, 0)):
        return "mixed_bfloat16"
    # Tensor cores came with 7.0; before them, float16 gains nothing.
    return "mixed_float16" if kind == "gpu" and capability >= (7, 0) else "float32"
