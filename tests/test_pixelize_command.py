"""`python -m pixelart_tf.pixelize`: pictures in, pixel art out, of the colors and cells that are asked for."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pixelizing import COW, PICTURES, run

from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Style, palette_files, palettes, pixelize
from pixelart_tf.pixelize import picture_files as pictures


def colors_of(path: Path) -> set[tuple[int, ...]]:
    image = images.read(path, mode="RGBA")
    return set(map(tuple, image[image[..., 3] > 0].tolist()))


@pytest.fixture
def sprite(tmp_path) -> Path:
    """A disc of noise on transparency, with a soft rim, and colors behind the transparency."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 60, 4)).astype(np.uint8)
    distance = np.hypot(*(np.indices((60, 60)) - 29.5))
    image[..., 3] = np.clip((26 - distance) * 80, 0, 255)
    images.write(tmp_path / "sprite.png", image)
    return tmp_path / "sprite.png"


def test_a_picture_to_a_file(tmp_path, capsys):
    out = tmp_path / "cow.png"
    assert run(COW, out, "--cell", 8, "--colors", 5) == 0
    assert capsys.readouterr().out == f"{out}: 256x256, 32x32 cells of 8 pixels, 5 colors\n"
    expected = pixelize(images.read(COW), Style(cell=8, colors=5)).image(8)
    assert np.array_equal(images.read(out), expected)
    with Image.open(out) as file:
        assert file.mode == "P"   # indexed, so small
    assert run(COW, tmp_path / "one.png", "--cell", 8, "--colors", 5, "--scale", 1) == 0
    assert np.array_equal(images.read(tmp_path / "one.png"), expected[::8, ::8])
    # Twice is once, file for file.
    assert run(out, tmp_path / "again.png", "--cell", 8, "--colors", 5) == 0
    assert np.array_equal(images.read(tmp_path / "again.png"), expected)


@pytest.mark.parametrize("suffix", pictures.WRITABLE)
@pytest.mark.parametrize("num_colors", [5, 256])
def test_every_format_is_exact_with_transparency(tmp_path, sprite, suffix, num_colors):
    out = tmp_path / f"out{suffix}"
    assert run(sprite, out, "--cell", 2, "--colors", num_colors, "--scale", 3) == 0
    made = pixelize(images.read(sprite, mode="RGBA"), Style(cell=2, colors=num_colors))
    assert not made.opaque.all()
    assert len(made.palette) == num_colors
    assert np.array_equal(images.read(out, mode="RGBA"), made.image(3))


def test_no_fringe_of_what_is_behind_transparency(tmp_path):
    image = np.zeros((16, 16, 4), np.uint8)
    image[..., 1] = 255   # green behind all that is transparent
    image[3:13, 3:13] = 200, 0, 0, 255
    images.write(tmp_path / "red.png", image)
    assert run(tmp_path / "red.png", tmp_path / "out.png", "--cell", 2) == 0
    assert colors_of(tmp_path / "out.png") == {(200, 0, 0, 255)}


def test_one_palette_for_all(tmp_path):
    palette = tmp_path / "p.gpl"
    assert run(PICTURES, tmp_path / "out", "--width", 32, "--colors", 9, "--save-palette", palette) == 0
    entries = {(*color, 255) for color in palette_files.read(palette).tolist()}
    assert len(entries) == 9
    used = set.union(*(colors_of(path) for path in (tmp_path / "out").iterdir()))
    assert used == entries   # each color is of it, and each of it is used somewhere
    # The saved palette gives the same picture again.
    assert run(COW, tmp_path / "cow.png", "--width", 32, "--palette", palette) == 0
    assert np.array_equal(images.read(tmp_path / "cow.png"), images.read(tmp_path / "out" / "gc-cow.png"))


def test_a_palette_on_the_command_line(tmp_path):
    assert run(COW, tmp_path / "a.png", "--palette", "#112233, 445566", "--width", 16) == 0
    assert colors_of(tmp_path / "a.png") == {(17, 34, 51, 255), (68, 85, 102, 255)}


def test_a_built_in_palette_and_a_dither(tmp_path):
    assert run(COW, tmp_path / "a.png", "--palette", "Game Boy", "--dither", "bayer4", "--width", 64) == 0
    assert colors_of(tmp_path / "a.png") == {(*color, 255) for color in palettes.get("game-boy").colors.tolist()}


def test_the_sheet_shows_both(tmp_path):
    assert run(COW, tmp_path / "a.png", "--width", 32, "--compare", tmp_path / "sheet.png") == 0
    sheet, art = images.read(tmp_path / "sheet.png"), images.read(tmp_path / "a.png")
    height, width = sheet.shape[:2]
    assert height >= 320
    assert width >= 2 * 320
    enlarged = art[::8, ::8].repeat(10, axis=0).repeat(10, axis=1)   # 320 pixels for 32 cells
    right = width - 20 - 320
    tops = [top for top in range(height - 320) if np.array_equal(sheet[top : top + 320, right : right + 320], enlarged)]
    assert len(tops) == 1
    before = sheet[tops[0] : tops[0] + 320, 20 : 20 + 320].astype(float)
    expected = images.fit(images.read(COW), 320, resample="bilinear").astype(float)
    assert np.abs(before - expected).mean() < 8   # of 255: the same picture, another way of enlarging


def test_the_number_of_rows(tmp_path, capsys):
    images.write(tmp_path / "a.png", images.read(COW)[:, :128])
    assert run(tmp_path / "a.png", tmp_path / "b.png", "--height", 32) == 0
    assert "16x32 cells of 8 pixels" in capsys.readouterr().out
    assert run(COW, tmp_path / "c.png", "--height", 32, "--width", 32) == 2
    assert "`width` and `height` exclude each other, as cells are squares" in capsys.readouterr().err


def test_what_is_nowhere_opaque_enough_is_not_lost(tmp_path, capsys):
    """An alpha of 63 everywhere gave an empty picture without a word."""
    image = np.dstack([images.read(COW), np.full((256, 256), 63, np.uint8)])
    images.write(tmp_path / "faint.png", image)
    assert run(tmp_path / "faint.png", tmp_path / "a.png", "--cell", 8, "--scale", 1) == 0
    assert capsys.readouterr().err == (
        f"note: {tmp_path / 'faint.png'}: nowhere opaque enough: an alpha threshold of 128 would leave nothing, and 32 "
        "is taken\n"
    )
    assert np.array_equal(images.read(tmp_path / "a.png"), pixelize(images.read(COW), Style(cell=8)).image())
    image[..., 3] = 0
    images.write(tmp_path / "none.png", image)
    assert run(tmp_path / "none.png", tmp_path / "b.png", "--cell", 8) == 0
    assert capsys.readouterr().err == f"note: {tmp_path / 'none.png'}: all of it is transparent\n"


def test_levels_of_transparency(tmp_path):
    image = images.read(COW, mode="RGBA")
    image[..., 3] = np.arange(256).repeat(256).reshape(256, 256).T   # from left to right
    images.write(tmp_path / "in.png", image)
    for name in ("soft.png", "soft.webp", "soft.tif"):
        assert run(tmp_path / "in.png", tmp_path / name, "--cell", 8, "--alpha", "soft") == 0
        made = images.read(tmp_path / name, mode="RGBA")
        # Of columns 8 n to 8 n + 7 the mean is 8 n + 3.5.
        assert (np.abs(made[..., 3] - (np.arange(256) // 8 * 8 + 3.5)) <= 0.5).all()
        assert len(np.unique(made[..., :3][made[..., 3] > 0], axis=0)) <= 16
    assert run(tmp_path / "soft.png", tmp_path / "twice.png", "--cell", 8, "--alpha", "soft") == 0
    twice = images.read(tmp_path / "twice.png", mode="RGBA")
    assert np.array_equal(twice, images.read(tmp_path / "soft.png", mode="RGBA"))
    assert run(tmp_path / "in.png", tmp_path / "dither.png", "--cell", 2, "--scale", 1, "--alpha", "dither") == 0
    alpha = images.read(tmp_path / "dither.png", mode="RGBA")[..., 3]
    assert set(np.unique(alpha)) == {0, 255}
    # Of 4x4 cells as many are opaque as their alpha says, in sixteenths.
    shares = alpha.reshape(32, 4, 32, 4).mean(axis=(0, 1, 3)) / 255
    assert np.abs(shares - (8 * np.arange(32) + 3.5) / 255).max() < 1 / 12


def test_help_fits_two_screens_and_begins_with_what_is_common(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit):
        run("--help")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 2 * 30
    assert all(len(line) <= 120 for line in lines)
    places = [next(nth for nth, line in enumerate(lines) if f"  {option} " in line) for option in (
        "--width", "--colors", "--palette", "--scale", "--generator", "--overwrite", "--space", "--strict"
    )]
    assert places == sorted(places)


def test_palettes_are_listed_and_drawn(tmp_path, capsys):
    assert run("palettes", tmp_path / "page.png") == 0
    listed = capsys.readouterr().out
    for name, palette in palettes.named().items():
        assert f"\n{name} " in listed
        assert palette.author in listed
    assert np.array_equal(images.read(tmp_path / "page.png"), palettes.chart())
    assert run("palettes", tmp_path / "page.png") == 2
    assert run("palettes", tmp_path / "page.jpg") == 2


def test_measures_are_told(tmp_path, capsys):
    assert run(COW, tmp_path / "a.png", "--cell", 8, "--colors", 5) == 0
    capsys.readouterr()
    assert run("measure", tmp_path / "a.png", COW, "--json") == 0
    art, photo = json.loads(capsys.readouterr().out)
    assert art == {
        "name": str(tmp_path / "a.png"), "height": 256, "width": 256, "colors": 5, "cell": [8.0, 8.0],
        "grid_exactness": 1.0, "uniform_cells": 1.0, "edge_sharpness": 1.0,
    }
    assert photo["colors"] > 10_000
    assert photo["grid_exactness"] == photo["uniform_cells"] == 0
    assert run("measure", tmp_path / "a.png", COW) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["picture", "size", "colors", "cell", "on", "grid", "uniform", "sharpness"]
    assert lines[1].split()[1:] == ["256x256", "5", "8", "1.000", "1.000", "1.000"]
    assert lines[-1].startswith("mean of 2 ")
    assert run("measure", COW, "--cell", 999) == 2
    assert run("measure", COW, "--cell", 1) == 2


def native_generator(cell: int):
    """Swaps red and blue of each cell's mean: a generator of the kind that is trained at native size."""
    import keras

    from pixelart_tf.generators.saving import with_cells

    inputs = keras.Input((None, None, 3))
    swap = keras.layers.Conv2D(3, 1, use_bias=False, kernel_initializer=keras.initializers.Zeros())
    generator = keras.Model(inputs, swap(inputs))
    swap.set_weights([np.eye(3, dtype=np.float32)[::-1].reshape(1, 1, 3, 3)])
    return with_cells(generator, cell)


def test_a_native_generators_cells_are_the_grid(tmp_path, capsys):
    native_generator(4).save(tmp_path / "g.keras")
    picture, width = images.read(COW), 20
    assert run(COW, tmp_path / "a.png", "--generator", tmp_path / "g.keras", "--width", width, "--colors", 256,
               "--no-crisp", "--scale", 1) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.png'}: 20x20, 20x20 cells of 13 pixels, 256 colors\n"
    shrunk = images.fit(picture, width, resample="area")[..., ::-1].astype(float)
    assert np.abs(images.read(tmp_path / "a.png") - shrunk).max() < 20   # 400 cells, 256 colors
    assert run(COW, tmp_path / "b.png", "--generator", tmp_path / "g.keras", "--compare", tmp_path / "s.png") == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'b.png'}: 256x256, 64x64 cells of 4 pixels, 16 colors\n")
    assert run(COW, tmp_path / "c.png", "--generator", tmp_path / "g.keras", "--cell", 8) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'c.png'}: 256x256, 32x32 cells of 8 pixels, 16 colors\n")


def test_any_other_generator_is_run_and_its_pictures_are_pixelized(tmp_path):
    import keras

    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.Rescaling(-1.0)(inputs)).save(tmp_path / "negative.keras")
    assert run(COW, tmp_path / "a.png", "--generator", tmp_path / "negative.keras", "--cell", 8) == 0
    expected = pixelize(255 - images.read(COW), Style(cell=8)).image(8)
    assert np.array_equal(images.read(tmp_path / "a.png"), expected)


def test_cells_that_are_there_are_found_after_a_smooth_enlargement(tmp_path, capsys):
    sprite = images.read(PICTURES / "crawl-dngn-altars-dithmenos.png")[::8, ::8]   # 32x32, one pixel a cell
    screenshot = images.fit(sprite, 32 * 7, how="stretch", resample="lanczos")
    images.write(tmp_path / "screenshot.jpg", screenshot)
    assert run(tmp_path / "screenshot.jpg", tmp_path / "a.png", "--cell", "auto", "--scale", 1, "--how", "median",
               "--colors", 14) == 0
    assert "32x32 cells of 7 pixels" in capsys.readouterr().out
    difference = np.abs(images.read(tmp_path / "a.png").astype(int) - sprite).max(axis=-1)
    assert (difference <= 48).mean() > 0.95   # JPEG and lanczos; a grid one cell off gives 0.80 and 0.86


def test_one_pixel(tmp_path, capsys):
    images.write(tmp_path / "dot.png", np.full((1, 1, 3), 77, np.uint8))
    assert run(tmp_path / "dot.png", tmp_path / "a.png", "--compare", tmp_path / "sheet.png") == 0
    assert images.read(tmp_path / "a.png").tolist() == [[[77, 77, 77]]]
    assert ": 1x1, 1x1 cells of 1 pixel, 1 color; pixel art of one pixel a cell\n" in capsys.readouterr().out


def test_without_a_generator_no_framework_is_imported(tmp_path):
    code = (
        "import sys; from pixelart_tf.pixelize.__main__ import main; main(sys.argv[1:]); "
        "print(sorted({'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    assert subprocess.check_output([sys.executable, "-c", code, COW, tmp_path / "a.png"], text=True).endswith("\n[]\n")
