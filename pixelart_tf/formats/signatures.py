"""What the writers of other makers' files need to know of a network: names, and what its computation needs."""

import contextlib
from collections.abc import Iterator
from typing import Any

from pixelart_tf.base.cli import UserError


def names(network: Any) -> tuple[str, str]:
    """Of the input and of the output of a functional model: those of its first and its last layer.

    Where both have one name, the output gets another one.
    """
    given, made = network.inputs[0].name, network.layers[-1].name
    return given, f"{made}_made" if made == given else made


@contextlib.contextmanager
def any_size_or_told() -> Iterator[None]:
    """Raises UserError where TensorFlow's graphs cannot compute a network for pictures of sizes not known before."""
    try:
        yield
    except TypeError as error:   # a branch on a size: Keras' bilinear enlargement has one
        if "symbolic" not in str(error):
            raise
        raise UserError("cannot be made for pictures of any size; --size PIXELS makes it for one") from None
