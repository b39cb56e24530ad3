"""Milliseconds and color error of pixelize, against pyxelate and Pillow's quantize.

    python experiments/benchmarks/pixelize.py [--picture FILE] [--pyxelate-python PYTHON]

- cells: a picture of 1920x1080 to cells of 8 pixels and 16 colors, palette and all, and enlarged again: ours; Pillow's
  box reduction and quantize; and pyxelate (Pyx(factor=8, palette=16, dither="none")), where this Python or
  --pyxelate-python has it, in a process of its own.
- pixels: the palette of 16 colors and the nearest entry of each of the two million pixels, no grid: ours and Pillow's.

Without --picture the picture is a wall of the bundled photographs at their own size, so that the noise and the edges
are a photograph's; it has more different colors than a single one. The rounds take turns, so that what else runs on the
machine slows all alike; the middle of the rounds is printed. Errors are mean squares over pixels (or cells, against
their own means), summed over the three channels: of sRGB 0 to 255, and of OKLab times 1000. Pillow's MAXCOVERAGE and
MEDIANCUT find the palette by their own means, and with kmeans=10 they refine it.

Wanted on two quiet cores: cells in under 100 ms, at least 20 times as fast as pyxelate; pixels no slower than Pillow's
default at a lower error. Figures are in experiments/README.md.
"""

import argparse
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, features

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT, CELL, COLORS = 1920, 1080, 8, 16
METHODS = {"MEDIANCUT": 0, "MAXCOVERAGE": 1, "FASTOCTREE": 2, "LIBIMAGEQUANT": 3}


def wall() -> np.ndarray:
    """uint8 (HEIGHT, WIDTH, 3): bundled photographs side by side."""
    from pixelart_tf.pictures import images, shards

    photos = [images.read(encoded) for _, encoded, *_ in shards.read(ROOT / "tfrecords" / "photo*")]
    rows, columns = -(-HEIGHT // photos[0].shape[0]), -(-WIDTH // photos[0].shape[1])
    lines = [np.concatenate(photos[row * columns : (row + 1) * columns], axis=1) for row in range(rows)]
    return np.ascontiguousarray(np.concatenate(lines)[:HEIGHT, :WIDTH])


def pyxelate_worker(path: str) -> None:
    """For each line on standard input pixelizes once, and answers with the seconds; the first result is kept."""
    from pyxelate import Pyx

    image = np.load(path)
    for _ in sys.stdin:
        start = time.perf_counter()
        result = Pyx(factor=CELL, palette=COLORS, dither="none").fit_transform(image)
        seconds = time.perf_counter() - start
        np.save(path + ".result.npy", result)
        print(seconds, flush=True)


class Pyxelate:
    """A process that waits while others are timed."""

    def __init__(self, python: str, image: np.ndarray, folder: str):
        self.path = str(Path(folder) / "picture.npy")
        np.save(self.path, image)
        self.process = subprocess.Popen(
            [python, __file__, "--worker", self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )

    def seconds(self) -> float:
        self.process.stdin.write("once\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("pyxelate failed; run its Python with --worker to see why")
        return float(line)

    def cells(self) -> np.ndarray:
        self.process.stdin.close()
        self.process.wait()
        return np.load(self.path + ".result.npy")[..., :3]


def error(image: np.ndarray, result: np.ndarray) -> tuple[float, float]:
    """Mean squared error in sRGB, and in OKLab times 1000."""
    from pixelart_tf.pixelize import color

    squares = []
    for of, factor in ((np.float64, 1), (color.to_oklab, 1000)):
        total = 0.0
        for start in range(0, len(image), 64):   # not all of a large picture as floats at once
            a, b = (np.asarray(of(each[start : start + 64])) for each in (image, result))
            total += float(((a - b) ** 2).sum(dtype=np.float64))
        squares.append(factor * total / (image.shape[0] * image.shape[1]))
    return tuple(squares)


def pillow(image: np.ndarray, method: int, kmeans: int) -> np.ndarray:
    quantized = Image.fromarray(image).quantize(COLORS, method=method, kmeans=kmeans, dither=Image.Dither.NONE)
    return np.asarray(quantized.convert("RGB"))


def candidates(image: np.ndarray) -> dict[str, dict[str, callable]]:
    """Group -> name -> a function that gives the result at one value a cell (or pixel)."""
    from pixelart_tf.pixelize import Style, pixelize
    from pixelart_tf.pixelize.palette import extract, nearest

    def cells(space):
        def run():
            art = pixelize(image, Style(cell=CELL, colors=COLORS, space=space))
            art.image(CELL)
            return art.image()
        return run

    def pillow_cells(method):
        def run():
            small = np.asarray(Image.fromarray(image).reduce(CELL))
            found = pillow(small, method, 0)
            found.repeat(CELL, axis=0).repeat(CELL, axis=1)
            return found
        return run

    def pixels(space):
        def run():
            palette = extract(image, COLORS, space=space)
            return palette[nearest(image, palette, space=space)]
        return run

    there = [name for name in METHODS if name != "LIBIMAGEQUANT" or features.check("libimagequant")]
    groups = {"cells": {}, "pixels": {}}
    for space in ("oklab", "rgb"):
        groups["cells"][f"ours, {space}"] = cells(space)
        groups["pixels"][f"ours, {space}"] = pixels(space)
    for name in there:
        groups["cells"][f"Pillow {name}"] = pillow_cells(METHODS[name])
        groups["pixels"][f"Pillow {name}"] = lambda method=METHODS[name]: pillow(image, method, 0)
    for name in ("MEDIANCUT", "MAXCOVERAGE"):
        groups["pixels"][f"Pillow {name}, kmeans=10"] = lambda method=METHODS[name]: pillow(image, method, 10)
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="resized and cut to 1920x1080")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pyxelate-python", default=sys.executable, metavar="PYTHON", help="a Python with pyxelate")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        pyxelate_worker(arguments.worker)
        return
    from pixelart_tf.pictures import images
    from pixelart_tf.pixelize import cells as grid

    image = wall()
    if arguments.picture:
        image = images.fit(images.read(arguments.picture), (HEIGHT, WIDTH))
    with tempfile.TemporaryDirectory() as folder:
        peer = None
        if arguments.pyxelate_python != sys.executable or importlib.util.find_spec("pyxelate"):
            peer = Pyxelate(arguments.pyxelate_python, image, folder)
            peer.seconds()   # compiles
        else:
            print("pyxelate: left out, as it is not installed; --pyxelate-python names a Python that has it")
        edges = [grid.edges(side, cell=CELL) for side in (HEIGHT, WIDTH)]
        means, _ = grid.reduce(image, *edges)
        for group, reference in (("cells", means), ("pixels", image)):
            functions = candidates(image)[group]
            results = {name: function() for name, function in functions.items()}
            timers = {name: lambda function=function: timed(function) for name, function in functions.items()}
            if group == "cells" and peer:
                timers["pyxelate"] = peer.seconds
            seconds = {name: [] for name in timers}
            for _ in range(arguments.rounds):
                # Another order each round, so that none always works on what the same neighbor left in the caches.
                for name in random.sample(list(timers), len(timers)):
                    seconds[name].append(timers[name]())
            if group == "cells" and peer:
                results["pyxelate"] = peer.cells()
            report(group, seconds, {name: error(reference, result) for name, result in results.items()})


def timed(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def report(group: str, seconds: dict[str, list[float]], errors: dict[str, tuple[float, float]]) -> None:
    mine = statistics.median(seconds["ours, oklab"])
    print(f"\n{group}, {WIDTH}x{HEIGHT}, {COLORS} colors, {os.cpu_count()} cores")
    print(f"{'':32}{'ms (least to most)':>26}  {'of ours':>8}  {'RGB error':>10}  {'OKLab error':>11}")
    for name, times in seconds.items():
        middle, (rgb, oklab) = statistics.median(times), errors[name]
        spread = f"{middle * 1e3:8.1f} ({min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})"
        print(f"{name:32}{spread:>26}  {middle / mine:7.2f}x  {rgb:10.1f}  {oklab:11.3f}")


if __name__ == "__main__":
    main()
