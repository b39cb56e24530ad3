"""What a run of `experiments/pixelate_photos.toml`, `unit.toml` or `cut.toml` has learnt, in numbers.

    python experiments/benchmarks/pixelate_photos.py runs/pixelate_photos

Its generators get the photos of the target's side as they are, which they have met as pixelated ones only. In levels
from 0 to 255, means over all pixels:
- unevenness within cells (`scores.pixel_art.unevenness`) of these photos, of what `to_target` makes of them, and of the
  real targets, the photos pixelated;
- the difference between what is made of a photo and the photo pixelated, its own target, which no loss has compared;
- and beside it that of the photo as it is;
- the cycle error: a photo there and back again, against itself, where there is a way back.
"""

import argparse

import numpy as np

from pixelart_tf import devices
from pixelart_tf.base.columns import columns
from pixelart_tf.base.progress_bar import ProgressBar


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of the run")
    folder_name = parser.parse_args().run
    devices.select_backend()
    devices.choose()
    from dataclasses import replace

    from pixelart_tf.data import feeds, loading
    from pixelart_tf.generators.opening import load_generator
    from pixelart_tf.models.model import predict
    from pixelart_tf.pictures import images
    from pixelart_tf.scores.pixel_art import unevenness
    from pixelart_tf.settings.experiment import Settings
    from pixelart_tf.settings.run_folder import RunFolder

    folder = RunFolder(folder_name)
    domain = Settings(folder.tables()).data["target"]
    cell = domain.pixelate
    photos = loading.load(replace(domain, pixelate=0), progress=ProgressBar("reading"))
    photos = feeds.without_augmentation(photos, range(len(photos)))   # (B, H, W, 3)
    real = feeds.pixelate(photos, cell).numpy()
    photos = photos.numpy()
    made = predict(load_generator(folder.generator("to_target")), photos)

    def uneven(pictures):
        return np.mean([unevenness(picture, cell) for picture in images.to_uint8(pictures)])

    def far(one, other):
        return 127.5 * np.abs(one - other).mean()

    rows = [
        (f"of {len(photos)} photos, cells of {cell} pixels", "levels"),
        ("unevenness within cells: photos", uneven(photos)),
        ("unevenness within cells: made of them", uneven(made)),
        ("unevenness within cells: real targets", uneven(real)),
        ("photos pixelated, against what is made", far(real, made)),
        ("photos pixelated, against the photos", far(real, photos)),
    ]
    if "to_source" in folder.told()["saved"]:
        back = predict(load_generator(folder.generator("to_source")), made)
        rows.append(("cycle error: photos, against there and back", far(photos, back)))
    print(columns([rows[0], *((name, f"{value:.2f}") for name, value in rows[1:])]))


if __name__ == "__main__":
    main()
