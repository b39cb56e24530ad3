"""What a discriminator is fined for: slopes with respect to its pictures."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from pixelart_tf.layers.gradient import input_gradient
from pixelart_tf.models.losses import mean_of_pictures
from pixelart_tf.networks.blocks import has_batch_norm

GRADIENT_WEIGHT = 10.0   # lambda of WGAN-GP
# Why some discriminators cannot be fined.
NO_SLOPES = "pictures that meet in batch norm have no gradients of their own to be fined for"


def check_slopes(discriminator: keras.Model, objective: str, r1_weight: float) -> None:
    """Raises ValueError where a discriminator is to be fined for slopes that it does not have."""
    if not has_batch_norm(discriminator):
        return
    if r1_weight:
        raise ValueError(f"`r1_weight` must be 0 with batch norm, as {NO_SLOPES}. Received: {r1_weight}")
    if objective == "wgangp":
        raise ValueError(f"`objective` must not be \"wgangp\" with batch norm, as {NO_SLOPES}")


def r1(logits: Callable, real: Any) -> Any:
    """The mean over real pictures of the squared length of the discriminator's gradient there.

    Args:
        logits: of pictures; those of a picture's patches are added up.
        real: float (B, H, W, C).

    Returns:
        A scalar, as a `keras.losses` object gives it.

    Reference: Mescheder et al. (2018), equation 9, https://arxiv.org/abs/1801.04406, without its gamma / 2
    """
    squared = ops.sum(ops.square(input_gradient(logits, real)), axis=(1, 2, 3))   # (B,)
    return mean_of_pictures(squared)


def gradient_penalty(logits: Callable, real: Any, fake: Any, seeds: keras.random.SeedGenerator) -> Any:
    """The mean of (length of the gradient - 1)^2 at random places between real and fake pictures.

    Args:
        logits: of pictures; those of a picture's patches are added up.
        real, fake: float (B, H, W, C).
        seeds: where the places are drawn from.

    Returns:
        A scalar, as a `keras.losses` object gives it.

    Reference: Gulrajani et al., WGAN-GP (2017), equation 3, https://arxiv.org/abs/1704.00028
    """
    share = keras.random.uniform((ops.shape(real)[0], 1, 1, 1), seed=seeds)
    slopes = input_gradient(logits, share * real + (1 - share) * fake)
    lengths = ops.sqrt(ops.sum(ops.square(slopes), axis=(1, 2, 3)) + 1e-12)   # (B,)
    return mean_of_pictures(ops.square(lengths - 1))
