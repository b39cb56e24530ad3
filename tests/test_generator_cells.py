"""Generators that make cells, before the palette: exactly their cells, of any picture, with its transparency."""

import keras
import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators import native
from pixelart_tf.generators.fitting import fit
from pixelart_tf.generators.native import generating
from pixelart_tf.generators.reach import reach
from pixelart_tf.generators.saving import with_cells, with_read_cells
from pixelart_tf.generators.translating import translate
from pixelart_tf.networks.cells import cells
from pixelart_tf.networks.unet import unet
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Style, pixelize
from pixelart_tf.pixelize.__main__ import main

RNG = np.random.default_rng(0)


def network(**options):
    """`cells` with weights as large as those of a trained one, so that each cell depends on those around."""
    model = cells(**{"base_width": 8, "num_blocks": 2} | options)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return model


def noise(height, width, channels=3):
    return RNG.integers(0, 256, (height, width, channels), dtype=np.uint8)


def made(generator, image, **style):
    generate = generating(generator, Style(**{"crisp": False} | style))
    ((_, cells),) = generate.run([("it", generate.prepare(image))])
    return cells


def bare(generator, image):
    """What the network itself makes of a picture that has its size."""
    return images.to_uint8(np.asarray(generator.predict_on_batch(images.to_float(image[None])))[0])


@pytest.mark.parametrize("scale", [1 / 2, 1 / 4, 1 / 8])
@pytest.mark.parametrize(("shape", "columns"), [((180, 320), 23), ((320, 180), 23), ((61, 997), 97), ((97, 53), 50)])
def test_the_cells_are_the_networks(scale, shape, columns):
    """No second resampling and no shift, at any aspect ratio and any number of pixels a cell."""
    generator, image, size = network(scale=scale), noise(*shape), round(1 / scale)
    rows = max(1, round(shape[0] * columns / shape[1]))
    found = made(generator, image, width=columns)
    assert found.colors.shape == (rows, columns, 3)
    assert found.opaque.all()
    assert found.cell == round(shape[1] / columns)
    np.testing.assert_array_equal(found.colors, bare(generator, fit(image, (rows * size, columns * size))))
    # `cell` counts pixels of the picture; what is left over is in no cell.
    found = made(generator, image, cell=8)
    whole = image[: shape[0] // 8 * 8, : shape[1] // 8 * 8]
    shrunk = images.fit(whole, tuple(side // 8 * size for side in whole.shape[:2]), how="stretch", resample="area")
    np.testing.assert_array_equal(found.colors, bare(generator, shrunk))   # whole pixels to a pixel
    assert found.cell == 8


def test_the_file_holds_the_cells_and_is_as_large_as_the_picture(tmp_path, capsys):
    generator, image = network(), images.fit(noise(27, 48), (270, 480), how="stretch", resample="bilinear")
    generator.save(tmp_path / "g.keras")
    images.write(tmp_path / "in.png", image)
    arguments = [tmp_path / "in.png", tmp_path / "a.png", "--generator", tmp_path / "g.keras", "--width", 16]
    assert main([str(each) for each in (*arguments, "--colors", 256, "--no-crisp")]) == 0
    assert ": 480x270, 16x9 cells of 30 pixels, " in capsys.readouterr().out
    expected = bare(generator, fit(image, (36, 64)))
    np.testing.assert_array_equal(images.read(tmp_path / "a.png")[::30, ::30], expected)   # 144 cells, 256 colors


def test_pictures_are_brought_to_means_of_exact_areas():
    image = noise(50, 70)
    parts = image.repeat(9, axis=0).repeat(2, axis=1)   # 450 x 140, of which 25 x 7 make a pixel of 18 x 20
    expected = parts.reshape(18, 25, 20, 7, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(fit(image, (18, 20)), expected, atol=0.51)
    # Where it is enlarged it is Pillow's, which knows the border as we do.
    expected = images.fit(image, (75, 96), how="stretch", resample="bilinear").astype(int)
    assert np.abs(fit(image, (75, 96)) - expected).max() <= 1


def test_without_a_number_small_pictures_stay_as_they_are_and_large_ones_have_128_cells():
    generator = network(base_width=4)
    image = noise(66, 131)
    np.testing.assert_array_equal(made(generator, image).colors, bare(generator, image[:64, :128]))
    assert made(generator, noise(1080, 1920)).colors.shape == (72, 128, 3)
    assert made(generator, noise(3, 5)).colors.shape == (1, 1, 3)


def test_tiles_give_the_same(monkeypatch):
    generator, image = network(num_blocks=4), noise(400, 700)
    whole = made(generator, image, cell=2)   # 800 x 1400 pixels
    assert whole.colors.std() > 20
    np.testing.assert_array_equal(whole.colors, bare(generator, fit(image, (800, 1400))))
    monkeypatch.setattr(native, "TILE", 300)
    np.testing.assert_array_equal(made(generator, image, cell=2).colors, whole.colors)
    ((_, tiled),) = translate(generator, [("it", image)], tile=256)
    np.testing.assert_array_equal(tiled, bare(generator, image))


def test_how_far_networks_see():
    assert reach(cells(num_blocks=4)) == 3 + 2 + 4 * 2 * 4 + 2 * 4   # pixels, of kernels 7, 3 (at 2), 3 and 5 (at 4)
    assert reach(cells(num_blocks=4, scale=1)) == 3 + 4 * 2 + 2
    assert reach(unet(image_size=64, base_width=4)) is None
    # And no pixel further away changes anything, while one just within does.
    generator = network()
    distance, image = reach(generator), noise(256, 256)
    cell = bare(generator, image)[32, 32].copy()
    for far in (distance + 1, distance + 3):
        other = image.copy()
        other[:, : 128 - far] = 255 - other[:, : 128 - far]
        other[:, 132 + far :] = 255 - other[:, 132 + far :]
        np.testing.assert_array_equal(bare(generator, other)[32, 32], cell)
    floats = images.to_float(image[None])
    before = np.asarray(generator.predict_on_batch(floats))[0, 32, 32]
    floats[:, :, 128 - distance] += 100
    assert np.abs(np.asarray(generator.predict_on_batch(floats))[0, 32, 32] - before).max() > 0


def test_transparency_becomes_all_or_nothing_without_a_fringe(tmp_path):
    """A red disc; behind the transparency it is green, and its rim is soft."""
    image = np.zeros((160, 160, 4), np.uint8)
    image[...] = 0, 255, 0, 0
    distance = np.hypot(*(np.indices((160, 160)) - 79.5))
    image[distance < 62] = 200, 30, 20, 255
    image[..., 3] = np.clip((60 - distance) * 40, 0, 255)
    filled = fit(image, (80, 80))
    assert np.abs(filled.astype(int) - (200, 30, 20)).max() <= 1   # nothing of the green, anywhere
    generator = network()
    found = made(generator, image, width=20)
    np.testing.assert_array_equal(found.opaque, pixelize(image, Style(width=20)).opaque)   # as without a generator
    assert 0 < found.opaque.mean() < 1
    flat = bare(generator, np.full((80, 80, 3), (200, 30, 20), np.uint8))
    assert np.abs(found.colors[found.opaque].astype(int) - flat[found.opaque]).max() <= 3
    assert not found.colors[~found.opaque].any()
    generator.save(tmp_path / "g.keras")
    images.write(tmp_path / "in.png", image)
    arguments = [tmp_path / "in.png", tmp_path / "a.png", "--generator", tmp_path / "g.keras", "--width", 20]
    assert main([str(each) for each in arguments]) == 0
    assert set(np.unique(images.read(tmp_path / "a.png", mode="RGBA")[..., 3])) == {0, 255}


def test_opaque_parts_are_what_they_are_without_transparency():
    image = np.dstack([images.fit(noise(12, 12), 240, resample="bilinear"), np.full((240, 240), 255, np.uint8)])
    image[200:, :, 3] = 0
    with_alpha = fit(image, (80, 80))
    plain = images.fit(image[..., :3], 80, resample="area")
    assert np.abs(with_alpha[:66].astype(int) - plain[:66]).max() <= 1   # row 66 is half transparent
    np.testing.assert_array_equal(with_alpha[67:], with_alpha[66:67].repeat(13, axis=0))   # the edge goes on
    assert (fit(np.zeros((8, 8, 4), np.uint8), (4, 4)) == 255).all()


def test_a_film_with_transparency(tmp_path):
    from PIL import Image

    from pixelart_tf.video import main as video

    frames = []
    for nth in range(6):
        frame = np.zeros((48, 64, 4), np.uint8)
        if nth != 3:   # one is all transparent
            frame[8:40, 8 + nth : 40 + nth] = 250, 120, 10, 255
        frames.append(Image.fromarray(frame))
    frames[0].save(tmp_path / "in.png", save_all=True, append_images=frames[1:], duration=100)
    network().save(tmp_path / "g.keras")
    arguments = [tmp_path / "in.png", tmp_path / "out.png", "--generator", tmp_path / "g.keras", "--width", 16]
    assert video([str(each) for each in arguments]) == 0
    with Image.open(tmp_path / "out.png") as film:
        assert (film.size, film.n_frames) == ((64, 48), 6)   # cells of 4 pixels, as in the film
        shown = []
        for nth in range(6):
            film.seek(nth)
            alpha = np.asarray(film.convert("RGBA"))[..., 3]
            assert set(np.unique(alpha)) <= {0, 255}
            shown.append((alpha > 0).mean())
    assert shown[3] == 0
    assert shown[0] == pytest.approx(1 / 3, abs=0.01)


def test_a_grey_picture_stays_grey(tmp_path):
    """Of a network that changes nothing: grey files of 8 and 16 bits become grey cells."""
    from PIL import Image

    identity = cells(base_width=4, num_blocks=1)
    for weight in identity.weights:
        weight.assign(np.zeros(weight.shape))
    identity.save(tmp_path / "g.keras")
    ramp = np.arange(64)[None].repeat(64, 0) * 4
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "8.png")
    Image.fromarray((ramp * 257).astype(np.uint16)).save(tmp_path / "16.png")
    for name in ("8.png", "16.png"):
        arguments = [tmp_path / name, tmp_path / f"a{name}", "--generator", tmp_path / "g.keras", "--width", 16,
                     "--no-crisp"]
        assert main([str(each) for each in arguments]) == 0
        art = images.read(tmp_path / f"a{name}")
        assert (art == art[..., :1]).all()
        assert len(np.unique(art)) == 16


@pytest.mark.parametrize("scale", [1, 4])
def test_a_generator_that_makes_no_cells_makes_pictures(scale):
    generator, image = network(scale=scale), noise(32, 48)
    ((_, picture),) = generating(generator, Style(width=8)).run([("it", image)])
    np.testing.assert_array_equal(picture, bare(generator, image))


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (noise(40, 50), ("--width", 51), "in.png: 51 cells across do not fit on 50 pixels: it must be 1 to 50"),
        (noise(40, 50), ("--cell", 41), "in.png: a cell of 41 pixels is larger than the picture (40 pixels)"),
        (noise(40, 50), ("--cell", "auto"),
         "g.keras: makes cells of its own; give `width` or a number of pixels as `cell`, not auto"),
        (np.zeros((320, 10_000, 3), np.uint8), ("--width", 10_000),
         "in.png: 10,000x320 cells take 40,000x1,280 pixels (0.2 GB), over 50,000,000; ask for fewer cells"),
        (np.zeros((8, 8, 4), np.uint8), ("--width", 2),
         "in.png: all of it is transparent, so that a generator has nothing to see"),
    ],
    ids=["smaller than the cells", "smaller than a cell", "auto", "10,000 cells", "transparent"],
)
def test_mistakes_take_one_line(tmp_path, monkeypatch, capsys, image, options, message):
    monkeypatch.chdir(tmp_path)
    network(base_width=4).save("g.keras")
    images.write(tmp_path / "in.png", image)
    assert main(["in.png", "out.png", "--generator", "g.keras", *map(str, options)]) == 2
    assert capsys.readouterr().err == f"python -m pixelart_tf.pixelize: {message}\n"
    assert not (tmp_path / "out.png").exists()


def test_a_bad_one_of_several_is_skipped_and_named(tmp_path, capsys):
    network(base_width=4).save(tmp_path / "g.keras")
    folder = tmp_path / "in"
    folder.mkdir()
    images.write(folder / "small.png", noise(10, 10))
    images.write(folder / "large.png", noise(90, 90))
    arguments = [folder, tmp_path / "out", "--generator", tmp_path / "g.keras", "--width", 20]
    assert main([str(each) for each in arguments]) == 0
    told = f"skipped {folder / 'small.png'}: 20 cells across do not fit on 10 pixels: it must be 1 to 10\n"
    assert capsys.readouterr().err == told
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["large.png"]


def test_one_cell(tmp_path):
    generator = network()
    assert made(generator, noise(100, 70), width=1).colors.shape == (1, 1, 3)
    assert made(generator, noise(100, 300), width=1).colors.shape == (1, 1, 3)
    assert made(generator, noise(4, 4)).colors.shape == (1, 1, 3)


def test_what_a_generator_enlarges_too_far_is_refused():
    with pytest.raises(UserError, match="it: the generator makes 8,000x8,000 pixels of it, over 50,000,000"):
        list(translate(network(scale=4), [("it", np.zeros((2000, 2000, 3), np.uint8))]))


def test_one_that_enlarges_its_cells_gives_them_too():
    inputs = keras.Input((None, None, 3))
    generator = with_cells(keras.Model(inputs, keras.layers.Rescaling(-1.0)(inputs)), 4)
    image = noise(60, 80)
    found = made(generator, image, width=10)
    assert np.abs(found.colors.astype(int) - (255 - fit(image, (8, 10)))).max() <= 1   # two means after each other
    assert found.cell == 8


def test_one_that_draws_enlarged_cells_is_read_by_their_medians():
    """A picture of any size comes to it in as many pixels as its cells have."""
    inputs = keras.Input((128, 128, 3))
    generator = with_read_cells(keras.Model(inputs, keras.layers.Rescaling(-1.0)(inputs)), 4)
    image = noise(250, 250)
    found = made(generator, image, width=32)
    drawn = 255 - fit(image, (128, 128)).reshape(32, 4, 32, 4, 3).transpose(0, 2, 1, 3, 4).reshape(32, 32, 16, 3)
    assert found.colors.shape == (32, 32, 3)
    assert np.abs(found.colors - np.median(drawn, axis=2)).max() <= 1   # float32, then whole levels
