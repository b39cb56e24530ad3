"""Frames a second that `pixelart_tf.video` makes of a film of 1280x720 pixels, and where the time goes.

    python experiments/benchmarks/video.py [--pictures FOLDER] [--frames 300]

The film is made first, of pictures that the camera pans over and zooms into, with a cut between them; without PICTURES
of the bundled ones, enlarged, as nothing of 1280 pixels is bundled. Each stage is timed by itself, on one thread of its
own and whatever the codec takes; then the command as a whole, where they overlap. The machine's load is told, as what
else runs slows all of it down.
"""

import argparse
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from pixelart_tf import films
from pixelart_tf.films.engine import pixelize_film
from pixelart_tf.pictures import finding, images
from pixelart_tf.pixelize import Style, cells
from pixelart_tf.pixelize.steady import steady

PICTURES = Path(__file__).parents[2] / "tests" / "data" / "pictures"
SIZE = 1280, 720


def shots(pictures: list[Path], number: int):
    """Frames of pans with a zoom of 1.5 over each of the pictures, as Pillow images."""
    each = -(-number // len(pictures))
    for path in pictures:
        picture = Image.fromarray(images.read(path))
        shape = picture.width, picture.width * SIZE[1] / SIZE[0]
        if shape[1] > picture.height:
            shape = picture.height * SIZE[0] / SIZE[1], picture.height
        for nth in range(each):
            share = nth / max(1, each - 1)
            width, height = (side / (1.25 + 0.5 * share) for side in shape)
            left, top = share * (picture.width - width), share * (picture.height - height)
            yield picture.resize(SIZE, Image.Resampling.BICUBIC, (left, top, left + width, top + height))


def make(path: Path, pictures: list[Path], number: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        random = np.random.default_rng(0)
        noise = random.normal(0, 3, (*SIZE[::-1], 3))   # of a camera, so that the codec has some work
        for picture in shots(pictures, number):
            noise = np.roll(noise, (97, 211), axis=(0, 1))
            image = np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))


def timed(name: str, function) -> list:
    start = time.perf_counter()
    found = function()
    seconds = time.perf_counter() - start
    print(f"  {name:<28}{1000 * seconds / len(found):6.1f} ms a frame", flush=True)
    return found


def stages(path: Path, out: Path, style: Style) -> None:
    """Each stage over the film's first 100 frames."""
    film = films.open_film(path)
    frames = timed("decode, to RGB", lambda: [frame for _, frame in zip(range(100), film.frames(), strict=False)])
    edges = [cells.edges(side, cell=style.cell) for side in SIZE[::-1]]
    reduced = timed("cells", lambda: [cells.reduce(frame.image, *edges, how=style.how) for frame in frames])
    arts = timed("palette, steady", lambda: list(steady(reduced, style, cell=style.cell)))

    def encode():
        with films.create(out, film, scale=style.cell) as writer:
            for nth, art in enumerate(arts):
                writer.write(art, nth / film.rate, Fraction(1, 30))
        return arts

    timed(f"encode {out.suffix}", encode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", default=PICTURES, metavar="PICTURES", help="a folder or a quoted glob")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--limit", type=int, default=6, help="pictures to use (default: 6)")
    arguments = parser.parse_args()
    pictures = [path for path in finding.pictures(arguments.pictures) if min(images.read(path).shape[:2]) >= 200]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        make(path, pictures[: arguments.limit], arguments.frames)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; {arguments.frames} frames of 1280x720")
        style = Style(cell=8, colors=16)
        stages(path, Path(folder) / "stages.mp4", style)
        for suffix, options in (
            (".mp4", {}), (".mp4", {"dither": "bayer4"}), (".mp4", {"how": "contrast"}), (".gif", {}), (".png", {}),
        ):
            start = time.perf_counter()
            made = pixelize_film(
                path, Path(folder) / f"out{suffix}", Style(cell=8, colors=16, **options), overwrite=True
            )
            seconds = time.perf_counter() - start
            words = ", ".join([suffix, "16 colors, cell 8", *options.values()])
            size = (Path(folder) / f"out{suffix}").stat().st_size / 1e6
            rate = made.num_frames / seconds
            print(f"  {words:<40}{rate:6.1f} frames/s   flicker {made.flicker:.3%}   {size:.1f} MB", flush=True)
        print(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
