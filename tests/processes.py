"""The environment of processes that tests start."""

import os

# XLA compiles in half the time without optimization, and most tests run what they compile once or twice.
QUICK = ("--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true")
CHOICES = ("KERAS_BACKEND", "XLA_FLAGS", "TF_CONFIG", "TPU_NAME")


def environment(backend: str | None = None, *, num_devices: int = 1, **more: str) -> dict[str, str]:
    """This process's, without what it has chosen, and on CPUs alone.

    Args:
        backend: of Keras; None leaves the choice to the process.
        num_devices: how many devices JAX is to see.
        more: variables besides.
    """
    clean = {name: value for name, value in os.environ.items() if name not in CHOICES}
    flags = [*QUICK, f"--xla_force_host_platform_device_count={num_devices}"] if num_devices > 1 else QUICK
    chosen = {"KERAS_BACKEND": backend} if backend else {}
    alone = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(flags)}
    return clean | alone | chosen | more
