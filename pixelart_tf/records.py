"""TFRecord shards of pictures, as the Monet competition has them: pack, check; and pictures pixelated as in `tf.data`.

A record is a `tf.train.Example` of three byte strings: `image_name`, `image` (a JPEG or PNG file) and `target` (the
name of its domain). Shards are called `<domain><shard>-<records>.tfrec`.
"""

import argparse
import sys
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base import cluster
from pixelart_tf.base.cli import Parser, command
from pixelart_tf.base.columns import columns, counted, shortened
from pixelart_tf.base.files import check_output
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.stderr import quiet
from pixelart_tf.data import options
from pixelart_tf.data.cutting import cut_files
from pixelart_tf.data.packing import pack
from pixelart_tf.pictures import images
from pixelart_tf.pictures.shards import Shard, check_shards, list_shards
from pixelart_tf.settings.experiment import Settings, tables_of


def _print_table(shards: list[Shard]) -> None:
    rows = [("shard", "by name", "records", "sizes", "formats", "bad")]
    for shard in shards:
        sizes, formats = (
            shortened([f"{key} ({number})" for key, number in counts.most_common()], 3)
            for counts in (shard.sizes, shard.formats)
        )
        by_name = "-" if shard.named is None else str(shard.named)
        rows.append((shard.path.name, by_name, str(shard.count), sizes, formats, str(len(shard.faults))))
    totals = (sum(values) for values in zip(*((s.named or 0, s.count, len(s.faults)) for s in shards), strict=True))
    by_name, found, bad = map(str, totals)
    rows.append((counted(len(shards), "shard"), by_name, found, "", "", bad))
    print(columns(rows))


def _pixelate(pictures: str, out: str, **given) -> None:
    devices.select_backend()   # keeps TensorFlow quiet
    with quiet():
        import tensorflow as tf  # the other actions can do without

        from pixelart_tf.data.pixelating import pixelate_files

        tf.zeros(1)   # what comes first misses a GPU aloud
    made = pixelate_files(pictures, out, progress=ProgressBar("pixelating"), **given)
    for line in made.bad:
        print(f"skipped {line}")
    print(f"{counted(made.num_pictures, 'picture')} in {out}")


def _preview(experiment: Path, out: Path, overrides: list[str], overwrite: bool) -> None:
    check_output(out, overwrite=overwrite, suffixes=(".png",))
    settings = Settings(tables_of(experiment, overrides))
    devices.select_backend()
    with quiet():
        import tensorflow as tf

        from pixelart_tf.training.preview import preview  # imports Keras

        tf.zeros(1)   # what comes first misses a GPU aloud
    images.write(out, preview(settings))
    print(f"{out}: what a training with {experiment} is fed with")


@command
def main(argv: list[str] | None = None) -> int:
    given = vars(_parser().parse_args(argv))
    action = given.pop("action")
    if action == "pack":
        with cluster.opened(given.pop("engine", None), given.pop("address", None)) as workers:
            pictures, shards_dir = given.pop("PICTURES"), given.pop("SHARDS")
            print(pack(pictures, shards_dir, cluster=workers, progress=ProgressBar("packing"), **given))
        return 0
    if action == "cut":
        print(cut_files(given.pop("IN"), given.pop("OUT"), progress=ProgressBar("cutting"), **given))
        return 0
    if action == "preview":
        _preview(**given)
        return 0
    if action == "pixelate":
        _pixelate(given.pop("IN"), given.pop("OUT"), **given)
        return 0
    total, progress, shards = len(list_shards(given["SHARDS"])), ProgressBar("checking", "shards"), []
    for shard in check_shards(given["SHARDS"]):
        shards.append(shard)
        progress(len(shards), total)
    _print_table(shards)
    faults = [fault for shard in shards for fault in shard.faults]
    for fault in faults:
        print(f"python -m pixelart_tf.records: {fault}", file=sys.stderr)
    return 2 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m pixelart_tf.records",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Packs pictures into TFRecord shards as the Monet competition has them, and checks such shards; "
        "pixelates pictures as the pipeline does; cuts pictures out of screenshots.",
        epilog="""examples:
  photographs, cut to 256x256 JPEG      %(prog)s pack photos/ shards/ --domain photo
  sprites at one pixel a cell, 32x32    %(prog)s pack 'art/*.png' shards/ --domain sprite --native --size 32
  is every record well?                 %(prog)s check shards/
  what will the training see?           %(prog)s preview experiments/drawing2sprite.toml batch.png
  grey, 128x96, means of 8x8 pixels     %(prog)s pixelate photos/ pixels/ --grey --size 128x96 --block 8
  pictures out of screenshots           %(prog)s cut shots/ cut/ --sheet sheet.png""",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="pack | check | preview | pixelate | cut")

    # What is not given stays out of the options, so that each default lives in the function alone.
    options.add_packing(actions, argument_default=argparse.SUPPRESS)
    options.add_pixelating(actions, argument_default=argparse.SUPPRESS)
    options.add_cutting(actions, argument_default=argparse.SUPPRESS)
    options.add_checking(actions)
    options.add_preview(actions)
    return parser


if __name__ == "__main__":
    sys.exit(main())
