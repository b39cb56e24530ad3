"""Features -> scores, the one way; and one set of pictures scored against another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy import ndarray as Array

from pixelart_tf import scores
from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.evaluation import feature_sets, report
from pixelart_tf.evaluation.extractor import Extractor
from pixelart_tf.evaluation.feature_sets import FeatureSet, Origin, is_features, read_npz
from pixelart_tf.evaluation.result import Evaluation, lines_of, warnings_of


def score_features(
    batches: Iterable[Array],
    reference: scores.Reference,
    *,
    epsilon: float = 0.1,
    direction: str = "generated",
    num_resamples: int = 0,
    seed: int = 0,
    neighbourhoods: bool = True,
    compared: Callable[[int, int], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[scores.Scores, dict[str, tuple[float, float]]]:
    """Scores a generated set that comes in batches, so that memory does not bound its size.

    Args:
        batches: features of the generated pictures, float (b, D) each; see `Extractor.batches_of` and `.stream`.
        reference: the real set.
        epsilon, direction: see `scores.mifid`.
        num_resamples: resamplings of the generated set for the intervals; 0 for none.
        seed: of the resampling and of KID's subsets.
        neighbourhoods: whether precision, recall, density and coverage are wanted, which take as long as the product
            of the numbers of pictures.
        compared: is called with the numbers of blocks of their distances done and to do.
        progress: is called with the numbers of resamplings done and to do.

    Returns:
        The scores; and (low, high) of 95 % by the name of the score, empty where nothing was resampled or where there
        are more rows than `scores.KEPT_ROWS`.

    Raises:
        ScoreError: the set cannot be scored.
    """
    streamed = scores.StreamedScores(reference, epsilon=epsilon, direction=direction, seed=seed)
    for rows in batches:
        streamed.update(rows)
    near = streamed.neighbourhoods(compared) if neighbourhoods else None
    found, intervals = streamed.scores(near), {}
    if num_resamples and streamed.features is not None:
        intervals = scores.bootstrap(
            streamed.features, reference, num=num_resamples, seed=seed, epsilon=epsilon, direction=direction,
            progress=progress,
        )
        if near is not None:
            intervals |= near.intervals(num=num_resamples, seed=seed)
    return found, intervals


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
    overwrite: bool = False,
    progress: Callable[[str, str], Callable[[int, int | None], None]] = ProgressBar,
) -> Evaluation:
    """Scores one set of pictures against another.

    Args:
        generated, real: each a folder, a zip, shards (see `sources.read`), or an `.npz` of features.
        extractor: turns pictures into features; None where both sets are features already.
        epsilon, direction: see `scores.mifid`.
        num_resamples: resamplings of the generated set for the intervals; 0 for none.
        seed: of the resampling and of KID's subsets.
        cache: whether the real set's features are kept for the next time.
        save_real: an `.npz` to write the real set's features to.
        report_dir: a folder for a page of the likely copies, the distances and the colors.
        overwrite: whether a file or a report that is there may be replaced.
        progress: makes a function of (done, total) for a piece of work, of its label and of what is counted.

    Raises:
        UserError: sets that cannot be read or compared; one line.
    """
    inputs = (generated, real)
    check_options(epsilon=epsilon, num_resamples=num_resamples, seed=seed)
    check_outputs(save_real, report_dir, overwrite=overwrite, inputs=inputs)
    given = {pattern: read_npz(Path(pattern)) for pattern in (real, generated) if is_features(pattern)}
    origin = _common_origin(given, extractor)
    theirs = given.get(real) or extractor.load(real, cache=cache, progress=progress(f"features of {real}", "pictures"))
    if save_real is not None:
        feature_sets.write_npz(save_real, theirs)
    bad, colors = [], report.ColorHistogram()
    if generated in given:
        bad += given[generated].bad
        batches = [(given[generated].names, given[generated].features)]
    else:
        batches = extractor.stream(
            generated, bad=bad, on_picture=None if report_dir is None else colors.update,
            progress=progress(f"features of {generated}", "pictures"),
        )
    try:
        reference = scores.Reference(theirs.features)
        nearest = _Nearest(reference, theirs.names)
        if report_dir is not None:
            batches = nearest.noted(batches)
        found, intervals = score_features(
            (rows for _, rows in batches), reference, epsilon=epsilon, direction=direction,
            num_resamples=num_resamples, seed=seed, compared=progress("comparing", "blocks"),
            progress=progress("resampling", "times"),
        )
    except scores.ScoreError as error:
        raise UserError(f"{generated} against {real}: {error}") from None
    warnings = warnings_of(
        found, dimension=reference.size, origin=origin, no_interval=bool(num_resamples) and not intervals,
        unknown=[pattern for pattern, each in given.items() if each.origin is None],
    )
    evaluation = Evaluation(
        scores=found, intervals=intervals, origin=origin, dimension=reference.size, bad=[*bad, *theirs.bad],
        warnings=warnings,
    )
    if report_dir is not None:
        shown = {} if given else _likely_copies(extractor, *inputs, nearest) | {"generated_colors": colors}
        report.write_report(
            report_dir, title=f"{generated} against {real}", nearest=nearest.rows, epsilon=epsilon,
            summary=dict(lines_of(evaluation)) | {"notes": "; ".join(evaluation.warnings)}, **shown,
        )
    return evaluation


def check_options(*, epsilon: float, num_resamples: int, seed: int) -> None:
    """Raises UserError for numbers out of their range, which would else come up after the long work."""
    if not epsilon > 0:
        raise UserError(f"`epsilon` must be above 0. Received: {epsilon}")
    if num_resamples < 0 or num_resamples == 1:
        raise UserError(f"`bootstrap` must be 0 or at least 2. Received: {num_resamples}")
    if seed < 0:
        raise UserError(f"`seed` must be at least 0. Received: {seed}")


def check_outputs(
    save_real: Path | None, report_dir: Path | None, *, overwrite: bool, inputs: Iterable[str | Path]
) -> None:
    """Raises UserError for what may not be written, before the long work; makes the folder for the report."""
    if save_real is not None:
        if not is_features(save_real):   # else it would not be taken for features later
            raise UserError(f"`save_real` must end in .npz. Received: {save_real}")
        files.check_output(save_real, overwrite=overwrite, inputs=inputs)
    if report_dir is not None:
        if report_dir.exists() and not report_dir.is_dir():
            raise UserError(f"{report_dir}: a file, not a folder for the report")
        report_dir.mkdir(parents=True, exist_ok=True)
        files.check_output(report_dir / report.PAGE_NAME, overwrite=overwrite)


def _common_origin(given: dict[str | Path, FeatureSet], extractor: Extractor | None) -> Origin | None:
    """The network that all features are of. Raises UserError where sets are of two, or of pictures of two sizes."""
    known = [(pattern, found.origin) for pattern, found in given.items() if found.origin]
    if extractor is not None:
        known.insert(0, ("`--network`", extractor.origin))
    for pattern, origin in known[1:]:
        if origin.weights_hash != known[0][1].weights_hash:
            raise UserError(f"{pattern}: features of {origin}, but {known[0][0]} gives those of {known[0][1]}")
    sized = [(pattern, found.size) for pattern, found in given.items() if found.size]
    for pattern, size in sized:
        if extractor is not None:
            extractor.expect(size, pattern)
        if size != sized[0][1]:
            (height, width), (pattern_0, (height_0, width_0)) = size, sized[0]
            raise UserError(
                f"{pattern}: of pictures of {width}x{height} pixels, but those of {pattern_0} have {width_0}x{height_0}"
            )
    return known[0][1] if known else None


class _Nearest:
    """Each generated picture's nearest real one, noted while the batches go by.

    Args:
        reference: the real set.
        real_names: a name for each of its rows.
    """

    def __init__(self, reference: scores.Reference, real_names: Sequence[str]):
        self._reference, self._real_names = reference, real_names
        self._names, self._found = [], []

    def noted(self, batches: Iterable[tuple[list[str], Array]]) -> Iterator[tuple[list[str], Array]]:
        """The same batches of names and features."""
        for names, rows in batches:
            self._names += names
            self._found.append(scores.nearest(rows, self._reference))
            yield names, rows

    @property
    def index(self) -> Array:
        """The number of each nearest real picture, -1 where there is none. int64 (n,)"""
        return np.concatenate([index for index, _ in self._found])

    @property
    def distance(self) -> Array:
        """The distance to it, nan where there is none. float64 (n,)"""
        return np.concatenate([distance for _, distance in self._found])

    @property
    def rows(self) -> list[report.Nearest]:
        """All of them, in the order of the generated pictures."""
        return [
            report.Nearest(name, self._real_names[i] if i >= 0 else "", distance)
            for name, i, distance in zip(self._names, self.index, self.distance, strict=True)
        ]


def _likely_copies(extractor: Extractor, generated: str | Path, real: str | Path, nearest: _Nearest) -> dict:
    """The nearest pairs and the real pictures' colors, as `report.write_report` takes them; reads both sets again."""
    index, distance, rows = nearest.index, nearest.distance, nearest.rows
    shown = [i for i in np.argsort(distance, kind="stable")[: report.NUM_PAIRS] if index[i] >= 0]   # nan last
    colors = report.ColorHistogram()
    made = _pick(extractor.pictures(generated, bad=[]), shown)
    copied = _pick(extractor.pictures(real, bad=[]), index[shown], on_picture=colors.update)
    return {"pairs": [(made[i], copied[index[i]], rows[i]) for i in shown], "real_colors": colors}


def _pick(
    pictures: Iterable[tuple[str, Array]], wanted: Iterable[int], on_picture: Callable[[Array], None] | None = None
) -> dict[int, Array]:
    """The pictures of these numbers; `on_picture` is called with all of them."""
    wanted, found = set(wanted), {}
    for number, (_, image) in enumerate(pictures):
        if on_picture is not None:
            on_picture(image)
        if number in wanted:
            found[number] = image
    return found
