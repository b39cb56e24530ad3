"""Command: score generated pictures against real ones: MiFID, FID, memorization distance, KID."""

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

from pixelart_tf import cli, devices, feature_sets, features, report, scores, sources
from pixelart_tf.cli import Progress, UserError
from pixelart_tf.feature_sets import Extractor, FeatureSet

KEPT_ROWS = 20_000   # features of the generated set kept for KID and for the intervals: 160 MB of Inception's


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a comparison found.

    Attributes:
        scores: MiFID, FID, memorization distance, KID and the counts.
        intervals: (low, high) of 95 % by score; empty where nothing was resampled.
        network: what the features are of; None where both sets were given as features.
        warnings: what a reader of the numbers must know, a line each.
        bad: a line for each picture that was left out.
    """

    scores: scores.Scores
    intervals: dict[str, tuple[float, float]]
    network: features.FeatureNetwork | None
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
    if not epsilon > 0:
        raise UserError(f"`epsilon` must be above 0. Received: {epsilon}")
    if num_resamples < 0 or num_resamples == 1:
        raise UserError(f"`bootstrap` must be 0 or at least 2. Received: {num_resamples}")
    theirs = _load_real(real, extractor, cache, progress)
    if save_real is not None:
        feature_sets.write_npz(save_real, theirs, extractor.network if extractor else None)
    ours = _Generated(generated, extractor, progress, colors=report_dir is not None)
    try:
        reference = scores.Reference(theirs.features)
        scorer = scores.Scorer(reference, epsilon=epsilon, direction=direction, keep=KEPT_ROWS, seed=seed)
        nearest = []
        for names, rows in ours:
            scorer.update(rows)
            if report_dir is not None:
                nearest += [
                    report.Nearest(name, theirs.names[index] if index >= 0 else "", distance)
                    for name, index, distance in zip(names, *scores.nearest(rows, reference), strict=True)
                ]
        found, intervals = scorer.scores(), {}
        if num_resamples and scorer.features is not None and found.num_generated > 1:
            intervals = scores.bootstrap(
                scorer.features, reference, num=num_resamples, seed=seed, epsilon=epsilon, direction=direction,
                progress=progress("resampling", "times"),
            )
    except scores.ScoreError as error:
        raise UserError(f"{generated} against {real}: {error}") from None
    evaluation = Evaluation(
        scores=found, intervals=intervals, network=extractor.network if extractor else None,
        warnings=_warnings(found, reference.size, extractor, bool(num_resamples) and not intervals),
        bad=[*ours.bad, *theirs.bad],
    )
    if report_dir is not None:
        _report(report_dir, evaluation, epsilon, nearest, ours, real, extractor)
    return evaluation


def _load_real(real, extractor, cache, progress) -> FeatureSet:
    if _is_features(real):
        found = feature_sets.read_npz(Path(real), extractor.network if extractor else None)
        if extractor and found.size[0]:
            extractor.expect(found.size, real)
        return found
    return extractor.load(real, cache=cache, progress=progress(f"features of {real}", "pictures"))


class _Generated:
    """The generated set as batches of names and features; notes bad pictures and colours on the way."""

    def __init__(self, pattern, extractor, progress, *, colors: bool):
        self.pattern, self._extractor, self._progress, self.bad = pattern, extractor, progress, []
        self.colors = report.ColorHistogram() if colors and not _is_features(pattern) else None

    def __iter__(self):
        if _is_features(self.pattern):
            found = feature_sets.read_npz(
                Path(self.pattern), self._extractor.network if self._extractor else None
            )
            self.bad += found.bad
            yield found.names, found.features
            return
        yield from self._extractor.stream(
            self.pattern, bad=self.bad, look=self.colors.update if self.colors else None,
            progress=self._progress(f"features of {self.pattern}", "pictures"),
        )


def _is_features(pattern: str | Path) -> bool:
    return Path(pattern).suffix == ".npz"


def _warnings(found: scores.Scores, dimension: int, extractor: Extractor | None, no_interval: bool) -> list[str]:
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
    if extractor and extractor.network.note:
        warnings.append(extractor.network.note)
    return warnings


def _report(folder, evaluation, epsilon, nearest, ours, real, extractor) -> None:
    """Reads the pictures again that are to be seen: the nearest pairs, and all real ones for their colours."""
    pairs, real_colors = [], None
    if extractor and not _is_features(ours.pattern) and not _is_features(real):
        shown = sorted(nearest, key=lambda each: (each.distance, each.generated))[: report.NUM_PAIRS]
        real_colors, wanted, found = report.ColorHistogram(), {each.real for each in shown}, {}
        for name, image in extractor.pictures(real, bad=[]):
            real_colors.update(image)
            if name in wanted:
                found[name] = image
        wanted = {each.generated for each in shown}
        made = {name: image for name, image in extractor.pictures(ours.pattern, bad=[]) if name in wanted}
        pairs = [(made[each.generated], found[each.real], each) for each in shown if each.real in found]
    rows = _rows(evaluation)
    rows.append(("notes", "; ".join(evaluation.warnings)))
    report.write_report(
        folder, title=f"{ours.pattern} against {real}", summary=dict(rows), nearest=nearest, epsilon=epsilon,
        pairs=pairs, generated_colors=ours.colors if real_colors else None, real_colors=real_colors,
    )


def _rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What is printed: a name and a value a line."""
    found, network = evaluation.scores, evaluation.network

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
        ("network", f"{network.name}, {network.dimension:,} features, weights {network.weights_hash[:12]}" if network
            else "none, both sets are features"),
    ]


def as_json(evaluation: Evaluation, **settings) -> str:
    """All numbers for programs; what is undefined is null."""
    values = dataclasses.asdict(evaluation.scores)
    network = evaluation.network
    values |= {
        "intervals": evaluation.intervals, **settings,
        "network": network and network.name, "weights": network and network.weights_hash,
        "warnings": evaluation.warnings, "skipped": evaluation.bad,
    }
    return json.dumps(_finite(values), indent=2)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(each) for each in value]
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
    parser = _parser()
    args = parser.parse_args(argv)
    devices.select_backend(args.backend)
    extractor = None
    for pattern in (args.real, args.generated):
        if _is_features(pattern):
            feature_sets.read_npz(Path(pattern))
        else:
            sources.count(pattern)   # a mistyped path shows before a network is built
    if not (_is_features(args.generated) and _is_features(args.real)):
        chosen = devices.choose(devices=args.devices, precision="float32", exact=True)
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
        print(as_json(
            evaluation, generated=args.generated, real=args.real, epsilon=args.epsilon, direction=args.direction,
            size=args.size,
        ))
        return 0
    for name, value in _rows(evaluation):
        print(f"{name:<23}{value}")
    for line in evaluation.warnings:
        print(f"note: {line}")
    for line in evaluation.bad:
        print(f"skipped {line}")
    if args.report:
        print(f"report                 {args.report / 'index.html'}")
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
        "features (an array `features` of one row a picture)")
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
