"""Translation of pictures of any size: what is known of a network must hold of the translated picture."""

import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from processes import environment

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images
from pixelart_tf.translate import main

pytestmark = pytest.mark.keras_only

SIZES = [(1, 1), (1, 7), (2, 3), (3, 500), (37, 1000), (64, 64), (100, 130), (256, 256), (700, 513)]


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height, width):
    """A picture without edges, float waves as uint8."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 40 + c) * np.cos(columns / 30 - c) for c in range(3)]
    return np.uint8(np.rint(127.5 + 100 * np.stack(waves, axis=-1)))


def identity(size=None, *, before=(), after=()):
    """A 1x1 convolution that changes nothing, between other layers."""
    inputs = keras.Input((size, size, 3))
    x = inputs
    for layer in before:
        x = layer(x)
    convolution = layers.Conv2D(3, 1, use_bias=False)
    x = convolution(x)
    convolution.set_weights([np.eye(3, dtype=np.float32)[None, None]])
    for layer in after:
        x = layer(x)
    return keras.Model(inputs, x)


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


# The command.


@pytest.fixture
def generator_path(tmp_path):
    identity().save(tmp_path / "identity.keras")
    return str(tmp_path / "identity.keras")


@pytest.fixture
def folder(tmp_path):
    """Pictures of equal names in two folders, of several sizes and formats."""
    folder = tmp_path / "pictures"
    for index, name in enumerate(["a.png", "sub/a.png", "sub/deep/b.bmp"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(folder / name, picture(20 + index, 30, seed=index))
    return folder


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def fails(capsys, *argv):
    """The one line that the command prints when it exits with 2."""
    capsys.readouterr()
    assert main([str(argument) for argument in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_folder_keeps_its_subfolders(generator_path, folder, tmp_path):
    out = tmp_path / "out"
    assert main([generator_path, str(folder), str(out)]) == 0
    assert files(out) == ["a.png", "sub/a.png", "sub/deep/b.png"]
    for index, name in enumerate(files(out)):
        np.testing.assert_array_equal(images.read(out / name), picture(20 + index, 30, seed=index))


@pytest.mark.parametrize(("format", "names"), [
    ("jpeg", ["a.jpg", "sub/a.jpg", "sub/deep/b.jpg"]), ("keep", ["a.png", "sub/a.png", "sub/deep/b.bmp"]),
])
def test_formats(generator_path, folder, tmp_path, format, names):
    assert main([generator_path, str(folder), str(tmp_path / "out"), "--format", format]) == 0
    assert files(tmp_path / "out") == names


def test_a_glob_and_a_single_file(generator_path, folder, tmp_path):
    assert main([generator_path, str(folder / "**" / "a.png"), str(tmp_path / "out")]) == 0
    assert files(tmp_path / "out") == ["a.png", "sub/a.png"]
    assert main([generator_path, str(folder / "a.png"), str(tmp_path / "out2")]) == 0
    assert files(tmp_path / "out2") == ["a.png"]
    assert main([generator_path, str(folder / "a.png"), str(tmp_path / "new" / "named.webp")]) == 0
    np.testing.assert_array_equal(images.read(tmp_path / "new" / "named.webp"), picture(20, 30))


def test_nothing_is_overwritten_unasked(generator_path, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([generator_path, str(folder), str(out)]) == 0
    assert "a.png (and 2 more): already there; --overwrite replaces it" in fails(capsys, generator_path, folder, out)
    assert main([generator_path, str(folder), str(out), "--overwrite"]) == 0
    before = (folder / "a.png").read_bytes()
    for to in (folder, folder / "a.png"):
        assert "an input, which is never overwritten" in fails(
            capsys, generator_path, folder / "a.png", to, "--overwrite"
        )
    (tmp_path / "link").symlink_to(folder)
    assert "an input" in fails(capsys, generator_path, folder, tmp_path / "link", "--overwrite")
    assert (folder / "a.png").read_bytes() == before


def test_outputs_inside_the_inputs_folder_are_not_inputs(generator_path, folder):
    for _ in range(2):
        assert main([generator_path, str(folder), str(folder / "out"), "--overwrite"]) == 0
        assert files(folder / "out") == ["a.png", "sub/a.png", "sub/deep/b.png"]


def test_two_pictures_for_one_output(generator_path, folder, tmp_path, capsys):
    both = (folder / "a.png", folder / "sub" / "a.png")
    assert "would both be written there" in fails(capsys, generator_path, *both, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    images.write(folder / "a.jpg", picture(5, 5))
    assert main([generator_path, str(folder), str(tmp_path / "png")]) == 0
    assert files(tmp_path / "png") == ["a.jpg.png", "a.png", "sub/a.png", "sub/deep/b.png"]
    assert main([generator_path, str(folder), str(tmp_path / "out"), "--format", "keep"]) == 0
    assert files(tmp_path / "out") == ["a.jpg", "a.png", "sub/a.png", "sub/deep/b.bmp"]
    (tmp_path / "file").write_text("")
    assert "need a folder" in fails(capsys, generator_path, folder, tmp_path / "file", "--format", "keep")
    for name in ("o.gif", "o.ico", "o.psd", "o.txt"):   # it became a folder of that name
        assert f"{name[1:]} is not written; choose one of" in fails(capsys, generator_path, folder, tmp_path / name)
    assert main([generator_path, str(folder), str(tmp_path / "art.v2")]) == 0
    assert "an empty path" in fails(capsys, generator_path, folder, "")


def bad_picture(kind, folder):
    path = folder / "bad.jpg"
    if kind == "text":
        path.write_text("not a picture")
    elif kind == "zero bytes":
        path.write_bytes(b"")
    else:
        images.write(path, picture(100, 100))
        path.write_bytes(path.read_bytes()[:3000])
    return path


@pytest.mark.parametrize("kind", ["text", "zero bytes", "truncated"])
def test_a_bad_picture(generator_path, folder, tmp_path, capsys, kind):
    path = bad_picture(kind, folder)
    out = tmp_path / "out"
    assert str(path) in fails(capsys, generator_path, folder, out)
    assert "bad.png" not in files(out)
    assert main([generator_path, str(folder), str(out), "--overwrite", "--skip-bad"]) == 0
    assert f"skipped {path}: " in capsys.readouterr().out
    assert files(out) == ["a.png", "sub/a.png", "sub/deep/b.png"]
    assert ": " in fails(capsys, generator_path, path, tmp_path / "out2", "--skip-bad")


def test_no_pictures(generator_path, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "empty: no pictures there" in fails(capsys, generator_path, tmp_path / "empty", tmp_path / "out")
    assert "none: no such file or folder" in fails(capsys, generator_path, tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bad_generator(generator_path, folder, tmp_path, capsys):
    whole = Path(generator_path).read_bytes()
    text, cut, damaged, foreign = (tmp_path / name for name in ("text.keras", "cut.keras", "bad.keras", "zip.keras"))
    text.write_text("not a model")
    cut.write_bytes(whole[: len(whole) // 2])
    middle = len(whole) // 2
    flipped = bytes(255 - byte for byte in whole[middle - 50 : middle + 50])
    damaged.write_bytes(whole[: middle - 50] + flipped + whole[middle + 50 :])
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("hello.txt", "hello")
    for path, reason in [
        (tmp_path / "none.keras", "no such file"),
        (tmp_path, "no such file"),
        (text, "not a .keras file"),
        (cut, "not a .keras file, or cut off"),
        (damaged, "cannot be opened as a Keras model"),
        (foreign, "cannot be opened as a Keras model"),
    ]:
        line = fails(capsys, path, folder, tmp_path / "out")
        assert str(path) in line
        assert reason in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("inputs", "output", "received"),
    [
        (keras.Input((10,)), lambda x: layers.Dense(3)(x), "(None, 10) -> (None, 3)"),
        (keras.Input((8, 8, 3)), lambda x: layers.Flatten()(x), "(None, 8, 8, 3) -> (None, 192)"),
        (keras.Input((8, 8, 5)), lambda x: layers.Conv2D(3, 1)(x), "(None, 8, 8, 5) -> (None, 8, 8, 3)"),
        (
            [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))],
            lambda x: layers.Add()(x),
            "[(None, 8, 8, 3), (None, 8, 8, 3)] -> (None, 8, 8, 3)",
        ),
    ],
    ids=["vectors", "classifier", "channels", "two inputs"],
)
def test_a_model_that_is_no_generator(tmp_path, inputs, output, received):
    keras.Model(inputs, output(inputs)).save(tmp_path / "other.keras")
    with pytest.raises(UserError) as caught:
        load_generator(tmp_path / "other.keras")
    assert received in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder(generator_path, folder, tmp_path, capsys):
    (tmp_path / "out").mkdir(mode=0o500)
    assert "out" in fails(capsys, generator_path, folder, tmp_path / "out")


def test_a_file_in_the_way_of_a_subfolder(generator_path, folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("in the way")
    assert "sub" in fails(capsys, generator_path, folder, tmp_path / "out")
