"""The pixelize command in this process, and a picture that it is given."""

from pathlib import Path

from pixelart_tf.pixelize.__main__ import main

PICTURES = Path(__file__).parent / "data" / "pictures"
COW = PICTURES / "gc-cow.jpg"


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])
