"""Translation of pictures of any size: what is known of a network must hold of the translated picture."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from identities import identity, picture
from keras import layers
from processes import environment

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images

pytestmark = pytest.mark.keras_only

SIZES = [(1, 1), (1, 7), (2, 3), (3, 500), (37, 1000), (64, 64), (100, 130), (256, 256), (700, 513)]


def smooth(height, width):
    """A picture without edges, float waves as uint8."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 40 + c) * np.cos(columns / 30 - c) for c in range(3)]
    return np.uint8(np.rint(127.5 + 100 * np.stack(waves, axis=-1)))


def strided_identity():
    """A network of stride 4 whose output is its input: its strided branch is multiplied by zero."""
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    x = keras.Sequential([layers.Conv2D(4, 3, strides=2, padding="same"), layers.ReLU()])(x)
    x = layers.Conv2DTranspose(3, 4, strides=4, padding="same")(x)
    x = layers.Rescaling(0.0)(x)
    return keras.Model(inputs, layers.Add()([x, inputs]))


def one(generator, image, **options):
    ((name, result),) = translate(generator, [("it", image)], **options)
    assert name == "it"
    assert result.dtype == np.uint8
    return result


@pytest.mark.parametrize("generator", [identity(), identity(64), strided_identity()], ids=["any", "fixed", "strided"])
@pytest.mark.parametrize("options", [{}, {"tile": 128, "overlap": 32}, {"tile": 40, "overlap": 0}], ids=str)
def test_an_identity_gives_every_picture_back(generator, options):
    pictures = [(f"{height}x{width}", picture(height, width)) for height, width in SIZES]
    translated = list(translate(generator, iter(pictures), batch_size=4, **options))
    assert [name for name, _ in translated] == [name for name, _ in pictures]
    for (name, image), (_, result) in zip(pictures, translated, strict=True):
        np.testing.assert_array_equal(result, image, err_msg=name)


@pytest.mark.parametrize("options", [{"tile": 64, "overlap": 16}, {"tile": 100, "overlap": 50}], ids=str)
def test_tiles_of_a_blur_equal_the_whole_picture_inside(options):
    blur = layers.DepthwiseConv2D(5, padding="same", use_bias=False)
    inputs = keras.Input((None, None, 3))
    generator = keras.Model(inputs, blur(inputs))
    blur.set_weights([np.full((5, 5, 3, 1), 1 / 25, np.float32)])
    image = smooth(200, 310)
    whole = one(generator, image, tile=512)
    tiled = one(generator, image, **options)
    # A tile's own border is dark by the convolution's zeros, but the window all but leaves it out (2 of 16 pixels).
    assert np.abs(whole.astype(int) - tiled)[5:-5, 5:-5].max() <= 3
    assert np.abs(whole.astype(int) - tiled)[5:-5, 5:-5].mean() < 0.1


def test_seams_of_instance_norm_are_blended():
    inputs = keras.Input((None, None, 3))
    generator = keras.Model(inputs, layers.Rescaling(0.3)(layers.GroupNormalization(groups=-1)(inputs)))
    # A ramp of grey: each tile stretches its part of it to the same range, 2 * sqrt(3) * 0.3 * 127.5 = 132 levels.
    image = np.uint8(np.linspace(20, 235, 384)[None, :, None].repeat(64, 0).repeat(3, 2))

    def largest_step(overlap):
        result = one(generator, image, tile=64, overlap=overlap)
        return np.abs(np.diff(result.astype(int), axis=1)).max()

    assert largest_step(0) > 120  # from light to dark where tiles meet
    assert largest_step(32) < 12


def test_cells_stay_whole():
    cell = 8
    generator = identity(before=[layers.AveragePooling2D(cell)], after=[layers.UpSampling2D(cell)])
    for height, width in [(64, 96), (200, 304), (37, 50), (8, 8), (1, 1)]:
        for options in [{}, {"tile": 64, "overlap": 16}, {"tile": 70, "overlap": 35}]:
            image = picture(height, width)
            result = one(generator, image, **options)
            assert result.shape == image.shape
            rows, columns = height // cell, width // cell
            blocks = result[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell, 3)
            assert (blocks == blocks[:, :1, :, :1]).all()
            means = image[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell, 3).mean(axis=(1, 3))
            assert np.abs(blocks[:, 0, :, 0] - means).max(initial=0) <= 0.51


def test_cells_of_instance_norm_stay_whole_in_tiles():
    generator = identity(
        before=[layers.AveragePooling2D(4), layers.GroupNormalization(groups=-1)], after=[layers.UpSampling2D(4)]
    )
    result = one(generator, smooth(120, 200), tile=64, overlap=16)
    blocks = result.reshape(30, 4, 50, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_equals_predict_where_the_size_fits():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 4, strides=2, padding="same")(inputs)
    x = layers.GroupNormalization(groups=-1)(x)
    x = layers.Dropout(0.5)(x)  # were it on, two results would differ
    generator = keras.Model(inputs, layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x))
    image = picture(48, 80)
    expected = images.to_uint8(np.asarray(generator(images.to_float(image[None]), training=False))[0])
    np.testing.assert_array_equal(one(generator, image), expected)


def test_enlarging_and_shrinking_networks():
    image = picture(33, 70)
    enlarged = one(identity(after=[layers.UpSampling2D(4)]), image, tile=16, overlap=8)
    np.testing.assert_array_equal(enlarged, image.repeat(4, 0).repeat(4, 1))
    enlarged = one(identity(32, after=[layers.UpSampling2D(2)]), image)
    np.testing.assert_array_equal(enlarged, image.repeat(2, 0).repeat(2, 1))
    image = picture(64, 96)
    means = image.reshape(16, 4, 24, 4, 3).mean(axis=(1, 3))
    for generator in (identity(before=[layers.AveragePooling2D(4)]), identity(32, before=[layers.AveragePooling2D(4)])):
        shrunk = one(generator, image, tile=32, overlap=8)
        assert np.abs(shrunk - means).max() <= 0.51
    assert one(identity(before=[layers.AveragePooling2D(4)]), picture(30, 41)).shape == (8, 11, 3)


def test_another_shape_comes_out_as_it_is():
    generator = identity(256, after=[layers.AveragePooling2D(2), layers.Cropping2D(((0, 0), (16, 16)))])
    assert generator.output_shape == (None, 128, 96, 3)
    assert one(generator, picture(300, 500)).shape == (128, 96, 3)
    image = np.full((10, 10, 3), 77, np.uint8)
    np.testing.assert_array_equal(one(generator, image), np.full((128, 96, 3), 77))


def test_grey_networks():
    inputs = keras.Input((None, None, 1))
    generator = keras.Model(inputs, layers.Rescaling(1.0)(inputs))
    image = np.zeros((5, 600, 3), np.uint8)
    image[..., 0], image[..., 1] = 200, 100
    result = one(generator, image, tile=64, overlap=16)
    # 0.299 * 200 + 0.587 * 100 = 118.5
    assert result.shape == image.shape
    np.testing.assert_array_equal(result, np.full_like(image, 118))


def test_pictures_are_read_only_a_few_batches_ahead():
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            # Sizes that never fill a batch.
            yield str(drawn), picture(4 + drawn % 50, 4 + drawn // 50)

    translated = translate(identity(), endless(), batch_size=2)
    assert [next(translated)[0] for _ in range(3)] == ["1", "2", "3"]
    assert drawn <= 32


def test_results_are_made_while_later_pictures_are_read():
    """An odd size waits for a few batches at most."""
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            yield str(drawn), picture(40 if drawn == 1 else 64, 64)

    translated = translate(identity(), endless(), batch_size=4)
    assert next(translated)[0] == "1"
    assert drawn <= 64


def test_a_large_picture_takes_no_more_than_itself_its_result_and_a_row_of_tiles():
    image = picture(3000, 4000)
    tracemalloc.start()   # NumPy's arrays are in it
    try:
        result = one(identity(), image, tile=256, overlap=32)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(result, image)
    row = 256 * 4000 * (3 + 1) * 4   # a sum and a weight, float32
    batches = 7 * 2 * 8 * 256 * 256 * 3 * 4   # floats in and out, of as many as may be under way
    assert peak < image.nbytes + row + batches + 10e6   # the picture's floats alone would be 144 MB


@pytest.mark.parametrize("sides", [(20, 30), (300, 200)])
def test_nan_is_an_error_that_names_the_picture(sides):
    inputs = keras.Input((None, None, 3))
    generator = keras.Model(inputs, layers.Lambda(lambda x: keras.ops.where(x > 0.99, np.nan, x))(inputs))
    fine, bad = np.zeros((*sides, 3), np.uint8), np.zeros((*sides, 3), np.uint8)
    bad[-1, -1, 1] = 255
    named = [("fine.png", fine), ("bad.png", bad)]
    translated = translate(generator, iter(named), batch_size=1, tile=64, overlap=16)
    np.testing.assert_array_equal(next(translated)[1], fine)
    with pytest.raises(UserError, match=r"^bad\.png: the generator gives NaN"):
        next(translated)


ON_TWO_DEVICES = """
import sys
import numpy as np
from pixelart_tf import devices
backend, path, out = sys.argv[1:]
devices.select_backend(backend)
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.generators.translating import translate
chosen = devices.choose(precision="float32", join_hosts=False, devices=["CPU:0", "CPU:1"])
assert chosen.num_replicas == 2
generator, predict = load_on_devices(path, chosen)
sizes = []
def told(batch):
    sizes.append(len(batch))
    return predict(batch)
random = np.random.default_rng(0)
shapes = [(32, 32)] * 9 + [(40, 90), (150, 130)]
named = [(str(i), random.integers(0, 256, (*shape, 3), np.uint8)) for i, shape in enumerate(shapes)]
made = dict(translate(generator, named, predict=told, batch_size=4, tile=64, overlap=16))
assert max(sizes) == 4 and sum(sizes) > len(named), sizes
np.savez(out, **made)
"""


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_two_devices_give_the_same_pictures(tmp_path, backend):
    pytest.importorskip(backend)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    x = layers.GroupNormalization(groups=-1)(layers.Conv2D(8, 3, strides=2, padding="same")(inputs))
    generator = keras.Model(inputs, layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x))
    generator.save(tmp_path / "g.keras")
    subprocess.run(
        [sys.executable, "-c", ON_TWO_DEVICES, backend, tmp_path / "g.keras", tmp_path / "made.npz"], check=True,
        cwd=Path(__file__).parents[1],
        env=environment(backend, num_devices=2),
    )
    made = np.load(tmp_path / "made.npz")
    random = np.random.default_rng(0)
    shapes = [(32, 32)] * 9 + [(40, 90), (150, 130)]
    named = [(str(i), random.integers(0, 256, (*shape, 3), np.uint8)) for i, shape in enumerate(shapes)]
    for name, expected in translate(generator, named, batch_size=4, tile=64, overlap=16):
        assert np.abs(made[name].astype(int) - expected).max() <= 1   # where rounding falls the other way


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 0}, "`batch_size`"), ({"tile": 0}, "`tile`"), ({"tile": 64, "overlap": 33}, "`overlap`.* 33")],
)
def test_impossible_options(options, message):
    with pytest.raises(UserError, match=message):
        translate(identity(), [], **options)


def test_an_image_of_another_type():
    with pytest.raises(ValueError, match=r"uint8 \(H, W, 3\). Received: float32"):
        one(identity(), np.zeros((4, 4, 3), np.float32))
