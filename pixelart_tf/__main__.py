"""`pixelart-tf` and `python -m pixelart_tf`: lists the commands, and runs one of them."""

import importlib
import sys

from pixelart_tf import __version__
from pixelart_tf.base.cli import command

COMMANDS = {
    "train": "train on two sets of pictures",
    "translate": "run a trained generator over pictures of any size",
    "pixelize": "turn any picture into true pixel art",
    "video": "turn films into true pixel art",
    "records": "pack pictures into TFRecord shards, check shards",
    "mifid": "score generated pictures against real ones",
    "leaderboard": "score runs, generators and sets of pictures against the same real ones",
    "convert": "bring a trained generator of PyTorch or Keras 2 in",
    "web": "a page for pictures and films, in the browser",
    "submission": "zip what a generator makes for a competition, check the zip",
}
MODULES = {"pixelize": "pixelart_tf.pixelize.__main__"}   # a command in a folder


def listing() -> str:
    """The commands, a line each."""
    lines = [f"  python -m pixelart_tf.{name:<13}{purpose}" for name, purpose in COMMANDS.items()]
    return "\n".join([
        "Pictures in, pixel art (or Monets) out. Commands, each with --help:", "", *lines, "",
        "Each can be called as `pixelart-tf COMMAND`, too, such as `pixelart-tf train --help`.",
    ])


@command
def main(argv: list[str] | None = None) -> int:
    """Runs the command that the first word names; without any it lists them."""
    argv = sys.argv[1:] if argv is None else argv
    first = argv[0] if argv else "--help"
    if first in ("-h", "--help"):
        print(listing())
        return 0
    if first == "--version":
        print(f"pixelart_tf {__version__}")
        return 0
    if first not in COMMANDS:
        print(f"pixelart-tf: {first!r} is not a command. Known: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module = importlib.import_module(MODULES.get(first, f"pixelart_tf.{first}"))
    return module.main(argv[1:])


if __name__ == "__main__":
    sys.exit(main())
