"""Pictures packed a second by the workers of a Ray cluster, and whether memory stays as it is for more pictures.

    python experiments/benchmarks/scaling.py [--workers 1 2] [--numbers 10000 100000] [--picture scaling.png]

The pictures are made: 32x32 noise, PNG, packed by `records pack` with `--engine ray` into shards of 256. The cluster is
this machine's, with so many cores lent to it; it is begun, and its workers have imported what they need, before the
clock starts. Each run is a process of its own. Scaling is measured over the smallest of the numbers, rounds in turn,
and the middle of them is told; memory by as many workers as cores, the most that this process, and the most that any
worker had (VmHWM).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def make(folder: Path, number: int) -> None:
    """Writes pictures, a thousand a subfolder."""
    from PIL import Image

    random = np.random.default_rng(0)
    for first in range(0, number, 1000):
        (folder / f"{first:07}").mkdir(parents=True)
        for each in range(first, min(first + 1000, number)):
            image = Image.fromarray(random.integers(0, 256, (32, 32, 3), np.uint8))
            image.save(folder / f"{first:07}" / f"{each:07}.png", compress_level=0)


def peak(process: str = "self") -> float:
    """The most memory that a process has had, MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def pack(pictures: Path, workers: int) -> dict:
    """One run, in this process."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    from pixelart_tf.base import cluster
    from pixelart_tf.data import packing

    options = {"domain": "x", "size": 32}
    with tempfile.TemporaryDirectory(dir=pictures.parent) as folder:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        with cluster.opened("ray") as found:
            few = sorted((pictures / "0000000").glob("*.png"))[: 8 * workers]
            packing.pack(few, Path(folder) / "few", **options, shard_size=1, cluster=found)
            start = time.perf_counter()
            made = packing.pack(pictures, Path(folder) / "all", **options, cluster=found)
            seconds = time.perf_counter() - start
        commands = {
            path.name: (path / "cmdline").read_bytes() for path in Path("/proc").iterdir() if path.name.isdecimal()
        }
        peaks = [peak(number) for number, command in commands.items() if command.startswith(b"ray::")]
        ray.shutdown()
    return {"rate": sum(made.formats.values()) / seconds, "driver": peak(), "worker": max(peaks)}


def measured(pictures: Path, workers: int) -> dict:
    command = [sys.executable, __file__, "--one", pictures, "--workers", str(workers)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])


def draw(rates: dict[int, float], memory: dict[int, dict], out: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure((9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    workers = [*rates]
    left.bar([str(each) for each in workers], [*rates.values()], color="#4477aa", width=0.5)
    first = rates[workers[0]] / workers[0]
    ideal = [first * each for each in workers]
    left.plot([str(each) for each in workers], ideal, "k--", label="one worker's, times the workers")
    left.set(title="pictures packed a second", xlabel="workers")
    left.legend()
    for key, label, color in (("driver", "the command", "#aa4477"), ("worker", "the largest worker", "#4477aa")):
        right.plot([*memory], [each[key] for each in memory.values()], "o-", label=label, color=color)
    most = max(max(each["driver"], each["worker"]) for each in memory.values())
    right.set(title="most memory, MB", xlabel="pictures", xscale="log", ylim=(0, 1.2 * most))
    right.legend()
    figure.savefig(out, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--numbers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--picture", type=Path, metavar="FILE.png")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(pack(arguments.one, arguments.workers[0])))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        rates, memory = {each: [] for each in arguments.workers}, {}
        for number in sorted(arguments.numbers):
            pictures = Path(folder) / str(number) / "in"
            make(pictures, number)
            if not memory:
                for _ in range(arguments.rounds):
                    for workers in arguments.workers:
                        found = measured(pictures, workers)
                        rates[workers].append(found["rate"])
                        print(f"  {workers} workers: {found['rate']:.0f} pictures/s", flush=True)
                memory[number] = found
            else:
                memory[number] = measured(pictures, arguments.workers[-1])
            told = memory[number]
            print(f"{number:,} pictures: {told['rate']:.0f}/s, most memory {told['driver']:.0f} MB of the command, "
                  f"{told['worker']:.0f} MB of a worker", flush=True)
        middle = {workers: statistics.median(each) for workers, each in rates.items()}
        print("  ".join(f"{workers} workers: {rate:.0f} pictures/s" for workers, rate in middle.items()))
        if arguments.picture:
            draw(middle, memory, arguments.picture)


if __name__ == "__main__":
    main()
