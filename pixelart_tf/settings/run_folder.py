"""What a run folder holds: every file name in it is spelled here, and nowhere else."""

import json
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.settings import config

# A run that does not say which networks it saves was made when there was the CycleGAN alone.
SAVED_BEFORE = ("to_target", "to_source")


class RunFolder:
    """A training run's folder, whether it is there already or not.

    Args:
        path: of the folder.

    Attributes:
        config: all settings of the run, defaults filled in; and what other commands must know of its model.
        log: a line of JSON an epoch.
        checkpoint: the whole state, for a resume.
        curves: the losses and scores as a picture.
        networks: what is trained, as a picture of blocks and skips.
        batch: what the model was fed with first, as a picture, beside the sheets of samples.
        gallery: a page of all sheets of pictures by their epochs.
        tensorboard: folder of event files.
        best: folder of the generators of the epoch that scored best.
        kept: folder of the networks that are kept for good, by their epochs.
        score: what that epoch scored, as JSON.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.toml"
        self.log = self.path / "log.jsonl"
        self.checkpoint = self.path / "checkpoint.npz"
        self.curves = self.path / "curves.png"
        self.networks = self.path / "networks.png"
        self.batch = self.path / "samples" / "batch.png"
        self.gallery = self.path / "gallery.html"
        self.tensorboard = self.path / "tensorboard"
        self.best = self.path / "best"
        self.kept = self.path / "kept"
        self.score = self.best / "score.json"

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_run(self) -> bool:
        """Whether a run has begun here."""
        return self.path.is_dir() and any(path.is_file() for path in (self.config, self.log, self.checkpoint))

    def generator(self, name: str, *, best: bool = False) -> Path:
        """Where a network is saved: that of the last epoch, or of the one that scored best."""
        return (self.best if best else self.path) / f"{name}.keras"

    def kept_generator(self, name: str, epoch: int) -> Path:
        """Where a network of an epoch, counted from 1, is kept for good."""
        return self.kept / _of_epoch(epoch) / f"{name}.keras"

    def kept_generators(self) -> dict[int, list[Path]]:
        """Epoch -> the networks of it that are kept for good, both in order."""
        epochs = sorted((epoch, path) for path in self.kept.glob("epoch_*") if (epoch := _epoch(path)))
        return {epoch: paths for epoch, path in epochs if (paths := sorted(path.glob("[!.]*.keras")))}

    def sheet(self, kind: str, epoch: int) -> Path:
        """Where a sheet of pictures is drawn.

        Args:
            kind: such as `"samples"`; a folder of that name holds the sheets of all epochs.
            epoch: counted from 1.
        """
        return self.path / kind / f"{_of_epoch(epoch)}.png"

    def sheets(self, kind: str) -> list[Path]:
        """The sheets that are there, in the order of their epochs."""
        return sorted(filter(_epoch, (self.path / kind).glob("epoch_*.png")), key=_epoch)

    def sheets_by_kind(self) -> dict[str, dict[int, Path]]:
        """Kind of sheets -> epoch -> the sheet, as many as are there; kinds by their names, epochs in order."""
        kinds = sorted({path.parent.name for path in self.path.glob("*/epoch_*.png") if _epoch(path)})
        return {kind: {_epoch(path): path for path in self.sheets(kind)} for kind in kinds}

    def tables(self) -> dict:
        """All settings of the run, as `config.read` gives them; relative paths are meant from this folder.

        Raises:
            ConfigError: there is no `config.toml`, or it is not TOML.
        """
        if not self.config.is_file():
            raise config.ConfigError(f"{self.path}: a run without {self.config.name}")
        return config.read(self.config)

    def told(self) -> dict:
        """What the run tells of itself besides its settings; empty where it is an old one. Raises ConfigError."""
        run = self.tables().get("run", {})
        if not isinstance(run, dict):
            raise config.ConfigError(f"{self.config}: `run` must be a table. Received: {run!r}")
        return run

    def saved(self) -> tuple[str, ...]:
        """Names of the networks that the run saves; the first one is what is scored. Raises ConfigError."""
        saved = self.told().get("saved", SAVED_BEFORE)
        if not isinstance(saved, list | tuple) or not saved or not all(isinstance(name, str) for name in saved):
            raise config.ConfigError(f"{self.config}: `run.saved` must be a list of names. Received: {saved!r}")
        return tuple(map(str, saved))

    def precision(self) -> str | None:
        """The name of the dtype policy that the run was begun with; None where it does not say. Raises ConfigError."""
        return self.told().get("precision")

    def trained_on(self) -> list[str]:
        """Patterns of the pictures that the run was trained on, as `sources.read` takes them. Raises ConfigError."""
        data = self.tables().get("data")
        sides = [data.get(name) for name in ("source", "target")] if isinstance(data, dict) else []
        given = [side.get("files") for side in sides if isinstance(side, dict)]
        files = [path for each in given for path in (each if isinstance(each, list) else [each])]
        if not files or not all(isinstance(path, str) for path in files):
            raise config.ConfigError(f"{self.config}: does not say `data.*.files`, the pictures that were trained on")
        return [config.absolute(path) for path in files]

    def history(self) -> list[dict]:
        """A dict an epoch, in order; empty where the log is not there.

        Raises:
            UserError: the file is not a log.
        """
        if not self.log.exists():
            return []
        try:
            rows = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
            if not all(isinstance(row, dict) and isinstance(row["epoch"], int) for row in rows):
                raise ValueError
        except (ValueError, KeyError, RecursionError):
            raise UserError(f"{self.log}: not a log of a run any more; remove it to go on without") from None
        return rows

    def best_score(self) -> dict | None:
        """The epoch that scored best and its scores; None where nothing was scored, or the file is damaged."""
        try:
            found = json.loads(self.score.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def _of_epoch(epoch: int) -> str:
    return f"epoch_{epoch:04}"


def _epoch(path: Path) -> int:
    """The epoch that a file or folder is named for; 0 where it is not one of ours."""
    number = path.stem.removeprefix("epoch_")
    return int(number) if number.isdecimal() and len(number) < 10 else 0
