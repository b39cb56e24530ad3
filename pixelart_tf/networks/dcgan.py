"""The two networks of DCGAN: noise to pictures, and pictures to one logit."""

import keras

from pixelart_tf.base.checks import check_at_least, check_counts, check_positive, check_rates
from pixelart_tf.networks.blocks import (
    NHWC,
    batch_norm,
    check_image_size,
    check_weights,
    in_float32,
    normal,
    with_l2,
)

SIZES = (16, 32, 64, 128, 256)
CONDITIONAL = "noise_and_class"   # the generator's input, where there are classes
CLASS_PLANES = 4   # what the discriminator sees of a class beside a picture
SMALLEST = 4   # pixels of a side where the generator begins and the discriminator ends


def dcgan_generator(
    *,
    image_size: int | tuple[int, int] = 64,
    output_channels: int = 3,
    num_classes: int = 0,
    latent_size: int = 100,
    base_width: int = 128,
    stddev: float = 0.02,
    l2: float = 0.0,
    name: str = "dcgan_generator",
) -> keras.Model:
    """A generator of square pictures from noise.

    A dense layer to 4x4, then transposed convolutions of stride 2, each with batch norm and ReLU, the last with tanh
    and without a norm. At 64 pixels and a width of 128 that is 4x4x1024, 8x8x512, 16x16x256, 32x32x128, 64x64x3, as in
    the paper; larger pictures begin with 8 * `base_width` channels too, smaller ones with fewer.

    Args:
        image_size: pixels of a side: 16, 32, 64, 128 or 256.
        output_channels: of the pictures.
        num_classes: of which pictures are asked for; 0 where they are of one kind.
        latent_size: numbers of noise.
        base_width: channels before the last convolution.
        stddev: of the N(0, stddev) initialisers.
        l2: factor of the sum of its kernels' squares in the loss; 0 for none.
        name: of the model.

    Returns:
        A functional `keras.Model` from noise (B, latent_size + num_classes) to float32 (B, H, W, output_channels) in
        [-1, 1]; the last `num_classes` numbers are 1 for the wanted class and 0 for the others.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Radford et al., DCGAN (2015), section 3 and figure 1, https://arxiv.org/abs/1511.06434; with kernels of
    4x4, as in PyTorch's example, which a stride of 2 divides evenly, instead of 5x5; classes beside the noise after
    Mirza and Osindero (2014), section 3.2, https://arxiv.org/abs/1411.1784
    """
    check_counts(output_channels=output_channels, latent_size=latent_size)
    check_counts(at_most=1024, base_width=base_width)
    check_at_least(0, num_classes=num_classes)
    check_positive(stddev=stddev)
    widths = [base_width * min(2**i, 8) for i in range(_doublings(image_size))][::-1]
    given = latent_size + num_classes
    check_weights(16 * (given * widths[0] + sum(map(_product, widths, widths[1:]))), base_width=base_width)

    inputs = keras.Input((given,), name=CONDITIONAL if num_classes else "noise")
    grid = SMALLEST, SMALLEST, widths[0]
    x = keras.layers.Dense(
        SMALLEST**2 * widths[0], use_bias=False, kernel_initializer=normal(stddev), name="from_noise"
    )(inputs)
    x = keras.layers.Reshape(grid, name="grid")(x)   # (B, 4, 4, widths[0])
    x = keras.layers.ReLU(name="from_noise_relu")(batch_norm(name="from_noise_norm")(x))
    for i, filters in enumerate([*widths[1:], output_channels]):
        is_last = i == len(widths) - 1
        x = keras.layers.Conv2DTranspose(
            filters, 4, strides=2, padding="same", use_bias=is_last, kernel_initializer=normal(stddev),
            name="to_pixels" if is_last else f"up_{i}", **NHWC,
        )(x)   # (B, 2H, 2W, filters)
        if not is_last:
            x = keras.layers.ReLU(name=f"up_{i}_relu")(batch_norm(name=f"up_{i}_norm")(x))
    return with_l2(keras.Model(inputs, in_float32(x, activation="tanh", name="pixels"), name=name), l2)


def dcgan_discriminator(
    *,
    image_size: int | tuple[int, int] = 64,
    channels: int = 3,
    num_classes: int = 0,
    base_width: int = 64,
    stddev: float = 0.02,
    slope: float = 0.2,
    name: str = "dcgan_discriminator",
) -> keras.Model:
    """A discriminator of whole square pictures.

    Convolutions of stride 2 down to 4x4, each with leaky ReLU and all but the first with batch norm, then one logit.

    Args:
        image_size: pixels of a side: 16, 32, 64, 128 or 256.
        channels: of the pictures.
        num_classes: of the pictures; 0 where they are of one kind.
        base_width: channels of the first convolution; each further one doubles them, up to eightfold.
        stddev: of the N(0, stddev) initialisers.
        slope: of the leaky ReLUs below zero.
        name: of the model.

    Returns:
        A functional `keras.Model` from (B, H, W, channels) in [-1, 1] to float32 logits (B, 1). With classes it is from
        a dict of such `images` and of `condition`, float (B, num_classes): 1 for a picture's class, 0 for the others.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: see `dcgan_generator`; the class goes in beside the picture, as in Mirza and Osindero's figure 1. (With
    the projection of Miyato and Koyama, https://arxiv.org/abs/1802.05637, two classes of two pictures were not learnt
    in 500 steps, or not with each seed.)
    """
    check_counts(channels=channels)
    check_counts(at_most=1024, base_width=base_width)
    check_positive(stddev=stddev)
    check_rates(slope=slope)
    widths = [base_width * min(2**i, 8) for i in range(_doublings(image_size))]
    check_at_least(0, num_classes=num_classes)
    check_weights(16 * (widths[-1] + sum(map(_product, widths, widths[1:]))), base_width=base_width)
    height, width = check_image_size(image_size)

    inputs = x = keras.Input((height, width, channels), name="images")
    if num_classes:
        condition = keras.Input((num_classes,), name="condition")
        inputs = {"condition": condition, "images": inputs}
        x = _with_class(x, condition)   # (B, H, W, channels + CLASS_PLANES)
    for i, filters in enumerate(widths):
        x = keras.layers.Conv2D(
            filters, 4, strides=2, padding="same", use_bias=not i, kernel_initializer=normal(stddev), name=f"down_{i}",
            **NHWC,
        )(x)   # (B, H / 2, W / 2, filters)
        x = batch_norm(name=f"down_{i}_norm")(x) if i else x
        x = keras.layers.LeakyReLU(negative_slope=slope, name=f"down_{i}_relu")(x)
    x = keras.layers.Flatten(name="flat", **NHWC)(x)
    x = keras.layers.Dense(1, kernel_initializer=normal(stddev), name="to_logits")(x)
    return keras.Model(inputs, in_float32(x, name="logits"), name=name)


def _with_class(images, condition):
    """Puts a few planes of one value each beside images, as many however many classes there are."""
    planes = keras.layers.Dense(
        CLASS_PLANES, use_bias=False, kernel_initializer=normal(1.0), name="of_class"
    )(condition)   # (B, CLASS_PLANES)
    planes = keras.layers.Reshape((1, 1, CLASS_PLANES), name="class_planes")(planes)
    planes = keras.layers.UpSampling2D(tuple(images.shape[1:3]), name="class_everywhere", **NHWC)(planes)
    return keras.layers.Concatenate(name="with_class")([images, planes])


def _doublings(image_size):
    """How often 4 pixels are doubled to `image_size`: 64 -> 4."""
    sides = set(check_image_size(image_size))
    if len(sides) > 1 or not sides <= set(SIZES):
        sizes = ", ".join(map(str, SIZES))
        raise ValueError(f"`image_size` must be square, one of {sizes} pixels a side. Received: {image_size}")
    return (sides.pop() // SMALLEST).bit_length() - 1


def _product(a, b):
    return a * b
