"""Seconds that pixel art takes with a generator of cells before it: loading, a picture of 1920x1080, and a film.

    python experiments/benchmarks/generator.py [--generator NAME|FILE] [--rounds 7] [--frames 60]

Without a generator the networks are fresh ones, of width 32 and 4 blocks and of width 48 and 6 blocks, as what weights
they have makes no difference to the time.

- loading: from the start of Python until the generator is there, each time in a process of its own.
- picture: a wall of the bundled photographs, 1920x1080, to 240x135 cells and 24 colors, enlarged again; no file is read
  or written. The first one after loading has the network traced, and is told by itself.
- film: 1280x720 as `video.py` makes it, to 160x90 cells and 24 colors, from file to file, MP4.

The least of the rounds is told and the processor's seconds beside it, as what else runs on the machine slows all.

Wanted on two cores: a picture in 0.6 s after loading, loading in 4 s, the film at 10 frames/s.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIZES = ((32, 4), (48, 6))   # width and blocks of the fresh networks
LOAD = """
import resource, sys, time
from pixelart_tf import devices
from pixelart_tf.generators.opening import load_on_devices
devices.select_backend()
load_on_devices(sys.argv[1])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
"""


def told(name: str, times: list[tuple[float, float]]) -> None:
    """Prints the least of pairs of seconds by the clock and by the processor."""
    clock, processor = (min(column) for column in zip(*times, strict=True))
    print(f"  {name:<24}{clock:7.2f} s by the clock {processor:7.2f} s of processors", flush=True)


def loading(path: Path, rounds: int) -> list[tuple[float, float]]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        processor = float(subprocess.check_output([sys.executable, "-c", LOAD, path], text=True, cwd=ROOT))
        times.append((time.perf_counter() - start, processor))
    return times


def pictures(path: Path, rounds: int) -> list[tuple[float, float]]:
    """One more than `rounds`; the first has the network traced."""
    from pixelize import wall

    from pixelart_tf import devices
    from pixelart_tf.generators.native import generating
    from pixelart_tf.generators.opening import load_on_devices
    from pixelart_tf.pixelize import Style, art

    devices.select_backend()
    generator, predict = load_on_devices(path)
    image, style, times = wall(), Style(width=240, colors=24), []
    for _ in range(rounds + 1):
        start = time.perf_counter(), time.process_time()
        generate = generating(generator, style, predict=predict)
        ((_, cells),) = generate.run([("the wall", generate.prepare(image))])
        assert art.finish(cells, style).image(8).shape == image.shape
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return times


def films(path: Path, film: Path, rounds: int) -> list[tuple[float, float]]:
    """Seconds a frame."""
    from pixelart_tf.films.engine import pixelize_film
    from pixelart_tf.generators.native import generating
    from pixelart_tf.generators.opening import load_on_devices
    from pixelart_tf.pixelize import Style

    generator, predict = load_on_devices(path)
    style, times = Style(width=160, colors=24), []
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        generate = generating(generator, style, predict=predict)
        made = pixelize_film(film, film.with_name("out.mp4"), style, generate=generate, overwrite=True)
        assert (made.width, made.height) == (160, 90)
        seconds = time.perf_counter() - start[0], time.process_time() - start[1]
        times.append(tuple(each / made.num_frames for each in seconds))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", metavar="NAME|FILE", help="one that makes cells (default: two fresh ones)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", type=int, default=60, help="of the film (default: 60)")
    arguments = parser.parse_args()
    import video

    from pixelart_tf.generators import pretrained
    from pixelart_tf.pictures import finding, images

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if arguments.generator:
            paths = [pretrained.find(arguments.generator)]
        else:
            from pixelart_tf.networks.cells import cells

            paths = [folder / f"width_{width}_blocks_{number}.keras" for width, number in SIZES]
            for path, (width, number) in zip(paths, SIZES, strict=True):
                cells(base_width=width, num_blocks=number).save(path)
        large = [path for path in finding.pictures(video.PICTURES) if min(images.read(path).shape[:2]) >= 200]
        video.make(folder / "film.mp4", large[:2], arguments.frames)
        for path in paths:
            print(f"{path.stem}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
            told("loading", loading(path.resolve(), min(3, arguments.rounds)))
            first, *others = pictures(path, arguments.rounds)
            told("the first picture", [first])
            told("a picture", others)
            times = films(path, folder / "film.mp4", min(3, arguments.rounds))
            told("a frame", times)
            print(f"  {1 / min(clock for clock, _ in times):.1f} frames/s")


if __name__ == "__main__":
    main()
