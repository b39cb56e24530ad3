"""Grids found in made sheets of pixel art, ours beside its peers: grids right, cells right, milliseconds of processor.

    python experiments/benchmarks/grids.py [--sheets 12] [--kinds drift ...] [--peers-python PYTHON]

A sheet is four bundled held-out sprites, 64x64 cells, made larger in the ways of `KINDS`: clean, by 7.35 and as JPEG,
with jitter, blur and noise, with lines that drift, with soft filters, by factors that are not whole. A grid is right if
as many rows and columns come back as went in; cells are right if they are within 32 of 255 levels in each channel, and
none are where the grid is wrong.

The peers (proper-pixel-art, pixel-snapper, perfect-pixel, unfake; `pip install -e ".[peers]"`) run in one process of
their own, by --peers-python or this Python, each with its defaults. Those that are not installed are left out, and
said; what one raises counts as no grid, and the first of it is told. Figures are in experiments/README.md.
"""

import argparse
import io
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
WITHIN = 32


def sheets(count: int) -> list[np.ndarray]:
    """uint8 (64, 64, 3) each: four sprites."""
    from pixelart_tf.pictures import images, shards

    sprites = [images.read(encoded) for _, encoded, *_ in shards.read(ROOT / "tfrecords" / "heldout_sprite*")]
    chosen = np.random.default_rng(0).permutation(len(sprites))[: 4 * count].reshape(count, 2, 2)
    return [np.block([[[sprites[n]] for n in row] for row in four]) for four in chosen]


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(small: np.ndarray, factor: float, kernel: str) -> np.ndarray:
    size = tuple(round(side * factor) for side in (small.shape[1], small.shape[0]))
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling[kernel.upper()]))


def noisy(image: np.ndarray, random: np.random.Generator, levels: float) -> np.ndarray:
    return np.clip(np.rint(image + random.normal(0, levels, image.shape)), 0, 255).astype(np.uint8)


def wandering(count: int, cell: float, drift: float, random: np.random.Generator, jitter: float = 0.06) -> np.ndarray:
    """int64 (count + 1,): lines that wander smoothly over `drift` cells in all, and each by itself a little."""
    along = np.linspace(0, 1, count + 1)
    walk = sum(random.normal() / n * np.sin(np.pi * n * along + random.uniform(0, np.pi)) for n in (1, 2, 3, 4))
    walk = drift * (walk - walk[0]) / np.ptp(walk) + (drift > 0) * random.normal(0, jitter, count + 1)
    lines = np.rint(cell * (np.arange(count + 1) + walk)).astype(int)
    return np.maximum.accumulate(lines - lines[0] + 2 * np.arange(count + 1)) - 2 * np.arange(count + 1)


def drifted(small: np.ndarray, random: np.random.Generator, drift: float, cell: float = 10) -> np.ndarray:
    sizes = [np.maximum(2, np.diff(wandering(side, cell, drift, random))) for side in small.shape[:2]]
    large = small.repeat(sizes[0], axis=0).repeat(sizes[1], axis=1)
    return jpeg(noisy(large, random, 5), 85)


def shaken(small: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Lines that are off by a little each, a blur, noise: what a generator draws."""
    from scipy.ndimage import gaussian_filter

    sizes = [np.diff(wandering(side, 10, 1e-9, random, 0.08)) for side in small.shape[:2]]
    large = small.repeat(sizes[0], axis=0).repeat(sizes[1], axis=1)
    return noisy(gaussian_filter(large.astype(float), (1, 1, 0)), random, 6)


KINDS = {
    "clean x8": lambda small, random: resized(small, 8, "nearest"),
    "x7.35, JPEG 80": lambda small, random: jpeg(resized(small, 7.35, "nearest"), 80),
    "jitter, blur, noise": shaken,
    **{f"drift {drift:g}": lambda small, random, drift=drift: drifted(small, random, drift)
       for drift in (0, 0.4, 0.8, 1.5)},
    **{
        f"{kernel} x{factor:g}, JPEG 90": lambda small, random, kernel=kernel, factor=factor: jpeg(
            resized(small, factor, kernel), 90)
        for kernel, factor in (("bilinear", 5.3), ("bicubic", 7.3), ("lanczos", 6))
    },
    **{f"nearest x{factor:g}": lambda small, random, factor=factor: resized(small, factor, "nearest")
       for factor in (1.5, 2.25)},
}


def ours(image: np.ndarray) -> np.ndarray | None:
    from pixelart_tf.base.cli import UserError
    from pixelart_tf.pixelize import Style, art

    try:
        return art.reduce(image, Style(cell="auto")).colors
    except UserError:
        return None


def _proper(image: np.ndarray) -> np.ndarray:
    from proper_pixel_art.image import pixelate

    return np.asarray(pixelate(Image.fromarray(image)).image.convert("RGB"))


def _snapper(image: np.ndarray) -> np.ndarray:
    import pixel_snapper

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return np.asarray(Image.open(io.BytesIO(pixel_snapper.process_image(file.getvalue()))).convert("RGB"))


def _perfect(image: np.ndarray) -> np.ndarray | None:
    from perfect_pixel import get_perfect_pixel

    width, _, small = get_perfect_pixel(image)
    return small if width else None


def _unfake(image: np.ndarray) -> np.ndarray:
    from unfake import process_image_sync

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        Image.fromarray(image).save(path)
        return np.asarray(process_image_sync(str(path), detect_method="auto")["image"].convert("RGB"))


PEERS = {"proper-pixel-art": _proper, "pixel-snapper": _snapper, "perfect-pixel": _perfect, "unfake": _unfake}


def worker() -> None:
    """Reads pickled (peer, picture) from stdin; answers with its cells, or the error's text, and the seconds of
    processors."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr   # some of them print
    while True:
        try:
            name, image = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        start = time.process_time()
        try:
            found = PEERS[name](image)
        except ImportError as error:
            found = f"not installed: {error}"
        except Exception as error:   # what a peer does not find it may also raise
            found = repr(error)
        pickle.dump((found, time.process_time() - start), answers)
        answers.flush()


class Peers:
    def __init__(self, python: str):
        self.process = subprocess.Popen(
            [python, __file__, "--worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __call__(self, name: str, image: np.ndarray) -> tuple[np.ndarray | str | None, float]:
        pickle.dump((name, image), self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=12, help="of each kind, 24 at most (default: 12)")
    parser.add_argument("--kinds", nargs="+", metavar="WORD", help="only the kinds whose names have one of these words")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PYTHON", help="a Python with the peers")
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker()
        return
    peers, names, raised = Peers(arguments.peers_python), ["ours"], {}
    for name in () if arguments.ours else PEERS:
        answer, _ = peers(name, resized(sheets(1)[0], 8, "nearest"))   # which also loads it
        if isinstance(answer, str) and answer.startswith("not installed"):
            print(f"{name} is left out: {answer}")
        else:
            names.append(name)
    print(f"{'':24}" + "".join(f"{name:>24}" for name in names))
    for kind, make in KINDS.items():
        if arguments.kinds and not any(word in kind for word in arguments.kinds):
            continue
        line = f"{kind:24}"
        for name in names:
            grids, right, seconds = 0, [], []
            for number, small in enumerate(sheets(arguments.sheets)):
                image = make(small, np.random.default_rng(number))
                start = time.process_time()
                found, took = (ours(image), None) if name == "ours" else peers(name, image)
                seconds.append(took or time.process_time() - start)
                if isinstance(found, str):
                    raised.setdefault(name, f"{name}, {kind}: {found}")
                is_right = isinstance(found, np.ndarray) and found.shape == small.shape
                grids += is_right
                apart = np.abs(found.astype(int) - small).max(axis=-1) if is_right else np.full((1, 1), 255)
                right.append((apart <= WITHIN).mean())
            milliseconds = 1e3 * np.median(seconds)
            line += f"{f'{grids}/{arguments.sheets} {100 * np.mean(right):.1f} % {milliseconds:.0f} ms':>24}"
        print(line, flush=True)
    for line in raised.values():
        print(line)


if __name__ == "__main__":
    main()
