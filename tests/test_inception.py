"""The FID Inception against pytorch-fid's, and its resizing against TF1's and PyTorch's (data/golden/README.md)."""

import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.features.inception import NUM_FEATURES, inception, resize_bilinear, shapes
from pixelart_tf.formats.torch_file import WeightsError
from pixelart_tf.pictures import images

pytestmark = pytest.mark.keras_only

GOLDEN = np.load(Path(__file__).parent / "data" / "golden" / "fid_inception.npz")
PICTURES = Path(__file__).parent / "data" / "pictures"
SIZES = [(9, 13), (256, 256), (640, 480)]   # enlarged, as the competition has them, reduced


def by_rule(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if name.endswith("bn.weight"):
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    if name.endswith(("running_mean", ".bias")):
        return rng.normal(0, 0.1, shape).astype(np.float32)
    return (rng.normal(0, 1, shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (1, height, width, 3)).astype(np.float32)


def relative(features: np.ndarray, reference: np.ndarray) -> float:
    return np.linalg.norm(features - reference) / np.linalg.norm(reference)


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return {name: by_rule(name, shape) for name, shape in shapes().items()}


@pytest.fixture(scope="module")
def half_pixel(state) -> keras.Model:
    return inception(state, resize="half_pixel")


def test_features_are_those_of_pytorch_fid(half_pixel):
    features = half_pixel.predict(GOLDEN["images"].astype(np.float32), verbose=0)
    assert features.shape == (2, NUM_FEATURES)
    assert features.dtype == np.float32
    # Measured 7e-7 on TensorFlow and on JAX.
    assert np.abs(features - GOLDEN["features"]).max() / np.abs(GOLDEN["features"]).max() < 1e-5


def test_what_a_modern_resize_does_to_features(half_pixel):
    """A score with another resize is another score: the features of a picture move by 0.2 % (photo), 0.6 % (sprite).

    These are by the weights of the rule, not the trained ones.
    """
    for name, least, most in (("gc-bison.jpg", 0.0012, 0.0023), ("crawl-dngn-altars-dithmenos.png", 0.0045, 0.0075)):
        picture = images.read(PICTURES / name)[None].astype(np.float32)
        resized = [ops.convert_to_numpy(resize_bilinear(picture, half_pixel=choice)) for choice in (False, True)]
        original, modern = (half_pixel.predict(each, verbose=0) for each in resized)   # 299x299 stays as it is
        assert least < relative(modern, original) < most


def test_the_original_recipe_differs_by_resize_and_scale_only(state, half_pixel):
    """(x - 128) / 128 of the graph of 2015 is 2 y / 255 - 1 of pytorch-fid for y = x * 255 / 256."""
    picture = noise(200, 300)
    original = inception(state, resize="tf1").predict(picture, verbose=0)
    resized = ops.convert_to_numpy(resize_bilinear(picture, half_pixel=False))
    by_other = half_pixel.predict(resized * (255 / 256), verbose=0)
    assert relative(by_other, original) < 1e-5


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["tf1", "half_pixel"])
def test_resizing_is_that_of_the_original(kind, size):
    """Numbers from `tf.compat.v1.image.resize_bilinear` and from `torch.nn.functional.interpolate`."""
    resized = ops.convert_to_numpy(resize_bilinear(noise(*size), half_pixel=kind == "half_pixel"))
    assert resized.shape == (1, 299, 299, 3)
    np.testing.assert_allclose(resized[:, ::23, ::23], GOLDEN[f"{kind}_{size[0]}x{size[1]}"], rtol=0, atol=0.02)


@pytest.mark.parametrize("size", [(1, 1), (299, 299), (256, 256), (600, 300)], ids=str)
def test_resizing_is_that_of_tensorflow_in_every_pixel(size):
    tf = pytest.importorskip("tensorflow")
    resized = ops.convert_to_numpy(resize_bilinear(noise(*size), half_pixel=False))
    expected = tf.compat.v1.image.resize_bilinear(noise(*size), (299, 299)).numpy()
    np.testing.assert_allclose(resized, expected, rtol=0, atol=0.02)


def test_how_far_a_modern_resize_is_off():
    """Up to 32 of 255 levels on noise of 256x256; by how much for 299x299, which no resize changes: not at all."""
    original, modern = (ops.convert_to_numpy(resize_bilinear(noise(256, 256), half_pixel=h)) for h in (False, True))
    assert 20 < np.abs(original - modern).max() < 40
    same = [ops.convert_to_numpy(resize_bilinear(noise(299, 299), half_pixel=h)) for h in (False, True)]
    np.testing.assert_allclose(same[0], noise(299, 299), atol=1e-3)
    np.testing.assert_allclose(same[1], noise(299, 299), atol=1e-3)


def test_the_arrays_are_those_of_the_published_file(state, half_pixel):
    """94 units of a kernel and four vectors; folded, as many parameters as keras.applications' InceptionV3 trains."""
    assert len(state) == 94 * 5
    assert half_pixel.count_params() == 21_768_352


def test_weights_of_another_network_are_told(state):
    def refusal(**changed) -> str:
        with pytest.raises(WeightsError) as caught:
            inception({name: array for name, array in (state | changed).items() if array is not None})
        assert "\n" not in str(caught.value)
        return str(caught.value)

    kernel, variance = "Mixed_6c.branch7x7_2.conv.weight", "Conv2d_1a_3x3.bn.running_var"
    assert "1 of 470 arrays missing (Mixed_6c.branch7x7_2.conv.weight)" in refusal(**{kernel: None})
    turned = refusal(**{kernel: state[kernel].transpose(0, 1, 3, 2)})
    assert "Mixed_6c.branch7x7_2.conv.weight is (160, 160, 7, 1), not (160, 160, 1, 7)" in turned
    assert "not finite" in refusal(**{variance: np.full(32, np.nan, np.float32)})
    assert "negative" in refusal(**{variance: np.full(32, -1, np.float32)})
    assert "not of floats" in refusal(**{variance: np.ones(32, np.int64)})
    assert "torchvision" in refusal(**{"fc.bias": np.zeros(1000, np.float32)})
    assert "torchvision" in refusal(**{"AuxLogits.fc.bias": np.zeros(1000, np.float32)})
    with pytest.raises(WeightsError, match=r"470 of 470 arrays missing \(Conv2d_1a_3x3.conv.weight, .*\.\.\.\)"):
        inception({"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)})
    with pytest.raises(ValueError, match=r"`resize` must be one of tf1, half_pixel. Received: 'lanczos'"):
        inception(state, resize="lanczos")
