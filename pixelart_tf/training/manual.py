"""Every key of every table, with its value and its meaning, as an experiment file."""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pixelart_tf.base.docstrings import first_line, first_sentence, meanings
from pixelart_tf.models import MODELS
from pixelart_tf.settings import config, tables
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.experiment import PARTNER, Settings
from pixelart_tf.settings.partner import Partner
from pixelart_tf.training.building import STEPS, Plan
from pixelart_tf.training.optimizers import adam

WIDTH, COLUMN = 100, 36   # of a line, and where the meanings begin


def manual(settings: Settings) -> str:
    """TOML text of all settings, one a line and its meaning beside it; read back, it is the same experiment.

    Args:
        settings: of an experiment, whose pictures may be missing. What has no value is a comment, and so is a table
            that it does not have.

    Raises:
        ConfigError: a table that does not suit its model.
    """
    plan = Plan.filled(settings)
    blocks = []
    for name in plan.kind.domains_with(settings.partner is not None):
        values = vars(settings.data[name]) if name in settings.data else {}
        blocks += _described(f"data.{name}", Domain, values)
    is_off = settings.partner is None
    blocks += _described(f"data.{PARTNER}", Partner, {} if is_off else vars(settings.partner), is_off=is_off)
    names = ", ".join(MODELS)
    blocks += _described("model", plan.kind, plan.model, first=("name", plan.name, f"one of {names}"))
    blocks += _described("optimizer", adam, plan.optimizer, given=STEPS)
    plain = {
        "train": tables.TrainTable, "samples": tables.SamplesTable, "score": tables.ScoreTable,
        "export": tables.ExportTable,
    }
    for name, table in plain.items():
        blocks += _described(name, table, vars(getattr(settings, name)))
    rows = [
        _row(name, settings.finetune.get(name, ""),
            f"a saved {name}.keras to start from, or the name of a bundled generator; empty: a fresh network")
        for name in plan.kind.saved
    ]
    blocks.append("\n".join([_head("finetune", "Saved networks to start from, instead of random weights."), *rows]))
    return "\n\n".join(blocks) + "\n"


def _described(
    where: str, function: Callable, values: dict, *, given: Iterable[str] = (), first: tuple | None = None,
    is_off: bool = False,
) -> Iterator[str]:
    """The text of a table whose keys are a function's options, and then of the tables within it.

    Of one that is off, all is comments.
    """
    about, rows, within = meanings(function), [_row(*first)] if first else [], []
    for key, parameter in config.parameters(function).items():
        if key in given:
            continue
        nested = config.table_of(parameter)
        value = values.get(key, None if parameter.default is parameter.empty else parameter.default)
        if nested is None:
            rows.append(_row(key, value, first_sentence(about.get(key, "")), is_off=is_off))
            continue
        inner = dict(value)
        choice = ("name", inner.pop("name"), f"one of {', '.join(nested.functions)}")
        within += _described(
            f"{where}.{key}", nested.functions[choice[1]], inner, given=nested.given, first=choice
        )
    yield "\n".join([_head(where, first_line(function), is_off=is_off), *rows])
    yield from within


def _head(where: str, about: str, *, is_off: bool = False) -> str:
    lines = textwrap.wrap(about.replace("`", ""), WIDTH - 2)
    return "\n".join([f"# [{where}]" if is_off else f"[{where}]", *(f"# {line}" for line in lines)])


def _row(key: str, value: Any, meaning: str, *, is_off: bool = False) -> str:
    # TOML knows no None: such a key is a comment, as is one that must be given.
    setting = f"{key} =" if value is None else f"{key} = {config.text_of(value)}"
    setting = f"# {setting}" if value is None or is_off else setting
    about = textwrap.wrap(meaning, WIDTH - COLUMN - 2, break_on_hyphens=False, break_long_words=False)
    if len(setting) < COLUMN and about:
        setting = f"{setting:<{COLUMN}}# {about.pop(0)}"
    return "\n".join([setting, *(f"{'':{COLUMN}}# {line}" for line in about)])
