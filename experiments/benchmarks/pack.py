"""Pictures packed a second by one and by two workers, and their ratio.

    python experiments/benchmarks/pack.py [PICTURES]

Without PICTURES it takes the bundled ones: photographs, enlarged to 1024 pixels as a camera's are larger than what is
packed; cartoons at 256 pixels; and sprites of 256 pixels packed at their native 32. The rounds alternate, so that what
else runs on the machine slows both alike; the middle of the rounds is printed.

The workers are threads: Pillow lets go of Python's lock to decode and to resize, not to encode. Two fresh processes
took longer than two threads for 400 pictures. Figures are in experiments/README.md.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from pixelart_tf.data import packing
from pixelart_tf.pictures import images, shards

SHARDS = Path(__file__).parents[2] / "tfrecords"
WORKERS = (1, 2)


def unpack(pattern: str, folder: Path, *, limit: int, scale: int, suffix: str) -> Path:
    """Writes the pictures of shards, enlarged, as files. Returns their folder."""
    folder.mkdir()
    for index, (_, encoded) in zip(range(limit), shards.read(SHARDS / pattern), strict=False):
        image = images.read(encoded)
        resample = "nearest" if suffix == ".png" else "lanczos"
        large = images.fit(image, image.shape[0] * scale, how="stretch", resample=resample)
        images.write(folder / f"{index:04d}{suffix}", large, quality=90)
    return folder


def measure(pictures: Path, *, rounds: int, **options) -> list[float]:
    """Pictures a second for each of `WORKERS`."""
    seconds = {workers: [] for workers in WORKERS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for workers in WORKERS:
                start = time.perf_counter()
                packed = packing.pack(
                    pictures, folder, domain="x", workers=workers, overwrite=True, skip_bad=True, **options
                )
                seconds[workers].append(time.perf_counter() - start)
    number = sum(packed.formats.values())
    return [number / statistics.median(seconds[workers]) for workers in WORKERS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="?", metavar="PICTURES", help="a folder or a quoted glob")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.pictures:
            sets = {arguments.pictures: (arguments.pictures, {})}
        else:
            root = Path(folder)
            sets = {
                "photographs, 1024 px": (unpack("photo*", root / "p", limit=85, scale=4, suffix=".jpg"), {}),
                "cartoons, 256 px": (unpack("cartoon*", root / "c", limit=300, scale=1, suffix=".png"), {}),
                "sprites, native": (
                    unpack("sprite*", root / "s", limit=500, scale=8, suffix=".png"), {"native": True, "size": 32}
                ),
            }
        measure(next(iter(sets.values()))[0], rounds=1)   # TensorFlow is imported, the files are in memory
        for name, (pictures, options) in sets.items():
            one, two = measure(pictures, rounds=arguments.rounds, **options)
            print(f"{name}: {one:.0f} pictures/s by one worker, {two:.0f} by two, {two / one:.2f} times")


if __name__ == "__main__":
    main()
