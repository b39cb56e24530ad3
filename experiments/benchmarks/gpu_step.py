"""Milliseconds of a CycleGAN step on one GPU: ours on the JAX backend under stock `fit()`, beside PyTorch's reference.

    python experiments/benchmarks/gpu_step.py [--torch-python PYTHON] [--profile]
    python experiments/benchmarks/gpu_step.py --width 8 --size 32 --batch 2 --steps 3       # a try on a CPU

- ours: `pixelart_tf.models.cyclegan.CycleGAN`, two U-Nets and two 70x70 PatchGANs, identity on, pools of 50, from
  arrays in memory, which `fit()` hands to the device batch by batch; in mixed_bfloat16 and in float32 (TF32 on a GPU
  that has it). TensorFlow is not needed.
- pytorch: the same step by `train_step_torch.py`, in bfloat16 (autocast, channels last), the same with torch.compile,
  and in float32 (TF32 allowed). Its pictures lie on the device from the start.

Each works in a process of its own, one after the other, on the first GPU, else on the CPU; which one it was stands in
the line. The first `fit()`, in which all is compiled, is told by itself, and the middle of five more is the step.

`--profile` tells of ours what share of the device's time each kind of kernel takes, the convolutions by name.
"""

import argparse
import collections
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("ours, bfloat16", "ours, float32")
PYTORCH = ("pytorch, bfloat16", "pytorch, bfloat16, compiled", "pytorch, float32")
ROUNDS = 5


def ours(precision: str, width: int, batch: int, size: int, steps: int):
    """Returns what runs so many steps, and the device's name."""
    from pixelart_tf import devices

    devices.select_backend("jax")
    chosen = devices.choose(precision="mixed_bfloat16" if precision == "bfloat16" else "float32")
    import jax
    import numpy as np

    from pixelart_tf.models.cyclegan import CycleGAN
    from pixelart_tf.training.optimizers import adam

    model = CycleGAN(
        dict.fromkeys(("source", "target"), (size, size, 3)),
        generator={"name": "unet", "base_width": width}, discriminator={"name": "patchgan", "base_width": width},
        identity_weight=5.0, pool_size=50,
    )
    model.compile(optimizer=adam(num_steps=10_000), jit_compile=chosen.jit_compile)
    random = np.random.default_rng(0)
    shape = (steps * batch, size, size, 3)
    arrays = {key: random.uniform(-1, 1, shape).astype(np.float32) for key in ("source", "target")}
    return (lambda: model.fit(arrays, batch_size=batch, verbose=0)), jax.devices()[0].device_kind


def pytorch(precision: str, width: int, batch: int, size: int, steps: int):
    """As `ours`."""
    import torch
    import train_step_torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    run, _ = train_step_torch.build(
        width, batch, size, bfloat16="bfloat16" in precision, compiled="compiled" in precision
    )
    return (lambda: run(steps)), torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def work(name: str, profile: bool, **options) -> dict:
    """Measures one of them, in this process."""
    kind, _, precision = name.partition(", ")
    run, device = (ours if kind == "ours" else pytorch)(precision, **options)
    seconds = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / options["steps"])
    found = {"device": device, "first": seconds[0] * options["steps"], "step": statistics.median(seconds[1:])}
    return found | ({"profile": profiled(run)} if profile and kind == "ours" else {})


def profiled(run) -> list[tuple[str, float]]:
    """The share of each kind of work of a device, or of the host where there is none, largest first."""
    import jax

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            run()
        file = next(Path(folder).rglob("*.xplane.pb"))
        planes = list(jax.profiler.ProfileData.from_file(str(file)).planes)
        planes = [each for each in planes if each.name.startswith("/device:GPU")] or planes
        spent = collections.Counter()
        for event in (event for plane in planes for line in plane.lines for event in line.events):
            statistics_of = dict(event.stats)
            if "hlo_op" in statistics_of:   # the rest is the host's, and what holds others
                spent[str(statistics_of["hlo_op"]).split(".")[0].rstrip("0123456789")] += event.duration_ns
    return [(name, each / spent.total()) for name, each in spent.most_common(20)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("width", 64), ("size", 256), ("batch", 16), ("steps", 50)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"(default: {default})")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PYTHON", help="one that has torch")
    parser.add_argument("--worker", choices=OURS + PYTORCH, help=argparse.SUPPRESS)
    arguments = vars(parser.parse_args())
    worker, torch_python = arguments.pop("worker"), arguments.pop("torch_python")
    if worker:
        print(json.dumps(work(worker, **arguments)))
        return
    profile = ["--profile"] * arguments.pop("profile")
    options = [text for key, value in arguments.items() for text in (f"--{key}", str(value))]
    print(", ".join(f"{key} {value}" for key, value in arguments.items()))
    names = OURS + PYTORCH
    if torch_python == sys.executable and importlib.util.find_spec("torch") is None:
        print("torch is not installed here: ours alone")
        names = OURS
    for name in names:
        python = sys.executable if name in OURS else torch_python
        command = [python, __file__, "--worker", name, *options, *(profile if name == OURS[0] else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        found = json.loads(done.stdout.splitlines()[-1])
        print(f"{name:<30}{1000 * found['step']:9.1f} ms a step{arguments['batch'] / found['step']:9.1f} pairs/s, "
              f"first {arguments['steps']} steps {found['first']:.1f} s, on {found['device']}", flush=True)
        for kernel, share in found.get("profile", ()):
            print(f"    {share:6.1%}  {kernel}")


if __name__ == "__main__":
    main()
