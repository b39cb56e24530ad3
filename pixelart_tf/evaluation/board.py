"""A leaderboard: runs, generators and made pictures, scored against the same real pictures by the same network."""

import itertools
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf import devices, features, scores
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.evaluation import drawn, table
from pixelart_tf.evaluation.entries import Contestant, Row, rows_of
from pixelart_tf.evaluation.evaluate import score_features
from pixelart_tf.evaluation.extractor import Extractor, check_options
from pixelart_tf.evaluation.feature_sets import is_features
from pixelart_tf.evaluation.held_out import Shown, check_held_out, fingerprints
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import sources


@dataclass(frozen=True, kw_only=True)
class Board:
    """A leaderboard.

    Attributes:
        rows: scored, the lowest MiFID first.
        about: what they were scored against, one line.
        notes: what a reader must know, a line each.
        facts: the pictures, the network and the options by their names, for programs.
    """

    rows: list[Row]
    about: str
    notes: list[str]
    facts: dict[str, Any]

    def __str__(self) -> str:
        lines = [table.table(self.rows), "", f"against {self.about}", *(f"note: {note}" for note in self.notes)]
        return "\n".join(lines)


def make_board(
    entries: list[str],
    real: str,
    *,
    photos: str | None = None,
    train: Iterable[str] = (),
    allow_trained: bool = False,
    last: bool = False,
    network: str = "inception",
    weights: Path | None = None,
    size: int | None = None,
    limit: int | None = None,
    num_resamples: int = 50,
    cache: bool = True,
) -> Board:
    """Scores all entries, after `devices.select_backend`.

    Args:
        entries: runs' folders, generators' files, sets of pictures, or `NAME=PATH,PATH`.
        real: real pictures that nobody was trained on; see `sources.read`.
        photos: pictures that the generators translate; None where no entry has a generator.
        train: more pictures that were trained on.
        allow_trained: whether entries are scored and marked where pictures were trained on; else that is an error.
        last: take the runs' last generators, not their best ones.
        network, weights: see `features.load`.
        size: see `Extractor`.
        limit: take the first so many photos, and so many pictures of a set.
        num_resamples: resamplings for the interval of a single entry; 0 for none.
        cache: whether the real pictures' features are kept for the next time.

    Raises:
        UserError: an entry or a set that cannot be used, or pictures that were trained on.
    """
    _check(entries, real, network, weights, size, limit, num_resamples)
    sources.count(real)
    rows = rows_of(entries, last=last)
    contestants = [each for row in rows for each in row.contestants]
    shown = _shown(contestants, real, photos, limit)
    check_held_out(contestants, shown, train, allow_trained=allow_trained)
    totals = {each.path: len(pictures.marks) for pictures in shown[1:] for each in pictures.decides}

    chosen = devices.choose(precision="float32", exact=True, join_hosts=False)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)   # it warns of each generator's network being another one
    for each in contestants:
        if each.generator is not None:
            load_generator(each.generator)   # one that is damaged shows before hours of work
    extractor = Extractor.open(network, chosen, weights=weights, size=size)
    found = extractor.load(real, cache=cache, progress=ProgressBar(f"features of {real}", "pictures"))
    try:
        reference = scores.Reference(found.features)
    except scores.ScoreError as error:
        raise UserError(f"{real}: {error}") from None
    scoring = _Scoring(extractor, chosen, reference, drawn.all_cells(drawn.images_of(real)), photos, limit)
    for row in rows:
        for each in row.contestants:
            scoring.score(each, totals[each.path], num_resamples if len(row.contestants) == 1 else 0)
    rows.sort(key=lambda row: table.order(row.mean("mifid")))
    fitted = f", fitted to {size}x{size}" if size else ""
    notes = table.notes_of(rows, reference.size, num_resamples, extractor.origin)
    facts = {
        "real": real, "photos": photos, "size": size, "limit": limit, "network": extractor.origin.name,
        "weights": extractor.origin.weights_hash, "dimension": reference.size, "num_real": reference.count,
        "notes": notes,
    }
    about = f"{reference.count:,} real pictures of {real}{fitted}; {extractor.origin}"
    return Board(rows=rows, about=about, notes=notes, facts=facts)


def _check(
    entries: list[str], real: str, network: str, weights: Path | None, size: int | None, limit: int | None,
    num_resamples: int,
) -> None:
    """Raises UserError for what needs no look at the pictures."""
    if not entries:   # which `--train` may have taken for its own
        raise UserError("no entries: give runs, generators or sets of pictures, before the options")
    check_options(size=size, batch_size=1)
    if limit is not None and limit < 2:
        raise UserError(f"`limit` must be at least 2. Received: {limit}")
    if num_resamples < 0 or num_resamples == 1:
        raise UserError(f"`bootstrap` must be 0 or at least 2. Received: {num_resamples}")
    features.check_network(network, weights)
    if is_features(real):
        raise UserError(f"{real}: features; pictures are needed, to see whether they were trained on")


def _shown(contestants: list[Contestant], real: str, photos: str | None, limit: int | None) -> list[Shown]:
    """The pictures that decide the scores, the real ones first. Raises UserError."""
    generators = [each for each in contestants if each.generator is not None]
    if generators and photos is None:
        raise UserError(f"{generators[0].path}: a generator, which needs --photos to translate")
    if photos is not None and not generators:
        raise UserError("--photos: no entry is a generator that would translate them")
    shown = [Shown(called=f"real pictures of {real}", marks=fingerprints(real), decides=contestants)]
    if photos is not None:
        marks = fingerprints(photos, limit)
        shown.append(Shown(called=f"photos of {photos}", marks=marks, decides=generators))
    for each in contestants:
        if each.generator is None:
            marks = fingerprints(each.path, limit)
            shown.append(Shown(called=f"pictures of {each.path}", marks=marks, decides=[each]))
    return shown


@dataclass(frozen=True)
class _Scoring:
    """What all contestants are scored with."""

    extractor: Extractor
    chosen: devices.Devices
    reference: scores.Reference
    real_cells: list[np.ndarray] | None   # of the real pictures, where all are pixel art
    photos: str | None
    limit: int | None

    def score(self, contestant: Contestant, total: int, num_resamples: int) -> None:
        """Fills in what a contestant of `total` pictures scores. Raises UserError."""
        bar = ProgressBar(f"scoring {contestant.path}")
        drawing = drawn.Drawing(self.real_cells)
        if contestant.generator is None:
            batches = self.extractor.stream(contestant.path, bad=[], limit=self.limit, progress=bar)
        else:
            batches = self.extractor.batches_of(
                drawing.watch(self._translated(contestant.generator, drawing)), contestant.path, progress=bar,
                total=total,
            )
        try:
            contestant.found, contestant.intervals = score_features(
                (rows for _, rows in batches), self.reference, num_resamples=num_resamples,
                progress=ProgressBar(f"resampling {contestant.path}", "times"),
            )
        except scores.ScoreError as error:
            raise UserError(f"{contestant.path}: {error}") from None
        if contestant.generator is None and self.real_cells is not None:
            drawing.made = drawn.all_cells(drawn.images_of(contestant.path, self.limit))
        contestant.style, contestant.far = drawing.style, drawing.far

    def _translated(self, path: Path, drawing: drawn.Drawing):
        """The photos' places and what a generator makes of them, uint8 (H, W, 3)."""
        items = itertools.islice(sources.read(self.photos), self.limit)
        named_images = ahead(lambda item: (item.place, item.decode()), items)
        with self.chosen.scope():
            generator = load_generator(path)
        return translate(generator, drawing.remember(named_images), predict=self.chosen.predictor(generator))
