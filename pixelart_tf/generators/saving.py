"""What becomes of a trained generator before it is saved for others."""

import keras


def as_float32(generator: keras.Model) -> keras.Model:
    """A copy that computes in float32, so that a generator trained in 16 bits is exact and fast on any CPU.

    Args:
        generator: a functional model; its weights are float32 in any precision.

    Returns:
        The copy, or `generator` itself where all of it is float32 already.
    """
    if _is_float32(generator):
        return generator
    copy = keras.models.clone_model(generator, clone_function=_in_float32)
    copy.set_weights(generator.get_weights())
    return copy


def _is_float32(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.Model):   # blocks are models within the model
        return all(map(_is_float32, layer.layers))
    return layer.dtype_policy.name == "float32"


def _in_float32(operation: keras.Operation) -> keras.Operation:
    if isinstance(operation, keras.Sequential):   # a clone would keep what it was built for, inputs of 16 bits
        return keras.Sequential([_in_float32(layer) for layer in operation.layers], name=operation.name)
    if isinstance(operation, keras.Model):
        return keras.models.clone_model(operation, clone_function=_in_float32)
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
        inputs = x = keras.Input(generator.input_shape[1:], name="noise")
    else:
        height, width, channels = generator.input_shape[1:]
        sides = [side and side * cell_size for side in (height, width)]
        inputs = keras.Input((*sides, channels), name="images")
        x = keras.layers.AveragePooling2D(cell_size, name="to_cells", dtype="float32")(inputs)  # (B, H/cell, W/cell, C)
    x = generator(x)
    x = keras.layers.UpSampling2D(cell_size, interpolation="nearest", name="from_cells", dtype="float32")(x)
    return keras.Model(inputs, x, name=generator.name)
