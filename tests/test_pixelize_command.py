"""`python -m pixelart_tf.pixelize`: pictures in, pixel art out, and mistakes in one line."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Style, palette_files, palettes, pixelize
from pixelart_tf.pixelize import picture_files as pictures
from pixelart_tf.pixelize.__main__ import main

PICTURES = Path(__file__).parent / "data" / "pictures"
COW = PICTURES / "gc-cow.jpg"


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])


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


def test_folders_keep_their_shape_and_zips_work(tmp_path, capsys):
    assert run(PICTURES, tmp_path / "out", "--width", 16, "--scale", 1) == 0
    names = sorted(path.name for path in PICTURES.iterdir() if path.suffix in (".png", ".jpg"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{Path(name).stem}.png" for name in names]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(names) + 1
    assert lines[-1].startswith(f"{len(names)} pictures in {tmp_path / 'out'}, 16 colors at most (")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(COW, "farm/cow.jpg")
    assert run(tmp_path / "a.zip", tmp_path / "zip", "--width", 16, "--scale", 1) == 0
    assert (tmp_path / "zip" / "farm" / "cow.png").read_bytes() == (tmp_path / "out" / "gc-cow.png").read_bytes()


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


def test_outputs_are_replaced_only_when_asked(tmp_path, capsys):
    out = tmp_path / "a.png"
    assert run(COW, out, "--width", 8) == 0
    first = out.read_bytes()
    capsys.readouterr()
    assert run(COW, out, "--width", 9) == 2
    assert capsys.readouterr().err.endswith(f"{out}: already there; --overwrite replaces it\n")
    assert out.read_bytes() == first
    assert run(COW, out, "--width", 9, "--overwrite") == 0
    assert out.read_bytes() != first
    assert run(out, out, "--overwrite") == 2
    assert "never overwritten" in capsys.readouterr().err
    for option in ("--compare", "--save-palette"):
        assert run(COW, tmp_path / "b.png", option, out) == 2
        assert "already there" in capsys.readouterr().err
        assert run(COW, tmp_path / "b.png", option, tmp_path / "b.png", "--overwrite") == 2
        assert "is an input or an output already" in capsys.readouterr().err
    assert not (tmp_path / "b.png").exists()


def test_a_bad_picture_does_not_stop_the_others(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "bad.png").write_bytes(b"no picture")
    assert run(folder, tmp_path / "out") == 2
    bad = f"{folder / 'bad.png'}: not a picture, or of an unknown format\n"
    assert capsys.readouterr().err == f"python -m pixelart_tf.pixelize: {bad}"
    (folder / "cow.jpg").write_bytes(COW.read_bytes())
    assert run(folder, tmp_path / "out", "--strict") == 2
    assert capsys.readouterr().err == f"python -m pixelart_tf.pixelize: {bad}"
    assert run(folder, tmp_path / "out2", "--width", 16) == 0
    assert capsys.readouterr().err == f"skipped {bad}"
    assert [path.name for path in (tmp_path / "out2").iterdir()] == ["cow.png"]
    (folder / "worse.png").write_bytes(b"no picture")
    (folder / "cow.jpg").unlink()
    assert run(folder, tmp_path / "out3") == 2
    assert f"none of the 2 pictures can be used; the first: {bad}" in capsys.readouterr().err


def test_several_inputs_and_one_name_twice(tmp_path, capsys):
    owl = PICTURES / "nt-owl.png"
    (tmp_path / "in").mkdir()
    images.write(tmp_path / "in" / "owl.png", images.read(owl))
    images.write(tmp_path / "in" / "owl.jpg", images.read(owl))
    out = tmp_path / "out"
    assert run(COW, owl, "--width", 16, tmp_path / "in", out) == 0
    assert sorted(path.name for path in out.iterdir()) == ["gc-cow.png", "nt-owl.png", "owl.jpg.png", "owl.png"]
    assert run(COW, PICTURES / "gc-cow.jpg", tmp_path / "twice.png", "--width", 16) == 0   # one picture
    assert run(COW, tmp_path / "gone.png", tmp_path / "out2") == 2
    assert f"{tmp_path / 'gone.png'}: no such file or folder" in capsys.readouterr().err
    assert not (tmp_path / "out2").exists()


def test_standard_input_and_output(tmp_path, monkeypatch, capsysbinary):
    class Stdin:
        buffer = io.BytesIO(COW.read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert run("-", "-", "--width", 16, "--scale", 1) == 0
    printed = capsysbinary.readouterr()
    assert printed.err == b"-: 16x16, 16x16 cells of 16 pixels, 16 colors\n"
    made = images.read(printed.out)
    assert np.array_equal(made, pixelize(images.read(COW), Style(width=16)).image())
    assert run(COW, "-", "--width", 16, "--scale", 1) == 0
    assert capsysbinary.readouterr().out == printed.out
    assert run(COW, PICTURES / "nt-owl.png", "-") == 2
    assert b"-: 2 pictures need a folder" in capsysbinary.readouterr().err
    Stdin.buffer = io.BytesIO(COW.read_bytes())
    assert run("-", tmp_path / "out", "--width", 16) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["stdin.png"]
    Stdin.buffer = io.BytesIO(b"no picture")
    assert run("-", "-") == 2
    assert capsysbinary.readouterr().err.endswith(b": stdin: not a picture, or of an unknown format\n")


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


def moving(path: Path) -> Path:
    """An animation of three frames of 16x12 pixels, a square that moves."""
    frames = []
    for nth in range(3):
        frame = np.full((12, 16, 3), 250, np.uint8)
        frame[4:8, 4 * nth : 4 * nth + 4] = 200, 30, 40
        frames.append(Image.fromarray(frame))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    return path


def test_what_moves_goes_on_moving(tmp_path, capsys):
    gif = moving(tmp_path / "cat.gif")
    assert run(gif, tmp_path / "cat.png", "--cell", 4) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'cat.png'}: 3 frames of 4x3 cells of 4 pixels\n"
    assert err == f"note: {gif} moves: made as python -m pixelart_tf.video does\n"
    with Image.open(tmp_path / "cat.png") as made:
        assert made.n_frames == 3
    # Beside pictures, in a folder.
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    moving(folder / "deep" / "a.gif")
    moving(folder / "b.png")
    images.write(folder / "still.gif", np.full((12, 16, 3), 90, np.uint8))
    (folder / "cow.jpg").write_bytes(COW.read_bytes())
    (folder / "bad.gif").write_bytes(b"GIF89a")
    assert run(folder, tmp_path / "out", "--cell", 4) == 0
    made = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert made == {"deep/a.gif", "b.png", "still.png", "cow.png"}
    err = capsys.readouterr().err
    assert f"note: {folder / 'b.png'} and 1 more move: made as " in err
    assert f"skipped {folder / 'bad.gif'}: " in err
    assert run(gif, "-") == 2
    assert "moves, and only pictures are written to standard output" in capsys.readouterr().err
    assert run(gif, tmp_path / "a.gif", "--compare", tmp_path / "sheet.png") == 2
    assert "--compare: is for pictures, and " in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(gif, "cat.gif")
    assert run(tmp_path / "a.zip", tmp_path / "unpacked", "--cell", 4) == 0
    assert capsys.readouterr().err == f"note: {tmp_path / 'a.zip'}: cat.gif: moves, and its first frame is taken\n"
    assert run(gif, tmp_path / "a.tif") == 2
    assert ".tif is not written; choose one of .mkv .mov .mp4 .webm .apng .gif" in capsys.readouterr().err


def test_a_film_goes_on_as_a_film(tmp_path, capsys):
    pytest.importorskip("av")
    from making_films import pan, write

    film = write(tmp_path / "film.mkv", pan("nt-owl.png", 4))
    assert run(film, COW, tmp_path / "new" / "out", "--cell", 8) == 0
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == {"film.mkv", "gc-cow.png"}
    out, err = capsys.readouterr()
    assert f"{tmp_path / 'new' / 'out' / 'film.mkv'}: 4 frames of 16x12 cells of 8 pixels\n" in out
    assert err == f"note: {film} moves: made as python -m pixelart_tf.video does\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cell", "257"), "{cow}: a cell of 257 pixels is larger than the picture (256 pixels)"),
        (("--width", "257"), "{cow}: 257 cells across do not fit on 256 pixels: it must be 1 to 256"),
        (("--cell", "auto"), "{cow}: no cells found: this is no pixel art; give their size or their number"),
        (("--cell", "x"), "`cell` must be at least 1, a pair as 4.5x4 (width x height), or auto. Received: 'x'"),
        (("--colors", "0"), "`colors` must be a whole number from 1 to 256 or auto. Received: 0"),
        (("--cell", "8", "--width", "8"), "`cell` and `width` exclude each other. Received: 8 and 8"),
        (("--dither-strength", "2"), "`strength` must be from 0 to 1. Received: 2.0"),
        (("--palette", "pico9"), "no palette is called 'pico9'; did you mean pico-8?"),
        (("--palette", "pico8", "--colors", "3"),
         "--palette and --colors exclude each other: a palette says how many colors there are"),
        (("--palette", "bad.gpl"), "bad.gpl: line 3: expected three numbers from 0 to 255, not '1 2 x'"),
        (("--palette", "empty.hex"), "empty.hex: no colors in it"),
        (("--palette", "gone.hex"), "gone.hex: No such file or directory"),
        (("--generator", "bad.gpl"), "bad.gpl: not a .keras file, or cut off"),
        (("--scale", "0"), "`scale` must be a whole number of at least 1. Received: 0"),
        (("--scale", "1000", "--width", "64"),
         "out.png: would have over 50,000,000 pixels; give a smaller scale"),
        (("--save-palette", "p.txt"), "p.txt: must end in one of .gpl .hex .pal .png"),
        (("--compare", "p.txt"), "p.txt: must end in one of .png .tif .tiff .webp .jpg .jpeg"),
    ],
)
def test_mistakes_take_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("bad.gpl").write_text("GIMP Palette\n1 2 3\n1 2 x\n")
    Path("empty.hex").write_text("\n")
    assert run(COW, "out.png", *arguments) == 2
    printed = capsys.readouterr()
    assert printed.err == f"python -m pixelart_tf.pixelize: {message.format(cow=COW)}\n"
    assert printed.out == ""
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        (COW, "a.jpg", "a.jpg: JPEG would ruin the palette; choose one of .png .tif .tiff .webp"),
        (COW, "a.gif", "a.gif: .gif is not written; choose one of .png .tif .tiff .webp, or a folder"),
        (PICTURES, "a.gif", "a.gif: .gif is not written; choose one of .png .tif .tiff .webp, or a folder"),
        (COW, "a.ico", "a.ico: .ico is not written; choose one of .png .tif .tiff .webp, or a folder"),
        (COW, "", "an empty path: no output is called so"),
        (PICTURES, "a.png", "a.png: 9 pictures need a folder"),
        ("gone.png", "a.png", "gone.png: no such file or folder"),
        ("empty", "a.png", "empty: no pictures there"),
        (COW, "file/a.png", "file"),
    ],
)
def test_places_that_do_not_fit(tmp_path, monkeypatch, capsys, source, out, message):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("file").write_text("in the way")
    assert run(source, out) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"python -m pixelart_tf.pixelize: {message}")
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="all is permitted to this user")
def test_no_permission(tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert run(COW, tmp_path / "a.png", "--width", 8) == 2
    assert capsys.readouterr().err.endswith(f"{tmp_path / 'a.png'}: Permission denied\n")


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
