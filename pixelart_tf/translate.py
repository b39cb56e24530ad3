"""Command: run a trained generator over pictures of any size."""

import argparse
import sys
import time
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base.cli import UserError, command
from pixelart_tf.base.memory import advising, halved
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.generators.opening import NOISE, load_on_devices
from pixelart_tf.generators.picture_files import translate_files
from pixelart_tf.pictures import outputs

EXAMPLES = """
examples:
  python -m pixelart_tf.translate runs/quickstart/to_target.keras photos/ pixels/
  python -m pixelart_tf.translate to_target.keras cat.jpg cat.png
  python -m pixelart_tf.translate to_target.keras "photos/**/*.jpg" out --format jpeg --tile 1024
  python -m pixelart_tf.translate --samples 64 --seed 1 runs/dcgan/generator.keras samples/
"""


@command
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pixelart_tf.translate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("generator", type=Path, metavar="GENERATOR", help="a .keras file, such as a run's to_target.keras")
    add("pictures", nargs="*", metavar="PICTURES", help="pictures, folders, globs, zips or shards")
    add("out", type=Path, metavar="OUT", help="folder to write; for one picture also a file")
    add("--samples", type=int, metavar="N",
        help="of a generator of noise, such as a DCGAN's: write N pictures and a walk from one to the next")
    add("--seed", type=int, default=0, metavar="N", help="of the samples' noise (default: 0)")
    add("--batch-size", type=int, default=8, metavar="N", help="pictures or tiles at a time (default: 8)")
    add("--format", choices=outputs.FORMATS, default="png",
        help="of the outputs; keep: as the inputs (default: png, as JPEG ruins a pixel grid)")
    add("--tile", type=int, default=512, metavar="PIXELS",
        help="what is larger goes through in tiles of this side, or of the network's own size where that is fixed; "
             "less saves memory (default: 512)")
    add("--overlap", type=int, default=64, metavar="PIXELS",
        help="what neighbouring tiles share and are blended over (default: 64)")
    add("--overwrite", action="store_true", help="replace outputs that are already there")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be read, and name them")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    # Intermixed, as else the first positional arguments before an option would be taken for all.
    options = vars(parser.parse_intermixed_args(argv))
    devices.select_backend(options.pop("backend"))
    if options["samples"] is not None:
        return _sample(options)
    del options["samples"], options["seed"]
    if not options["pictures"]:
        raise UserError("no PICTURES: give GENERATOR PICTURES OUT, or --samples N GENERATOR OUT")
    generator, predict = load_on_devices(options.pop("generator"))
    start = time.monotonic()
    with advising(f"{halved('--tile', options['tile'])}, or {halved('--batch-size', options['batch_size'])}"):
        made = translate_files(generator, **options, predict=predict, progress=ProgressBar("translating"))
    for line in made.bad:
        print(f"skipped {line}")
    rate = made.num_pictures / (time.monotonic() - start)
    print(f"{made.num_pictures} pictures in {options['out']} ({rate:.1f} images/s)")
    return 0


def _sample(options: dict) -> int:
    from pixelart_tf.generators.sampling import sample_files  # imports Keras, whose backend is settled only now

    if options["pictures"]:
        raise UserError(f"--samples: takes no PICTURES. Received: {' '.join(options['pictures'])}")
    generator, predict = load_on_devices(options["generator"], of=(NOISE,))
    with advising(halved("--batch-size", options["batch_size"])):
        count = sample_files(
            generator, options["samples"], options["out"], predict=predict, progress=ProgressBar("drawing samples"),
            **{key: options[key] for key in ("seed", "format", "overwrite", "batch_size")},
        )
    print(f"{count} samples and a walk in {options['out']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
