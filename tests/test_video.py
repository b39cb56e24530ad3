"""The video command: whole films through, whatever the output, and what goes wrong on the way."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from making_films import PICTURES, packets, pan, pictures, still, write
from PIL import Image

from pixelart_tf import films
from pixelart_tf.base.cli import UserError
from pixelart_tf.films.engine import pixelize_film
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Style, palette_files, palettes, pixelize
from pixelart_tf.video import main

av = pytest.importorskip("av")
COMMAND = [sys.executable, "-m", "pixelart_tf.video"]


def check_art(image, cell, most):
    """At most so many colors, and each cell one of them."""
    assert image.shape[0] % cell == image.shape[1] % cell == 0
    np.testing.assert_array_equal(image, image[::cell, ::cell].repeat(cell, 0).repeat(cell, 1))
    assert len(np.unique(image.reshape(-1, image.shape[-1]), axis=0)) <= most


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm", ".gif", ".png", ""])
def test_every_frame_is_pixel_art(tmp_path, suffix):
    # Two shots; 100x78 pixels, so that 8 divides neither side and the 12x9 whole cells are an odd number.
    shots = pan("gc-bison.jpg", 15, height=78, width=100), pan("nt-pie.png", 14, height=78, width=100)
    path = write(tmp_path / "in.mkv", [*shots[0], *shots[1]])
    out, told = tmp_path / f"out{suffix}", []
    made = pixelize_film(
        path, out, Style(cell=8, colors=6, dither="bayer4"), lossless=suffix in (".mkv", ".mp4", ".webm"),
        progress=lambda *numbers: told.append(numbers),
    )
    assert (made.num_frames, made.width, made.height, made.scale) == (29, 12, 9, 8)
    assert told[-1][0] == 29
    frames = list(films.open_film(out).frames())
    assert len(frames) == 29
    for frame in frames:
        if suffix in (".mkv", ".mp4", ".webm"):
            continue
        check_art(frame.image[..., :3], 8, 6)
    if suffix in (".mkv", ".mp4", ".webm"):
        for _, image in pictures(out):
            check_art(image, 8, 6)
    assert [frame.time for frame in frames] == [Fraction(nth, 25) for nth in range(29)]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["in.mkv", f"out{suffix}"])


def test_the_usual_film_is_as_large_as_the_input(tmp_path, capsys):
    path = write(tmp_path / "in.mp4", pan("gc-cow.jpg", 40), sound="aac", rotation=90)
    assert main([str(path), str(tmp_path / "out.mp4"), "--cell", "8", "--palette", "pico-8"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"40 frames of 12x16 cells of 8 pixels in {tmp_path}/out.mp4; flicker ")
    assert err == ""
    found = pictures(tmp_path / "out.mp4")
    assert len(found) == 40
    assert {image.shape for _, image in found} == {(128, 96, 3)}
    assert packets(tmp_path / "out.mp4", "audio") == packets(path, "audio")
    # 4:2:0 at crf 16: the middles of the cells are the palette's colors but for rounding.
    palette = palettes.get("pico-8").colors.astype(int)
    for _, image in found[::10]:
        middles = image[4::8, 4::8].reshape(-1, 1, 3).astype(int)
        assert np.abs(middles - palette).max(axis=2).min(axis=1).mean() < 4


def test_an_odd_cell_becomes_even_for_half_the_colors_resolution(tmp_path, capsys):
    path = write(tmp_path / "in.mkv", pan("nt-cat.png", 3))
    assert pixelize_film(path, tmp_path / "out.mp4", Style(cell=5)).scale == 6
    assert pixelize_film(path, tmp_path / "lossless.mp4", Style(cell=5), lossless=True).scale == 5
    assert pixelize_film(path, tmp_path / "out.gif", Style(cell=5)).scale == 5
    assert main([str(path), str(tmp_path / "odd.mp4"), "--cell", "5", "--scale", "5"]) == 2
    assert "the scale must be even for .mp4" in capsys.readouterr().err


def test_a_noisy_still_hardly_flickers(tmp_path):
    (tmp_path / "in").mkdir()
    for nth, frame in enumerate(still("gc-cow.jpg", 29, sigma=8)):
        images.write(tmp_path / "in" / f"{nth}.png", frame)
    made = pixelize_film(tmp_path / "in", tmp_path / "out.gif", Style(cell=8))
    assert made.num_frames == 29
    assert made.flicker < 0.001   # frame by frame 4 % of the cells come and go (see test_steady)


def test_a_folder_becomes_a_film_and_back(tmp_path):
    (tmp_path / "in").mkdir()
    for nth, frame in enumerate(pan("nt-owl.png", 9)):
        images.write(tmp_path / "in" / f"{nth}.png", frame)
    arguments = ["--cell", "8", "--colors", "5"]
    assert main([str(tmp_path / "in"), str(tmp_path / "film.mp4"), "--fps", "30000/1001", *arguments]) == 0
    assert [moment for moment, _ in pictures(tmp_path / "film.mp4")] == [Fraction(1001 * n, 30000) for n in range(9)]
    assert main([str(tmp_path / "in"), str(tmp_path / "frames"), *arguments]) == 0
    assert [path.name for path in sorted((tmp_path / "frames").iterdir())] == [f"{n:06}.png" for n in range(1, 10)]
    # What is pixel art already comes back unchanged.
    assert main([str(tmp_path / "frames"), str(tmp_path / "again"), *arguments]) == 0
    for path in (tmp_path / "frames").iterdir():
        np.testing.assert_array_equal(images.read(path), images.read(tmp_path / "again" / path.name))


def test_transparency_of_an_animation_is_kept(tmp_path):
    frames = []
    for nth in range(6):
        pixels = np.zeros((32, 48, 4), np.uint8)
        pixels[8:24, 4 * nth : 4 * nth + 16] = (200, 60, 40, 255)
        frames.append(Image.fromarray(pixels))
    frames[0].save(tmp_path / "in.png", save_all=True, append_images=frames[1:], duration=80)
    pixelize_film(tmp_path / "in.png", tmp_path / "out.gif", Style(cell=4))
    found = list(films.open_film(tmp_path / "out.gif").frames())
    for before, frame in zip(frames, found, strict=True):
        np.testing.assert_array_equal(frame.image, np.array(before))
        assert frame.duration == Fraction(8, 100)


def test_frames_go_through_a_generator_in_order(tmp_path):
    keras = pytest.importorskip("keras")
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.Rescaling(-1.0)(inputs)).save(tmp_path / "negative.keras")
    (tmp_path / "in").mkdir()   # of two batches, and as many frames as the palette is found over
    for nth in range(16):
        images.write(tmp_path / "in" / f"{nth}.png", np.full((16, 16, 3), 10 * nth, np.uint8))
    arguments = [tmp_path / "in", tmp_path / "out", "--cell", 8, "--colors", 32]
    assert main([str(word) for word in (*arguments, "--generator", tmp_path / "negative.keras")]) == 0
    found = [int(images.read(path)[0, 0, 0]) for path in sorted((tmp_path / "out").iterdir())]
    assert found == [255 - 10 * nth for nth in range(16)]


def test_a_native_generators_cells_are_those_of_the_film(tmp_path):
    """Its cells are found in no picture: it makes them."""
    keras = pytest.importorskip("keras")
    from pixelart_tf.generators.native import generating
    from pixelart_tf.generators.saving import with_cells

    inputs = keras.Input((None, None, 3))
    generator = with_cells(keras.Model(inputs, keras.layers.Rescaling(-1.0)(inputs)), 4)
    path = write(tmp_path / "in.mp4", pan("gc-cow.jpg", 10, height=96, width=128))
    for width, cells in ((None, (32, 24)), (16, (16, 12))):
        style = Style(width=width)
        made = pixelize_film(path, tmp_path / f"{width}.gif", style, generate=generating(generator, style))
        assert (made.num_frames, made.width, made.height, made.scale) == (10, *cells, 128 // cells[0])
    with pytest.raises(UserError, match="already there"):
        pixelize_film(path, tmp_path / "16.gif", Style(), generate=generating(generator, Style()))


def test_nan_of_a_generator_names_the_frame(tmp_path):
    keras = pytest.importorskip("keras")
    from pixelart_tf.generators.native import generating

    inputs = keras.Input((None, None, 3))
    style = Style(cell=8)
    generate = generating(keras.Model(inputs, keras.layers.Rescaling(float("nan"))(inputs)), style)
    path = write(tmp_path / "in.mp4", pan("gc-cow.jpg", 10))
    with pytest.raises(UserError, match=r"the frame at 0\.00 s: the generator gives NaN"):
        pixelize_film(path, tmp_path / "out.gif", style, generate=generate)
    assert [each.name for each in tmp_path.iterdir()] == ["in.mp4"]


def test_a_films_own_cells_are_found_though_it_begins_black(tmp_path):
    # A tile of 32x32 cells, repeated and enlarged by 5 as a recorded game is; it fades in and moves by whole cells.
    tile = images.read(PICTURES / "crawl-dngn-altars-dithmenos.png")[::8, ::8]
    assert tile.shape == (32, 32, 3)
    art = np.tile(tile, (2, 4, 1)).astype(float)
    shown = [np.rint(np.roll(art, nth, axis=1) * min(1, nth / 40)).astype(np.uint8) for nth in range(60)]
    path = write(tmp_path / "in.mp4", [image.repeat(5, 0).repeat(5, 1) for image in shown])
    for style in (Style(colors=32), Style(colors=32, cell="auto")):
        made = pixelize_film(path, tmp_path / "out.gif", style, overwrite=True)
        assert (made.width, made.height, made.scale) == (128, 64, 5)
    with pytest.raises(UserError, match="no cells found"):
        pixelize_film(write(tmp_path / "photo.mp4", pan("gc-cow.jpg", 30)), tmp_path / "none.gif", Style(cell="auto"))


def test_a_soft_grid_gives_a_frame_what_it_gives_a_picture(tmp_path):
    # Enlarged by 5 as screens do, smoothly: only the middles of the cells have their colors.
    tile = Image.fromarray(np.tile(images.read(PICTURES / "crawl-dngn-altars-dithmenos.png")[::8, ::8], (2, 2, 1)))
    image = np.array(tile.resize((320, 320), Image.Resampling.BICUBIC))
    (tmp_path / "in").mkdir()
    for nth in range(3):
        images.write(tmp_path / "in" / f"{nth}.png", image)
    style = Style(colors=64)
    expected = pixelize(image, style)
    assert expected.index.shape == (64, 64)
    pixelize_film(tmp_path / "in", tmp_path / "out", style, scale=1)
    for path in (tmp_path / "out").iterdir():
        drawn = images.read(path).astype(int)
        assert np.abs(drawn - expected.image()).mean() < 1   # the palette is found over three such frames
        assert np.abs(drawn - np.asarray(tile)).mean() < np.abs(
            pixelize(image, Style(colors=64, cell=5)).image().astype(int) - np.asarray(tile)).mean()


def test_one_palette_for_the_whole_film(tmp_path, capsys):
    # Two shots, of which each had a palette of its own.
    frames = [*pan("gc-bison.jpg", 15), *pan("nt-pie.png", 15)]
    path, palette = write(tmp_path / "in.mkv", frames), tmp_path / "new" / "film.hex"
    arguments = [str(path), str(tmp_path / "out.png"), "--cell", "8", "--colors", "7"]
    assert main([*arguments, "--save-palette", str(palette)]) == 0
    assert f"{palette}: 7 colors\n" in capsys.readouterr().out
    entries = set(map(tuple, palette_files.read(palette).tolist()))
    used = [np.unique(frame.image.reshape(-1, 3), axis=0) for frame in films.open_film(tmp_path / "out.png").frames()]
    assert set(map(tuple, np.concatenate(used).tolist())) == entries
    assert main([*arguments, "--overwrite", "--save-palette", str(path)]) == 2
    assert "must end in one of .gpl" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_enlarged_pixel_art_has_one_grid_and_one_palette(tmp_path, suffix):
    # Two sprites of 32x32 cells, eight frames each: to the palettes of shots they are two.
    names = ("dngn-altars-dithmenos", "dngn-altars-ashenzari")
    sprites = [images.read(PICTURES / f"crawl-{name}.png")[::8, ::8].repeat(5, 0).repeat(5, 1) for name in names]
    shown = [Image.fromarray(np.roll(each, 5 * nth, axis=1)) for each in sprites for nth in range(8)]
    shown[0].save(tmp_path / f"in{suffix}", save_all=True, append_images=shown[1:], duration=100)
    made = pixelize_film(tmp_path / f"in{suffix}", tmp_path / "out.gif", Style(colors=12))
    assert (made.width, made.height, made.scale) == (32, 32, 5)
    used = [frame.image.reshape(-1, 3) for frame in films.open_film(tmp_path / "out.gif").frames()]
    assert len(np.unique(np.concatenate(used), axis=0)) <= len(made.palette) <= 12


def test_a_film_that_is_cut_off_is_made_and_noted(tmp_path, capsys):
    whole = write(tmp_path / "whole.mkv", pan("gc-bison.jpg", 75))
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: -len(whole.read_bytes()) // 3])
    assert main([str(tmp_path / "cut.mkv"), str(tmp_path / "out.mp4"), "--cell", "8"]) == 0
    out, err = capsys.readouterr()
    number = int(out.split()[0])
    assert 30 <= number <= 65
    assert len(pictures(tmp_path / "out.mp4")) == number
    assert err.startswith(f"note: {tmp_path}/cut.mkv: cut off; ")
    assert err.count("\n") == 1


def test_a_live_recording_is_made(tmp_path, capsys):
    path = PICTURES.parent / "films" / "live.webm"
    assert main([str(path), str(tmp_path / "out.gif"), "--cell", "8"]) == 0
    assert capsys.readouterr().out.startswith("12 frames of ")


def test_mistakes_are_told_in_one_line(tmp_path, capsys):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 3), sound="aac")
    (tmp_path / "there.mp4").write_bytes(b"mine")
    for arguments, words in [
        (["none.mp4", "out.mp4"], "none.mp4: No such file"),
        (["in.mp4", "out.avi"], "must end in one of"),
        (["in.mp4", "there.mp4"], "--overwrite"),
        (["in.mp4", "out.webm", "--cell", "8"], "aac sound does not go into .webm"),
        (["in.mp4", "out.mp4", "--cell", "500"], "larger than the picture"),
        (["in.mp4", "out.mp4", "--colors", "300"], "from 1 to 256"),
        (["in.mp4", "out.mp4", "--scale", "0"], "at least 1"),
        (["in.mp4", "out.mp4", "--fps", "0"], "the frame rate must be over 0"),
        (["in.mp4", "out.mp4", "--start", "9"], "nothing is shown from 9 seconds on"),
        (["in.mp4", "out.mp4", "--generator", "none.keras"], "none.keras"),
    ]:
        names = [str(tmp_path / word) if "." in word else word for word in arguments]
        assert main(names) == 2
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == 1
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.mp4", "there.mp4"]
    assert main([str(path), str(tmp_path / "there.mp4"), "--cell", "8", "--overwrite"]) == 0
    assert len(pictures(tmp_path / "there.mp4")) == 3


@pytest.mark.skipif(os.getuid() == 0, reason="root may read and write everything")
def test_a_path_without_permission(tmp_path, capsys):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 3))
    path.chmod(0)
    assert main([str(path), str(tmp_path / "out.mp4")]) == 2
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ""])
def test_ctrl_c_leaves_nothing(tmp_path, suffix):
    path = write(tmp_path / "in.mkv", pan("gc-chicken.jpg", 60, height=240, width=240, step=1) * 12)
    before = sorted(each.name for each in tmp_path.iterdir())
    process = subprocess.Popen(
        [*COMMAND, path, tmp_path / f"out{suffix}", "--cell", "2", "--colors", "32", "--scale", "2"],
        stderr=subprocess.PIPE, text=True,
        # As in a terminal, whatever the tests were started from.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        end = time.monotonic() + 30
        part = tmp_path / f".part.out{suffix}"
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError):
                if part.is_dir() or part.stat().st_size > 1000:
                    break   # it is in the midst of writing
            time.sleep(0.02)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert err == "python -m pixelart_tf.video: interrupted\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == before


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path):
    code = (
        "import resource, sys; from pixelart_tf.video import main; main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for number in (5, 20):   # 300 and 1,200 frames
        frames = pan("gc-chicken.jpg", 60, height=240, width=240, step=1) * number
        path = write(tmp_path / f"{number}.mkv", frames)
        done = subprocess.run(
            [sys.executable, "-c", code, path, tmp_path / f"{number}.gif", "--cell", "8"],
            capture_output=True, text=True, check=True,
        )
        peaks.append(int(done.stdout.split()[-1]))
    # All the longer film's frames are 1,200 * 240 * 240 * 3 bytes = 207 MB as RGB, its cells 3.2 MB.
    assert peaks[1] - peaks[0] < 20_000   # KiB
