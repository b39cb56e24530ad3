"""Runs of super-resolution beside bicubic and Lanczos interpolation, in figures and as a sheet.

    python experiments/benchmarks/super_resolution.py runs/super_resolution_* --sheet sheet.png
    python experiments/benchmarks/super_resolution.py runs/super_* --pictures "tfrecords/heldout_cartoon*.tfrec"

All get the same pictures of low resolution, made as the first run's training made them (but without noise, and with the
middle one of its JPEG qualities): of the pictures that the first run has held out, or of others. In units of [-1, 1],
means over pictures (see `scores.pairs`): MSE and HFEN, less is better; PSNR in dB and SSIM, more is better.
"""

import argparse

import numpy as np

from pixelart_tf import devices
from pixelart_tf.base.columns import columns

INTERPOLATIONS = {"bicubic": "bicubic", "Lanczos": "lanczos3"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="folders of runs")
    parser.add_argument("--pictures", help="other pictures than those that the first run has held out")
    parser.add_argument("--sheet", help="a picture to write of the first eight of them")
    args = parser.parse_args()
    devices.select_backend()
    devices.choose()
    import tensorflow as tf

    from pixelart_tf.data import feeds
    from pixelart_tf.generators.opening import load_generator
    from pixelart_tf.models.model import predict
    from pixelart_tf.pictures import images
    from pixelart_tf.scores import pairs
    from pixelart_tf.settings import config
    from pixelart_tf.settings.experiment import Settings
    from pixelart_tf.settings.run_folder import RunFolder
    from pixelart_tf.training import figures, samples

    folders = [RunFolder(run) for run in args.runs]
    settings = Settings(folders[0].tables())
    domain = settings.data["target"]
    held = samples.split(domain, settings.train.seed)
    pictures = samples.other(domain, args.pictures or config.HELD_OUT, held)
    partners = samples.partners_of(settings.partner, pictures)
    numbers = range(len(pictures))
    originals = np.asarray(feeds.without_augmentation(pictures, numbers))
    small = np.asarray(feeds.partners_without_augmentation(partners, numbers))
    size, made = originals.shape[1:3], {}
    for name, method in INTERPOLATIONS.items():
        made[name] = np.clip(tf.image.resize(small, size, method), -1, 1)
    for folder in folders:
        saved = folder.told()["saved"][0]
        made[folder.path.name] = predict(load_generator(folder.generator(saved)), small)
    rows = [(f"of {len(originals)} pictures", "MSE", "PSNR", "SSIM", "HFEN")]
    for name, each in made.items():
        mse, psnr, ssim, hfen = (
            np.mean(score(originals, each)) for score in (pairs.mse, pairs.psnr, pairs.ssim, pairs.hfen)
        )
        rows.append((name, f"{mse:.5f}", f"{psnr:.2f}", f"{ssim:.4f}", f"{hfen:.5f}"))
    print(columns(rows))
    if args.sheet:
        factor = size[0] // small.shape[1]
        shown = {"low resolution": small.repeat(factor, 1).repeat(factor, 2)} | made | {"originals": originals}
        images.write(args.sheet, figures.sheet({name: each[:8] for name, each in shown.items()}, 2))


if __name__ == "__main__":
    main()
