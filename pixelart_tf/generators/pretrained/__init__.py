"""The generators that come along: a `.keras` file each, with a card and a picture of the same name.

To add one, add these three files: the file's name is the generator's.
"""

from pathlib import Path

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.columns import columns

FOLDER = Path(__file__).parent


def named() -> dict[str, Path]:
    """The files of all bundled generators by name, in alphabetical order."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.keras"), key=lambda path: path.stem)}


def card(name: str) -> str:
    """The text of a bundled generator's card, Markdown."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def listing() -> str:
    """A table of the bundled generators, each with the first line of its card."""
    about = [(name, card(name).partition("\n")[0].lstrip("# ")) for name in named()]
    return columns([("name", "what it makes"), *about]) if about else "no generators come along"


def find(given: str | Path) -> Path:
    """The file of a generator that is given as a path or by the name of a bundled one.

    A file of the user's that is called like a bundled one wins. `sprite-inked`, `sprite_inked` and `SpriteInked` are
    the same.

    Raises:
        UserError: it can only be a name, and no generator has it; lists those that there are.
    """
    path = Path(given)
    if path.is_file() or not files.may_be_name(given):
        return path
    known = {_plain(name): found for name, found in named().items()}
    if _plain(path.name) in known:
        return known[_plain(path.name)]
    if path.exists():   # a folder, of which whoever opens it says that it is no file
        return path
    there = f"there are {', '.join(named())}" if known else "none come along"
    raise UserError(f"no generator is called {str(given)!r}, nor any file; {there}")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
