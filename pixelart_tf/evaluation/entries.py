"""Who takes part in a leaderboard: runs, generators and sets of pictures; and that none shows what was trained on."""

import dataclasses
import functools
import hashlib
import itertools
import json
import math
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.evaluation import feature_sets
from pixelart_tf.pictures import sources
from pixelart_tf.scores import Scores
from pixelart_tf.settings import config

OF_A_RUN = ("config.toml", "log.jsonl", "checkpoint.npz", "to_target.keras")
NUM_TOLD = 5   # pictures that a message names


@dataclasses.dataclass(kw_only=True)
class Contestant:
    """One set of pictures, made already or by a generator; and what it scored.

    Attributes:
        path: as it was given.
        generator: None where the pictures are made already.
        epoch: "best, epoch 2" of the generator, where that is known.
        settings: of the run that the generator is of; None where that is not known.
        unfinished: says so of a run that ended before its last epoch.
        missing: patterns of the training's pictures that are not there any more.
        is_checked: whether all of the pictures that it was trained on could be looked through.
    """

    path: str
    generator: Path | None = None
    epoch: str = ""
    settings: dict | None = None
    unfinished: str = ""
    missing: list[str] = dataclasses.field(default_factory=list)
    is_checked: bool = False
    found: Scores | None = None
    intervals: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)

    @property
    def seed(self) -> int | None:
        return self.settings and self.settings.get("train", {}).get("seed", 0)

    @property
    def trained_on(self) -> list[str]:
        """Patterns of pictures; empty where they are not known."""
        if self.settings is None:
            return []
        return [self.settings["data"][side]["files"] for side in ("source", "target")]


@dataclasses.dataclass(kw_only=True)
class Row:
    """A place of the table: one contestant, or several of one setting."""

    name: str
    contestants: list[Contestant]

    def mean(self, key: str) -> float:
        return float(np.mean([getattr(each.found, key) for each in self.contestants]))

    def interval(self, key: str) -> tuple[float, float]:
        """95 %; nan where there is none. Of several, Student's t of their mean."""
        count = len(self.contestants)
        if count == 1:
            return self.contestants[0].intervals.get(key, (math.nan, math.nan))
        values = [getattr(each.found, key) for each in self.contestants]
        half = float(stdtrit(count - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(count))
        low, high = self.mean(key) - half, self.mean(key) + half
        return low if key == "kid" or math.isnan(low) else max(low, 0.0), high   # KID is the only one below 0


def rows_of(entries: list[str], *, last: bool) -> list[Row]:
    """The rows of the entries as they were given, without scores.

    Raises:
        UserError: one that does not exist or has no generator or pictures, one given twice, or a name given twice.
    """
    named, runs = [], {}
    for entry in entries:
        name, equals, paths = entry.partition("=")
        if equals and not os.path.lexists(entry):
            if not name or not all(paths.split(",")):
                raise UserError(f"{entry}: must be NAME=PATH,PATH")
            named.append(Row(name=name, contestants=[_contestant(path, last) for path in paths.split(",")]))
            continue
        found = _contestant(entry, last)
        if found.settings is not None and Path(entry).is_dir():
            train = found.settings.get("train", {}) | {"seed": None}
            setting = json.dumps(found.settings | {"train": train}, sort_keys=True)
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
            raise UserError(f"{each.path}: given twice" + f", as {seen[where]}" * (seen[where] != each.path))
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
    """What names begin with, less what leads to a number: `wide_seed_0`, `wide_seed_1` -> `wide`; or the first."""
    alike = itertools.takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False))
    return re.sub(r"[\W_]*(seed)?[\W_]*$", "", "".join(letters[0] for letters in alike)) or names[0]


def _contestant(path: str, last: bool) -> Contestant:
    folder = Path(path)
    if folder.is_dir() and any((folder / name).exists() for name in OF_A_RUN):
        best, final = (folder / name / "to_target.keras" for name in ("best", ""))
        generator = best if best.is_file() and not last else final
        if not generator.is_file():
            raise UserError(f"{path}: a run without a generator (no {final.name} in it, as it has not ended)")
        if not (folder / "config.toml").is_file():
            raise UserError(f"{path}: a run without config.toml; {generator} alone can be given")
        settings = _settings(folder)
        return Contestant(
            path=path, generator=generator, epoch=_told_epoch(generator), settings=settings,
            unfinished=_unfinished(folder, settings),
        )
    if folder.suffix == ".keras":
        if not folder.is_file():
            raise UserError(f"{path}: no such file")
        homes = [home for home in folder.resolve().parents[:2] if all((home / name).is_file() for name in OF_A_RUN)]
        return Contestant(path=path, generator=folder, settings=_settings(homes[0]) if homes else None)
    if feature_sets.is_features(path):
        raise UserError(f"{path}: features; pictures are needed, to see whether they were trained on")
    sources.count(path)
    return Contestant(path=path)


def _settings(folder: Path) -> dict:
    """A run's settings; their relative paths are meant from its folder."""
    path = folder / "config.toml"
    tables = config.read(path)
    for side in ("source", "target"):
        try:
            known = isinstance(tables["data"][side]["files"], str)
        except (KeyError, TypeError):
            known = False
        if not known:
            raise UserError(f"{path}: does not say `data.{side}.files`, the pictures that were trained on")
    return tables


def _told_epoch(generator: Path) -> str:
    """Of a run's generator, by the run's own files."""
    is_best = generator.parent.name == "best"
    epoch = _epoch(generator.with_name("score.json" if is_best else "log.jsonl"))
    return ("best" if is_best else "last") + (f", epoch {epoch}" if epoch else "")


def _unfinished(folder: Path, settings: dict) -> str:
    train, epoch = settings.get("train", {}), _epoch(folder / "log.jsonl")
    if not epoch or train.get("minutes") or epoch >= train.get("epochs", 0):
        return ""
    return f"only {epoch} of its {train['epochs']} epochs are done"


def _epoch(path: Path) -> int:
    """That a JSON file, or the last line of one, says; 0 where it says none, as it is only told."""
    try:
        text = path.read_text(encoding="utf-8")
        return int(json.loads(text.splitlines()[-1] if path.suffix == ".jsonl" else text)["epoch"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return 0


def fingerprint(image: np.ndarray) -> bytes:
    """Of the pixels of a uint8 image (H, W, 3): the same for a copy in another format that loses nothing, and for one
    that is enlarged to squares of pixels."""
    cell = math.gcd(*image.shape[:2])
    for axis in (0, 1):
        lines = np.moveaxis(image, axis, 0)
        changes = np.flatnonzero((lines[1:] != lines[:-1]).any(axis=(1, 2))) + 1
        cell = math.gcd(cell, *changes.tolist())
    small = np.ascontiguousarray(image[::cell, ::cell])
    return hashlib.sha256(repr(small.shape).encode() + small.tobytes()).digest()


def fingerprints(pattern: str, limit: int | None = None) -> dict[str, bytes]:
    """The place of each picture, or of the first `limit`, -> its fingerprint. Raises UserError."""
    total, found = sources.count(pattern), {}
    bar = ProgressBar(f"looking at {pattern}")
    items = itertools.islice(sources.read(pattern), limit)
    for place, mark in ahead(lambda item: (item.place, fingerprint(item.decode())), items):
        found[place] = mark
        bar(len(found), total and min(total, limit or total))
    return found


def check_held_out(rows: list[Row], shown: dict[str, dict[str, bytes]], train: list[str]) -> None:
    """Raises UserError for pictures that were trained on; notes of each contestant whether all could be looked at.

    Args:
        rows: each contestant's training pictures are looked through, and those of `train`, which are everybody's.
        shown: what sets are called -> fingerprints of their pictures.
        train: patterns.
    """
    look = functools.cache(fingerprints)
    contestants = [each for row in rows for each in row.contestants]
    trainings = [("--train", pattern) for pattern in train]
    for each in contestants:
        each.is_checked = bool(train or each.trained_on)
        for pattern in each.trained_on:
            try:
                sources.count(pattern)
            except UserError:
                each.missing.append(pattern)
                each.is_checked = bool(train)   # given instead, from where they are now
            else:
                trainings.append((each.path, pattern))
    for owner, pattern in trainings:
        trained = {mark: place for place, mark in look(pattern).items()}
        for called, marks in shown.items():
            both = [(place, trained[mark]) for place, mark in marks.items() if mark in trained]
            if both:
                told = [a if Path(a).name == Path(b).name else f"{a} (there {b})" for a, b in both[:NUM_TOLD]]
                more = f" and {len(both) - NUM_TOLD:,} more" * (len(both) > NUM_TOLD)
                raise UserError(
                    f"{len(both):,} of the {len(marks):,} {called} were trained on by {owner}, in {pattern}: "
                    f"{'; '.join(told)}{more}"
                )
