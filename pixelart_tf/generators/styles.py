"""A network of several styles, with one of them chosen or some mixed: then it is a generator like others."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError

INPUTS = {"images", "style"}   # of such a network; see `networks.style`


def has_styles(generator: Any) -> bool:
    """Whether it takes a style beside the pictures."""
    return {each.name for each in getattr(generator, "inputs", ())} == INPUTS


def styled(generator: Any, names: Sequence[str], wanted: str | None) -> Any:
    """The same network in one style, or a mixture.

    Args:
        generator: a `keras.Model` from a dict of `images` (B, H, W, C) and `style` (B, n), the styles' weights.
        names: of the styles, n.
        wanted: one of the names; or several with their shares, such as `"monet=0.7,van_gogh=0.3"`, which are divided
            by their sum.

    Returns:
        A `keras.Model` from images to images.

    Raises:
        UserError: no style is named, or none of these.
    """
    import keras  # whose backend is settled by now

    weights = _weights(tuple(names), wanted)
    shape = next(each.shape for each in generator.inputs if each.name == "images")
    images = keras.Input(shape[1:], name="images")
    # The same row of weights for each picture: of layers that every format has.
    constant = keras.layers.Dense(len(weights), name="style", trainable=False, dtype="float32")
    style = constant(keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="any")(images))
    constant.set_weights([np.zeros((shape[-1], len(weights)), np.float32), weights])
    return keras.Model(images, generator({"images": images, "style": style}), name=generator.name)


def _weights(names: tuple[str, ...], wanted: str | None) -> np.ndarray:
    """float32 (n,), of sum 1."""
    if wanted is None:
        raise UserError(f"--class: choose a style, or mix some (A=0.7,B=0.3). There are {', '.join(names)}")
    weights = np.zeros(len(names), np.float32)
    for part in wanted.split(","):
        name, _, share = part.partition("=")
        if name not in names:
            raise UserError(f"--class: must be one of {', '.join(names)}. Received: {name!r}")
        try:
            weights[names.index(name)] += float(share or 1)
        except ValueError:
            raise UserError(f"--class: the share of {name} must be a number. Received: {share!r}") from None
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.sum() > 0):
        raise UserError(f"--class: shares must be 0 or more, and one above 0. Received: {wanted!r}")
    return weights / weights.sum()
