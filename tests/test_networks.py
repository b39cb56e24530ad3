"""The networks against their papers' numbers: shapes, receptive fields, precision, what can be saved and opened."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from processes import environment

from pixelart_tf.networks import (
    GENERATORS,
    conditional_patchgan,
    patchgan,
    receptive_field,
    resnet,
    unet,
)

pytestmark = pytest.mark.keras_only


def run(network, images):
    if keras.backend.backend() == "jax":
        return network.predict(images, verbose=0)  # one compilation instead of one for each operation
    return ops.convert_to_numpy(network(images, training=False))


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


# U-Net ----------------------------------------------------------------------------------------------------------------


def test_unet_has_eight_blocks_down_and_seven_up_at_256():
    network = unet(base_width=2)
    names = [layer.name for layer in network.layers]
    assert [name for name in names if name.startswith("down_")] == [f"down_{i}" for i in range(8)]
    assert [name for name in names if name.startswith("up_")] == [f"up_{i}" for i in range(7)]
    assert [network.get_layer(f"down_{i}").output.shape[1:] for i in (0, 3, 7)] == [
        (128, 128, 2),
        (16, 16, 16),
        (1, 1, 16),
    ]
    dropped = [
        i
        for i in range(7)
        if any(isinstance(layer, keras.layers.Dropout) for layer in network.get_layer(f"up_{i}").layers)
    ]
    assert dropped == [0, 1, 2]
    normed = [
        i
        for i in range(8)
        if any(isinstance(layer, keras.layers.GroupNormalization) for layer in network.get_layer(f"down_{i}").layers)
    ]
    assert normed == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("image_size", "options", "num_downs"),
    [
        (64, {}, 6),
        (32, {}, 5),
        (48, {}, 4),
        (128, {"num_downsamplings": 5}, 5),
        ((192, 320), {}, 6),
        (512, {}, 8),
        (64, {"layout": "pytorch", "channels": 1, "output_channels": 4}, 6),
    ],
)
def test_unet_at_other_sizes(image_size, options, num_downs):
    network = unet(image_size=image_size, base_width=2, **options)
    height, width = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    y = run(network, pictures(1, height, width, options.get("channels", 3)))
    assert y.shape == (1, height, width, options.get("output_channels", 3))
    assert np.isfinite(y).all()
    assert np.abs(y).max() <= 1
    assert sum(layer.name.startswith("down_") for layer in network.layers) == num_downs


@pytest.mark.parametrize(("options", "tells"), [
    ({}, False), ({"num_downsamplings": 4}, True), ({"layout": "pytorch"}, True),
])
def test_whether_the_innermost_block_of_a_unet_tells_of_the_picture(options, tells):
    """As its documentation says: of 1x1 pixels the norm of the tutorials' layout leaves constants."""
    network = unet(image_size=32, base_width=2, **options)
    name = [layer.name for layer in network.layers if layer.name.startswith("down_")][-1]
    inner = keras.Model(network.inputs, network.get_layer(name).output)
    one, other = run(inner, pictures(2, 32, 32, 3))
    assert (np.abs(one - other).max() > 1e-3) == tells


def test_unet_initialisers():
    network = unet(image_size=64, base_width=32, block_stddev=0.04, stddev=0.01)
    assert np.std(network.get_layer("down_3").weights[0]) == pytest.approx(0.04, rel=0.02)
    assert np.std(network.get_layer("up_1").weights[0]) == pytest.approx(0.04, rel=0.02)
    assert np.std(network.get_layer("to_pixels").kernel) == pytest.approx(0.01, rel=0.1)
    equal_shapes = [ops.convert_to_numpy(network.get_layer(f"down_{i}").weights[0]) for i in (4, 5)]
    assert np.abs(equal_shapes[0] - equal_shapes[1]).max() > 0.01


def test_unet_dropout_is_off_unless_training():
    network = unet(image_size=64, base_width=2)
    x = pictures(1, 64, 64, 3)
    np.testing.assert_array_equal(run(network, x), run(network, x))
    first, second = (ops.convert_to_numpy(network(x, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0


# ResNet ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upsampling", ["transpose", "resize"])
@pytest.mark.parametrize("num_downsamplings", [1, 2])
def test_resnet_takes_any_size(upsampling, num_downsamplings):
    network = resnet(base_width=2, num_blocks=1, num_downsamplings=num_downsamplings, upsampling=upsampling)
    assert network.input_shape == (None, None, None, 3)
    for height, width in ((32, 32), (16, 40)):
        y = run(network, pictures(2, height, width, 3))
        assert y.shape == (2, height, width, 3)
        assert np.abs(y).max() <= 1


@pytest.mark.parametrize("make", [
    lambda: resnet(base_width=4, num_blocks=1, num_downsamplings=1, from_input=True),
    lambda: unet(image_size=16, base_width=4, from_input=True),
], ids=["resnet", "unet"])
def test_from_its_input_a_network_starts_near_the_identity(tmp_path, make):
    network = make()
    x = pictures(2, 16, 16, 3)
    assert np.corrcoef(run(network, x).ravel(), x.ravel())[0, 1] > 0.9
    kernel = network.get_layer("to_pixels").kernel
    kernel.assign(np.zeros(kernel.shape))
    np.testing.assert_allclose(run(network, x), 0.98 * x, atol=1e-5)
    network.save(tmp_path / "network.keras")
    np.testing.assert_allclose(run(keras.saving.load_model(tmp_path / "network.keras"), x), 0.98 * x, atol=1e-5)


def test_resize_leaves_no_checkerboard():
    # In the middle of a grey picture nothing tells one pixel from the next; a transposed convolution still gives its
    # even and odd rows different kernels.
    grey = np.zeros((1, 64, 64, 3), "float32")
    spread = {}
    for upsampling in ("transpose", "resize"):
        network = resnet(base_width=8, num_blocks=1, num_downsamplings=1, stddev=0.2, upsampling=upsampling)
        network.get_layer("stem").kernel.assign(pictures(7, 7, 3, 8))
        for name in ("stem_norm", "down_0_norm"):
            network.get_layer(name).beta.assign(pictures(8 if name == "stem_norm" else 16))
        spread[upsampling] = run(network, grey)[0, 24:40, 24:40].std((0, 1)).max()
    assert spread["resize"] < 1e-5
    assert spread["transpose"] > 1e-3


def test_instance_norm_keeps_the_pictures_of_a_batch_apart():
    # Both directions of a generator go through it as one batch; that must be exact.
    network = resnet(base_width=4, num_blocks=2, num_downsamplings=1)
    x = pictures(3, 16, 16, 3)
    np.testing.assert_allclose(
        run(network, x), np.concatenate([run(network, x[i : i + 1]) for i in range(3)]), atol=1e-6
    )


# PatchGAN -------------------------------------------------------------------------------------------------------------


def gradient_of_logit(network, images, row, column):
    """d logits[0, row, column, 0] / d images, as an array."""
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: network(x)[0, row, column, 0])(images))
    import tensorflow as tf

    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logit = network(images)[0, row, column, 0]
    return tape.gradient(logit, images).numpy()


@pytest.mark.parametrize(("num_layers", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_field(num_layers, field):
    # Source: the pix2pix paper's appendix: 16x16 and 70x70 PatchGANs. Without a norm, which sees the whole picture.
    assert receptive_field(num_layers) == field
    network = patchgan(base_width=1, num_layers=num_layers, norm="none")
    for weight in network.weights:
        weight.assign(ops.full(weight.shape, 0.1))  # positive, so that no paths cancel out
    logits = run(network, pictures(1, 256, 256, 3))
    middle = logits.shape[1] // 2
    gradient = np.abs(gradient_of_logit(network, pictures(1, 256, 256, 3), middle, middle))[0].max(-1) > 0
    assert gradient.any(1).sum() == gradient.any(0).sum() == field
    assert gradient.sum() == field * field


@pytest.mark.parametrize("make", [patchgan, conditional_patchgan])
def test_norms_of_the_patchgan(make):
    """Source: the pix2pix paper norms all convolutions but the first and the last; here with 3 layers that is 3."""
    def kinds(**options):
        network = make(image_size=32, **{"condition_size": 32} if make is conditional_patchgan else {}, base_width=2,
                       **options)
        layers = [type(layer).__name__ for layer in network._flatten_layers()]
        return {name: layers.count(name) for name in ("GroupNormalization", "BatchNormalization")}, len(network.weights)

    instance = {"GroupNormalization": 3, "BatchNormalization": 0}
    assert kinds() == kinds(norm="instance") == kinds(norm=True) == (instance, 12)   # 5 kernels, a bias, 3 x 2
    assert kinds(norm="batch") == ({"GroupNormalization": 0, "BatchNormalization": 3}, 18)   # 3 x 2 means besides
    assert kinds(norm="none") == kinds(norm=False) == ({"GroupNormalization": 0, "BatchNormalization": 0}, 10)


@pytest.mark.parametrize(
    ("image_size", "num_layers", "logits"), [(256, 3, (30, 30)), (32, 1, (14, 14)), ((128, 96), 3, (14, 10))]
)
def test_patchgan_logits(image_size, num_layers, logits):
    # Source: 30x30 logits at 256 pixels in the CycleGAN tutorials.
    network = patchgan(image_size=image_size, base_width=2, num_layers=num_layers)
    assert network.output_shape == (None, *logits, 1)
    y = run(network, pictures(2, *network.input_shape[1:]))
    assert y.shape == (2, *logits, 1)
    open_ended = patchgan(base_width=2, num_layers=num_layers)
    assert open_ended.input_shape == (None, None, None, 3)
    open_ended.set_weights(network.get_weights())
    np.testing.assert_array_equal(run(open_ended, pictures(2, *network.input_shape[1:])), y)


# All ------------------------------------------------------------------------------------------------------------------

NETWORKS = GENERATORS | {"patchgan": patchgan}   # test_heads has the other discriminators
SMALL = {
    "unet": {"image_size": 32, "base_width": 2},
    "resnet": {"base_width": 2, "num_blocks": 1, "dropout": 0.5},
    "cells": {"base_width": 4, "num_blocks": 1},
    "patchgan": {"base_width": 2, "num_layers": 2},
}
LAST = {"patchgan": "to_logits", "cells": "to_change"}   # others end in `to_pixels`


@pytest.mark.parametrize("name", NETWORKS)
def test_norms_start_as_the_identity(name):
    for weight in NETWORKS[name](**SMALL[name]).weights:
        if weight.name in ("gamma", "beta"):
            np.testing.assert_array_equal(weight, 1.0 if weight.name == "gamma" else 0.0)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_ends_in_float32(name, policy):
    keras.config.set_dtype_policy(policy)
    try:
        network = NETWORKS[name](**SMALL[name])
    finally:
        keras.config.set_dtype_policy("float32")
    y = network(pictures(1, 32, 32, 3))
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    inner = network.get_layer(LAST.get(name, "to_pixels"))
    assert inner.compute_dtype == policy.removeprefix("mixed_")
    assert inner.kernel.dtype == "float32"
    full = NETWORKS[name](**SMALL[name])
    full.set_weights(network.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(y), run(full, pictures(1, 32, 32, 3)), atol=0.02)


OPEN_ELSEWHERE = """
import sys
import keras, numpy as np
folder, *names = sys.argv[1:]
for name in names:
    network = keras.saving.load_model(f"{folder}/{name}.keras")
    y = network.predict(np.load(f"{folder}/pictures.npy"), verbose=0)
    np.testing.assert_allclose(y, np.load(f"{folder}/{name}.npy"), atol=1e-5, err_msg=name)
assert "pixelart_tf" not in sys.modules
"""


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_networks_open_without_custom_objects(name, tmp_path):
    network = NETWORKS[name](**SMALL[name])
    network.save(tmp_path / "network.keras")
    opened = keras.saving.load_model(tmp_path / "network.keras")
    x = pictures(2, 32, 32, 3)
    np.testing.assert_allclose(run(opened, x), run(network, x), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_saved_networks_open_on_either_backend(backend, tmp_path):
    pytest.importorskip(backend)
    x = pictures(2, 32, 32, 3)
    np.save(tmp_path / "pictures.npy", x)
    for name, network in NETWORKS.items():
        made = network(**SMALL[name])
        for weight in made.weights:
            weight.assign(np.random.default_rng(0).normal(0, 0.3, weight.shape))  # so that every layer matters
        made.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", run(made, x))
    done = subprocess.run(
        [sys.executable, "-c", OPEN_ELSEWHERE, str(tmp_path), *NETWORKS],
        env=environment(backend, TF_CPP_MIN_LOG_LEVEL="2", PATH=""),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (unet, {"image_size": 100, "num_downsamplings": 3}, "`image_size` must be a multiple of 8. Received: 100"),
        (unet, {"image_size": 33}, "`image_size` must be a multiple of 2. Received: 33"),
        (unet, {"image_size": None}, "`image_size` must be given"),
        (unet, {"image_size": (64, 64, 3)}, "`image_size` must be a whole number or (height, width)"),
        (unet, {"image_size": "64"}, "`image_size` must be a whole number or (height, width). Received: '64'"),
        (unet, {"layout": "torch"}, "`layout` must be one of notebook, pytorch. Received: 'torch'"),
        (unet, {"dropout": 1.0}, "`dropout` must be at least 0 and below 1. Received: 1.0"),
        (unet, {"block_stddev": 0}, "`block_stddev` must be above 0. Received: 0"),
        (resnet, {"image_size": 254}, "`image_size` must be a multiple of 4. Received: 254"),
        (resnet, {"image_size": 4}, "`image_size` must be at least 8. Received: 4"),
        (resnet, {"num_blocks": 0}, "`num_blocks` must be a whole number of at least 1. Received: 0"),
        (resnet, {"base_width": 6.5}, "`base_width` must be a whole number of at least 1. Received: 6.5"),
        (resnet, {"upsampling": "nearest"}, "`upsampling` must be one of transpose, resize, blur. Received: 'nearest'"),
        (unet, {"from_input": True, "channels": 1}, "`from_input` needs as many output channels as channels."),
        (resnet, {"from_input": True, "channels": 1}, "`from_input` needs as many output channels as channels."),
        (patchgan, {"image_size": 16}, "`image_size` must be at least 24. Received: 16"),
        (patchgan, {"image_size": (64, 36)}, "`image_size` must be a multiple of 8. Received: (64, 36)"),
        (patchgan, {"num_layers": True}, "`num_layers` must be a whole number of at least 1. Received: True"),
    ],
)
def test_arguments(network, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        network(**options)


CHANNELS_FIRST = """
import keras
assert keras.config.image_data_format() == "channels_first"
from pixelart_tf.networks import patchgan, resnet, unet
networks = [
    patchgan(image_size=64, base_width=2), unet(image_size=64, base_width=2),
    *(resnet(image_size=64, base_width=2, num_blocks=1, upsampling=each) for each in ("transpose", "resize")),
]
print([network.output_shape for network in networks])
"""


def test_networks_are_channels_last_whatever_a_users_keras_json_says(tmp_path):
    """As a library, where nobody has set Keras right."""
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    own = environment(keras.backend.backend(), KERAS_HOME=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", CHANNELS_FIRST], env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"[(None, 6, 6, 1){', (None, 64, 64, 3)' * 3}]"
