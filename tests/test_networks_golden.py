"""The networks against other implementations' outputs and parameter counts; see data/golden/README.md."""

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.networks import patchgan, resnet, unet

pytestmark = pytest.mark.keras_only

GOLDEN_DIR = Path(__file__).parent / "data" / "golden"
NOTEBOOK = {"base_width": 4, "image_size": 256, "slope": 0.3, "norm_epsilon": 1e-3}  # as golden/README.md has them


def run(network, images):
    if keras.backend.backend() == "jax":
        return network.predict(images, verbose=0)  # one compilation instead of one for each operation
    return ops.convert_to_numpy(network(images, training=False))


def draw_notebook_weights(network, seed):
    """Sets the weights by the golden file's rule, in the order in which they are listed."""
    rng = np.random.default_rng(seed)
    rules = {"gamma": (1.0, 0.3), "beta": (0.0, 0.3), "bias": (0.0, 0.1)}
    values = []
    for weight in network.weights:
        shape = weight.shape
        mean, stddev = rules.get(weight.name) or (0.0, np.sqrt(2.0 / (np.prod(shape[:2]) * (shape[2] + shape[3]) / 2)))
        values.append(rng.normal(mean, stddev, shape).astype("float32"))
    network.set_weights(values)


def test_unet_and_patchgan_equal_the_notebooks():
    golden = np.load(GOLDEN_DIR / "tfa_cyclegan.npz")
    x = golden["x"].astype("float32") / np.float32(127.5) - np.float32(1)
    generator = unet(**NOTEBOOK)
    assert generator.count_params() == 213_739  # as TensorFlow 2.15 counted
    draw_notebook_weights(generator, 11)
    np.testing.assert_allclose(run(generator, x)[:, ::5, ::5], golden["gen"], atol=1e-5)
    discriminator = patchgan(**NOTEBOOK)
    assert discriminator.count_params() == 11_569
    draw_notebook_weights(discriminator, 13)
    np.testing.assert_allclose(run(discriminator, x), golden["disc"], atol=1e-5)


def test_patchgan_loads_weights_that_a_notebook_saved():
    golden = np.load(GOLDEN_DIR / "tfa_cyclegan.npz")
    discriminator = patchgan(**NOTEBOOK)
    discriminator.load_weights(GOLDEN_DIR / "tfa_disc_legacy.h5")
    x = golden["x"].astype("float32") / np.float32(127.5) - np.float32(1)
    np.testing.assert_allclose(run(discriminator, x), golden["disc"], atol=1e-5)


def resnet_shapes(width=8):
    """The kernels' shapes of the PyTorch ResNet-9, in the order of its state dict; all have biases."""
    yield width, 3, 7, 7
    yield 2 * width, width, 3, 3
    yield 4 * width, 2 * width, 3, 3
    for _ in range(18):
        yield 4 * width, 4 * width, 3, 3
    yield 4 * width, 2 * width, 3, 3  # transposed: input first
    yield 2 * width, width, 3, 3
    yield 3, width, 7, 7


def unet_shapes(width=8):
    """The same of the PyTorch U-Net-256: from the outside down and out again, with the number of output channels."""
    downs = [3] + [width * k for k in (1, 2, 4, 8, 8, 8, 8, 8)]
    for above, below in itertools.pairwise(downs):
        yield (below, above, 4, 4), below
    for i in reversed(range(8)):
        yield (downs[i + 1] * (1 if i == 7 else 2), downs[i], 4, 4), downs[i]


def pytorch_golden():
    """The inputs and {name: [(kernel, bias), ...]} in PyTorch's layout, drawn by the golden file's rule."""
    rng = np.random.default_rng(2026)
    images = rng.integers(0, 256, (2, 256, 256, 3), np.uint8)
    images[1] = np.linspace(0, 255, 256).astype(np.uint8)[None, :, None]

    def draw(kernel_shape, filters):
        kernel = rng.normal(0, 1 / np.sqrt(np.prod(kernel_shape[1:])), kernel_shape).astype("float32")
        return kernel, rng.normal(0, 0.3, (filters,)).astype("float32")

    resnets = []
    for _ in range(2):
        shapes = list(resnet_shapes())
        filters = [shape[0] for shape in shapes]
        filters[-3:-1] = [shape[1] for shape in shapes[-3:-1]]
        resnets.append([draw(shape, count) for shape, count in zip(shapes, filters, strict=True)])
    return images.astype("float32") / np.float32(127.5) - np.float32(1), {
        "resnet_9blocks": resnets[0],
        "resnet_9blocks_dropout": resnets[1],
        "unet_256": [draw(shape, filters) for shape, filters in unet_shapes()],
    }


def convolutions(network):
    """The convolutions of a network, those in blocks too, in order."""
    layers = [inner for layer in network.layers for inner in getattr(layer, "layers", [layer])]
    return [layer for layer in layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)]


def port(network, parameters):
    """Sets PyTorch's parameters: axes reordered, the biases before a norm left out, as the norm cancels them."""
    for layer, (kernel, bias) in zip(convolutions(network), parameters, strict=True):
        layer.kernel.assign(kernel.transpose(2, 3, 1, 0))
        if layer.bias is not None:
            layer.bias.assign(bias)


@pytest.mark.parametrize("name", ["resnet_9blocks", "resnet_9blocks_dropout"])
def test_resnet_equals_pytorch(name):
    x, parameters = pytorch_golden()
    network = resnet(base_width=8, dropout=0.5 if name.endswith("dropout") else 0.0)
    port(network, parameters[name])
    golden = np.load(GOLDEN_DIR / "pytorch_cyclegan.npz")[name]
    y = run(network, x)[:, ::5, ::5]
    np.testing.assert_allclose(y[0], golden[0], atol=1e-5)
    # The second picture is a ramp, flat from top to bottom, whose tiny variances enlarge rounding: PyTorch in float32
    # is 5e-5 away from PyTorch in float64 here.
    np.testing.assert_allclose(y[1], golden[1], atol=3e-4)
    assert np.abs(y[1] - golden[1]).mean() < 2e-5


def test_unet_equals_pytorch():
    x, parameters = pytorch_golden()
    network = unet(base_width=8, layout="pytorch", norm_epsilon=1e-5)
    swapped = []
    for i, (kernel, bias) in enumerate(parameters["unet_256"]):
        if i > 8:  # PyTorch's skips come before, ours after what comes from below
            kernel = np.roll(kernel, len(kernel) // 2, axis=0)
        swapped.append((kernel, bias))
    port(network, swapped)
    golden = np.load(GOLDEN_DIR / "pytorch_cyclegan.npz")["unet_256"]
    np.testing.assert_allclose(run(network, x)[:, ::5, ::5], golden, atol=1e-5)


@pytest.mark.slow
def test_full_size_parameter_counts():
    # Source: what the PyTorch implementation prints. Its instance norm has no parameters, so that each convolution has
    # a bias; the U-Net's figure is with batch norm, which has a scale and a shift as ours, and then the first and the
    # innermost block have no bias.
    for network, millions in ((resnet(), 11.378), (patchgan(), 2.765)):
        counts = [int(np.prod(layer.kernel.shape)) + layer.filters for layer in convolutions(network)]
        assert round(sum(counts) / 1e6, 3) == millions
    assert round((unet(layout="pytorch").count_params() - 64 - 512) / 1e6, 3) == 54.414
