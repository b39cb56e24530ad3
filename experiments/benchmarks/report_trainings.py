"""The two trainings of a report on pixel art, small: what its networks gave, and its palette and grid made of that.

    python experiments/benchmarks/report_trainings.py out/ --sheet sheet.png

`cartoon2pixel_unet.toml` at 128 pixels and `photo2pixel_resnet.toml`, which takes six times as long a step, at 64; a
quarter as wide, in batches of 4, for so many steps. The held-out cartoons go through the one, and one of the two shards
of photos, which is left out of its training, through the other. Raw is what leaves the network (its figures are of the
pixel in the middle of each cell); finished is that as 32x32 cells, in as many colors as its hues tell, each cell its
mean's nearest color, as the report had it (`pixelize --width 32 --colors auto --no-crisp`). Beside them stands the
report's own way without a network: 3 bits a channel, then the nearest pixel. Trainings that have ended are not run
again.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pixel_art import middles, posterized, read, row, sheet

from pixelart_tf.base.columns import columns
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Style, pixelize

ROOT = Path(__file__).parents[2]
CELLS = 32
# Name -> pictures that it is not trained on, and pixels of a side.
TRAININGS = {
    "cartoon2pixel_unet": ("tfrecords/heldout_cartoon*.tfrec", 128),
    "photo2pixel_resnet": ("tfrecords/photo01-42.tfrec", 64),
}
SMALL = {
    "model.generator.base_width": 16, "model.discriminator.base_width": 16, "train.batch_size": 4, "train.epochs": 10,
    "train.decay_epochs": 5,
}


def train(name: str, run: Path, size: int, steps: int) -> None:
    """Trains, or goes on with what was stopped."""
    epoch = steps // SMALL["train.epochs"]
    settings = SMALL | {"data.image_size": size, "data.jitter": 30 * size // 256, "train.steps_per_epoch": epoch}
    if name == "photo2pixel_resnet":
        settings["data.source.files"] = str(ROOT / "tfrecords" / "photo00-43.tfrec")
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    experiment = ROOT / "experiments" / f"{name}.toml"
    command = [sys.executable, "-m", "pixelart_tf.train", str(experiment), "--run", str(run), "--resume", *words]
    subprocess.run(command, check=True)


def made(run: Path, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """What the run's generator makes of pictures, uint8 (H, W, 3) each."""
    from pixelart_tf.generators.opening import load_generator
    from pixelart_tf.models.model import predict

    given = images.to_float(np.stack(pictures))
    return [*images.to_uint8(predict(load_generator(run / "to_target.keras"), given))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the runs")
    parser.add_argument("--steps", type=int, default=1_500, help="of each training (default: 1500)")
    parser.add_argument("--sheet", type=Path, help="where a picture of both goes")
    args = parser.parse_args()
    real = [*read(str(ROOT / "tfrecords" / "heldout_sprite*.tfrec")).values()]
    rows, sheets = [("", "style", "far", "orphans", "soft steps", "hue error, degrees")], []
    for name, (pattern, size) in TRAININGS.items():
        train(name, args.out / name, size, args.steps)
        pictures = [images.fit(each, size) for each in read(str(ROOT / pattern)).values()]
        raw = made(args.out / name, pictures)
        style = Style(width=CELLS, colors="auto", crisp=False)
        ways = {
            "raw": raw,
            "finished": [pixelize(each, style).image(1) for each in raw],
            "posterize + nearest pixel": [posterized(each, CELLS) for each in pictures],
        }
        measured = ways | {"raw": [middles(each, CELLS) for each in raw]}
        rows.append((f"{name}, {len(pictures)} pictures",))
        rows += [row(way, drawn, pictures, real) for way, drawn in measured.items()]
        sheets.append(np.asarray(sheet(pictures, {f"{name}, {way}": drawn for way, drawn in ways.items()}, 10)))
    print(columns([(*each, *[""] * (len(rows[0]) - len(each))) for each in rows]))
    if args.sheet:
        Image.fromarray(np.concatenate(sheets)).save(args.sheet)


if __name__ == "__main__":
    main()
