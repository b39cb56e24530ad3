"""`python -m pixelart_tf.pixelize`: folders, zips, standard input and what moves; and mistakes in one line."""

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pixelizing import COW, PICTURES, run

from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Style, pixelize


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
