"""An experiment's tables as one checked object, whatever its model; and the experiment of a run that goes on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.settings import config, tables
from pixelart_tf.settings.config import PATH, ConfigError
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.partner import Partner
from pixelart_tf.settings.run_folder import RunFolder

DOMAINS = ("source", "target")
PARTNER = "partner"
TABLES = ("data", "export", "finetune", "model", "optimizer", "samples", "score", "train")
# In a run's own config.toml: what other commands must know of its model, and no setting.
TOLD = "run"
# A resumed run with another value of one of these would not be the run that was begun.
FIXED = (
    "data", "model", "optimizer", "finetune", "score", "train.batch_size", "train.seed", "train.steps_per_epoch",
)
# But for these.
CHANGEABLE = ("optimizer.learning_rate",)


class Settings:
    """An experiment's tables, checked and with all defaults filled in; but those of the model and of the optimizer,
    whose keys only their own functions know (see `training.run`), are kept as they are.

    Args:
        given: tables as `config.read` gives them.

    Attributes:
        train, samples, score, export: see `settings.tables`.
        data: `"source"`, `"target"` or both -> `Domain`.
        partner: what is made of each target picture, or None.
        finetune: names of networks -> saved ones to start from: absolute paths, or names of bundled generators.
        model, optimizer: tables.

    Raises:
        ConfigError: a table or key that is not known, missing, of the wrong type or out of range.
    """

    def __init__(self, given: dict):
        for name in given:
            if name not in (*TABLES, TOLD):
                raise ConfigError(f"[{name}] is not a table. Known: {', '.join(TABLES)}")
        given = {name: _table(given, name) for name in TABLES}
        self.train = config.call(tables.TrainTable, given["train"], "train")
        self.samples = config.call(tables.SamplesTable, given["samples"], "samples")
        self.score = config.call(tables.ScoreTable, given["score"], "score")
        self.export = config.call(tables.ExportTable, given["export"], "export")
        self.model, self.optimizer = given["model"], given["optimizer"]
        self.finetune = {
            name: _saved_network(path, f"finetune.{name}") for name, path in given["finetune"].items()
        }
        parts = sides(given["data"])
        partner = parts.pop(PARTNER, None)
        self.data = {name: config.call(Domain, side, f"data.{name}") for name, side in parts.items()}
        self.partner = None if partner is None else config.call(Partner, partner, f"data.{PARTNER}")
        for name, domain in self.data.items():
            files = (domain.files,) if isinstance(domain.files, str) else domain.files
            if not files or not all(files):   # else a glob of the current folder
                raise ConfigError(f"`data.{name}.files` must name shards or pictures. Received: {domain.files!r}")
        self._check_partner()

    def _check_partner(self):
        if self.partner is None:
            return
        if "target" not in self.data:
            raise ConfigError("[data.partner] is made from the target: `data.target.files` is missing")
        try:
            self.partner.shape(self.data["target"])
        except ValueError as error:
            raise ConfigError(f"[data.partner] {error}") from None

    @property
    def shapes(self) -> dict[str, tuple[int, int, int]]:
        """(height, width, channels) of each domain's pictures in a batch, and of the partners."""
        shapes = {name: domain.shape for name, domain in self.data.items()}
        return shapes | ({PARTNER: self.partner.shape(self.data["target"])} if self.partner else {})

    def tables(self) -> dict:
        """Tables that give the same settings again; only the model and the optimizer may be left to defaults."""
        parts = self.data | ({PARTNER: self.partner} if self.partner else {})
        return {
            "data": {name: vars(part) for name, part in parts.items()},
            "model": self.model, "optimizer": self.optimizer, "train": vars(self.train),
            "samples": vars(self.samples), "score": vars(self.score), "export": vars(self.export),
            "finetune": self.finetune,
        }


def _saved_network(given: Any, name: str) -> str:
    """An absolute path; or a word that names no file, as it is: a generator that comes along."""
    path = config.value(given, Annotated[str, PATH], name)
    return str(given) if path and files.may_be_name(given) and not Path(path).is_file() else path


def tables_of(experiment: Path | None, overrides: Iterable[str], *, goes_on: RunFolder | None = None) -> dict:
    """What is to be done: tables for `Settings`.

    Args:
        experiment: a TOML file; None: nothing but the overrides.
        overrides: see `config.overridden`.
        goes_on: the folder of a run that goes on; what is not named is as it was when it began.

    Raises:
        UserError: no such file, not TOML, or what a run that goes on cannot change.
    """
    if experiment is not None and not experiment.is_file():
        raise UserError(f"{experiment}: no such experiment file")
    named = config.overridden({}, overrides) if experiment is None else config.read(experiment, overrides)
    given = [override.partition("=")[0].strip() for override in overrides]
    _check_shared(named, given)
    named = with_own_pictures(named, given, goes_on=goes_on is not None)
    return named if goes_on is None else resumed(named, goes_on.tables(), goes_on)


def sides(data: dict, *, known: Iterable[str] = ()) -> dict[str, dict]:
    """The `[data]` table as one table a domain, and that of the partners: what domains share stands in `[data]` itself.

    Args:
        data: the table.
        known: domains that there are though the table does not name them.

    Raises:
        ConfigError: a domain that is no table.
    """
    given = {name: _table(data, name, "data.") for name in (*DOMAINS, PARTNER) if name in data}
    given = {name: {} for name in known if name in DOMAINS and name not in given} | given
    shared = {key: value for key, value in data.items() if key not in (*DOMAINS, PARTNER)}
    return {name: side if name == PARTNER else shared | side for name, side in given.items()}


def _check_shared(tables: dict, given: list[str]) -> None:
    """Raises ConfigError where the command line sets what domains share, but one of them has its own in the experiment,
    which would overrule it."""
    data = _table(tables, "data")
    for name in given:
        key = name.removeprefix("data.")
        own = [f"data.{each}.{key}" for each in DOMAINS if key in _table(data, each, "data.")]
        own = [each for each in own if each not in given]
        if own and name == f"data.{key}":
            raise ConfigError(
                f"--set {name}: the experiment has `{own[0]}`, which would overrule it; set each domain's own instead"
            )


def with_own_pictures(tables: dict, given: Iterable[str], *, goes_on: bool = False) -> dict:
    """An experiment whose pictures are replaced by the user's: its held-out pictures no longer apply.

    Args:
        tables: of the experiment, with the settings of the command line in them.
        given: keys of the settings of the command line, such as `"data.source.files"`.
        goes_on: of a run that goes on, what is not named is as it was when it began.

    Returns:
        The same tables, where samples and scores of such a domain, unless they are given too, are of pictures that are
        held out.
    """
    given, tables = set(given), dict(tables)
    for name in DOMAINS:
        if f"data.{name}.files" not in given:
            continue
        for table in ("samples", "score"):
            old = _table(tables, table)
            if f"{table}.{name}" in given:
                continue
            if goes_on:
                tables[table] = {key: value for key, value in old.items() if key != name}
            elif table == "samples" or old.get(name):
                tables[table] = old | {name: config.HELD_OUT}
    return tables


def resumed(named: dict, before: dict, folder: object) -> dict:
    """The tables of a run that goes on: what is named now, and what is not as it was when the run began.

    Args:
        named: tables of the experiment and the command line.
        before: those of the run's own `config.toml`.
        folder: of the run, for messages.

    Raises:
        ConfigError: something that belongs to the run is named with another value.
    """
    if "data" in named:
        named = named | {"data": sides(_table(named, "data"), known=before.get("data", {}))}
    fingerprints = before.get(TOLD, {}).get("pictures", {})
    before = {name: table for name, table in before.items() if name != TOLD}
    old = _flat(before)
    for key, value in _flat(named).items():
        # A folder may have been moved, where what it holds is known.
        changeable = CHANGEABLE + tuple(f"data.{name}.{key}" for name in fingerprints for key in ("files", "skip_bad"))
        is_fixed = key not in changeable and any(key == name or key.startswith(f"{name}.") for name in FIXED)
        # What the run's config does not know came later, and the run was begun with its default.
        if is_fixed and key in old and not _is_same(old[key], value):
            raise ConfigError(f"--resume: `{key}` was {_plain(old[key])!r} when {folder} began and is "
                              f"{_plain(value)!r} now")
    return _merged(before, named)


def precision_of(folder: RunFolder, asked: str, resume: bool) -> str:
    """The precision that was asked for; of a run that goes on, the one that it was begun with. Raises UserError."""
    begun_with = folder.precision() if resume and folder.config.is_file() else None
    if begun_with and asked not in ("auto", begun_with):
        raise UserError(f"--precision: {folder} was begun with {begun_with}. Received: {asked}")
    return begun_with or asked


def _is_same(old, new) -> bool:
    if old == new:
        return True
    if isinstance(old, str) and isinstance(new, str) and old and new:
        return config.absolute(old) == config.absolute(new)
    if isinstance(old, list) and isinstance(new, list | tuple) and len(old) == len(new):
        return all(map(_is_same, old, new))
    return False


def _plain(value):
    return str(value) if isinstance(value, str) else value


def _merged(old: dict, new: dict) -> dict:
    both = {key: (old[key], new[key]) for key in old.keys() & new.keys()}
    return old | new | {
        key: _merged(*pair) for key, pair in both.items() if all(isinstance(each, dict) for each in pair)
    }


def _flat(tables: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in tables.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _table(given: dict, name: str, where: str = "") -> dict:
    table = given.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"`{where}{name}` must be a table. Received: {table!r}")
    return dict(table)
