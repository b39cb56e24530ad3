"""Seconds by which a training with `--minutes` misses its budget, when a zip of all source pictures has been made, too.

    python experiments/benchmarks/budget.py [--minutes 3] [experiment] [--set ... and other options of the training]

Runs `pixelart_tf.train` and then `pixelart_tf.submission` with the generator that the training has left, as a kernel
does, each in a process of its own, and prints when each was done. The budget is of the start and the end of the
training command with the time for the zip kept back; over it is a failure, exit status 1. The rest is what was left
unused: the training keeps back the time that it takes to translate its source pictures, and 5 % or 2 minutes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="default %(default)s")
    arguments, options = parser.parse_known_args()
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": str(ROOT)}
    start = time.monotonic()

    def run(module: str, *argv: object) -> float:
        """Seconds from the start of all to the end of this command."""
        subprocess.run([sys.executable, "-m", f"pixelart_tf.{module}", *map(str, argv)], env=environment, check=True)
        return time.monotonic() - start

    with tempfile.TemporaryDirectory() as folder:
        run_folder = Path(folder) / "run"
        trained = run("train", *options, "--run", run_folder, "--minutes", arguments.minutes)
        settings = tomllib.loads((run_folder / "config.toml").read_text(encoding="utf-8"))
        best = run_folder / "best" / "to_target.keras"
        generator = best if best.exists() else run_folder / "to_target.keras"
        photos = settings["data"]["source"]["files"]
        zipped = run("submission", generator, photos, Path(folder) / "images.zip", "--any-count", "--fit")
    budget = 60 * arguments.minutes
    left = budget - zipped
    print(f"\nbudget {budget:.0f} s: trained after {trained:.1f} s, zip after {zipped:.1f} s, {left:+.1f} s left")
    return 0 if zipped <= budget else 1


if __name__ == "__main__":
    sys.exit(main())
