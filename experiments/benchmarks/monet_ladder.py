"""The four settings of `monet_1.toml` to `monet_4.toml` on small pictures, and DCGAN and pix2pix beside them.

    python experiments/benchmarks/monet_ladder.py out/ --photos "landscapes/*.jpg" --paintings "vangogh-*.jpg"

Does the order come back in which their author reported them (MiFID 51.30, 46.00, 42.30, 40.34; DCGAN 210, pix2pix
53.4)? And what do the options change that the best public notebooks added to the discriminators? Pictures are 64x64,
networks a quarter as wide, and each training sees as many pictures as the others. Of six photos and of four paintings
one is held out; of each painting, four quarters. pix2pix learns to paint edges, and is given the photos' edges; DCGAN
is given noise. Trainings that have ended are not run again.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SIZE, JITTER = 64, 8
SMALL = {"model.generator.base_width": 16, "model.discriminator.base_width": 16, "data.image_size": SIZE,
         "data.jitter": JITTER, "train.decay_epochs": 0, "train.epochs": 10}
BATCH_SIZES = {"monet_1": 32, "monet_2": 32, "monet_3": 4, "monet_4": 4, "dcgan": 16, "pix2pix": 4}
# What is tried with the last of the four.
OPTIONS = {
    "spectral_norm": {"model.discriminator.spectral_norm": "true", "model.discriminator.norm": "none"},
    "two_heads": {"model.discriminator.num_heads": 2, "model.objective": "bce+hinge"},
    "unet_discriminator": {"model.discriminator.name": "unet_discriminator"},
    "top_k": {"model.top_k": 0.75},
}
TABLES = {"dcgan": """
[data]
mirror = true
[model]
name = "dcgan"
diff_augment = "color,translation,cutout"
""", "pix2pix": """
[data]
mirror = true
[data.partner]
made = "edges"
[model]
name = "pix2pix"
[model.generator]
name = "unet"
"""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for pictures and runs")
    parser.add_argument("--photos", default=str(ROOT / "tfrecords" / "photo*.tfrec"))
    parser.add_argument("--paintings", default=str(ROOT / "tfrecords" / "vangogh*.tfrec"))
    parser.add_argument("--pictures", type=int, default=4_800, help="how many each training sees (default: 4800)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--settings", nargs="+", choices=[*BATCH_SIZES, *OPTIONS], default=[*BATCH_SIZES, *OPTIONS])
    parser.add_argument("--sheet", help="a picture to write of eight of each first seed")
    args = parser.parse_args()
    split(args.photos, args.out / "photos", 6)
    split(args.paintings, args.out / "paintings", 4, quarters=True)
    groups, photos = {name: [] for name in args.settings}, args.out / "photos" / "held"
    for seed in args.seeds:
        for name, group in groups.items():
            run = args.out / f"{name}_{seed}"
            if not (run / "made").exists():
                train(run, name, seed, args)
                make(run, name, photos)
            group.append(str(run / "made"))
    entries = [f"{name}={','.join(group)}" for name, group in groups.items()]
    paintings = args.out / "paintings"
    subprocess.run(
        [sys.executable, "-m", "pixelart_tf.leaderboard", *entries, f"photos={photos}",
         "--real", str(paintings / "held"), "--train", str(paintings / "train"),
         "--network", "lite0", "--size", str(SIZE), "--csv", str(args.out / "ladder.csv"), "--overwrite"],
        check=True,
    )
    if args.sheet:
        folders = {"photos": photos} | {name: Path(group[0]) for name, group in groups.items()}
        draw(folders | {"paintings": paintings / "held"}, args.sheet)


def draw(folders: dict[str, Path], out: str) -> None:
    """Writes eight pictures of each folder, a row each."""
    from pixelart_tf.pictures import images
    from pixelart_tf.training.figures import sheet

    rows = {}
    for name, folder in folders.items():
        paths = sorted(folder.glob("*.png"))
        rows[name] = images.to_float(np.stack([images.read(paths[i * len(paths) // 8]) for i in range(8)]))
    images.write(out, sheet(rows, 2))


def split(pattern: str, out: Path, step: int, *, quarters: bool = False) -> None:
    """Writes every `step`-th picture to out/held and the others to out/train, all as PNG, once."""
    if out.exists():
        return
    from pixelart_tf.pictures import images, sources

    for index, each in enumerate(sources.read(pattern)):
        picture = each.decode()
        height, width = (side // 2 for side in picture.shape[:2])
        parts = [picture]
        if quarters:
            parts = [picture[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
        folder = out / ("held" if index % step == step - 1 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(parts):
            small = images.fit(part, SIZE + JITTER)
            if folder.name == "held":
                small = small[JITTER // 2 :][:SIZE, JITTER // 2 :][:, :SIZE]
            images.write(folder / f"{index:04}_{number}.png", small)


def train(run: Path, name: str, seed: int, args: argparse.Namespace) -> None:
    """Trains, or goes on with what was stopped."""
    base = "monet_4" if name in OPTIONS else name
    batch_size = BATCH_SIZES[base]
    settings = SMALL | {
        "data.target.files": str(args.out / "paintings" / "train" / "*.png"), "train.batch_size": batch_size,
        "train.steps_per_epoch": args.pictures // 10 // batch_size, "train.seed": seed,
    } | OPTIONS.get(name, {})
    if name in TABLES:
        file = args.out / f"{name}.toml"
        file.write_text(TABLES[name])
    else:
        file = ROOT / "experiments" / f"{base}.toml"
        settings["data.source.files"] = str(args.out / "photos" / "train" / "*.png")
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "pixelart_tf.train", str(file), "--run", str(run), "--resume", *words]
    subprocess.run(command, check=True)


def make(run: Path, name: str, photos: Path) -> None:
    """Writes to the folder `made` what a run's last generator makes of the held-out photos, or of noise."""
    from pixelart_tf.generators.opening import NOISE, PICTURES, load_generator
    from pixelart_tf.models.model import predict
    from pixelart_tf.pictures import images

    pictures = np.stack([images.read(path) for path in sorted(photos.glob("*.png"))])
    file = run / ("generator.keras" if name == "dcgan" else "to_target.keras")
    generator = load_generator(file, of=(PICTURES, NOISE))
    given = images.to_float(pictures)
    if name == "dcgan":
        given = np.random.default_rng(0).standard_normal((len(pictures), *generator.input_shape[1:])).astype("float32")
    elif name == "pix2pix":
        from pixelart_tf.data.partners import partner_of
        from pixelart_tf.settings.partner import Partner

        given = partner_of(Partner(made="edges"), given, {})
    folder = run / "part"
    folder.mkdir(exist_ok=True)
    for index, each in enumerate(images.to_uint8(predict(generator, given))):
        images.write(folder / f"{index:04}.png", each)
    folder.rename(run / "made")   # so that it is there when it is whole


if __name__ == "__main__":
    main()
