"""The tables of an experiment as one checked object: which function or class reads each of them."""

from pixelart_tf.models import MODELS
from pixelart_tf.settings import config, tables
from pixelart_tf.settings.domain import Domain
from pixelart_tf.training.optimizers import adam

# What the data decide, and no table.
SHAPES = ("image_size", "source_channels", "target_channels")
STEPS = ("num_steps", "num_decay_steps")


class Settings:
    """An experiment's tables, checked and with all defaults filled in.

    Args:
        given: tables as `config.read` gives them.

    Raises:
        ConfigError: a table or key that is not known, missing, of the wrong type or out of range.
    """

    def __init__(self, given: dict):
        for name in given:
            if name not in _TABLES:
                raise config.ConfigError(f"[{name}] is not a table. Known: {', '.join(_TABLES)}")
        given = {name: _table(given, name) for name in _TABLES}
        self.train, self.samples, self.score, self.export, self.finetune = (
            config.call(kind, given[name], name) for name, kind in (
                ("train", tables.Training), ("samples", tables.Samples), ("score", tables.Score),
                ("export", tables.Export), ("finetune", tables.Finetune),
            )
        )
        data = given["data"]
        sides = {name: _table(data, name, "data.") for name in ("source", "target")}
        # What both domains share stands in [data] itself.
        shared = {key: value for key, value in data.items() if key not in sides}
        self.source, self.target = (
            config.call(Domain, shared | side, f"data.{name}") for name, side in sides.items()
        )
        for name, domain in (("source", self.source), ("target", self.target)):
            if not domain.files:   # else a glob of the current folder
                raise config.ConfigError(f"`data.{name}.files` must name shards or pictures. Received: ''")
        self.model_name = given["model"].pop("name", "cyclegan")
        if self.model_name not in list(MODELS):   # a list, as what a table holds may not be hashable
            raise config.ConfigError(f"`model.name` must be one of {', '.join(MODELS)}. Received: {self.model_name!r}")
        self.model = config.options(MODELS[self.model_name], given["model"], "model", given=SHAPES)
        self.optimizer = config.options(adam, given["optimizer"], "optimizer", given=STEPS)

    def tables(self) -> dict:
        """Tables that give the same settings again, nothing left to a default."""
        return {
            "data": {"source": vars(self.source), "target": vars(self.target)},
            "model": {"name": self.model_name} | self.model,
            "optimizer": self.optimizer,
            "train": vars(self.train), "samples": vars(self.samples), "score": vars(self.score),
            "export": vars(self.export), "finetune": vars(self.finetune),
        }


_TABLES = ("data", "export", "finetune", "model", "optimizer", "samples", "score", "train")


def _table(given: dict, name: str, where: str = "") -> dict:
    table = given.get(name, {})
    if not isinstance(table, dict):
        raise config.ConfigError(f"`{where}{name}` must be a table. Received: {table!r}")
    return dict(table)
