"""Who takes part in a leaderboard: runs, generators and sets of pictures made already."""

import dataclasses
import glob
import itertools
import json
import math
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import scipy

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.evaluation import feature_sets
from pixelart_tf.generators import pretrained
from pixelart_tf.pictures import finding, sources
from pixelart_tf.scores import Scores
from pixelart_tf.settings.run_folder import RunFolder


@dataclasses.dataclass(kw_only=True)
class Contestant:
    """One set of pictures, made already or by a generator; and what it scored.

    Attributes:
        path: as it was given.
        generator: None where the pictures are made already.
        epoch: the generator's, such as "best, epoch 2"; "" where it is not known.
        settings: of the run that the generator is of; None where that is not known.
        trained_on: patterns of the pictures that the run was trained on; empty where they are not known.
        unfinished: says so of a run that ended before its last epoch.
        missing: those of `trained_on` that are not there any more.
        is_checked: whether all of the pictures that it was trained on could be looked through.
        leaks: a line for each set of pictures that decides its score and was trained on.
        found, intervals: what it scored; see `evaluate.score_features`.
        style, far: how it is drawn (see `scores.pixel_art`); None where that cannot be told.
    """

    path: str
    generator: Path | None = None
    epoch: str = ""
    settings: dict | None = None
    trained_on: list[str] = dataclasses.field(default_factory=list)
    unfinished: str = ""
    missing: list[str] = dataclasses.field(default_factory=list)
    is_checked: bool = False
    leaks: list[str] = dataclasses.field(default_factory=list)
    found: Scores | None = None
    intervals: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    style: float | None = None
    far: float | None = None

    @property
    def seed(self) -> int | None:
        return self.settings and self.settings.get("train", {}).get("seed", 0)

    @property
    def held_out(self) -> str:
        """"trained on", "checked" or "not known": what the pictures that decide its score are."""
        return "trained on" if self.leaks else "checked" if self.is_checked else "not known"


@dataclasses.dataclass(kw_only=True)
class Row:
    """A place in the table, held by one contestant or by several of one setting."""

    name: str
    contestants: list[Contestant]

    @property
    def held_out(self) -> str:
        """The worst that can be said of one of its contestants."""
        told = [each.held_out for each in self.contestants]
        return next(each for each in ("trained on", "not known", "checked") if each in told)

    def mean(self, key: str) -> float:
        return float(np.mean([getattr(each.found, key) for each in self.contestants]))

    def drawn(self, key: str) -> float | None:
        """The mean of `"style"` or `"far"`; None where one of them has none."""
        values = [getattr(each, key) for each in self.contestants]
        return None if None in values else float(np.mean(values))

    def interval(self, key: str) -> tuple[float, float]:
        """The interval of 95 %, nan where there is none. For several contestants it is Student's t of their mean."""
        count = len(self.contestants)
        if count == 1:
            return self.contestants[0].intervals.get(key, (math.nan, math.nan))
        values = [getattr(each.found, key) for each in self.contestants]
        half = float(scipy.special.stdtrit(count - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(count))
        low, high = self.mean(key) - half, self.mean(key) + half
        return low if key == "kid" or math.isnan(low) else max(low, 0.0), high   # KID is the only one below 0


def rows_of(entries: list[str], *, last: bool) -> list[Row]:
    """Finds out what the entries are; the rows come in their order and have no scores yet.

    Raises:
        UserError: an entry does not exist, has no generator or no pictures, or is given twice; or a name is.
    """
    named, runs = [], {}
    for entry in entries:
        name, equals, rest = entry.partition("=")
        if equals and not _exists(entry):
            paths = _paths(rest)
            if not name or not all(paths):
                raise UserError(f"{entry}: must be NAME=PATH,PATH")
            named.append(Row(name=name, contestants=[_contestant(path, last) for path in paths]))
            continue
        found = _contestant(entry, last)
        if found.settings is not None and Path(entry).is_dir():
            train = found.settings.get("train", {}) | {"seed": None}
            setting = json.dumps(found.settings | {"train": train}, sort_keys=True, default=str)   # a date, say
            if setting in runs:
                runs[setting].contestants.append(found)
                continue
            runs[setting] = Row(name="", contestants=[found])
            named.append(runs[setting])
        else:
            named.append(Row(name=entry, contestants=[found]))
    seen = {}
    for each in itertools.chain.from_iterable(row.contestants for row in named):
        where = (each.generator or Path(each.path)).resolve()
        if where in seen:
            other = "" if seen[where] == each.path else f", as {seen[where]}"
            raise UserError(f"{each.path}: given twice{other}")
        seen[where] = each.path
    for row in runs.values():
        names = [Path(each.path).resolve().name for each in row.contestants]
        row.name = names[0] if len(names) == 1 else _common(names)
    counts = Counter(row.name for row in named)
    for row in runs.values():   # two runs called the same in two folders
        if counts[row.name] > 1:
            row.name = row.contestants[0].path
    for name, count in Counter(row.name for row in named).items():
        if count > 1:
            raise UserError(f"{name}: the name of {count} entries; NAME=PATH gives another")
    return named


def _common(names: list[str]) -> str:
    """What all names begin with, without what leads to a number: `wide_seed_0`, `wide_seed_1` -> `wide`.

    It is the first name where they begin with nothing in common.
    """
    alike = itertools.takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False))
    return re.sub(r"[\W_]*(seed)?[\W_]*$", "", "".join(letters[0] for letters in alike)) or names[0]


def _paths(text: str) -> list[str]:
    """The paths in a list with commas between them; a path that exists may itself hold commas."""
    parts, paths = text.split(","), []
    while parts:
        longer = range(len(parts), 1, -1)
        end = next((end for end in longer if _exists(",".join(parts[:end]))), 1)
        paths.append(os.path.expanduser(",".join(parts[:end])))   # no shell does, behind NAME=
        del parts[:end]
    return paths


def _exists(path: str) -> bool:
    path = os.path.expanduser(path)
    return os.path.lexists(path) or (glob.has_magic(path) and bool(finding.matches(path)))


def _contestant(path: str, last: bool) -> Contestant:
    given = Path(path)
    run = RunFolder(given)
    if run.is_run:
        return _of_run(path, run, last)
    if given.suffix == ".keras" or (files.may_be_name(path) and not given.exists()):
        given = pretrained.find(path)
        if not given.is_file():
            raise UserError(f"{path}: no such file")
        homes = [run for run in map(RunFolder, given.resolve().parents[:2]) if _is_whole(run)]
        known = {"settings": _settings(homes[0]), "trained_on": homes[0].trained_on()} if homes else {}
        return Contestant(path=path, generator=given, **known)
    if feature_sets.is_features(path):
        raise UserError(f"{path}: features; pictures are needed, to see whether they were trained on")
    sources.count(path)
    return Contestant(path=path)


def _of_run(path: str, run: RunFolder, last: bool) -> Contestant:
    """A run's best generator, or its last one."""
    name, settings = run.saved()[0], _settings(run)
    best, final = run.generator(name, best=True), run.generator(name)
    is_best = best.is_file() and not last
    if not is_best and not final.is_file():
        raise UserError(f"{path}: a run without a generator (no {final.name} in it, as it has not ended)")
    num_done = _epoch((run.history() or [None])[-1])
    epoch = _epoch(run.best_score()) if is_best else num_done
    train, unfinished = settings.get("train", {}), ""
    epochs = train.get("epochs")
    if num_done and not train.get("minutes") and isinstance(epochs, int) and num_done < epochs:
        unfinished = f"only {num_done} of its {epochs} epochs are done"
    return Contestant(
        path=path, generator=best if is_best else final, settings=settings, trained_on=run.trained_on(),
        epoch=("best" if is_best else "last") + (f", epoch {epoch}" if epoch else ""), unfinished=unfinished,
    )


def _settings(run: RunFolder) -> dict:
    """All settings of a run. Raises UserError."""
    tables = run.tables()
    if not isinstance(tables.get("train", {}), dict):
        raise UserError(f"{run.config}: `train` must be a table. Received: {tables['train']!r}")
    return tables


def _is_whole(run: RunFolder) -> bool:
    """Whether a folder is surely a run's, as a generator may lie in any folder beside any config.toml."""
    return all(path.is_file() for path in (run.config, run.log, run.checkpoint))


def _epoch(row: dict | None) -> int:
    """The epoch that a row of a log or a score tells; 0 where it tells none, which is no error: it is only shown."""
    epoch = (row or {}).get("epoch")
    return epoch if isinstance(epoch, int) else 0
