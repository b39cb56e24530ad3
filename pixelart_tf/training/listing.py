"""What can be trained: the experiments and the models that are there, a line each."""

import textwrap
from pathlib import Path

from pixelart_tf.base.docstrings import first_line
from pixelart_tf.models import MODELS
from pixelart_tf.settings import experiment_files

WIDTH = 100


def listing() -> str:
    """Experiments with what they say of themselves first, and models with the first line of their docstrings."""
    experiments = {_as_typed(path): experiment_files.about(path) for path in experiment_files.known()}
    models = {name: first_line(kind).replace("`", "") for name, kind in MODELS.items()}
    return "\n".join([
        "Experiments, to be trained by python -m pixelart_tf.train EXPERIMENT:", "", _table(experiments), "",
        "Models, the choices of `model.name`; --settings --set model.name=NAME prints the settings of one:", "",
        _table(models),
    ])


def _as_typed(path: Path) -> str:
    """A path as a user would type it: from the current folder if it is below that."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _table(rows: dict[str, str]) -> str:
    wide = max(map(len, rows))
    indent = " " * (wide + 4)
    if len(indent) > WIDTH // 2:   # long paths have a line of their own
        indent = " " * 6
    lines = []
    for name, about in rows.items():
        name = f"  {name:<{len(indent) - 2}}"
        text = textwrap.wrap(about, WIDTH - len(indent), break_on_hyphens=False)
        first = name + text.pop(0) if len(name) == len(indent) and text else name
        lines += [first.rstrip(), *(indent + each for each in text)]
    return "\n".join(lines)
