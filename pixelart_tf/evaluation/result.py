"""What a comparison of two sets found: its numbers, its warnings, and both as lines and as JSON."""

import dataclasses
import json
import math
from collections.abc import Iterable

from pixelart_tf import scores
from pixelart_tf.evaluation.feature_sets import Origin


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a comparison found.

    Attributes:
        scores: MiFID, FID, memorization distance, KID, precision and the others like it, and the counts.
        intervals: (low, high) of 95 % by the name of the score; empty where nothing was resampled.
        origin: the network that the features are of; None where both sets were given as features that do not say it.
        dimension: numbers in a feature vector.
        warnings: what a reader of the numbers must know, a line each.
        bad: a line for each picture that was left out.
    """

    scores: scores.Scores
    intervals: dict[str, tuple[float, float]]
    origin: Origin | None
    dimension: int
    warnings: list[str]
    bad: list[str]


def warnings_of(
    found: scores.Scores, *, dimension: int, origin: Origin | None, unknown: Iterable[str], no_interval: bool
) -> list[str]:
    """What a reader of the scores must know, a line each.

    Args:
        found: the scores.
        dimension: numbers in a feature vector.
        origin: the network that the features are of.
        unknown: sets of features that do not say which network they are of.
        no_interval: intervals were asked for, but there are too many pictures for them.
    """
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
    for names, k, value in (
        ("precision and recall", scores.PRECISION_K, found.precision),
        ("density and coverage", scores.DENSITY_K, found.density),
    ):
        if math.isnan(value):
            warnings.append(f"no {names}: they need at least {k + 1} pictures on each side")
    if no_interval:
        warnings.append(f"no intervals: more than {scores.KEPT_ROWS:,} generated pictures are not kept to be resampled")
    warnings += [f"{pattern} does not say which network its features are of" for pattern in unknown]
    if origin and origin.note:
        warnings.append(origin.note)
    return warnings


def lines_of(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What is printed: a line's name and its value."""
    found = evaluation.scores

    def with_interval(key, digits):
        text = f"{getattr(found, key):.{digits}f}"
        low, high = evaluation.intervals.get(key, (math.nan, math.nan))
        return text if math.isnan(low) else f"{text}   (95 %: {low:.{digits}f} to {high:.{digits}f})"

    near = [
        (name, with_interval(name, 3)) for name in ("precision", "recall", "density", "coverage")
        if not math.isnan(getattr(found, name))
    ]
    return [
        ("MiFID", "undefined: the sets are copies" if found.is_copy else with_interval("mifid", 3)),
        ("FID", with_interval("fid", 3)),
        ("memorization distance", with_interval("memorization_distance", 5)),
        ("KID", f"{found.kid:.6f}" + ("" if math.isnan(found.kid_std) else f" +- {found.kid_std:.6f}")),
        *near,
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
    """The same value with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
