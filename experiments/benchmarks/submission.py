"""Seconds of the submission command over the network's own: what decoding, encoding and zipping cost.

    python experiments/benchmarks/submission.py [--generator FILE.keras ...] [--count N] [--batch-size B] [--rounds R]

- network: `predict_on_batch` over batches that lie in memory as float32, all of one size; nothing else.
- command: `pixelart_tf.competition.submitting.submit`, from shards to the zip, the look at all photos before included.

Both have compiled before they are timed. They take turns in one process, so that what else runs on the machine slows
them alike; the middle of the rounds is printed, the command's time over the network's, and the middle of the ratios
within a round, which suffers least from others' load. Wanted: 1.10 at most.

Without --generator three networks are made, of random weights as time does not depend on them: the ResNet of the
quickstart, 32 cells of 8 pixels; a small U-Net of 256x256; and the one that CycleGANs have for the competition, with a
quarter of the pictures. The pictures are the bundled photos and cartoons, again and again under other names up to
--count. Where the network runs on the cores that decode and encode, as without a GPU, what those take is added to its
time and cannot be hidden behind it. --elsewhere MS has a network instead that takes MS milliseconds a picture and no
core, as on a GPU.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
GOAL = 1.10
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def shards(folder: Path, count: int) -> Path:
    """Writes `count` of the bundled pictures, 256x256, into shards."""
    import tensorflow as tf

    from pixelart_tf.pictures import shards

    found = [record for name in ("photo", "cartoon") for record in shards.read(ROOT / "tfrecords" / f"{name}*.tfrec")]
    with tf.io.TFRecordWriter(str(folder / f"photo00-{count}.tfrec")) as writer:
        for i, (name, encoded) in enumerate(itertools.islice(itertools.cycle(found), count)):
            values = {"image_name": f"{i:05}-{Path(name).name}".encode(), "image": encoded, "target": b"photo"}
            feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for key, v in values.items()}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return folder


def elsewhere(milliseconds: float):
    """A generator that takes so long for a picture, and no core meanwhile."""
    import keras

    inputs = keras.Input((None, None, 3))
    generator = keras.Model(inputs, keras.layers.Rescaling(-1.0)(inputs))

    def predict_on_batch(batch: np.ndarray) -> np.ndarray:
        time.sleep(milliseconds / 1000 * len(batch))
        return batch

    generator.predict_on_batch = predict_on_batch
    return generator


def generators(paths: list[Path], milliseconds: float | None):
    """Names and functions that make or open a generator."""
    from pixelart_tf import networks
    from pixelart_tf.generators.opening import load_generator
    from pixelart_tf.generators.saving import with_cells

    if milliseconds:
        return {f"{milliseconds:g} ms elsewhere": lambda: elsewhere(milliseconds)}
    if paths:
        return {path.name: lambda path=path: load_generator(path) for path in paths}
    return {
        "resnet, cells": lambda: with_cells(networks.resnet(
            base_width=32, num_downsamplings=1, num_blocks=6, upsampling="resize", from_input=True), 8),
        "small unet": lambda: networks.unet(base_width=16),
        "unet": lambda: networks.unet(),
    }


def measure(name: str, make, photos: Path, folder: Path, arguments: argparse.Namespace) -> float:
    """Times one generator and prints its line; returns the middle of the ratios."""
    from pixelart_tf.competition import submitting
    from pixelart_tf.pictures import images, sources

    generator = make()
    size = arguments.batch_size
    count = arguments.count // (4 if name == "unet" else 1) // size * size
    pictures = itertools.islice(sources.read(photos), count)
    floats = images.to_float(np.stack([item.decode() for item in pictures])).reshape(-1, size, 256, 256, 3)

    def command() -> float:
        start = time.perf_counter()
        submitting.submit(
            generator, photos, folder / "images.zip", any_count=True, overwrite=True, limit=count, batch_size=size,
            progress=lambda label: lambda done, total: None,
        )
        return time.perf_counter() - start

    def network() -> float:
        start = time.perf_counter()
        for batch in floats:
            np.asarray(generator.predict_on_batch(batch))
        return time.perf_counter() - start

    command()   # compiles
    network()
    times = {"command": [], "network": []}
    for _ in range(arguments.rounds):
        times["network"].append(network())
        times["command"].append(command())
    middle = {key: statistics.median(values) for key, values in times.items()}
    ratio = statistics.median(a / b for a, b in zip(times["command"], times["network"], strict=True))
    print(
        f"{name:16} {count} pictures, batches of {size}: network {middle['network']:.2f} s, command "
        f"{middle['command']:.2f} s, {middle['command'] / middle['network']:.3f}x, "
        f"{(middle['command'] - middle['network']) / count * 1000:.1f} ms a picture more (middle of the rounds' ratios "
        f"{ratio:.3f}x, wanted {GOAL}); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True,
    )
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, nargs="+", default=[], metavar="FILE.keras")
    parser.add_argument("--elsewhere", type=float, metavar="MS", help="a network that takes no core")
    parser.add_argument("--count", type=int, default=600, help="pictures (default %(default)s)")
    parser.add_argument("--batch-size", type=int, default=8, help="default %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default %(default)s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "photos").mkdir()
        photos = shards(folder / "photos", arguments.count)
        ratios = [
            measure(name, make, photos, folder, arguments)
            for name, make in generators(arguments.generator, arguments.elsewhere).items()
        ]
    return 0 if max(ratios) <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
