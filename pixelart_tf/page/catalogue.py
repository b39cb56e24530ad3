"""Which generators the page offers: those that come along, and every one saved in the folders that it was told of."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators import pretrained
from pixelart_tf.page.knobs import NONE, KnobError

MOST = 500   # files; a folder with more is no folder of runs
DEPTH = 5    # folders: runs/NAME/kept/epoch_0010


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One choice of generator.

    Attributes:
        name: as it stands in the address and in the API.
        about: what it makes, in a few words.
        ways: direction -> the file; those that come along have one, named "".
        comes_along: whether `--generator NAME` finds it.
    """

    name: str
    about: str
    ways: dict[str, Path]
    comes_along: bool = False

    def way(self, direction: str) -> Path:
        """The file of a direction; of an empty or another one's the first."""
        return self.ways.get(direction) or next(iter(self.ways.values()))


class Catalogue:
    """The generators to choose from.

    Args:
        folders: run folders, folders of such, or folders of `.keras` files. Nothing outside them is opened, whatever
            links lie in them.

    Raises:
        UserError: one is no folder.
    """

    def __init__(self, folders: Iterable[str | Path] = ()):
        self.folders = [Path(folder).resolve() for folder in folders]
        for folder in self.folders:
            if not folder.is_dir():
                raise UserError(f"--generators: {folder}: no such folder")

    def entries(self) -> dict[str, Entry]:
        """All of them by name, those that come along first; looked up anew, as a run may be training."""
        found = {}
        for name, path in pretrained.named().items():
            about = pretrained.card(name).partition("\n")[0].lstrip("# ")
            found[name] = Entry(name=name, about=about, ways={"": path}, comes_along=True)
        for folder in self.folders:
            groups = {}
            for path in _saved(folder):
                groups.setdefault(path.parent, {})[path.stem] = path
            for parent, ways in groups.items():
                inside = parent.relative_to(folder)
                name = f"{folder.name}/{inside}" if inside.parts else folder.name
                while name in found or name == NONE:
                    name += "'"
                ways = dict(sorted(ways.items(), key=lambda way: (_ORDER.get(way[0], 9), way[0])))
                found[name] = Entry(name=name, about=_about(parent), ways=ways)
        return found

    def entry(self, name: str) -> Entry | None:
        """The entry of that name; None for `NONE`.

        Raises:
            KnobError: there is none.
        """
        if name == NONE:
            return None
        entries = self.entries()
        if name not in entries:
            known = ", ".join([NONE, *entries])
            raise KnobError(f"No generator is called {name!r}. There are: {known}.", "generator")
        return entries[name]


_ORDER = {"to_target": 0, "to_source": 1}


def _about(parent: Path) -> str:
    return "the best epoch of a run" if parent.name == "best" else "a generator of yours"


def _saved(folder: Path) -> list[Path]:
    """The `.keras` files below a folder that truly lie there, in order."""
    found = []
    for place, folders, files in os.walk(folder):   # which follows no links to folders
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(each for each in folders if not each.startswith(".")) if depth < DEPTH else []
        for name in sorted(files):
            path = Path(place) / name
            if name.endswith(".keras") and not name.startswith(".") and path.resolve().is_relative_to(folder):
                found.append(path)
        if len(found) > MOST:
            raise UserError(f"--generators: {folder}: over {MOST} generators in it; name a folder within")
    return found
