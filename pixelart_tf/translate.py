"""Command: run a trained generator over pictures of any size."""

import argparse
import functools
import sys
import time
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base import cluster
from pixelart_tf.base.cli import Parser, UserError, command
from pixelart_tf.base.columns import counted
from pixelart_tf.base.files import check_output
from pixelart_tf.base.memory import advising, halved
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.generators import class_names, pretrained
from pixelart_tf.generators.on_cluster import translate_on_cluster
from pixelart_tf.generators.opening import NOISE, load_on_devices
from pixelart_tf.generators.picture_files import translate_files
from pixelart_tf.pictures import images, outputs

EXAMPLES = """
examples:
  python -m pixelart_tf.translate runs/quickstart/to_target.keras photos/ pixels/
  python -m pixelart_tf.translate sprite cat.jpg cat.png
  python -m pixelart_tf.translate to_target.keras "photos/**/*.jpg" out --format jpeg --tile 1024
  python -m pixelart_tf.translate --encoder runs/quickstart/to_target.keras cat.jpg levels.png
  python -m pixelart_tf.translate --samples 64 --seed 1 runs/dcgan/generator.keras samples/
"""


@command
def main(argv: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m pixelart_tf.translate", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("generator", type=Path, metavar="GENERATOR",
        help="a .keras file, such as a run's to_target.keras, or the name of a bundled generator")
    add("pictures", nargs="*", metavar="PICTURES", help="pictures, folders, globs, zips or shards")
    add("out", metavar="OUT", help="folder to write; for one picture also a file")
    add("--samples", type=int, metavar="N", help="of a generator of noise: write N pictures, and a walk through them")
    add("--seed", type=int, default=0, metavar="N", help="of the samples' noise (default: 0)")
    add("--class", metavar="NAME", dest="wanted",
        help="where the generator was trained on several folders: of the samples (default: each in turn); of a network "
             "of several styles the style, or shares of some: A=0.7,B=0.3")
    add("--encoder", action="store_true", help="write what each level puts out for one picture, as a labelled sheet")
    add("--batch-size", type=int, default=8, metavar="N", help="pictures or tiles at a time (default: 8)")
    add("--format", choices=outputs.FORMATS, default="png",
        help="of the outputs; keep: as the inputs (default: png, as JPEG ruins a pixel grid)")
    add("--tile", type=int, default=512, metavar="PIXELS",
        help="what is larger goes through in tiles of this side, or of the network's own size where that is fixed; "
             "less saves memory (default: 512)")
    add("--overlap", type=int, default=64, metavar="PIXELS", help="what neighbouring tiles share (default: 64)")
    add("--overwrite", action="store_true", help="replace outputs that are already there")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be read, and name them")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    cluster.add_options(add)
    add("--list", action=_Listing, nargs=0, default=argparse.SUPPRESS, help="list the bundled generators, and stop")
    options = vars(parser.parse_intermixed_args(argv))   # else those before an option would be taken for all
    backend = devices.select_backend(options.pop("backend"))
    if (options["engine"] == "ray" or options["address"]) and (options["encoder"] or options["samples"] is not None):
        raise UserError("--engine ray and --address: are for PICTURES, not for --encoder or --samples")
    if options.pop("encoder"):
        return _encoder(options)
    if options["samples"] is not None:
        return _sample(options)
    del options["samples"], options["seed"]
    if not options["pictures"]:
        raise UserError("no PICTURES: give GENERATOR PICTURES OUT, or --samples N GENERATOR OUT")
    generator, style = options.pop("generator"), options.pop("wanted")
    with cluster.opened(options.pop("engine"), options.pop("address")) as workers:
        if workers is None:
            generator, predict = load_on_devices(generator, style=style)
            make = functools.partial(translate_files, generator, predict=predict)
        else:
            make = functools.partial(translate_on_cluster, workers, generator, style=style, backend=backend)
        start = time.monotonic()
        with advising(f"{halved('--tile', options['tile'])}, or {halved('--batch-size', options['batch_size'])}"):
            made = make(**options, progress=ProgressBar("translating"))
    for line in made.bad:
        print(f"skipped {line}")
    number, rate = counted(made.num_pictures, "picture"), made.num_pictures / (time.monotonic() - start)
    print(f"{number} in {options['out']} ({rate:.1f} images/s)")
    return 0


class _Listing(argparse.Action):
    """Stops before the arguments that must be there are missed."""

    def __call__(self, parser, *_):
        print(pretrained.listing())
        parser.exit()


def _encoder(options: dict) -> int:
    out, pictures = Path(options["out"]), options["pictures"]
    check_output(out, overwrite=options["overwrite"], suffixes=(".png",), inputs=pictures)
    if options["samples"] is not None:
        raise UserError("--encoder: shows what becomes of a picture, and --samples are made of none: leave one out")
    if len(pictures) != 1:
        raise UserError("--encoder: takes GENERATOR PICTURE OUT.png")
    generator, _ = load_on_devices(options["generator"], style=options["wanted"])
    from pixelart_tf.generators.encoding import encoder_sheet  # imports Keras, whose backend is settled only now

    images.write(out, encoder_sheet(generator, *pictures))
    print(f"{out}: what the levels of {options['generator']} put out for {pictures[0]}")
    return 0


def _sample(options: dict) -> int:
    if options["pictures"]:
        raise UserError(f"--samples: takes no PICTURES. Received: {' '.join(options['pictures'])}")
    generator, predict = load_on_devices(options["generator"], of=(NOISE,))
    from pixelart_tf.generators.sampling import sample_files  # imports Keras, which says much unless it was imported

    with advising(halved("--batch-size", options["batch_size"])):
        count = sample_files(
            generator, options["samples"], options["out"], predict=predict, progress=ProgressBar("drawing samples"),
            classes=class_names.read(pretrained.find(options["generator"])),
            **{key: options[key] for key in ("seed", "wanted", "format", "overwrite", "batch_size")},
        )
    print(f"{counted(count, 'sample')} and a walk in {options['out']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
