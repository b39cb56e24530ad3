"""What `[model]`, `[optimizer]` and `[finetune]` ask for: their keys are those of the functions that they are for."""

import dataclasses

import keras

from pixelart_tf.base.cli import UserError
from pixelart_tf.data import classes
from pixelart_tf.generators.opening import NOISE, PICTURES, load_generator
from pixelart_tf.generators.saving import check_read_size
from pixelart_tf.models import MODELS
from pixelart_tf.models.model import Model
from pixelart_tf.settings import config
from pixelart_tf.settings.config import ConfigError
from pixelart_tf.settings.experiment import PARTNER, TOLD, Settings
from pixelart_tf.training.optimizers import Adam, adam

STEPS = ("num_steps", "num_decay_steps")   # which the run decides, and no table


@dataclasses.dataclass(frozen=True)
class Plan:
    """A model and an optimizer that can be built: checked, and with all defaults filled in.

    Attributes:
        settings: of the run.
        name: of the model, a key of `MODELS`.
        model: its options.
        optimizer: those of `optimizers.adam`.
    """

    settings: Settings
    name: str
    model: dict
    optimizer: dict

    @classmethod
    def of(cls, settings: Settings) -> "Plan":
        """Checks the tables. Raises ConfigError."""
        plan = cls.filled(settings)
        plan._check_domains()
        return plan

    @classmethod
    def filled(cls, settings: Settings) -> "Plan":
        """The same, whether the model's pictures are given or not. Raises ConfigError."""
        table = dict(settings.model)
        name = table.pop("name", next(iter(MODELS)))
        if name not in list(MODELS):   # a list, as what a table holds may not be hashable
            raise ConfigError(f"`model.name` must be one of {', '.join(MODELS)}. Received: {name!r}")
        return cls(
            settings, str(name), config.options(MODELS[name], table, "model"),
            config.options(adam, settings.optimizer, "optimizer", given=STEPS),
        )

    @property
    def kind(self) -> type[Model]:
        """The model's class."""
        return MODELS[self.name]

    def tables(self) -> dict:
        """All tables of the run, nothing left to a default, and what other commands must know of the model."""
        return self.settings.tables() | {
            "model": {"name": self.name} | self.model, "optimizer": self.optimizer,
            TOLD: {"saved": list(self.kind.saved)},
        }

    def build(self) -> Model:
        """A fresh model, started from saved networks where `[finetune]` says so. Raises ConfigError."""
        known = classes.of_domain(self.settings.data["target"]) if self.kind.has_classes else ()
        try:
            model = self.kind(self.settings.shapes | ({"label": (len(known),)} if known else {}), **self.model)
        except UserError:
            raise
        except ValueError as error:
            raise ConfigError(f"[model] {error}") from error
        model.classes = known
        if self.settings.partner and PARTNER not in model.feed:
            raise ConfigError(f"[data.partner] is not used by {self.name} with these options")
        try:   # now, and not at the end of the first epoch
            check_read_size(getattr(model, self.kind.saved[0]), self.settings.export.read_size)
        except ValueError as error:
            raise ConfigError(f"[export] {error}") from error
        for name, path in self.settings.finetune.items():
            if path:
                _start_from(getattr(model, name), path)
        return model

    def make_optimizer(self, steps_per_epoch: int) -> Adam:
        """The optimizer of all networks. Raises ConfigError."""
        train = self.settings.train
        return config.call(
            adam, self.optimizer, "optimizer", num_steps=train.epochs * steps_per_epoch,
            num_decay_steps=train.decay_epochs * steps_per_epoch,
        )

    def _check_domains(self):
        """Which pictures and which saved networks a model has use for."""
        settings = self.settings
        domains, saved = self.kind.domains_with(settings.partner is not None), self.kind.saved
        given = {"data": settings.data} | {
            table: [name for name in ("source", "target") if getattr(getattr(settings, table), name)]
            for table in ("samples", "score")
        }
        for table, names in given.items():
            for name in names:
                if name not in domains:
                    made = " with a [data.partner] table" if name in self.kind.domains_with(False) else ""
                    raise ConfigError(f"[{table}] `{name}` is not for {self.name}{made}. Known: {', '.join(domains)}")
        for name in domains:
            if name not in settings.data:
                made = "" if name in self.kind.domains_with(True) else ", or a [data.partner] table, which makes pairs"
                raise ConfigError(f"`data.{name}.files` is missing{made}")
            if given["score"] and name not in given["score"]:
                raise ConfigError(f"`score.{name}` is missing: give all of {', '.join(domains)}, or none")
        for name in settings.finetune:
            if name not in saved:
                raise ConfigError(f"`finetune.{name}` is not a setting. Known: {', '.join(saved)}")


def _start_from(network: keras.Model, path: str) -> None:
    """Puts a saved network's weights into a fresh one. Raises ConfigError."""
    try:
        saved = load_generator(path, of=(PICTURES, NOISE))
    except UserError as error:
        raise ConfigError(f"finetune.{network.name}: not a saved generator: {error}") from None
    shapes = [[tuple(w.shape) for w in model.weights] for model in (saved, network)]
    if shapes[0] != shapes[1]:
        raise ConfigError(
            f"finetune.{network.name}: the generator in {path} has other weights than [model.generator] asks for"
        )
    network.set_weights(saved.get_weights())
