"""Command: score generated pictures against real ones: MiFID, FID, memorization distance, KID."""

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from pixelart_tf import cli, devices, feature_sets, features, report, scores, sources
from pixelart_tf.cli import Progress, UserError
from pixelart_tf.feature_sets import Extractor, FeatureSet, Origin, is_features, read_npz

KEPT_ROWS = 20_000   # features of the generated set kept for KID and for the intervals: 160 MB of Inception's


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a comparison found.

    Attributes:
        scores: MiFID, FID, memorization distance, KID and the counts.
        intervals: (low, high) of 95 % by score; empty where nothing was resampled.
        origin: the network that the features are of; None where both sets were given as features that do not say it.
        dimension: of the features.
        warnings: what a reader of the numbers must know, a line each.
        bad: a line for each picture that was left out.
    """

    scores: scores.Scores
    intervals: dict[str, tuple[float, float]]
    origin: Origin | None
    dimension: int
    warnings: list[str]
    bad: list[str]


def evaluate(
    generated: str | Path,
    real: str | Path,
    extractor: Extractor | None = None,
    *,
    epsilon: float = 0.1,
    direction: str = "generated",
    num_resamples: int = 50,
    seed: int = 0,
    cache: bool = True,
    save_real: Path | None = None,
    report_dir: Path | None = None,
    progress: Callable[[str, str], Callable[[int, int | None], None]] = Progress,
) -> Evaluation:
    """Scores one set of pictures against another.

    Args:
        generated, real: each a folder, a zip, shards (see `sources.read`), or an `.npz` of features.
        extractor: turns pictures into features; None where both sets are features already.
        epsilon, direction: see `scores.mifid`.
        num_resamples: resamplings of the generated set for the intervals; 0 for none.
        seed: of the resampling and of KID's subsets.
        cache: whether to keep the real set's features for the next time.
        save_real: an `.npz` to write the real set's features to.
        report_dir: folder for a page of the likely copies, the distances and the colours.
        progress: makes a function of (done, total) for a piece of work, of its label and what is counted.

    Raises:
        UserError: sets that cannot be read or compared; one line.
    """
    _check(epsilon, num_resamples, seed, save_real, report_dir)
    given = {pattern: read_npz(Path(pattern)) for pattern in (real, generated) if is_features(pattern)}
    origin = feature_sets.common_origin(given, extractor)
    theirs = given.get(real) or extractor.load(real, cache=cache, progress=progress(f"features of {real}", "pictures"))
    if save_real is not None:
        feature_sets.write_npz(save_real, theirs)
    bad, colors, names, nearest = [], None, [], []
    if generated in given:
        bad += given[generated].bad
        batches = [(given[generated].names, given[generated].features)]
    else:
        colors = None if report_dir is None else report.ColorHistogram()
        batches = extractor.stream(
            generated, bad=bad, look=colors and colors.update, progress=progress(f"features of {generated}", "pictures")
        )
    try:
        reference = scores.Reference(theirs.features)
        scorer = scores.Scorer(reference, epsilon=epsilon, direction=direction, keep=KEPT_ROWS, seed=seed)
        for some, rows in batches:
            scorer.update(rows)
            if report_dir is not None:
                names += some
                nearest.append(scores.nearest(rows, reference))
        found, intervals = scorer.scores(), {}
        if num_resamples and scorer.features is not None:
            intervals = scores.bootstrap(
                scorer.features, reference, num=num_resamples, seed=seed, epsilon=epsilon, direction=direction,
                progress=progress("resampling", "times"),
            )
    except scores.ScoreError as error:
        raise UserError(f"{generated} against {real}: {error}") from None
    evaluation = Evaluation(
        scores=found, intervals=intervals, origin=origin, dimension=reference.size, bad=[*bad, *theirs.bad],
        warnings=_warnings(found, reference.size, origin, given, bool(num_resamples) and not intervals),
    )
    if report_dir is not None:
        index, distance = (np.concatenate(parts) for parts in zip(*nearest, strict=True))
        rows = [
            report.Nearest(name, theirs.names[i] if i >= 0 else "", d)
            for name, i, d in zip(names, index, distance, strict=True)
        ]
        pairs, real_colors = [], None
        if not given:
            shown = [i for i in np.argsort(distance, kind="stable")[: report.NUM_PAIRS] if index[i] >= 0]   # nan last
            real_colors = report.ColorHistogram()
            made = _pick(extractor.pictures(generated, bad=[]), shown)
            copied = _pick(extractor.pictures(real, bad=[]), index[shown], look=real_colors.update)
            pairs = [(made[i], copied[index[i]], rows[i]) for i in shown]
        report.write_report(
            report_dir, title=f"{generated} against {real}", nearest=rows, epsilon=epsilon, pairs=pairs,
            summary=dict(_rows(evaluation)) | {"notes": "; ".join(evaluation.warnings)},
            generated_colors=colors if real_colors else None, real_colors=real_colors,
        )
    return evaluation


def _check(
    epsilon: float, num_resamples: int, seed: int, save_real: Path | None, report_dir: Path | None
) -> None:
    """Raises UserError for what would else come up after the long work."""
    if not epsilon > 0:
        raise UserError(f"`epsilon` must be above 0. Received: {epsilon}")
    if num_resamples < 0 or num_resamples == 1:
        raise UserError(f"`bootstrap` must be 0 or at least 2. Received: {num_resamples}")
    if seed < 0:
        raise UserError(f"`seed` must be at least 0. Received: {seed}")
    if save_real is not None and not is_features(save_real):   # else it would not be taken for features later
        raise UserError(f"`save_real` must end in .npz. Received: {save_real}")
    if save_real is not None and not save_real.parent.is_dir():
        raise UserError(f"{save_real.parent}: no such folder")
    if report_dir is not None:
        if report_dir.exists() and not report_dir.is_dir():
            raise UserError(f"{report_dir}: a file, not a folder for the report")
        report_dir.mkdir(parents=True, exist_ok=True)


def _pick(
    pictures: Iterable[tuple[str, np.ndarray]], wanted: Iterable[int], look: Callable | None = None
) -> dict[int, np.ndarray]:
    """The pictures of these numbers; `look` is shown all."""
    wanted, found = set(wanted), {}
    for number, (_, image) in enumerate(pictures):
        if look is not None:
            look(image)
        if number in wanted:
            found[number] = image
    return found


def _warnings(
    found: scores.Scores, dimension: int, origin: Origin | None, given: dict[str | Path, FeatureSet], no_interval: bool
) -> list[str]:
    warnings = []
    if found.is_copy:
        warnings.append("MiFID is undefined: the sets are copies (all of one is in the other)")
    few = [
        f"{count:,} {name}" for name, count in (("generated", found.num_generated), ("real", found.num_real))
        if count <= dimension
    ]
    if few:
        warnings.append(
            f"{' and '.join(few)} pictures are few for {dimension:,} features: FID comes out too high, and compares "
            "only with scores of as many pictures"
        )
    if no_interval:
        warnings.append(f"no intervals: more than {KEPT_ROWS:,} generated pictures are not kept to be resampled")
    warnings += [
        f"{pattern} does not say which network its features are of" for pattern, each in given.items()
        if each.origin is None
    ]
    if origin and origin.note:
        warnings.append(origin.note)
    return warnings


def _rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What is printed: a name and a value a line."""
    found = evaluation.scores

    def with_interval(key, digits):
        text = f"{getattr(found, key):.{digits}f}"
        low, high = evaluation.intervals.get(key, (math.nan, math.nan))
        return text if math.isnan(low) else f"{text}   (95 %: {low:.{digits}f} to {high:.{digits}f})"

    return [
        ("MiFID", "undefined: the sets are copies" if found.is_copy else with_interval("mifid", 3)),
        ("FID", with_interval("fid", 3)),
        ("memorization distance", with_interval("memorization_distance", 5)),
        ("KID", f"{found.kid:.6f}" + ("" if math.isnan(found.kid_std) else f" +- {found.kid_std:.6f}")),
        ("generated pictures", f"{found.num_generated:,}"),
        ("real pictures", f"{found.num_real:,}"),
        ("network", f"{evaluation.origin or 'not known'}, {evaluation.dimension:,} features"),
    ]


def as_json(evaluation: Evaluation, **settings) -> str:
    """All numbers for programs; what is undefined is null."""
    origin = evaluation.origin
    values = dataclasses.asdict(evaluation.scores) | settings | {
        "intervals": evaluation.intervals, "network": origin and origin.name, "weights": origin and origin.weights_hash,
        "dimension": evaluation.dimension, "warnings": evaluation.warnings, "skipped": evaluation.bad,
    }
    return json.dumps(finite(values), indent=2, allow_nan=False)


def finite(value):
    """The same with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
    _check(args.epsilon, args.bootstrap, args.seed, args.save_real, args.report)
    feature_sets.check_options(size=args.size, batch_size=args.batch_size)
    for pattern in (args.generated, args.real):
        read_npz(Path(pattern)) if is_features(pattern) else sources.count(pattern)
    extractor = None
    if not (is_features(args.generated) and is_features(args.real)):
        chosen = devices.choose(devices=args.devices, precision="float32", exact=True, join_hosts=False)
        with chosen.scope():
            network = features.load(
                args.network, weights=args.weights, progress=Progress("fetching the Inception's weights", "bytes"),
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
    rows = _rows(evaluation)
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
    add("--report", type=Path, metavar="DIR", help="write a page: likely copies side by side, distances, colours; and "
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
