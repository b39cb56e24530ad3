"""What goes out by `convert`, against Keras: differences, sizes and milliseconds a picture, on the CPU.

    python experiments/benchmarks/exporting.py [NAME|FILE ...] [--size 256] [--rounds 9]

Without a name: the bundled `sprite`, and fresh networks of full width, the U-Net and the ResNet of nine blocks, as what
weights they have makes no difference to the time. Each goes out as ONNX, as LiteRT with weights in 32 and in 16 bits,
and as a SavedModel, for pictures of one size, and is compared as the command does. Then all take turns at one picture.
Keras is `predict_on_batch`, which `translate` uses. The least by the clock is told, and the least of the processors'
time, as what else runs on the machine slows all.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from pixelart_tf.base.columns import columns
from pixelart_tf.base.stderr import quiet

os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def rows_of(name: str, network, size: int, rounds: int) -> list[tuple[str, ...]]:
    """A line for Keras and one for each format."""
    from pixelart_tf.generators import exporting

    kinds = [*exporting.KINDS.values()]
    kinds.insert(2, exporting.FLOAT16)
    runs, about = {"Keras": network.predict_on_batch}, {"Keras": ("", "", "")}
    with tempfile.TemporaryDirectory() as folder:
        for number, kind in enumerate(kinds):
            out = Path(folder) / f"{number}{kind.suffix}"
            with quiet():
                made = exporting.export(network, out, kind, image_size=size)
                runs[kind.told] = kind.module.runner(out)
            about[kind.told] = f"{made.difference:.1e}", f"{made.changed:.3%}", f"{made.num_bytes / 1e6:.2f}"
        picture = np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)).astype(np.float32)
        times = {told: [] for told in runs}
        for _ in range(rounds + 1):   # the first one is not counted
            for told, run in runs.items():
                start, processor = time.perf_counter(), time.process_time()
                run(picture)
                times[told].append((time.perf_counter() - start, time.process_time() - processor))
    least = {told: 1000 * np.min(each[1:], axis=0) for told, each in times.items()}
    return [(name, told, *about[told], *(f"{each:.0f}" for each in least[told])) for told in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generators", nargs="*", metavar="NAME|FILE")
    parser.add_argument("--size", type=int, default=256, metavar="PIXELS")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    args = parser.parse_args()
    with quiet():
        from pixelart_tf.generators.opening import load_generator
        from pixelart_tf.networks import resnet, unet

        networks = {name: load_generator(name) for name in args.generators or ["sprite"]}
        if not args.generators:
            networks |= {"unet": unet(image_size=args.size), "resnet": resnet()}
    print(f"one picture of {args.size}x{args.size}, {args.rounds} rounds")
    found = [row for name, network in networks.items() for row in rows_of(name, network, args.size, args.rounds)]
    print(columns([("generator", "runtime", "difference", "bytes", "MB", "ms", "ms of processors"), *found]))


if __name__ == "__main__":
    main()
