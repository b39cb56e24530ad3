"""The networks that models are made of, as their tables of the experiment ask for them."""

from collections.abc import Callable
from typing import Annotated

import keras

from pixelart_tf.models.losses import check_heads
from pixelart_tf.models.penalties import check_slopes
from pixelart_tf.networks import CONDITIONAL_DISCRIMINATORS, DISCRIMINATORS, GENERATORS
from pixelart_tf.networks.cells import scale_between
from pixelart_tf.networks.sizes import resized
from pixelart_tf.settings import config

# What the pictures decide, and no setting.
GIVEN = (
    "image_size", "channels", "output_channels", "scale", "condition_size", "condition_channels", "num_classes",
)
# The annotations of a model's options `generator` and `discriminator`: a `name` and the options of that network.
Generator = Annotated[dict | None, config.Table(GENERATORS, given=GIVEN)]
Discriminator = Annotated[dict | None, config.Table(DISCRIMINATORS, given=GIVEN)]
ConditionalDiscriminator = Annotated[dict | None, config.Table(CONDITIONAL_DISCRIMINATORS, given=GIVEN)]


def generator_of(
    table: dict | None, shape: tuple[int, int, int], output_shape: tuple[int, int, int], *, name: str,
    functions: dict[str, Callable] = GENERATORS, resize: bool = False,
) -> keras.Model:
    """A fresh generator.

    Args:
        table: `name`, one of `functions`, and options of that function; what it leaves out has its default.
        shape, output_shape: (height, width, channels) of the pictures that go in and come out.
        name: of the network.
        functions: that make networks; the first is the default.
        resize: whether a network that keeps a picture's size may be followed by what changes it (see `sizes.resized`).

    Raises:
        ValueError: an option that is not known or not possible, or a size that the network cannot be of.
    """
    options = config.Table(functions, given=GIVEN).filled(table or {}, "model.generator")
    make, changes = functions[options.pop("name")], False
    # Where it can be, it is left open to any size, so that the saved generator takes any picture.
    size = None if _takes_any_size(make) else tuple(shape[:2])
    if "scale" in make.__kwdefaults__:
        options["scale"] = scale_between(tuple(shape[:2]), tuple(output_shape[:2]))
    elif shape[:2] != output_shape[:2] and resize:
        changes, size = True, tuple(shape[:2])
    elif shape[:2] != output_shape[:2]:
        able = [each for each, function in GENERATORS.items() if "scale" in function.__kwdefaults__]
        raise ValueError(
            f"`generator.name` must be {' or '.join(able)} where pictures come out in another size. "
            f"Received: {tuple(shape[:2])} and {tuple(output_shape[:2])}"
        )
    network = make(name=name, image_size=size, channels=shape[2], output_channels=output_shape[2], **options)
    network = resized(network, tuple(output_shape[:2])) if changes else network
    if network.compute_output_shape((None, *shape))[1:3] != tuple(output_shape[:2]):
        raise ValueError(f"`image_size` must suit the generator's downsamplings. Received: {tuple(shape[:2])}")
    return network


def before_clip(network: keras.Model) -> keras.Model:
    """The same network, without the clip to [-1, 1] that it may end in; the weights are its own.

    What is clipped has no gradient: a loss that compares pictures compares them before.
    """
    last = network.layers[-1]
    return keras.Model(network.input, last.input, name=network.name) if is_clipped(network) else network


def is_clipped(network: keras.Model) -> bool:
    """Whether a network ends in a clip, and not in a tanh, say."""
    return getattr(network.layers[-1], "activation", None) is keras.activations.hard_tanh


def discriminator_of(
    table: dict | None, shape: tuple[int, int, int], *, name: str, objective: str, r1_weight: float, top_k: float = 1.0
) -> keras.Model:
    """A fresh discriminator of pictures of `shape`; see `generator_of`.

    `objective`, `r1_weight` and `top_k`, of the model, are only checked: not every discriminator can be fined for its
    slopes, and heads and objectives must be as many.
    """
    discriminator = network_of(
        DISCRIMINATORS, table, "model.discriminator", name=name, image_size=tuple(shape[:2]), channels=shape[2]
    )
    check_slopes(discriminator, objective, r1_weight)
    check_heads(discriminator, objective, top_k)
    return discriminator


def conditional_discriminator_of(
    table: dict | None, condition_shape: tuple[int, int, int], shape: tuple[int, int, int], *, name: str,
    objective: str, r1_weight: float, top_k: float = 1.0,
) -> keras.Model:
    """A fresh discriminator of pairs: of pictures of `shape` and what they were made from; see `discriminator_of`."""
    discriminator = network_of(
        CONDITIONAL_DISCRIMINATORS, table, "model.discriminator", name=name, condition_size=tuple(condition_shape[:2]),
        condition_channels=condition_shape[2], image_size=tuple(shape[:2]), channels=shape[2],
    )
    check_slopes(discriminator, objective, r1_weight)
    check_heads(discriminator, objective, top_k)
    return discriminator


def network_of(functions: dict[str, Callable], table: dict | None, where: str, **given) -> keras.Model:
    """A fresh network.

    Args:
        functions: that make networks; the first is the default.
        table: `name`, one of `functions`, and options of that function; what it leaves out has its default.
        where: the table's name, for messages.
        given: options that the table does not hold.

    Raises:
        ValueError: an option that is not known or not possible.
    """
    options = config.Table(functions, given=GIVEN).filled(table or {}, where)
    return functions[options.pop("name")](**options, **given)


def _takes_any_size(make) -> bool:
    return make.__kwdefaults__["image_size"] is None
