"""The pieces that the networks are made of.

Everything is a stock Keras layer or a `keras.ops` operation, so that `keras.saving.load_model` opens a saved network on
any backend without custom objects.
"""

import keras
from keras import ops

from pixelart_tf.base.checks import check_at_least, told
from pixelart_tf.layers.spectral_conv import SpectralConv2D

# Of convolutions and of what pads and enlarges: a user's keras.json may ask for channels first where nobody says.
NHWC = {"data_format": "channels_last"}
# Of one network, 2 GiB in float32: ten times the U-Net of the pix2pix paper. Training takes four times that.
MOST_WEIGHTS = 2**29
# Over each picture and channel by itself; over all pictures of a batch; or not at all.
NORMS = ("instance", "batch", "none")


def check_image_size(image_size, *, multiple=1, minimum=1):
    """Turns an image size into (height, width), or says what is wrong with it.

    Args:
        image_size: int, (height, width), or None for any size.
        multiple: both sides must be multiples of it.
        minimum: the smallest side allowed, in pixels.

    Returns:
        (height, width), two ints, or (None, None).

    Raises:
        ValueError: if the size is not one that the network can take.
    """
    if image_size is None:
        return None, None
    sides = tuple(image_size) if isinstance(image_size, list | tuple) else (image_size, image_size)
    if len(sides) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        raise ValueError(f"`image_size` must be a whole number or (height, width). Received: {image_size!r}")
    if any(side < minimum for side in sides):
        raise ValueError(f"`image_size` must be at least {minimum}. Received: {image_size}")
    if any(side % multiple for side in sides):
        raise ValueError(f"`image_size` must be a multiple of {multiple}. Received: {image_size}")
    return sides


def check_weights(number, *, base_width):
    """Says what is wrong with a network that is far too large, before any of it is made.

    Args:
        number: about how many weights it would have; they grow with the square of `base_width`.
        base_width: as it was asked for.

    Raises:
        ValueError: if they are more than `MOST_WEIGHTS`.
    """
    if number > MOST_WEIGHTS:
        most = max(1, int(base_width * (MOST_WEIGHTS / number) ** 0.5))
        raise ValueError(
            f"`base_width` must be at most {most:,} with as many layers, else there are over {MOST_WEIGHTS:,} weights. "
            f"Received: {told(base_width)}"
        )


def normal(stddev):
    """A new N(0, `stddev`) initialiser; new, as one that is shared would give equal layers equal weights."""
    return keras.initializers.RandomNormal(stddev=stddev)


def instance_norm(*, epsilon=1e-5, name=None):
    """Instance norm with a learnt scale and shift: one mean and (biased) variance for each picture and channel.

    The scale starts at one. Public CycleGAN code often draws it from N(0, 0.02), which mutes every normed layer.

    Args:
        epsilon: float added to the variance. PyTorch has 1e-5; TensorFlow Addons, and so the Monet notebooks, 1e-3.
        name: name of the layer.

    Returns:
        A `keras.layers.GroupNormalization` with a group a channel.

    Reference: Ulyanov et al., Instance Normalization (2016), https://arxiv.org/abs/1607.08022
    """
    return keras.layers.GroupNormalization(groups=-1, epsilon=epsilon, name=name)


def batch_norm(*, epsilon=1e-5, name=None):
    """Batch norm with PyTorch's numbers, over the pictures of all devices, so that two train as one does.

    On JAX a batch is one array whatever devices it is on, so nothing has to be said there.
    """
    synchronized = keras.backend.backend() == "tensorflow"
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=epsilon, synchronized=synchronized, name=name)


def has_batch_norm(network):
    """Whether the pictures of a batch meet in a network, so that what it says of one depends on the others."""
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in network._flatten_layers())


def norm_name(norm):
    """One of `NORMS`: True is "instance" and False "none". Raises ValueError."""
    norm = {True: "instance", False: "none"}.get(norm, norm)
    if norm not in NORMS:
        raise ValueError(f"`norm` must be one of {', '.join(NORMS)}. Received: {norm!r}")
    return norm


def norm_layer(norm, *, epsilon=1e-5, name=None):
    """The layer of one of `NORMS`, but "none"."""
    return (instance_norm if norm == "instance" else batch_norm)(epsilon=epsilon, name=name)


def convolution(spectral_norm):
    """The class of a discriminator's convolutions, which may be normed by their kernels' largest singular values."""
    return SpectralConv2D if spectral_norm else keras.layers.Conv2D


def downsample(
    filters, *, stddev=0.02, norm="instance", use_bias=False, norm_epsilon=1e-5, slope=0.2, spectral_norm=False,
    name=None,
):
    """downsample-k: 4x4 convolution of stride 2, norm, leaky ReLU.

    A `Sequential`, and not bare layers, because weights that the Monet notebooks saved as HDF5 load by topological
    order, block by block.

    Args:
        filters: int, channels of the output (k).
        stddev: of the kernel's N(0, stddev) initialiser.
        norm: one of `NORMS`.
        use_bias: whether the convolution has a bias; a norm after it would cancel it.
        norm_epsilon: see `instance_norm`.
        slope: of the leaky ReLU below zero.
        spectral_norm: of the convolution, see `convolution`.
        name: name of the block.

    Returns:
        A `keras.Sequential` that maps (B, H, W, C) to (B, H/2, W/2, filters).
    """
    layers = [
        convolution(spectral_norm)(
            filters, 4, strides=2, padding="same", use_bias=use_bias, kernel_initializer=normal(stddev), **NHWC
        )
    ]
    if norm != "none":
        layers.append(norm_layer(norm, epsilon=norm_epsilon))
    layers.append(keras.layers.LeakyReLU(negative_slope=slope))
    return keras.Sequential(layers, name=name)


def upsample(filters, *, stddev=0.02, dropout=0.0, norm_epsilon=1e-5, name=None):
    """upsample-k, with `dropout` upsampleD-k: 4x4 transposed convolution of stride 2, instance norm, dropout, ReLU.

    Args:
        filters: int, channels of the output (k).
        stddev: of the kernel's N(0, stddev) initialiser.
        dropout: rate in [0, 1).
        norm_epsilon: see `instance_norm`.
        name: name of the block.

    Returns:
        A `keras.Sequential` that maps (B, H, W, C) to (B, 2H, 2W, filters).
    """
    layers = [
        keras.layers.Conv2DTranspose(
            filters, 4, strides=2, padding="same", use_bias=False, kernel_initializer=normal(stddev), **NHWC
        ),
        instance_norm(epsilon=norm_epsilon),
    ]
    if dropout:
        layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.ReLU())
    return keras.Sequential(layers, name=name)


def reflect(images, pixels):
    """Pads (B, H, W, C) to (B, H + 2 `pixels`, W + 2 `pixels`, C) by reflection, the border itself not repeated."""
    return ops.pad(images, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]], mode="reflect")


def halve_blurred(x, *, name):
    """Every second pixel of (B, H, W, C) blurred by [1, 2, 1] x [1, 2, 1] / 16, which is means over 2x2 twice.

    The border is reflected. H and W even -> (B, H / 2, W / 2, C).

    Reference: Zhang, Making Convolutional Networks Shift-Invariant Again (2019), https://arxiv.org/abs/1904.11486
    """
    x = keras.layers.AveragePooling2D(2, strides=1, name=f"{name}_0", **NHWC)(reflect(x, 1))
    return keras.layers.AveragePooling2D(2, name=f"{name}_1", **NHWC)(x)


def double_interpolated(x, *, name):
    """(B, H, W, C) -> (B, 2H, 2W, C), bilinear, in float32, as not every device interpolates in 16 bits."""
    return keras.layers.UpSampling2D(2, interpolation="bilinear", name=name, dtype="float32", **NHWC)(x)


def residual(x, *, dropout=0.0, stddev=0.02, norm_epsilon=1e-5, name):
    """A residual block of two 3x3 convolutions with reflection padding: x + norm(conv(relu(norm(conv(x))))).

    Args:
        x: KerasTensor (B, H, W, C), sides of at least 2.
        dropout: rate in [0, 1), between the two halves.
        stddev: of the kernels' N(0, stddev) initialisers.
        norm_epsilon: see `instance_norm`.
        name: beginning of the layers' names.

    Returns:
        KerasTensor (B, H, W, C).

    Reference: Johnson et al., Perceptual Losses for Real-Time Style Transfer (2016), without a ReLU after the sum
    """
    filters = x.shape[-1]
    y = x
    for half in (1, 2):
        y = reflect(y, 1)
        y = keras.layers.Conv2D(
            filters, 3, use_bias=False, kernel_initializer=normal(stddev), name=f"{name}_conv_{half}", **NHWC
        )(y)
        y = instance_norm(epsilon=norm_epsilon, name=f"{name}_norm_{half}")(y)
        if half == 1:
            y = keras.layers.ReLU(name=f"{name}_relu")(y)
            if dropout:
                y = keras.layers.Dropout(dropout, name=f"{name}_dropout")(y)
    return keras.layers.Add(name=name)([x, y])


def with_l2(network, l2):
    """The same network, whose `losses` are `l2` times the sum of squares of each of its kernels; none where it is 0.

    It is not the layers that know of it, so what is saved or cloned does not.
    """
    check_at_least(0, l2=l2)
    for weight in network.trainable_weights if l2 else ():
        if weight.name == "kernel":
            weight.regularizer = keras.regularizers.L2(l2)
    return network


def check_from_input(channels, output_channels):
    """Raises ValueError where `added_to_input` has no input of as many channels."""
    if channels != output_channels:
        raise ValueError(
            f"`from_input` needs as many output channels as channels. Received: {channels} and {output_channels}"
        )


def added_to_input(x, inputs):
    """(B, H, W, C), before the tanh of a network that only says what to change of its input, in [-1, 1]."""
    # Short of 1, where arctanh is infinite and tanh has no slope left to learn by.
    return keras.layers.Add(name="change")([x, ops.arctanh(0.98 * inputs)])


def in_float32(x, *, activation="linear", name):
    """Ends a network: `activation` in float32, as 16-bit pictures and logits lose what the losses need."""
    return keras.layers.Activation(activation, dtype="float32", name=name)(x)
