"""One set of pictures scored against another: MiFID, FID, memorization distance, KID."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from pixelart_tf import scores
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.evaluation import feature_sets, report
from pixelart_tf.evaluation.extractor import Extractor, common_origin
from pixelart_tf.evaluation.feature_sets import FeatureSet, Origin, is_features, read_npz

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
    progress: Callable[[str, str], Callable[[int, int | None], None]] = ProgressBar,
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
        report_dir: folder for a page of the likely copies, the distances and the colors.
        progress: makes a function of (done, total) for a piece of work, of its label and what is counted.

    Raises:
        UserError: sets that cannot be read or compared; one line.
    """
    check_options(epsilon, num_resamples, seed, save_real, report_dir)
    given = {pattern: read_npz(Path(pattern)) for pattern in (real, generated) if is_features(pattern)}
    origin = common_origin(given, extractor)
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
            summary=dict(rows_of(evaluation)) | {"notes": "; ".join(evaluation.warnings)},
            generated_colors=colors if real_colors else None, real_colors=real_colors,
        )
    return evaluation


def check_options(
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


def rows_of(evaluation: Evaluation) -> list[tuple[str, str]]:
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
