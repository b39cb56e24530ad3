"""Seconds and memory of MiFID over pictures, for mifid.py: what the pictures are, our side, and the comparison."""

import argparse
import contextlib
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pixelart_tf.pictures import images, sources

ROOT = Path(__file__).parents[2]
TORCH_PEER = Path(__file__).with_name("mifid_torch.py")
SHARDS = [str(ROOT / "tfrecords" / pattern) for pattern in ("photo*.tfrec", "cartoon*.tfrec")]
SIZE = 256
GOAL = 1.5   # over torchmetrics
SCORES = ("fid", "memorization_distance", "mifid")
AGREEMENT = 1e-5   # relative, by one arithmetic: the features differ by 1e-6, as float32 is summed in other orders
MEMORY_GOAL = 2e9   # bytes


def by_rule() -> dict[str, np.ndarray]:
    """Weights for the Inception that keep the signal's size, as the real ones need not be at hand."""
    from pixelart_tf.features.inception import shapes

    state = {}
    for name, shape in shapes().items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if name.endswith("running_var"):
            array = rng.uniform(0.5, 1.5, shape)
        elif name.endswith("bn.weight"):
            array = rng.uniform(0.8, 1.2, shape)
        elif name.endswith(("running_mean", ".bias")):
            array = rng.normal(0, 0.1, shape)
        else:
            array = rng.normal(0, 1, shape) * math.sqrt(2 / math.prod(shape[1:]))
        state[name] = array.astype(np.float32)
    return state


@contextlib.contextmanager
def inputs(pictures: str | None, num_generated: int, num_real: int) -> Iterator[tuple[Path, Path, Path]]:
    """Temporary folders of generated and of real JPEGs, 256x256, and a file of weights."""
    from pixelart_tf.features import weights

    found = [item for pattern in ([pictures] if pictures else SHARDS) for item in sources.read(pattern)]
    random.Random(0).shuffle(found)
    if len(found) <= num_real:
        sys.exit(f"{len(found)} pictures are too few for {num_real} real ones and others")
    with tempfile.TemporaryDirectory() as folder:
        generated, real, state = Path(folder, "generated"), Path(folder, "real"), Path(folder, "weights.npz")
        write(found[num_real:], generated, num_generated)
        write(found[:num_real], real, num_real)
        weights.save_npz(by_rule(), state)
        yield generated, real, state


def write(originals: list[sources.Encoded], folder: Path, count: int) -> None:
    """Writes `count` JPEGs: each original once, then random squares of them."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        image = originals[index % len(originals)].decode()
        if index >= len(originals):
            side = int(min(image.shape[:2]) * rng.uniform(0.5, 0.95))
            top, left = (rng.integers(0, length - side + 1) for length in image.shape[:2])
            image = image[top : top + side, left : left + side]
        images.write(folder / f"{index:05d}.jpg", images.fit(image, SIZE, how="crop", resample="area"), quality=95)


def ours(generated: str, real: str, weights: str) -> None:
    """Prints seconds and scores as JSON."""
    from pixelart_tf import devices
    from pixelart_tf.evaluation import evaluate
    from pixelart_tf.evaluation.extractor import Extractor

    extractor = Extractor.open("inception", devices.choose(precision="float32", exact=True), weights=weights)

    start, spent = time.perf_counter(), time.process_time()
    found = evaluate.evaluate(generated, real, extractor, direction="real", num_resamples=0, cache=False).scores
    seconds, spent = time.perf_counter() - start, time.process_time() - spent
    scores = {key: getattr(found, key) for key in SCORES}
    print(json.dumps({"seconds": seconds, "cpu": spent, "scores": scores}))


def disagreement(theirs: dict[str, float], mine: dict[str, float], features: Path) -> list[str]:
    """Lines on what of torchmetrics' scores is not ours: by our arithmetic on its features, and by its own."""
    from pixelart_tf import scores

    with np.load(features) as arrays:
        generated, real = arrays["generated"], arrays["real"]
    same = scores.score(generated, real, direction="real")
    lines = []
    for key in SCORES:
        if not math.isclose(getattr(same, key), mine[key], rel_tol=AGREEMENT):
            lines.append(f"its features give {key} {getattr(same, key)!r}, ours {mine[key]!r}")
    # Most eigenvalues of its product of covariances are 0, with so few pictures, but come out of its general solver as
    # about 1e-16 of the largest, of which it adds up the roots.
    norms = [np.linalg.norm(rows - rows.mean(axis=0), 2) ** 2 / (len(rows) - 1) for rows in (generated, real)]
    rounding = 2 * generated.shape[1] * math.sqrt(np.finfo(np.float64).eps * norms[0] * norms[1])
    allowed = {"fid": rounding, "memorization_distance": 0, "mifid": rounding / mine["memorization_distance"]}
    for key in SCORES:
        if not math.isclose(theirs[key], mine[key], rel_tol=AGREEMENT, abs_tol=allowed[key]):
            lines.append(f"it gives {key} {theirs[key]!r}, ours {mine[key]!r}")
    return lines


def run(name: str, command: list[str]) -> dict:
    """What a fresh process printed last: seconds and scores."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def speed(arguments: argparse.Namespace, *, with_torchmetrics: bool) -> bool:
    """Times the peers, prints a line for each, and returns whether the scores agree."""
    num_generated, num_real = arguments.count or 256, 128
    with inputs(arguments.pictures, num_generated, num_real) as paths:
        files, features = list(map(str, paths)), paths[0].with_name("features.npz")
        commands = {"ours": [sys.executable, __file__, *files]}
        for workers in (0, 2) if with_torchmetrics else ():
            commands[f"torchmetrics, {workers} workers"] = [
                arguments.torch_python, str(TORCH_PEER), *files, str(features), "--num-workers", str(workers)
            ]
        found = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name in random.sample(list(commands), len(commands)):
                found[name].append(run(name, commands[name]))
        mine = found["ours"][-1]["scores"]
        wrong = {
            name: disagreement(runs[-1]["scores"], mine, features) for name, runs in found.items() if name != "ours"
        }

    middles = {name: statistics.median(each["seconds"] for each in runs) for name, runs in found.items()}
    for name, runs in found.items():
        seconds = [each["seconds"] for each in runs]
        scores = runs[-1]["scores"]
        ratio = "" if name == "ours" else f"  {middles[name] / middles['ours']:5.2f}x (wanted {GOAL})"
        arithmetic = [each["arithmetic"] for each in runs if "arithmetic" in each]
        part = f", {statistics.median(arithmetic):.1f} of them arithmetic" if arithmetic else ""
        print(
            f"{name:23}  {middles[name]:7.2f} s ({min(seconds):.2f} to {max(seconds):.2f}{part}), "
            f"{statistics.median(each['cpu'] for each in runs):.1f} CPU seconds  "
            f"{(num_generated + num_real) / middles[name]:6.2f} pictures/s{ratio}\n"
            f"{'':23}  " + ", ".join(f"{key} {value:.8g}" for key, value in scores.items()),
            flush=True,
        )
        if name != "ours":
            told = ", ".join(f"{key} {abs(scores[key] / mine[key] - 1):.1e}" for key in SCORES)
            print("\n".join([f"{'':23}  differ from ours by {told}", *wrong[name]]))
    return not any(wrong.values())


def memory(arguments: argparse.Namespace) -> bool:
    """Prints the peak memory of the whole command, and returns whether it is as low as wanted."""
    count = arguments.count or 10_000
    with inputs(arguments.pictures, count, 300) as (generated, real, weights):
        command = [sys.executable, "-m", "pixelart_tf.mifid", str(generated), str(real), "--weights", str(weights)]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": str(ROOT)}
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--no-cache"], env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        sys.exit("the command failed; its error is above")
    peak = usage.ru_maxrss * 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if peak <= own:   # a child starts with its parent's peak
        sys.exit(f"no figure: this process itself took {own / 1e9:.2f} GB")
    print(
        f"{count:,} generated pictures, 300 real: peak {peak / 1e9:.3f} GB (wanted {MEMORY_GOAL / 1e9:.0f}), "
        f"{seconds:.0f} s, {usage.ru_utime + usage.ru_stime:.0f} CPU seconds"
    )
    return peak < MEMORY_GOAL


if __name__ == "__main__":
    ours(*sys.argv[1:])
