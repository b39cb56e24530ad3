"""Films that are cut off, damaged or none, and places that take no film."""

import sys
from pathlib import Path

import numpy as np
import pytest
from making_films import PICTURES, pan, write
from saving_films import arts, read, save

from pixelart_tf import films
from pixelart_tf.base.cli import UserError

av = pytest.importorskip("av")


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}", pan("gc-bison.jpg", 75), faststart=suffix == ".mp4")
    _, frames = read(whole)
    assert len(frames) == 75
    data = whole.read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: len(data) * 6 // 10])
    film, frames = read(tmp_path / f"cut{suffix}")
    assert 20 <= len(frames) <= 60
    if suffix != ".ts":   # which does not say how long it is
        assert any("cut off" in note or "cannot be read further" in note for note in film.notes)


def test_damaged_frames_are_left_out(tmp_path):
    whole = write(tmp_path / "whole.mkv", pan("gc-bison.jpg", 60))
    data = bytearray(whole.read_bytes())
    for place in np.random.default_rng(0).integers(3000, len(data) - 1000, 40):
        data[place] ^= 255
    (tmp_path / "bad.mkv").write_bytes(data)
    film, frames = read(tmp_path / "bad.mkv")
    assert 20 < len(frames) < 60
    assert f"{tmp_path}/bad.mkv: damaged frames left out: {60 - len(frames)}" in film.notes
    assert sorted({frame.time for frame in frames}) == [frame.time for frame in frames]


def test_an_animation_that_is_cut_off(tmp_path):
    save(tmp_path / "film.gif", list(arts(20)))
    data = (tmp_path / "film.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) // 2])
    film, frames = read(tmp_path / "cut.gif")
    assert 5 <= len(frames) <= 12
    assert film.notes == [f"{tmp_path}/cut.gif: cut off; {len(frames)} frames could be read"]


def test_what_is_no_film(tmp_path):
    (tmp_path / "text.mp4").write_text("no film at all " * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "half.mp4").write_bytes(write(tmp_path / "whole.mp4", pan("nt-owl.png", 9)).read_bytes()[:2000])
    (tmp_path / "bad.gif").write_bytes(b"GIF89a")
    (tmp_path / "folder").mkdir()
    with av.open(str(tmp_path / "tone.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for name, words in [
        ("text.mp4", "not a film"), ("empty.mp4", "empty file"), ("half.mp4", "not a film, damaged, or cut off"),
        ("bad.gif", "not an animation"), ("folder", "no pictures there"), ("tone.m4a", "has no pictures"),
    ]:
        with pytest.raises(UserError, match=f"{name}: .*{words}") as info:
            read(tmp_path / name)
        assert "\n" not in str(info.value)
    for name in ("nt-owl.png", "gc-cow.jpg"):
        with pytest.raises(UserError, match="a picture, not a film"):
            read(PICTURES / name)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.mp4")


def test_codecs_that_nobody_knows(tmp_path):
    data = write(tmp_path / "in.mp4", pan("nt-owl.png", 9), sound="aac").read_bytes()
    (tmp_path / "pictures.mp4").write_bytes(data.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    with pytest.raises(UserError, match=r"pictures\.mp4: its pictures are of a codec that this PyAV does not know"):
        read(tmp_path / "pictures.mp4")
    (tmp_path / "sound.mp4").write_bytes(data.replace(b"mp4a", b"zz4a").replace(b"esds", b"zsds"))
    film, frames = read(tmp_path / "sound.mp4")
    assert (film.sound, len(frames)) == (["unknown"], 9)
    with pytest.raises(UserError, match=r"out\.mp4: unknown sound does not go into \.mp4 as it is.*--no-sound"):
        save(tmp_path / "out.mp4", arts(9), film=film)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc, where not even root may write")
@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif", "out.png", "out"])
def test_a_place_that_takes_no_file(name):
    with pytest.raises(OSError, match=f"/proc/{name}") as info:
        save(Path("/proc") / name, arts(3))
    assert info.value.filename == f"/proc/{name}"


def test_a_film_without_frames(tmp_path):
    with av.open(str(tmp_path / "none.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        container.start_encoding()
    with pytest.raises(UserError, match=r"none\.mkv: (a film without frames|not a film|has no pictures)"):
        read(tmp_path / "none.mkv")


def test_outputs_are_checked_first(tmp_path):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 2))
    film = films.open_film(path)
    (tmp_path / "there.gif").write_bytes(b"")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "000001.png").write_bytes(b"")
    for name, overwrite, words in [
        ("out.avi", False, "must end in one of .mkv .mov .mp4 .webm .apng .gif .png .webp"),
        ("in.mp4", True, "an input, which is never overwritten"),
        ("there.gif", False, "--overwrite"), ("old", False, "--overwrite"), ("mine", True, "more than numbered frames"),
    ]:
        with pytest.raises(UserError, match=words):
            films.target(tmp_path / name, film, overwrite=overwrite)
    save(films.target(tmp_path / "old", film, overwrite=True), list(arts(3)))
    assert len(list((tmp_path / "old").iterdir())) == 3
    with pytest.raises(UserError, match=r"the scale must be even for \.mp4.*take 4, or --lossless\. Received: 3"):
        save(tmp_path / "out.mp4", arts(1), scale=3)
    with pytest.raises(UserError, match="more than 16384"):
        save(tmp_path / "out.mp4", arts(1), scale=4000)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".png", ""])
def test_nothing_is_left_of_a_film_that_fails(tmp_path, suffix):
    def failing():
        yield from arts(5)
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        save(tmp_path / f"out{suffix}", failing())
    assert list(tmp_path.iterdir()) == []
