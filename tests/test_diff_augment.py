"""DiffAugment's numbers, read back from pictures that are made so that each transformation shows its parameters."""

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.layers.diff_augment import DiffAugment

pytestmark = pytest.mark.keras_only

BATCH = 512


def augment(images, policy, *, seed=0):
    return ops.convert_to_numpy(DiffAugment(policy, seed=seed)(images, training=True))


def is_uniform(numbers, low, high):
    """Within [low, high], reaching both ends, and with the mean and the spread of U(low, high)."""
    width = high - low
    assert low - 1e-4 <= numbers.min() < low + 0.03 * width
    assert high - 0.03 * width < numbers.max() <= high + 1e-4
    assert numbers.mean() == pytest.approx((low + high) / 2, abs=4 * width / np.sqrt(12 * len(numbers)))
    assert numbers.std() == pytest.approx(width / np.sqrt(12), rel=0.1)


def test_color():
    # Source: the DiffAugment paper's code: x + U(-.5, .5); (x - grey) * U(0, 2) + grey; (x - mean) * U(.5, 1.5) + mean.
    rng = np.random.default_rng(0)
    images = np.repeat(rng.uniform(-1, 1, (1, 8, 8, 3)).astype("float32"), BATCH, axis=0)
    after = augment(images, "color")
    grey, grey_after = images.mean(3), after.mean(3)  # the saturation leaves grey alone, and so shows the two others
    is_uniform((after - images).mean((1, 2, 3)), -0.5, 0.5)
    contrast = grey_after.std((1, 2)) / grey.std((1, 2))
    is_uniform(contrast, 0.5, 1.5)
    chroma, chroma_after = images - grey[..., None], after - grey_after[..., None]
    saturation = (chroma_after * chroma).sum((1, 2, 3)) / (chroma**2).sum((1, 2, 3)) / contrast
    is_uniform(saturation, 0.0, 2.0)
    brightness = (after - images).mean((1, 2, 3))
    for one, other in ((brightness, contrast), (brightness, saturation), (contrast, saturation)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.2  # drawn apart from one another


@pytest.mark.parametrize(("height", "width"), [(32, 32), (16, 40)])
def test_translation(height, width):
    # Source: up to an eighth of each side, every whole shift alike, zeros coming in.
    image = np.random.default_rng(1).uniform(0.5, 1, (height, width, 3)).astype("float32")
    after = augment(np.repeat(image[None], BATCH, axis=0), "translation")
    most = (height // 8, width // 8)
    seen = set()
    padded = np.pad(image, ((most[0],) * 2, (most[1],) * 2, (0, 0)))
    windows = {
        (down, right): padded[most[0] - down :, most[1] - right :][:height, :width]
        for down in range(-most[0], most[0] + 1)
        for right in range(-most[1], most[1] + 1)
    }
    for picture in after:
        found = [shift for shift, window in windows.items() if np.array_equal(window, picture)]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 0.95 * len(windows)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (10, 14)])
def test_cutout(height, width):
    # Source: a box of half of each side, its middle anywhere, so that a part of it may lie outside.
    after = augment(np.ones((BATCH, height, width, 3), "float32"), "cutout")
    assert set(np.unique(after)) == {0.0, 1.0}
    cut = after[..., 0] == 0
    assert (after == after[..., :1]).all()
    rows, columns = cut.any(2), cut.any(1)
    assert (cut == rows[:, :, None] & columns[:, None, :]).all()  # a rectangle
    for lines, size in ((rows, height), (columns, width)):
        extent = lines.sum(1)
        half = int(size / 2 + 0.5)
        assert extent.max() == half
        assert extent.min() == half - half // 2
        assert (np.abs(np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(int), axis=1)).sum(1) == 2).all()  # one run
        assert lines[:, 0].any()
        assert lines[:, -1].any()


def test_new_numbers_at_each_call_and_the_same_from_one_seed():
    images = np.random.default_rng(2).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    one, other = DiffAugment(seed=1), DiffAugment(seed=1)
    first, second = (ops.convert_to_numpy(one(images, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_array_equal(first, ops.convert_to_numpy(other(images, training=True)))
    assert len(one.variables) == 1  # the random generator's state


def test_outside_training_nothing_happens():
    images = np.random.default_rng(2).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(DiffAugment()(images)), images)


class AugmentInTheLoss(keras.Model):
    """Adds learnt pixels to the pictures and sums what the augmentation leaves of them."""

    def __init__(self, policy):
        super().__init__()
        self.pixels = self.add_weight(name="pixels", shape=(1, 16, 16, 3), initializer="zeros")
        self.augment = DiffAugment(policy, seed=0)

    def build(self, input_shape):
        pass

    def call(self, images):
        return ops.add(images, self.pixels)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.sum(self.augment(y_pred, training=training))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", ["color", "translation", "cutout", "color,translation,cutout"])
def test_gradients_pass_through_within_fit(policy, jit_compile):
    model = AugmentInTheLoss(policy)
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=jit_compile)
    model.fit(np.zeros((1, 16, 16, 3), "float32"), batch_size=1, verbose=0)
    gradient = -ops.convert_to_numpy(model.pixels)[0]
    if policy == "color":
        np.testing.assert_allclose(gradient, 1.0, atol=1e-4)  # the sum of a picture depends on the brightness only
    elif policy == "cutout":
        assert set(np.unique(gradient)) == {0.0, 1.0}
        assert 16 <= (gradient[..., 0] == 0).sum() <= 64
    elif policy == "translation":
        assert set(np.unique(gradient)) <= {0.0, 1.0}
        assert (gradient[..., 0] == 1).sum() >= 14 * 14
    else:
        assert np.abs(gradient).max() > 0.1


def test_arguments():
    with pytest.raises(ValueError, match=r"`policy` must be made of color, translation, cutout. Received: 'tint'"):
        DiffAugment("tint")
    with pytest.raises(ValueError, match=r"`images` must have a known height, width and channels"):
        DiffAugment().build((None, None, None, 3))
    assert DiffAugment.from_config(DiffAugment("cutout").get_config()).policy == "cutout"
