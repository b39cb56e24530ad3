"""The film of the gallery: bundled drawings on a bundled landscape, through `sprite`.

    python experiments/benchmarks/gallery_film.py experiments/pictures/film.gif

Two shots of 24 frames each: the landscape goes by slowly, the drawing quickly, and it nods. What is drawn is then made
by the command, `python -m pixelart_tf.video FRAMES film.gif --generator sprite --width 80 --colors 24 --fps 12`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy
from PIL import Image

from pixelart_tf.pictures import sources

SHARDS = Path(__file__).parents[2] / "tfrecords"
SIZE, SPRITE, FRAMES = (320, 200), 112, 24
SHOTS = (("nt-bus", "gc-france-chateaudechambord"), ("nt-snail", "gc-egypt-redpyramid"))


def cut_out(drawing: np.ndarray) -> Image.Image:
    """A drawing on white -> RGBA, without the white that reaches the border."""
    white = (drawing > 245).all(-1)
    areas, _ = scipy.ndimage.label(white)
    outside = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    alpha = np.where(np.isin(areas, outside[outside > 0]), 0, 255).astype(np.uint8)
    return Image.fromarray(np.dstack([drawing, alpha])).resize((SPRITE, SPRITE), Image.Resampling.LANCZOS)


def frames(landscape: np.ndarray, sprite: Image.Image):
    """The frames of a shot."""
    width, height = SIZE
    side = width * 4 // 3
    ground = Image.fromarray(landscape).resize((side, side), Image.Resampling.LANCZOS)
    for number in range(FRAMES):
        part = 1 - number / (FRAMES - 1)   # the drawings look to the left
        left, top = int(part * (side - width)), int(0.62 * side) - height // 2
        frame = ground.crop((left, top, left + width, top + height))
        nodding = sprite.rotate(4 * np.sin(number * np.pi / 4), Image.Resampling.BICUBIC)
        place = int((part * 1.1 - 0.25) * width), int(height - SPRITE + 2 + 3 * np.cos(number * np.pi / 4))
        frame.paste(nodding, place, nodding)
        yield frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    patterns = ("heldout_cartoon*.tfrec", "photo*.tfrec")
    pictures = {item.name: item for pattern in patterns for item in sources.read(SHARDS / pattern)}
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        for drawing, landscape in SHOTS:
            for frame in frames(pictures[landscape].decode(), cut_out(pictures[drawing].decode())):
                frame.save(Path(folder) / f"{number:04}.png")
                number += 1
        options = ["--generator", "sprite", "--width", "80", "--colors", "24", "--fps", "12", "--overwrite"]
        subprocess.run([sys.executable, "-m", "pixelart_tf.video", folder, args.out, *options], check=True)


if __name__ == "__main__":
    main()
