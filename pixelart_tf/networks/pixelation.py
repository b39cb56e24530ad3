"""The networks of deep unsupervised pixelization: pictures to grids, grids to pixel art, pixel art to pictures."""

import math

import keras

from pixelart_tf.base.checks import check_counts
from pixelart_tf.networks.blocks import NHWC, in_float32, instance_norm, normal, reflect, with_l2
from pixelart_tf.networks.resnet import resnet

# Grids, and their cells a side for each 16 pixels of the picture: 32, 48 and 64 at 256 pixels.
GRIDS = {"coarse": 2, "medium": 3, "fine": 4}
STEP = 16            # pixels that sides must be multiples of
FEATURES = ("feature_1", "feature_2", "feature_4")   # at the whole size, at a half and at a quarter


def pixelation(
    *,
    channels: int = 3,
    output_channels: int = 3,
    base_width: int = 64,
    num_blocks: int = 9,
    num_reductions: int = 8,
    dropout: float = 0.0,
    stddev: float = 0.02,
    norm_epsilon: float = 1e-5,
    l2: float = 0.0,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """GridNet, PixelNet and DepixelNet, of pictures of any size whose sides are multiples of 16.

    PixelNet and DepixelNet are ResNets (see `networks.resnet`), as is GridNet down to its last residual block, at a
    quarter of the size. There a 7x7 convolution makes the finest grid; some 3x3 convolutions further the medium one,
    and as many further the coarsest.

    Args:
        channels: of the pictures.
        output_channels: of the pixel art.
        base_width: channels of each first convolution.
        num_blocks: residual blocks of each network.
        num_reductions: 3x3 convolutions from one grid to the next.
        dropout: rate in the residual blocks; the published code trains with 0.5.
        stddev: of the N(0, stddev) initialisers.
        norm_epsilon: added to the variance by instance norm.
        l2: factor of the sum of the kernels' squares in the loss; 0 for none.

    Returns:
        Three functional `keras.Model`s. `gridnet` maps (B, H, W, channels) in [-1, 1] to a dict: each of `GRIDS`,
        float32 (B, rows, columns, output_channels) in [-1, 1]; `coarse_cells` and the like, the same enlarged to
        (B, H, W, output_channels), each pixel the nearest cell; and `FEATURES`. `pixelnet` maps such cells to pictures
        (B, H, W, output_channels), `to_source` these to (B, H, W, channels); both in [-1, 1], float32.

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Han et al., Deep Unsupervised Pixelization (2018), section 4 and the published code. There 3x3
    convolutions without padding take the grid from 64 to 48 and to 32 cells, which cuts its border off, and works at
    256 pixels alone; here means over areas do, and the convolutions are padded.
    """
    check_counts(at_most=64, num_reductions=num_reductions)
    options = {
        "base_width": base_width, "num_blocks": num_blocks, "dropout": dropout, "stddev": stddev,
        "norm_epsilon": norm_epsilon,
    }
    pixelnet = resnet(name="pixelnet", channels=output_channels, output_channels=output_channels, **options)
    to_source = resnet(name="to_source", channels=output_channels, output_channels=channels, **options)
    trunk = resnet(channels=channels, output_channels=output_channels, **options)
    levels = ("stem_relu", "down_0_relu", "down_1_relu")
    outputs = {name: trunk.get_layer(level).output for name, level in zip(FEATURES, levels, strict=True)}

    x = trunk.get_layer(f"block_{num_blocks - 1}").output   # (B, H / 4, W / 4, 4 * base_width)
    cells = None
    for size, number in sorted(GRIDS.items(), key=lambda each: -each[1]):
        if cells is not None:
            x = _shrunk(x, number, cells, f"to_{size}")
            for i in range(num_reductions):
                x = _convolve(x, x.shape[-1], 3, f"{size}_{i}", stddev, use_bias=False)
                x = instance_norm(epsilon=norm_epsilon, name=f"{size}_{i}_norm")(x)
                x = keras.layers.ReLU(name=f"{size}_{i}_relu")(x)
        cells = number
        grid = _convolve(x, output_channels, 7, f"{size}_to_cells", stddev)
        outputs[size] = in_float32(grid, activation="tanh", name=size)   # (B, H * number / 16, W * number / 16, C)
        outputs[f"{size}_cells"] = _enlarged(outputs[size], number, f"{size}_cells")
    gridnet = keras.Model(trunk.input, outputs, name="gridnet")
    return with_l2(gridnet, l2), with_l2(pixelnet, l2), with_l2(to_source, l2)


def with_features(to_source: keras.Model) -> keras.Model:
    """DepixelNet with the features that mirror GridNet's: to a dict of `FEATURES` and `pixels`; the same weights."""
    *_, last = (layer for layer in to_source.layers if isinstance(layer, keras.layers.Add))
    levels = zip(FEATURES, ("up_0_relu", "up_1_relu", last.name), strict=True)
    features = {name: to_source.get_layer(level).output for name, level in levels}
    return keras.Model(to_source.input, features | {"pixels": to_source.output}, name=to_source.name)


def whole(gridnet: keras.Model, pixelnet: keras.Model, size: str, *, name: str) -> keras.Model:
    """Pictures through GridNet and PixelNet, by one of `GRIDS`, as one network; the weights are theirs."""
    return keras.Model(gridnet.input, pixelnet(gridnet.get_layer(f"{size}_cells").output), name=name)


def _convolve(x, filters, size, name, stddev, **options):
    layer = keras.layers.Conv2D(filters, size, kernel_initializer=normal(stddev), name=name, **NHWC, **options)
    return layer(reflect(x, size // 2))


def _shrunk(x, number, cells, name):
    """Means over areas, from `cells` to `number` a side."""
    common = math.gcd(number, cells)
    x = keras.layers.UpSampling2D(number // common, name=f"{name}_repeat", **NHWC)(x)
    return keras.layers.AveragePooling2D(cells // common, name=f"{name}_means", **NHWC)(x)


def _enlarged(x, number, name):
    """Each pixel the nearest cell: from `number` to 16 a side."""
    common = math.gcd(number, STEP)
    skip = number // common
    x = keras.layers.UpSampling2D(STEP // common, name=f"{name}_repeat", dtype="float32", **NHWC)(x)
    # Means over one pixel: every `skip`th of them is kept.
    return keras.layers.AveragePooling2D(1, strides=skip, name=name, dtype="float32", **NHWC)(x)
