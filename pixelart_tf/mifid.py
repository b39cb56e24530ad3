"""Command: score generated pictures against real ones: MiFID, FID, memorization distance, KID."""

import argparse
import sys
from pathlib import Path

from pixelart_tf import devices, features, scores
from pixelart_tf.base import cli
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.evaluation import extractor as extracting
from pixelart_tf.evaluation.evaluate import as_json, check_options, evaluate, rows_of
from pixelart_tf.evaluation.extractor import Extractor
from pixelart_tf.evaluation.feature_sets import is_features, read_npz
from pixelart_tf.pictures import sources

EXAMPLES = """
examples:
  python -m pixelart_tf.mifid out/ "tfrecords/heldout_sprite*.tfrec" --network lite0 --size 32
  python -m pixelart_tf.mifid images.zip monet_jpg/ --report report/
  python -m pixelart_tf.mifid images.zip monet_jpg/ --weights pt_inception-2015-12-05-6726825d.pth --json

The Inception's weights (92 MB) are fetched once, or given by --weights; lite0 is part of the package. Scores by
different networks do not compare.
"""


@cli.command
def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    devices.select_backend(args.backend)
    # Mistakes show before a network is built, which takes seconds.
    check_options(args.epsilon, args.bootstrap, args.seed, args.save_real, args.report)
    extracting.check_options(size=args.size, batch_size=args.batch_size)
    for pattern in (args.generated, args.real):
        read_npz(Path(pattern)) if is_features(pattern) else sources.count(pattern)
    extractor = None
    if not (is_features(args.generated) and is_features(args.real)):
        chosen = devices.choose(devices=args.devices, precision="float32", exact=True, join_hosts=False)
        with chosen.scope():
            network = features.load(
                args.network, weights=args.weights, progress=ProgressBar("fetching the Inception's weights", "bytes"),
            )
        extractor = Extractor(
            network, predict=chosen.predictor(network.model), size=args.size, batch_size=args.batch_size,
            skip_bad=args.skip_bad,
        )
    evaluation = evaluate(
        args.generated, args.real, extractor, epsilon=args.epsilon, direction=args.direction,
        num_resamples=args.bootstrap, seed=args.seed, cache=not args.no_cache, save_real=args.save_real,
        report_dir=args.report,
    )
    if args.json:
        settings = ("generated", "real", "epsilon", "direction", "size")
        print(as_json(evaluation, **{key: getattr(args, key) for key in settings}))
        return 0
    rows = rows_of(evaluation)
    if args.report:
        rows.append(("report", str(args.report / "index.html")))
    lines = [f"{name:<23}{value}" for name, value in rows]
    lines += [f"note: {line}" for line in evaluation.warnings] + [f"skipped {line}" for line in evaluation.bad]
    print(cli.printable("\n".join(lines)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pixelart_tf.mifid",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Scores generated pictures against real ones as the Kaggle competitions do: FID divided by the "
        "memorization\ndistance (the mean over the generated pictures of 1 - |cos| to the nearest real one) where that "
        "is below\n--epsilon. Also FID, KID, and 95 % intervals from resampling the generated pictures.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("generated", metavar="GENERATED", help="a folder, a zip, a quoted glob of pictures or shards, or an .npz of "
        "features (an array `features` of one row a picture); with two of these, --network, --weights and --size do "
        "nothing")
    add("real", metavar="REAL", help="likewise")
    add("--network", default="inception", metavar="NAME", help="inception (default): the network of 2015 that FID is "
        "defined with; lite0: EfficientNet-Lite0, works offline; or a Keras file")
    add("--weights", type=Path, metavar="FILE", help="of the Inception: pytorch-fid's .pth, the frozen .pb "
        "graph, or .npz")
    add("--size", type=int, metavar="N", help="fit pictures to NxN first: cut to the middle square, shrunk by the mean "
        "of the area; needed where sizes differ (default: as they are)")
    add("--epsilon", type=float, default=0.1, help="memorization distances below it count (default: 0.1)")
    add("--direction", choices=scores.DIRECTIONS, default="generated", help="generated (default): from each generated "
        "picture to the nearest real one, as the competitions do; real: from each real one, as torchmetrics does")
    add("--bootstrap", type=int, default=50, metavar="N", help="resamplings for the intervals (default: 50; 0: none)")
    add("--seed", type=int, default=0, help="of the resampling and of KID's subsets (default: 0)")
    add("--report", type=Path, metavar="DIR", help="write a page: likely copies side by side, distances, colors; and "
        "each picture's nearest real one as CSV")
    add("--json", action="store_true", help="print all numbers as JSON")
    add("--skip-bad", action="store_true", help="leave out pictures that cannot be read, and name them")
    add("--save-real", type=Path, metavar="FILE.npz", help="write the real set's features, to be given as REAL later")
    add("--no-cache", action="store_true", help="neither use nor keep the real set's features in the cache folder "
        "($PIXELART_TF_CACHE or ~/.cache/pixelart_tf)")
    add("--batch-size", type=int, default=32, metavar="N", help="pictures at a time (default: 32)")
    add("--backend", choices=devices.BACKENDS, help="Keras backend (default: tensorflow)")
    add("--devices", nargs="+", metavar="GPU:0", help="use these devices only (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
