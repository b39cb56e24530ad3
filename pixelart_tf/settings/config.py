"""An experiment file (TOML) <-> validated settings. A function's signature is the schema of the table passed to it."""

import difflib
import inspect
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pixelart_tf.base.cli import UserError

# Of an option that is a path: `Annotated[str, PATH]`. A relative one is meant from the folder of the experiment's file.
PATH = "path"
# In a path's place: pictures of the training's own that are kept out of it.
HELD_OUT = "held out"


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
        return {"name": str(name)} | options(self.functions[name], table, where, self.given)


class Text(str):
    """A string of an experiment that knows where it stands, should it turn out to be a path.

    Attributes:
        folder: that a relative path is meant from.
    """

    folder: Path

    @classmethod
    def of(cls, value: typing.Any, folder: Path) -> typing.Any:
        """The same value, with all strings in its lists and tables as `Text`."""
        if isinstance(value, dict):
            return {key: cls.of(each, folder) for key, each in value.items()}
        if isinstance(value, list):
            return [cls.of(each, folder) for each in value]
        if not isinstance(value, str):
            return value
        text = cls(value)
        text.folder = folder
        return text


def read(path: Path, overrides: Iterable[str] = ()) -> dict:
    """Tables of an experiment file; their strings are `Text`.

    Args:
        path: a TOML file; its relative paths are meant from the folder that it is in.
        overrides: see `overridden`.

    Raises:
        ConfigError: no such file, not TOML, or an override without a key or a value.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:   # of TOML, of UTF-8, of numbers of thousands of digits
        raise ConfigError(f"{path}: not a TOML file: {error}") from None
    return overridden(Text.of(tables, path.resolve().parent), overrides)


def overridden(tables: dict, overrides: Iterable[str]) -> dict:
    """The same tables, changed in place, with other values of some settings.

    Args:
        tables: of an experiment.
        overrides: such as `"model.cycle_weight=20"`; a relative path is meant from the current folder.

    Raises:
        ConfigError: no key, no value, or a key that leads through a setting.
    """
    for override in overrides:
        _set_value(tables, override)
    return tables


def _set_value(tables: dict, override: str) -> None:
    keys, equals, text = override.partition("=")
    *parents, key = keys.strip().split(".")
    if not equals or not key or not all(parents):
        raise ConfigError(f"--set takes table.key=value, such as model.cycle_weight=20. Received: {override}")
    table = tables
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {override}: `{parent}` is a setting, not a table")
    table[key] = Text.of(_value(text.strip()), Path.cwd())


def absolute(path: str) -> str:
    """A path of an experiment made absolute, without `..`; its wildcards stay.

    Args:
        path: a relative one is meant from the folder of the file that it stands in (see `Text`), else from the current
            one.

    Raises:
        ConfigError: it leads above the root, or begins with the name of a user who does not exist.
    """
    try:
        whole = getattr(path, "folder", Path.cwd()) / Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: no such user") from None
    # `resolve` would choke on a glob's asterisks on some systems.
    parts = []
    for part in whole.parts:
        if part != "..":
            parts.append(part)
        elif len(parts) > 1:
            parts.pop()
        else:
            raise ConfigError(f"{path}: leads above the root, from {whole.anchor}")
    return str(Path(*parts))


def options(function: typing.Callable, table: dict, where: str, given: Iterable[str] = ()) -> dict:
    """All keyword options of `function`: those of `table`, checked, and the defaults of the rest.

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
    known = {name: p for name, p in parameters(function).items() if name not in given}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            names = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"`{_name(where, key)}` is not a setting.{hint} Known: {names}")
    filled = {}
    for name, parameter in known.items():
        if nested := table_of(parameter):
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
    lines += [f"{key} = {text_of(value)}" for key, value in settings.items()]
    blocks = ["\n".join(lines) + "\n"] if lines else []
    blocks += [dumps(v, f"{prefix}.{k}" if prefix else k) for k, v in tables.items() if isinstance(v, dict)]
    return "\n".join(block for block in blocks if block)


def text_of(value: typing.Any) -> str:
    """A setting's value as TOML writes it."""
    # JSON's strings, numbers, booleans and lists are TOML's too, except that TOML wants DEL escaped and knows no pairs
    # of surrogates.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def parameters(function: typing.Callable) -> dict[str, inspect.Parameter]:
    """The keyword-only options of a function or of a class: the keys of its table, with their defaults."""
    # Of a class it is `__init__` that counts, also where a base class has a `__new__` that takes anything.
    signature = inspect.signature(function.__init__ if inspect.isclass(function) else function, eval_str=True)
    known = {name: p for name, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    known.pop("name", None)   # of a layer or a network: not a setting
    return known


def table_of(parameter: inspect.Parameter) -> Table | None:
    """What an option that is a table itself can hold; None of any other."""
    return next((note for note in getattr(parameter.annotation, "__metadata__", ()) if isinstance(note, Table)), None)


def _value(text: str):
    """A value as TOML writes it; what is not TOML is a string, so that a shell needs no second pair of quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except (RecursionError, ValueError):   # brackets within brackets, or a number of thousands of digits
        raise ConfigError(f"--set: not a value of a setting: {text[:40]}...") from None


def value(given: typing.Any, annotation: typing.Any, name: str) -> typing.Any:
    """One value, as an annotation asks for it. Raises ConfigError, which calls it `name`."""
    parameter = inspect.Parameter("value", inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
    return _checked(given, parameter, name)


def _checked(value, parameter: inspect.Parameter, name: str):
    """`value`, as the annotation, or else the type of the default, asks for it.

    A whole number is made a float and a list a tuple where that is meant, and a path absolute.
    """
    annotation, is_path = parameter.annotation, False
    if annotation is inspect.Parameter.empty:
        if parameter.default in (None, inspect.Parameter.empty):
            return value
        annotation = type(parameter.default)
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *notes = typing.get_args(annotation)
        is_path = PATH in notes
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"`{name}` must be finite. Received: {value}")
    if isinstance(value, str):
        value = _text(value, is_path, name)
    elif isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        value = tuple(_text(each, is_path, name) for each in value)
    accepted = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    for kind in accepted:
        origin = typing.get_origin(kind) or kind
        if origin is float and isinstance(value, int) and not isinstance(value, bool):
            return _as_float(value, name)
        if origin is tuple and isinstance(value, list | tuple):
            items = typing.get_args(kind)
            kinds = items[:1] * len(value) if items[1:] == (...,) else items
            if not items or (len(kinds) == len(value) and all(type(v) is t for v, t in zip(value, kinds, strict=True))):
                return tuple(value)
        elif isinstance(origin, type) and isinstance(value, origin) and isinstance(value, bool) == (origin is bool):
            return value
    words = {dict: "a table", str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
    words[tuple[str, ...]] = "a list of strings"
    wanted = " or ".join(words.get(kind, str(kind)) for kind in accepted if kind is not types.NoneType)
    raise ConfigError(f"`{name}` must be {wanted}. Received: {value!r}")


def _text(value: str, is_path: bool, name: str) -> str:
    if not _is_text(value):
        raise ConfigError(f"`{name}` must be UTF-8. Received: {value!r}")
    return absolute(value) if is_path and value not in ("", HELD_OUT) else str(value)


def _as_float(value: int, name: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ConfigError(f"`{name}` must be finite. Received: a number of over 300 digits") from None


def _is_text(value: str) -> bool:
    """False where a path's bytes are not UTF-8, which Python stands in for by surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _name(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
