"""Command: runs, generators and made pictures -> one table of scores against the same held-out pictures."""

import argparse
import sys
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base import files
from pixelart_tf.base.cli import Parser, command, printable
from pixelart_tf.evaluation.board import make_board
from pixelart_tf.evaluation.table import as_csv, as_json, draw

PROG = "python -m pixelart_tf.leaderboard"
DESCRIPTION = """\
Scores runs, generators and made pictures against the same real pictures, by the same network, and prints a table with
the lowest MiFID first. An ENTRY is
  a run's folder       its best generator (with --last its last one) translates --photos
  a .keras file        this generator translates --photos
  a bundled generator  by its name (see translate --list), likewise
  a folder, a zip, a quoted glob or shards of pictures made already
  NAME=ENTRY,ENTRY...  several as one row of that name

Runs whose config.toml differ in train.seed only are one row: it shows their mean, Student's t interval of 95 %, and
each run's own scores. The interval of a single entry is of resampled pictures (see pixelart_tf.mifid), another thing.

No picture may have been trained on: the real ones, the photos and the entries' made ones are compared, pixel by pixel,
with those that the runs' config.toml name and with --train. Crops, and copies that lost something, are not found."""
EXAMPLES = f"""\
examples:
  {PROG} runs/quickstart runs/wider out/ --network lite0 --size 256 \\
      --real "tfrecords/heldout_sprite*.tfrec" --photos "tfrecords/heldout_cartoon*.tfrec" --picture leaderboard.png
  {PROG} runs/seed_0 runs/seed_1 runs/seed_2 runs/other --real monet/ --photos photos/ --limit 1000
  {PROG} mine=a.zip,b.zip theirs.zip --real heldout_monet/ --train "monet*.tfrec" --csv scores.csv"""
OUTPUTS = {"csv": ".csv", "json": ".json", "picture": ".png"}


@command
def main(argv: list[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    for name, suffix in OUTPUTS.items():
        if path := getattr(args, name):
            files.check_output(path, overwrite=args.overwrite, suffixes=(suffix,))
    devices.select_backend(args.backend)   # before shards are read, which takes TensorFlow
    board = make_board(
        args.entries, args.real, photos=args.photos, train=args.train, allow_trained=args.allow_trained, last=args.last,
        network=args.network, weights=args.weights, size=args.size, limit=args.limit, num_resamples=args.bootstrap,
        cache=not args.no_cache,
    )
    print(printable(str(board)), flush=True)   # first, so that a full disk does not take it away
    if args.csv is not None:
        files.write_text(args.csv, printable(as_csv(board.rows)))
    if args.json is not None:
        files.write_text(args.json, as_json(board.rows, **board.facts))
    if args.picture is not None:
        draw(board.rows, args.picture, board.about)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROG, formatter_class=argparse.RawDescriptionHelpFormatter, description=DESCRIPTION, epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("entries", nargs="*", metavar="ENTRY", help="what is scored; see above")
    add("--real", required=True, metavar="REAL", help="real pictures that nobody was trained on: a folder, a zip, a "
        "quoted glob or shards")
    add("--photos", metavar="PHOTOS", help="pictures that the generators translate and were not trained on, given in "
        "the same ways")
    add("--train", nargs="+", default=[], metavar="PICTURES", help="pictures that were trained on. Give them for "
        "entries that do not say so themselves, or whose pictures have moved since")
    add("--allow-trained", action="store_true", help="where pictures were trained on, score the entry all the same and "
        "mark its row (default: refuse)")
    add("--last", action="store_true", help="take the runs' last generators, not those in best/")
    add("--network", default="inception", metavar="NAME", help="what turns pictures into features: inception "
        "(default), lite0 (works offline) or a Keras file; see pixelart_tf.mifid")
    add("--weights", type=Path, metavar="FILE", help="take the Inception's weights from this file")
    add("--size", type=int, metavar="N", help="fit all pictures to NxN first, which is needed where their sizes differ")
    add("--limit", type=int, metavar="N", help="take the first N photos, and the first N pictures of an entry")
    add("--bootstrap", type=int, default=50, metavar="N", help="number of resamplings for the interval of a single "
        "entry (default: 50; 0: no interval)")
    add("--csv", type=Path, metavar="FILE", help="write the numbers as a table")
    add("--json", type=Path, metavar="FILE", help="write all numbers for programs")
    add("--picture", type=Path, metavar="FILE.png", help="draw the scores and their intervals")
    add("--overwrite", action="store_true", help="replace files of these names that are there")
    add("--no-cache", action="store_true", help="neither use nor keep the real pictures' features in the cache folder "
        "($PIXELART_TF_CACHE or ~/.cache/pixelart_tf)")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
