"""What becomes of a trained generator before it is saved for others."""

from collections.abc import Sequence
from pathlib import Path

import keras

from pixelart_tf.base import files
from pixelart_tf.formats.keras_file import save_model
from pixelart_tf.formats.rebuilding import rebuilt
from pixelart_tf.generators import class_names


def save_generator(
    generator: keras.Model, path: Path, *, cell_size: int = 1, read_size: int = 1, classes: Sequence[str] = ()
) -> None:
    """Saves a generator as `.keras`, whole or not at all.

    Args:
        generator: a functional model; it is saved in float32.
        path: ends in .keras.
        cell_size: see `with_cells`.
        read_size: see `with_read_cells`.
        classes: names of the classes that it knows.

    Raises:
        OSError: the file cannot be written.
    """
    with files.replacing(path) as temporary:
        save_model(with_read_cells(with_cells(as_float32(generator), cell_size), read_size), temporary)
        if classes:
            class_names.write(temporary, classes)


def as_float32(generator: keras.Model) -> keras.Model:
    """A copy that computes in float32, so that a generator trained in 16 bits is exact and fast on any CPU.

    Args:
        generator: a functional model; its weights are float32 in any precision.

    Returns:
        The copy, or `generator` itself where all of it is float32 already.
    """
    if _is_float32(generator):
        return generator
    return rebuilt(generator, _in_float32)


def _is_float32(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.Model):   # blocks are models within the model
        return all(map(_is_float32, layer.layers))
    return layer.dtype_policy.name == "float32"


def _in_float32(operation: keras.Operation) -> keras.Operation:
    config = operation.get_config()
    if isinstance(operation, keras.layers.Layer):   # else one of `keras.ops`, which computes in what it is given
        config |= {"dtype": "float32"}
    return type(operation).from_config(config)


def with_cells(generator: keras.Model, cell_size: int) -> keras.Model:
    """Puts a box-downscale before a generator and a nearest enlargement after it.

    The generator then turns pictures into pixel art whose cells are exact squares of one color. All layers are stock
    ones, and the cell size can be read off the first.

    Args:
        generator: a model of float32 images (B, H, W, C) in [-1, 1] to such images; or of noise, which stays as it is.
        cell_size: pixels of a side of a cell. 1 gives the generator back as it is.

    Returns:
        A model of the generator's name whose image sizes are `cell_size` times as large.

    Raises:
        ValueError: `cell_size` is below 1.
    """
    if cell_size < 1:
        raise ValueError(f"`cell_size` must be at least 1. Received: {cell_size}")
    if cell_size == 1:
        return generator
    if len(generator.input_shape) == 2:
        inputs = x = keras.Input(generator.input_shape[1:], name=generator.inputs[0].name)
    else:
        height, width, channels = generator.input_shape[1:]
        sides = [side and side * cell_size for side in (height, width)]
        inputs = keras.Input((*sides, channels), name="images")
        x = keras.layers.AveragePooling2D(cell_size, name="to_cells", dtype="float32")(inputs)  # (B, H/cell, W/cell, C)
    x = generator(x)
    x = keras.layers.UpSampling2D(cell_size, interpolation="nearest", name="from_cells", dtype="float32")(x)
    return keras.Model(inputs, x, name=generator.name)


def check_read_size(generator: keras.Model, size: int) -> None:
    """Raises ValueError where `with_read_cells` cannot read cells of so many pixels."""
    made = generator.output_shape[1:3]
    if size > 1 and (None in made or any(side % size for side in made)):
        raise ValueError(f"`read_size` must divide the size of what is made, {made}. Received: {size}")


def with_read_cells(generator: keras.Model, size: int) -> keras.Model:
    """Makes cells of one color of what a generator draws: each takes the median of its pixels, channel by channel.

    All layers are stock ones, and the size of the cells can be read off the last.

    Args:
        generator: a model to float32 images (B, H, W, C) of one size.
        size: pixels of a side of its cells. 1 gives the generator back as it is.

    Returns:
        A model of the same name and sizes.

    Raises:
        ValueError: the images' size is open, or no multiple of `size`.
    """
    if size == 1:
        return generator
    check_read_size(generator, size)
    height, width, channels = generator.output_shape[1:]
    x = generator.output
    x = keras.layers.Reshape((height // size, size, width // size, size * channels), dtype="float32")(x)
    x = keras.layers.Permute((1, 3, 2, 4), dtype="float32")(x)   # (B, rows, columns, size, size * C)
    x = keras.layers.Reshape((height // size, width // size, size**2, channels), dtype="float32")(x)
    x = keras.ops.median(x, axis=3)   # (B, rows, columns, C)
    x = keras.layers.UpSampling2D(size, interpolation="nearest", name="from_cells", dtype="float32")(x)
    return keras.Model(generator.inputs, x, name=generator.name)
