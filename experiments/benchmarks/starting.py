"""Seconds that a command takes to begin: `--help` of each, and one picture through a bundled generator from the shell.

    python experiments/benchmarks/starting.py [--generator sprite] [--rounds 5]

- help: `python -m pixelart_tf COMMAND --help`, each time in a process of its own.
- translate: `python -m pixelart_tf.translate GENERATOR owl.png OUT.png`, the same way; and its parts in a process that
  does the same: the import of our modules, that of Keras and TensorFlow, opening the generator, and from the file to
  the file, where the network is traced.

The least of the rounds is told and the processor's seconds beside it, user and system, as what else runs on the
machine slows all. What Python has compiled is there from the first round, which is not counted.

Wanted: `--help` in 0.5 s, one picture in 6 s.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "pixelart_tf" / "page" / "examples" / "owl.png"
PARTS = ("import of our modules", "import of Keras and TensorFlow", "opening the generator", "one picture")
IN_PARTS = """
import sys, time
times = []
def note():
    times.append((time.perf_counter(), time.process_time()))
note()
from pixelart_tf import devices, translate
note()
devices.select_backend()
devices.import_keras()
note()
generator, predict = translate.load_on_devices(sys.argv[1])
note()
translate.translate_files(generator, [sys.argv[2]], sys.argv[3], predict=predict, overwrite=True)
note()
for before, after in zip(times, times[1:]):
    print(after[0] - before[0], after[1] - before[1])
"""


def timed(arguments: list[str | Path], rounds: int) -> tuple[float, float]:
    """The least seconds by the clock and of the processors that a process of Python takes."""
    times = []
    for _ in range(rounds + 1):
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        times.append((time.perf_counter() - start, used))
    return tuple(map(min, zip(*times[1:], strict=True)))


def in_parts(generator: str, out: Path, rounds: int) -> list[tuple[float, float]]:
    """The same of each of `PARTS`."""
    command = [sys.executable, "-c", IN_PARTS, generator, PICTURE, out]
    texts = [subprocess.check_output(command, cwd=ROOT, text=True) for _ in range(rounds)]
    times = [[tuple(map(float, line.split())) for line in text.splitlines()] for text in texts]   # round, part
    return [tuple(map(min, zip(*part, strict=True))) for part in zip(*times, strict=True)]


def told(name: str, times: tuple[float, float]) -> None:
    clock, processors = times
    print(f"  {name:<34}{clock:5.2f} ({processors:.2f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default="sprite", metavar="NAME|FILE", help="(default: sprite)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    from pixelart_tf.__main__ import COMMANDS

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; seconds by the clock (of processors)")
    for name in COMMANDS:
        told(f"{name} --help", timed(["-m", "pixelart_tf", name, "--help"], arguments.rounds))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.png"
        command = ["-m", "pixelart_tf.translate", arguments.generator, PICTURE, out, "--overwrite"]
        told("translate, one picture", timed(command, arguments.rounds))
        for name, times in zip(PARTS, in_parts(arguments.generator, out, arguments.rounds), strict=True):
            told(f"  {name}", times)


if __name__ == "__main__":
    main()
