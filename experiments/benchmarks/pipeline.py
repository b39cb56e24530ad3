"""How much of TensorFlow's bare JPEG decode rate is left after cropping, mirroring and normalising.

    python experiments/benchmarks/pipeline.py [PICTURES] [--repeats 7]

Makes shards of 256 px and of 286 px JPEG pictures, then measures, in turn and several times over, on all cores:
- `tf.io.decode_jpeg` alone, in a parallel `tf.data` map, of pictures that are in memory already (the 100 %);
- this project's batches of 16 from the shards, with nothing decoded beforehand (`cache_bytes=0`);
- the same with decoded pictures in memory.
Prints the median of each and its ratio to the bare rate of the same pictures. Ratios are of one run, as rates vary by
machine and by what else it does.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from pixelart_tf.data import feeds, loading, packing
from pixelart_tf.pictures import images, shards
from pixelart_tf.settings.domain import Domain

BATCH_SIZE = 16


def make_pictures(folder: Path, count: int = 256) -> None:
    """Soft noise at several scales, about as many bytes a pixel as photos have: for a machine without photos."""
    rng = np.random.default_rng(0)
    for index in range(count):
        picture = np.zeros((320, 320, 3), np.float32)
        for cells in (2, 5, 12, 40, 160):
            noise = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
            picture += np.asarray(noise.resize((320, 320), Image.Resampling.BICUBIC), np.float32) / cells**0.5
        picture = (picture - picture.min()) / np.ptp(picture) * 255
        images.write(folder / f"{index:03d}.png", picture.astype(np.uint8))


def make_shards(pictures: str, folder: Path, size: int) -> str:
    """Packs pictures as JPEG of `size` x `size`."""
    packing.pack(pictures, folder / str(size), domain="photo", size=size, format="jpeg")
    return str(folder / str(size))


def bare(pattern: str) -> tf.data.Dataset:
    """Decodes every picture and hands on one value of each, so that nothing but the decoding is measured."""
    encoded = tf.constant([encoded for _, encoded in shards.read(pattern)])

    def decode(index: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_jpeg(encoded[index], channels=3)[0, 0, 0]

    indices = tf.data.Dataset.range(len(encoded)).repeat()
    return indices.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)


def ours(pattern: str, *, jitter: int, cache_bytes: int) -> tf.data.Dataset:
    domain = Domain(files=pattern, image_size=256, jitter=jitter)
    pictures = loading.load(domain, cache_bytes=cache_bytes)
    return feeds.unpaired({"source": pictures}, batch_size=BATCH_SIZE, seed=0).map(lambda batch: batch["source"])


def rate(iterator, seconds: float) -> float:
    """Pictures a second over about `seconds`, after what had been made ahead is used up."""
    for length in (seconds / 4, seconds):
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < length:
            next(iterator)
            count += BATCH_SIZE
    return count / elapsed


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="?", help="folder of pictures of at least 286 px; made up where left out")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one measurement")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        pictures = args.pictures
        if pictures is None:
            pictures = Path(folder, "pictures")
            pictures.mkdir()
            make_pictures(pictures)
        small, large = (make_shards(str(pictures), Path(folder), size) for size in (256, 286))
        sizes = [statistics.mean(len(encoded) for _, encoded in shards.read(pattern)) for pattern in (small, large)]
        everything = 2**40
        cases = {
            "bare 256": (bare(small), None),
            "bare 286": (bare(large), None),
            "256": (ours(small, jitter=0, cache_bytes=0), "bare 256"),
            "286 -> 256": (ours(large, jitter=30, cache_bytes=0), "bare 286"),
            "256 -> 286 -> 256": (ours(small, jitter=30, cache_bytes=0), "bare 256"),
            "286 -> 256, in memory": (ours(large, jitter=30, cache_bytes=everything), "bare 286"),
        }
        iterators = {name: iter(dataset) for name, (dataset, _) in cases.items()}
        rates = {name: [] for name in cases}
        for repeat in range(args.repeats + 1):
            for name, iterator in iterators.items():
                measured = rate(iterator, args.seconds)
                if repeat:   # the first round warms up
                    rates[name].append(measured)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{sizes[0]:,.0f} bytes a 256 px picture, {sizes[1]:,.0f} a 286 px one; TensorFlow {tf.__version__}")
    for name, (_, reference) in cases.items():
        ratio = f"{medians[name] / medians[reference]:6.2f} of {reference}" if reference else ""
        print(f"{name:24s} {medians[name]:8,.0f} pictures/s {ratio}")


if __name__ == "__main__":
    main()
