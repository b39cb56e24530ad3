"""Command: score generated pictures against real ones: MiFID, FID, KID, precision, recall and more."""

import argparse
import sys
from pathlib import Path

from pixelart_tf import devices, scores
from pixelart_tf.base import cli, cluster
from pixelart_tf.base.memory import advising, halved
from pixelart_tf.evaluation import extractor as extracting
from pixelart_tf.evaluation.evaluate import check_options, check_outputs, evaluate
from pixelart_tf.evaluation.extractor import Extractor
from pixelart_tf.evaluation.feature_sets import is_features, read_npz
from pixelart_tf.evaluation.on_cluster import on_cluster
from pixelart_tf.evaluation.report import PAGE_NAME
from pixelart_tf.evaluation.result import Evaluation, as_json, lines_of
from pixelart_tf.pictures import sources

DESCRIPTION = """\
Scores generated pictures against real ones as the Kaggle competitions do. MiFID is FID, divided by the memorization
distance where that is below --epsilon; the distance is the mean over the generated pictures of 1 - |cos| to the nearest
real one. FID, KID and intervals of 95 % are printed too; the intervals come from resampling the generated pictures.

Precision and density tell how much what was generated looks real, recall and coverage how much of what is real it
shows: a picture counts as near another where it is within the distance to that one's third nearest of its own set
(fifth for density and coverage). Density may be above 1.
"""
EXAMPLES = """
examples:
  python -m pixelart_tf.mifid out/ "tfrecords/heldout_sprite*.tfrec" --network lite0 --size 32
  python -m pixelart_tf.mifid images.zip monet_jpg/ --report report/
  python -m pixelart_tf.mifid images.zip monet_jpg/ --weights pt_inception-2015-12-05-6726825d.pth --json

The Inception's weights (92 MB) are fetched once, unless --weights gives them; lite0 is part of the package. Scores by
different networks do not compare.
"""


@cli.command
def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    devices.select_backend(args.backend)
    # Mistakes show before a network is built, which takes seconds.
    check_options(epsilon=args.epsilon, num_resamples=args.bootstrap, seed=args.seed)
    check_outputs(args.save_real, args.report, overwrite=args.overwrite, inputs=(args.generated, args.real))
    extracting.check_options(size=args.size, batch_size=args.batch_size)
    for pattern in (args.generated, args.real):
        read_npz(Path(pattern)) if is_features(pattern) else sources.count(pattern)
    if args.report and args.engine == "ray":
        raise cli.UserError("--report: looks at each picture itself, and takes `--engine local`")
    with cluster.opened(args.engine, args.address) as workers:
        evaluation = _evaluated(args, workers)
    if args.json:
        settings = ("generated", "real", "epsilon", "direction", "size")
        print(as_json(evaluation, **{key: getattr(args, key) for key in settings}))
        return 0
    rows = lines_of(evaluation)
    if args.report:
        rows.append(("report", str(args.report / PAGE_NAME)))
    lines = [f"{name:<23}{value}" for name, value in rows]
    lines += [f"note: {line}" for line in evaluation.warnings] + [f"skipped {line}" for line in evaluation.bad]
    print(cli.printable("\n".join(lines)))
    return 0


def _evaluated(args: argparse.Namespace, workers: cluster.Cluster | None) -> Evaluation:
    extractor = None
    if not (is_features(args.generated) and is_features(args.real)):
        chosen = devices.choose(devices=args.devices, precision="float32", exact=True, join_hosts=False)
        options = {"size": args.size, "batch_size": args.batch_size, "skip_bad": args.skip_bad}
        elsewhere = workers and on_cluster(
            workers, args.network, weights=args.weights, backend=args.backend, **options
        )
        extractor = Extractor.open(args.network, chosen, weights=args.weights, elsewhere=elsewhere, **options)
    with advising(f"{halved('--batch-size', args.batch_size)}, or fit the pictures to a smaller --size"):
        return evaluate(
            args.generated, args.real, extractor, epsilon=args.epsilon, direction=args.direction,
            num_resamples=args.bootstrap, seed=args.seed, cache=not args.no_cache, save_real=args.save_real,
            report_dir=args.report, overwrite=args.overwrite,
        )


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(
        prog="python -m pixelart_tf.mifid", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("generated", metavar="GENERATED", help="the generated pictures: a folder, a zip, a quoted glob or shards; or "
        "an .npz of their features (an array `features` with one row a picture). Where both sets are features, "
        "--network, --weights and --size do nothing")
    add("real", metavar="REAL", help="the real pictures or their features, given in the same ways")
    add("--network", default="inception", metavar="NAME", help="what turns pictures into features. inception "
        "(default): the network of 2015 that FID is defined with; lite0: EfficientNet-Lite0, which works offline; or "
        "a Keras file")
    add("--weights", type=Path, metavar="FILE", help="take the Inception's weights from this file: pytorch-fid's .pth, "
        "the frozen .pb graph, or .npz")
    add("--size", type=int, metavar="N", help="first fit pictures to NxN: cut them to the middle square and shrink "
        "them by the mean of the area. It is needed where pictures differ in size (default: leave them as they are)")
    add("--epsilon", type=float, default=0.1, help="only memorization distances below this count (default: 0.1)")
    add("--direction", choices=scores.DIRECTIONS, default="generated", help="how the memorization distance is "
        "measured. generated (default): from each generated picture to the nearest real one, as the competitions do; "
        "real: from each real one to the nearest generated one, as torchmetrics does")
    add("--bootstrap", type=int, default=50, metavar="N", help="number of resamplings for the intervals (default: 50; "
        "0: no intervals)")
    add("--seed", type=int, default=0, help="seed of the resampling and of KID's subsets (default: 0)")
    add("--report", type=Path, metavar="DIR", help="write a page that shows likely copies side by side, distances and "
        "colors, and a CSV of each picture's nearest real one")
    add("--json", action="store_true", help="print all numbers as JSON")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be read, and name them")
    add("--save-real", type=Path, metavar="FILE.npz", help="write the real set's features, to be given as REAL later")
    add("--overwrite", action="store_true", help="replace the files of --report and --save-real that are there")
    add("--no-cache", action="store_true", help="neither use nor keep the real set's features in the cache folder "
        "($PIXELART_TF_CACHE or ~/.cache/pixelart_tf)")
    add("--batch-size", type=int, default=32, metavar="N", help="pictures at a time (default: 32)")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    add("--devices", nargs="+", metavar="GPU:0", help="use these devices of this machine only (default: all)")
    cluster.add_options(add)
    return parser


if __name__ == "__main__":
    sys.exit(main())
