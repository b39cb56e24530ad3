"""Command: runs, generators and made pictures -> one table of scores against the same held-out pictures."""

import argparse
import itertools
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pixelart_tf import devices, features, scores
from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError, command, printable
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.evaluation import feature_sets
from pixelart_tf.evaluation.entries import Contestant, check_held_out, fingerprints, rows_of
from pixelart_tf.evaluation.evaluate import KEPT_ROWS
from pixelart_tf.evaluation.extractor import Extractor, check_options
from pixelart_tf.evaluation.table import as_csv, as_json, draw, notes_of, order, table
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images, sources

PROG = "python -m pixelart_tf.leaderboard"
DESCRIPTION = """\
Scores runs, generators and made pictures against the same real pictures, by the same network, and prints a table with
the lowest MiFID first. An ENTRY is
  a run's folder       best/to_target.keras in it (or to_target.keras, or with --last) is run over --photos
  a .keras file        likewise
  a folder, a zip, a quoted glob or shards of pictures made already
  NAME=ENTRY,ENTRY...  several as one row of that name

Runs whose config.toml differ in train.seed only are one row: the mean of the runs, Student's t interval of 95 %, and
each run's own. The interval of a single entry is of resampled pictures (see pixelart_tf.mifid), another thing.

No picture may have been trained on: the real ones, the photos and the entries' made ones are compared, pixel by pixel,
with those that the runs' config.toml name and with --train. Crops, and copies that lost something, are not found."""
EXAMPLES = f"""\
examples:
  {PROG} runs/quickstart runs/wider out/ --network lite0 --size 256 \\
      --real "tfrecords/heldout_sprite*.tfrec" --photos "tfrecords/heldout_cartoon*.tfrec" --picture leaderboard.png
  {PROG} runs/seed_0 runs/seed_1 runs/seed_2 runs/other --real monet/ --photos photos/ --limit 1000
  {PROG} mine=a.zip,b.zip theirs.zip --real heldout_monet/ --train "monet*.tfrec" --csv scores.csv"""


def pictures_of(
    contestant: Contestant, extractor: Extractor, photos: str | None, limit: int | None
) -> Iterator[np.ndarray]:
    """Pictures as they go into the feature network: uint8 (H, W, 3)."""
    if contestant.generator is None:
        for _, image in itertools.islice(extractor.pictures(contestant.path, bad=[]), limit):
            yield image
        return
    named = ahead(lambda item: (item.place, item.decode()), itertools.islice(sources.read(photos), limit))
    for place, image in translate(load_generator(contestant.generator), named):
        if extractor.size is not None:
            image = images.fit(image, extractor.size, how="crop", resample="area")
        extractor.expect(image.shape[:2], contestant.path, f"{contestant.path} of {place}")
        yield image


def score(
    contestant: Contestant, reference: scores.Reference, extractor: Extractor, pictures: Iterator[np.ndarray], *,
    num_resamples: int, total: int,
) -> None:
    """Fills in the scores of a contestant, and its intervals where `num_resamples` is not 0."""
    bar = ProgressBar(f"scoring {contestant.path}")
    try:
        scorer = scores.Scorer(reference, keep=KEPT_ROWS)
        while batch := list(itertools.islice(pictures, extractor.batch_size)):
            scorer.update(extractor.features(np.stack(batch)))
            bar(scorer.num_generated, total)
        contestant.found = scorer.scores()
        if num_resamples and scorer.features is not None:
            contestant.intervals = scores.bootstrap(
                scorer.features, reference, num=num_resamples,
                progress=ProgressBar(f"resampling {contestant.path}", "times"),
            )
    except scores.ScoreError as error:
        raise UserError(f"{contestant.path}: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG, formatter_class=argparse.RawDescriptionHelpFormatter, description=DESCRIPTION, epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("entries", nargs="*", metavar="ENTRY", help="see above")
    add("--real", required=True, metavar="REAL", help="held-out real pictures: a folder, a zip, a quoted glob, shards")
    add("--photos", metavar="PHOTOS", help="held-out pictures that the generators translate; likewise")
    add("--train", nargs="+", default=[], metavar="PICTURES", help="pictures that were trained on, for entries that do "
        "not say so themselves, or say where they are no more")
    add("--last", action="store_true", help="take the runs' last generators, not those in best/")
    add("--network", default="inception", metavar="NAME", help="inception (default), lite0 (works offline), or a Keras "
        "file; see pixelart_tf.mifid")
    add("--weights", type=Path, metavar="FILE", help="of the Inception")
    add("--size", type=int, metavar="N", help="fit all pictures to NxN first; needed where sizes differ")
    add("--limit", type=int, metavar="N", help="take the first N photos, and the first N pictures of an entry")
    add("--bootstrap", type=int, default=50, metavar="N", help="resamplings for the interval of a single entry "
        "(default: 50; 0: none)")
    add("--csv", type=Path, metavar="FILE", help="write the numbers as a table")
    add("--json", type=Path, metavar="FILE", help="write all numbers for programs")
    add("--picture", type=Path, metavar="FILE.png", help="draw the scores and their intervals")
    add("--overwrite", action="store_true", help="replace FILEs that are there")
    add("--no-cache", action="store_true", help="neither use nor keep the real pictures' features in the cache folder")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    return parser


def _check(args: argparse.Namespace) -> None:
    """Raises UserError for what needs no look at the pictures."""
    if not args.entries:   # which `--train` may have taken for its own
        raise UserError("no entries: give runs, generators or sets of pictures, before the options")
    check_options(size=args.size, batch_size=1)
    if args.limit is not None and args.limit < 2:
        raise UserError(f"`limit` must be at least 2. Received: {args.limit}")
    if args.bootstrap < 0 or args.bootstrap == 1:
        raise UserError(f"`bootstrap` must be 0 or at least 2. Received: {args.bootstrap}")
    features.check(args.network, args.weights)
    if feature_sets.is_features(args.real):
        raise UserError(f"{args.real}: features; pictures are needed, to see whether they were trained on")
    outputs = [(path, suffix) for path, suffix in ((args.csv, ".csv"), (args.json, ".json"), (args.picture, ".png"))
               if path is not None]
    for path, suffix in outputs:
        if path.suffix.lower() != suffix:
            raise UserError(f"{path}: must end in {suffix}")
        if not path.parent.is_dir():
            raise UserError(f"{path.parent}: no such folder")
        if path.is_dir():
            raise UserError(f"{path}: a folder")
        if path.exists() and not args.overwrite:
            raise UserError(f"{path}: already there; --overwrite replaces it")


@command
def main(argv: list[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    _check(args)
    devices.select_backend(args.backend)   # before shards are read, which takes TensorFlow
    sources.count(args.real)
    rows = rows_of(args.entries, last=args.last)
    contestants = [each for row in rows for each in row.contestants]
    generators = [each for each in contestants if each.generator is not None]
    if generators and args.photos is None:
        raise UserError(f"{generators[0].path}: a generator, which needs --photos to translate")
    if args.photos is not None and not generators:
        raise UserError("--photos: no entry is a generator that would translate them")
    shown = {f"real pictures of {args.real}": fingerprints(args.real)}
    totals = {}
    if generators:
        marks = shown[f"photos of {args.photos}"] = fingerprints(args.photos, args.limit)
        totals = {each.path: len(marks) for each in generators}
    for each in contestants:
        if each.generator is None:
            marks = shown[f"pictures of {each.path}"] = fingerprints(each.path, args.limit)
            totals[each.path] = len(marks)
    check_held_out(rows, shown, args.train)

    chosen = devices.choose(precision="float32", exact=True, join_hosts=False)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)   # it warns of each generator's network being another one
    for each in generators:
        load_generator(each.generator)   # one that is damaged shows before hours of work
    with chosen.scope():
        network = features.load(
            args.network, weights=args.weights, progress=ProgressBar("fetching the Inception's weights", "bytes")
        )
    extractor = Extractor(network, predict=chosen.predictor(network.model), size=args.size)
    real = extractor.load(
        args.real, cache=not args.no_cache, progress=ProgressBar(f"features of {args.real}", "pictures")
    )
    try:
        reference = scores.Reference(real.features)
    except scores.ScoreError as error:
        raise UserError(f"{args.real}: {error}") from None
    for row in rows:
        for each in row.contestants:
            num_resamples = args.bootstrap if len(row.contestants) == 1 else 0
            pictures = pictures_of(each, extractor, args.photos, args.limit)
            score(each, reference, extractor, pictures, num_resamples=num_resamples, total=totals[each.path])
    rows.sort(key=lambda row: order(row.mean("mifid")))

    notes = notes_of(rows, reference.size, args.bootstrap, extractor.origin)
    size = f", fitted to {args.size}x{args.size}" if args.size else ""
    about = f"{reference.count:,} real pictures of {args.real}{size}; {extractor.origin}"
    lines = [table(rows), "", f"against {about}", *(f"note: {note}" for note in notes)]
    print(printable("\n".join(lines)), flush=True)   # first, so that a full disk does not take it away
    if args.csv is not None:
        files.write_text(args.csv, printable(as_csv(rows)))
    if args.json is not None:
        settings = {key: getattr(args, key) for key in ("real", "photos", "size", "limit")}
        settings |= {"network": network.name, "weights": network.weights_hash, "dimension": reference.size}
        files.write_text(args.json, as_json(rows, **settings, num_real=reference.count, notes=notes))
    if args.picture is not None:
        draw(rows, args.picture, about)


if __name__ == "__main__":
    sys.exit(main())
