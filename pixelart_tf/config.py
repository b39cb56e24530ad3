"""An experiment file (TOML) <-> validated settings. A function's signature is the schema of the table passed to it."""

import difflib
import inspect
import json
import math
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path

from pixelart_tf.cli import UserError

# Where an experiment's paths stand; relative ones are meant from the experiment's own folder.
PATHS = {
    ("data", "source", "files"), ("data", "target", "files"), ("samples", "source"), ("samples", "target"),
    ("finetune", "to_target"), ("finetune", "to_source"),
    ("score", "source"), ("score", "target"), ("score", "weights"),
}


class ConfigError(UserError):
    """A setting that is misspelt, of the wrong type or not possible; the message names its key."""


@dataclass(frozen=True)
class Table:
    """Of an option that is a table itself: `Annotated[dict, Table({"resnet": resnet, "unet": unet})]`.

    Attributes:
        functions: whose options it can hold, by the table's key `name`; the first is the default.
        given: names of options that are passed to the function anyway and that the table must not hold.
    """

    functions: dict[str, typing.Callable]
    given: tuple[str, ...] = ()

    def filled(self, table: dict, where: str) -> dict:
        """The table with its `name` and all options; raises ConfigError."""
        table = {"name": next(iter(self.functions))} | table
        name = table.pop("name")
        if name not in list(self.functions):   # a list, as what a table holds may not be hashable
            raise ConfigError(f"`{where}.name` must be one of {', '.join(self.functions)}. Received: {name!r}")
        return {"name": name} | options(self.functions[name], table, where, self.given)


@dataclass(frozen=True, kw_only=True)
class Training:
    """The `[train]` table.

    Attributes:
        epochs: number of epochs; an epoch is the larger domain once.
        decay_epochs: over so many epochs at the end the learning rate falls linearly to zero.
        steps_per_epoch: another length of an epoch, in batches. 0: the larger domain once, rounded up to a multiple of
            `steps_per_execution`.
        batch_size: pairs per step, over all replicas.
        seed: of the weights, the order, the augmentation, dropout: the same seed gives the same run on a CPU.
        steps_per_execution: steps between two looks at the losses; more is faster on accelerators.
        sample_every: epochs between two sheets of sample pictures.
        checkpoint_minutes: an epoch longer than this is saved in its midst too.
    """

    epochs: int = 100
    decay_epochs: int = 0
    steps_per_epoch: int = 0
    batch_size: int = 1
    seed: int = 0
    steps_per_execution: int = 1
    sample_every: int = 1
    checkpoint_minutes: float = 10.0

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch_size", 1), ("steps_per_execution", 1), ("sample_every", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`{name}` must be at least {least}. Received: {getattr(self, name)}")
        if not 0 <= self.decay_epochs <= self.epochs:
            raise ValueError(f"`decay_epochs` must be 0 to `epochs` ({self.epochs}). Received: {self.decay_epochs}")
        if self.steps_per_epoch < 0 or self.steps_per_epoch % self.steps_per_execution:
            raise ValueError(
                f"`steps_per_epoch` must be a multiple of `steps_per_execution` ({self.steps_per_execution}), or 0. "
                f"Received: {self.steps_per_epoch}"
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"`seed` must be at least 0 and below 2 ** 32. Received: {self.seed}")
        if self.checkpoint_minutes <= 0:
            raise ValueError(f"`checkpoint_minutes` must be above 0. Received: {self.checkpoint_minutes}")


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The `[samples]` table: the pictures shown while training.

    Attributes:
        source, target: shards or a folder; empty: the first pictures of the training set.
        count: number of pictures of each domain.
        scale: enlargement, by whole numbers.
    """

    source: str = ""
    target: str = ""
    count: int = 8
    scale: int = 1

    def __post_init__(self):
        for name in ("count", "scale"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Score:
    """The `[score]` table: MiFID of translated pictures while training.

    Attributes:
        source: shards or a folder of pictures to translate, best ones that are not trained on; empty: no scores.
        target: shards or a folder of real pictures that the translations are compared with.
        network: `"lite0"`, `"inception"` or a Keras model file; see `features.load`.
        weights: a file of the Inception's weights; empty: the cache, or fetched once.
        every: epochs between two scores; the last epoch always has one.
        count: pictures of each domain, spread over the set; 0: all.
        epsilon: memorization distances below it count.
    """

    source: str = ""
    target: str = ""
    network: str = "lite0"
    weights: str = ""
    every: int = 5
    count: int = 0
    epsilon: float = 0.1

    def __post_init__(self):
        if bool(self.source) != bool(self.target):
            raise ValueError("`source` and `target` must be given both or not at all")
        if self.every < 1:
            raise ValueError(f"`every` must be at least 1. Received: {self.every}")
        if self.count < 0 or self.count == 1:
            raise ValueError(f"`count` must be 0 or at least 2. Received: {self.count}")


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """The `[finetune]` table: saved generators to start from, one of them or both.

    Attributes:
        to_target, to_source: `.keras` files; empty: fresh weights.
    """

    to_target: str = ""
    to_source: str = ""


@dataclass(frozen=True, kw_only=True)
class Export:
    """The `[export]` table: how the generators are saved.

    Attributes:
        cell_size: of a generator that was trained on one pixel a cell: it is saved with a box-downscale by this before
            it and an enlargement after it, and so takes and gives pictures of ordinary size. 1: saved as it is.
    """

    cell_size: int = 1

    def __post_init__(self):
        if self.cell_size < 1:
            raise ValueError(f"`cell_size` must be at least 1. Received: {self.cell_size}")


def read(path: Path, overrides: typing.Iterable[str] = ()) -> dict:
    """Tables of an experiment file.

    Args:
        path: a TOML file; its relative paths are meant from the folder that it is in.
        overrides: settings such as `"model.cycle_weight=20"`; their relative paths are meant from the current folder.

    Raises:
        ConfigError: no such file, not TOML, or an override without a key or a value.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None
    _absolute(tables, path.resolve().parent)
    for override in overrides:
        keys, equals, text = override.partition("=")
        *parents, key = keys.strip().split(".")
        if not equals or not key or not all(parents):
            raise ConfigError(f"--set takes table.key=value, such as model.cycle_weight=20. Received: {override}")
        table = tables
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigError(f"--set {override}: `{parent}` is a setting, not a table")
        table[key] = _value(text.strip())
        _absolute(tables, Path.cwd())
    return tables


def options(function: typing.Callable, table: dict, where: str, given: typing.Iterable[str] = ()) -> dict:
    """All keyword options of `function`: those of `table`, checked, and the defaults of the rest.

    Where a function passes `**options` on, they are those of the class that it is annotated to return.

    Args:
        function: a function with keyword-only options, or a class.
        table: the settings.
        where: the table's name, for messages.
        given: names of options that the caller passes itself and that a table must not hold.

    Raises:
        ConfigError: a key that is not known (the known ones are listed) or a value of the wrong type.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"`{where}` must be a table. Received: {table!r}")
    known = {name: p for name, p in _keyword_only(function).items() if name not in given}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            names = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"`{_name(where, key)}` is not a setting.{hint} Known: {names}")
    filled = {}
    for name, parameter in known.items():
        nested = next((t for t in getattr(parameter.annotation, "__metadata__", ()) if isinstance(t, Table)), None)
        if nested:
            value = _checked(table.get(name) or {}, parameter, _name(where, name))
            filled[name] = nested.filled(value, _name(where, name))
        elif name in table:
            filled[name] = _checked(table[name], parameter, _name(where, name))
        elif parameter.default is inspect.Parameter.empty:
            raise ConfigError(f"`{_name(where, name)}` is missing")
        else:
            filled[name] = parameter.default
    return filled


def call(function: typing.Callable, table: dict, where: str, **given):
    """`function(**given)` with the options of `table`; what it cannot do with them is an error of that table."""
    filled = options(function, table, where, given)
    try:
        return function(**given, **filled)
    except UserError:
        raise
    except ValueError as error:
        raise ConfigError(f"[{where}] {error}") from error


def loads(text: str) -> dict:
    """Tables of TOML text."""
    return tomllib.loads(text)


def dumps(tables: dict, prefix: str = "") -> str:
    """TOML text of nested tables; settings that are None are left out."""
    settings = {k: v for k, v in tables.items() if not isinstance(v, dict) and v is not None}
    lines = [f"[{prefix}]"] if prefix and settings else []
    # JSON's strings, numbers, booleans and lists are TOML's too, except that TOML wants DEL escaped and knows no pairs
    # of surrogates.
    texts = {key: json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") for key, value in settings.items()}
    lines += [f"{key} = {text}" for key, text in texts.items()]
    blocks = ["\n".join(lines) + "\n"] if lines else []
    blocks += [dumps(v, f"{prefix}.{k}" if prefix else k) for k, v in tables.items() if isinstance(v, dict)]
    return "\n".join(block for block in blocks if block)


def _keyword_only(function) -> dict[str, inspect.Parameter]:
    signature = inspect.signature(function, eval_str=True)
    known = {name: p for name, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        known |= {name: p for name, p in _keyword_only(signature.return_annotation).items() if name not in known}
    known.pop("name", None)   # of a layer or a network: not a setting
    return known


def _absolute(tables: dict, folder: Path) -> None:
    for *parents, key in PATHS:
        table = tables
        for parent in parents:
            table = table.get(parent, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict) and isinstance(table.get(key), str) and table[key]:
            table[key] = str(Path(*_normalized(folder, table[key])))


def _normalized(folder: Path, path: str) -> list[str]:
    """Parts of `folder / path` without `..`; `resolve` would choke on a glob's asterisks on some systems."""
    parts = []
    for part in (folder / Path(path).expanduser()).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts


def _value(text: str):
    """A value as TOML writes it; what is not TOML is a string, so that a shell needs no second pair of quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _checked(value, parameter: inspect.Parameter, name: str):
    """`value`, a whole number made a float and a list a tuple where the annotation, or else the default, says so."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        if parameter.default in (None, inspect.Parameter.empty):
            return value
        annotation = type(parameter.default)
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"`{name}` must be finite. Received: {value}")
    if isinstance(value, str) and not _is_text(value):
        raise ConfigError(f"`{name}` must be UTF-8. Received: {value!r}")
    accepted = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    for kind in accepted:
        origin = typing.get_origin(kind) or kind
        if origin is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if origin is tuple and isinstance(value, list | tuple):
            items = typing.get_args(kind)
            if not items or (len(items) == len(value) and all(type(v) is t for v, t in zip(value, items, strict=True))):
                return tuple(value)
        elif isinstance(origin, type) and isinstance(value, origin) and isinstance(value, bool) == (origin is bool):
            return value
    words = {dict: "a table", str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
    wanted = " or ".join(words.get(kind, str(kind)) for kind in accepted if kind is not types.NoneType)
    raise ConfigError(f"`{name}` must be {wanted}. Received: {value!r}")


def _is_text(value: str) -> bool:
    """False where a path's bytes are not UTF-8, which Python stands in for by surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _name(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
