"""What was found in a file of another maker: a network, and the options that make the same one anew."""

import dataclasses
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError


@dataclasses.dataclass(frozen=True)
class Found:
    """A network with its weights.

    Attributes:
        model: a functional `keras.Model` of stock layers.
        name: of the function in `networks` that made it, such as `"resnet"`.
        options: its options.
        told: what it is, in words, such as `"resnet_9blocks of the PyTorch CycleGAN"`.
        is_generator: whether it makes pictures; else it judges them.
    """

    model: Any
    name: str
    options: dict
    told: str
    is_generator: bool


def build(name: str, options: dict) -> Any:
    """A network by the name of its function and the function's options.

    Raises:
        UserError: an option that the function does not take, told in one line.
    """
    from pixelart_tf import networks  # which imports Keras, whose backend is settled only now

    try:
        return getattr(networks, name)(**options)
    except ValueError as error:
        raise UserError(f"a {name} that cannot be built here: {error}") from None


def convolutions(network: Any) -> list:
    """The convolutions of a network, plain and transposed, those in its blocks too, in the order of their work."""
    import keras

    kinds = keras.layers.Conv2D | keras.layers.Conv2DTranspose
    return [each for each in inner_layers(network) if isinstance(each, kinds)]


def inner_layers(network: Any) -> list:
    """The layers of a network, each block's in its place."""
    return [inner for layer in network.layers for inner in getattr(layer, "layers", [layer])]


def check_finite(arrays: dict[str, np.ndarray]) -> None:
    """Raises UserError where weights, name -> array, hold NaN or infinity."""
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise UserError(
            f"{len(broken)} of its {len(arrays)} weights hold NaN or infinity (the first: {broken[0]}): "
            "its training failed"
        )


def unlike(missing: list[str], strange: list[str], shapes: list[str]) -> str:
    """What tells a file from what it looked like, in words; "" where nothing does.

    Args:
        missing: names that should be there.
        strange: names that should not.
        shapes: weights of another shape, in words.
    """
    parts = [
        f"{what} {_few(names)}" for what, names in (("missing:", missing), ("strange:", strange), ("", shapes)) if names
    ]
    return "; ".join(parts).strip()


def _few(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
