"""A functional network made anew of other operations, with the same weights."""

from collections.abc import Callable
from typing import Any


def rebuilt(network: Any, instead: Callable[[Any], Any]) -> Any:
    """Makes a copy of a network, its blocks among it, which are models within the model.

    Args:
        network: a functional `keras.Model`.
        instead: an operation of it, a layer or one of `keras.ops` -> what takes its place, of the same weights.

    Returns:
        The copy, with the network's weights.
    """
    import keras

    def made(operation):
        if isinstance(operation, keras.Sequential):   # a clone would keep what it was built for
            return keras.Sequential([made(layer) for layer in operation.layers], name=operation.name)
        if isinstance(operation, keras.Model):
            return keras.models.clone_model(operation, clone_function=made)
        return instead(operation)

    copy = keras.models.clone_model(network, clone_function=made)
    copy.set_weights(network.get_weights())
    return copy
