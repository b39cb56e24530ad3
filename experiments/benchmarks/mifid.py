"""Seconds and memory of MiFID: ours against torchmetrics', and against the usual square root by SciPy.

    python experiments/benchmarks/mifid.py [arithmetic|pictures|memory] [--rounds N] [--torch-python PYTHON]

arithmetic: 7,000 generated and 300 real rows of 2,048 features, made by one rule of a seed. All give FID and the
memorization distance of the competition's direction, from the rows on:
- ours: `pixelart_tf.scores`, float64, with the real set prepared anew each time;
- torchmetrics: its `_compute_fid` (eigenvalues of the 2048 x 2048 product of the covariances) and
  `_compute_cosine_distance` in float64, where torchmetrics can be imported by this Python or by --torch-python;
- scipy: FID by `scipy.linalg.sqrtm` as most scorers have it, no distance; once, as it is the slowest.
Each works in a process of its own, which waits while another is timed; the middle of the rounds is printed, and the
others' time over ours. Wanted: 20 over torchmetrics. The numbers must agree, or the exit status is 1: where there are
fewer real rows than features, torchmetrics' and SciPy's roots are themselves good to about five digits only.

pictures: a folder of 256 generated and one of 128 real JPEGs of 256x256, cut out of the bundled shards or of
--pictures, to MiFID. Both have the Inception with the same weights, made by a rule, batches of 32 and the resize of
2015. Ours computes KID as well, as `pixelart_tf.mifid` does; torchmetrics' MiFID has none. Each run is a fresh process
that takes its time when the imports are done and the network is built; the first batch's compilation counts.
torchmetrics is fed by a DataLoader without and with 2 workers. Wanted: 1.5 over the better of them; same scores.

memory: peak resident memory of the whole command with its resampling, 10,000 generated pictures (more than there are:
the others are squares out of the first) against 300 real ones. Wanted: below 2 GB. Takes about half an hour.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
GOAL = 20   # over torchmetrics
LEFT_OUT = "torchmetrics: left out, as it is not installed; --torch-python names a Python that has it"
AGREEMENT = {"fid": 2e-5, "memorization_distance": 1e-9}   # relative


def features(num_generated: int, num_real: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Generated and real features as a network's last ReLU would give them: not negative, few causes. float32"""
    random = np.random.default_rng(0)
    causes = random.normal(size=(64, size)) * np.geomspace(1, 0.02, 64)[:, None]
    sets = []
    for count, shift in ((num_generated, 0.1), (num_real, 0.0)):
        rows = random.normal(size=(count, 64)) @ causes + 0.3 * random.normal(size=(count, size)) + shift
        sets.append(np.maximum(rows, 0).astype(np.float32))
    return sets[0], sets[1]


def ours():
    sys.path.insert(0, str(ROOT))
    from pixelart_tf import scores

    def run(generated, real):
        streamed = scores.StreamedScores(real, keep=0)   # no KID, which the others do not give
        streamed.update(generated)
        result = streamed.scores()
        return {"fid": result.fid, "memorization_distance": result.memorization_distance}

    return run


def torchmetrics():
    import torch
    from torchmetrics.image.fid import _compute_fid
    from torchmetrics.image.mifid import _compute_cosine_distance

    def run(generated, real):
        sets = [torch.from_numpy(rows).double() for rows in (generated, real)]
        moments = [(rows.mean(dim=0), torch.cov(rows.t())) for rows in sets]
        # It averages over its first set, which it calls real; a threshold above all distances keeps the value.
        distance = _compute_cosine_distance(*sets, cosine_distance_eps=2.0)
        return {"fid": _compute_fid(*moments[0], *moments[1]).item(), "memorization_distance": distance.item()}

    return run


def scipy():
    from scipy import linalg

    def run(generated, real):
        means = [rows.mean(axis=0, dtype=np.float64) for rows in (generated, real)]
        covariances = [np.cov(rows, rowvar=False, dtype=np.float64) for rows in (generated, real)]
        root = linalg.sqrtm(covariances[0] @ covariances[1])
        difference = means[0] - means[1]
        return {"fid": float(difference @ difference + np.trace(covariances[0] + covariances[1] - 2 * root.real))}

    return run


PEERS = {"ours": ours, "torchmetrics": torchmetrics, "scipy": scipy}


def serve(name: str, shape: list[int]) -> None:
    """Answers each line on standard input with the seconds and the scores of one run, as JSON."""
    sets = features(*shape)
    run = PEERS[name]()
    run(*(rows[:50, :64] for rows in sets))   # loads what the libraries load late
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        result = run(*sets)
        print(json.dumps([time.perf_counter() - start, result]), flush=True)


class Worker:
    """A process that scores the features when asked to."""

    def __init__(self, name: str, python: str, shape: list[int]):
        self.name = name
        self.process = subprocess.Popen(
            [python, __file__, "--worker", name, "--shape", *map(str, shape)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self._answer()

    def run(self) -> tuple[float, dict[str, float]]:
        """Seconds, and scores by name."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self._answer())

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} failed; its error is above")
        return line

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def can_import(python: str, module: str) -> bool:
    command = [python, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"]
    return subprocess.run(command, check=False).returncode == 0


def arithmetic(arguments: argparse.Namespace) -> bool:
    """Times the peers, prints a line for each, and returns whether the scores agree."""
    pythons = {"ours": sys.executable, "scipy": sys.executable, "torchmetrics": arguments.torch_python}
    if not can_import(arguments.torch_python, "torchmetrics"):
        del pythons["torchmetrics"]
        print(LEFT_OUT)
    workers = [Worker(name, python, arguments.shape) for name, python in pythons.items()]
    seconds, results = {worker.name: [] for worker in workers}, {}
    for i in range(arguments.rounds):
        for worker in workers:
            if worker.name == "scipy" and i:
                continue
            time_taken, results[worker.name] = worker.run()
            seconds[worker.name].append(time_taken)
    for worker in workers:
        worker.close()

    mine, agree = statistics.median(seconds["ours"]), True
    for name, times in seconds.items():
        middle = statistics.median(times)
        goal = f"   (wanted {GOAL})" if name == "torchmetrics" else ""
        told = ", ".join(f"{key} {value:.8g}" for key, value in results[name].items())
        print(
            f"{name:12}  {middle:7.3f} s ({min(times):.3f} to {max(times):.3f})  {middle / mine:6.1f}x{goal}   {told}",
            flush=True,
        )
        for key, value in results[name].items():
            if not math.isclose(value, results["ours"][key], rel_tol=AGREEMENT[key]):
                print(f"{name} and ours differ in {key}: {value!r} and {results['ours'][key]!r}")
                agree = False
    return agree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "part", nargs="?", choices=["arithmetic", "pictures", "memory"], default="arithmetic",
        help="default %(default)s",
    )
    parser.add_argument(
        "--shape", type=int, nargs=3, default=[7000, 300, 2048], metavar=("GENERATED", "REAL", "D"),
        help="arithmetic: rows of both sets, and features of a row (default 7000 300 2048)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="not of memory; default %(default)s")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PYTHON", help="a Python with torchmetrics")
    parser.add_argument("--pictures", metavar="DIR", help="pictures to take instead of the bundled ones")
    parser.add_argument("--count", type=int, metavar="N", help="generated pictures (default 256; memory: 10000)")
    parser.add_argument("--worker", choices=list(PEERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        serve(arguments.worker, arguments.shape)
        return 0
    if arguments.part == "arithmetic":
        return 0 if arithmetic(arguments) else 1
    sys.path.insert(0, str(ROOT))
    import mifid_pictures

    if arguments.part == "memory":
        return 0 if mifid_pictures.memory(arguments) else 1
    with_torchmetrics = can_import(arguments.torch_python, "torchmetrics")
    if not with_torchmetrics:
        print(LEFT_OUT)
    return 0 if mifid_pictures.speed(arguments, with_torchmetrics=with_torchmetrics) else 1


if __name__ == "__main__":
    sys.exit(main())
