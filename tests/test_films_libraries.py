"""Films where PyAV is not there: by imageio-ffmpeg, and what is said where neither is."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from making_films import packets, pan, pictures, write

pytest.importorskip("av")
WITHOUT_PYAV = "import sys; sys.modules['av'] = None; from pixelart_tf.video import main; sys.exit(main(sys.argv[1:]))"


def run_without_pyav(*arguments):
    command = [sys.executable, "-c", WITHOUT_PYAV, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_imageio_ffmpeg_stands_in(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    rate = Fraction(30000, 1001)
    frames = pan("gc-cow.jpg", 30)
    path = write(tmp_path / "in.mp4", frames, rate=rate, time_base=1 / rate, rotation=90, sound="aac")
    done = run_without_pyav(path, tmp_path / "out.mp4", "--cell", 8, "--lossless")
    assert (done.returncode, done.stderr) == (0, "")
    found = pictures(tmp_path / "out.mp4")
    assert [time for time, _ in found] == [nth / rate for nth in range(30)]
    assert packets(tmp_path / "out.mp4", "audio") == packets(path, "audio")
    assert found[0][1].shape == (128, 96, 3)
    for image, (_, drawn) in zip(frames, found, strict=True):
        assert (drawn == drawn[::8, ::8].repeat(8, 0).repeat(8, 1)).all()
        assert len(np.unique(drawn.reshape(-1, 3), axis=0)) <= 16
        assert np.abs(np.rot90(image).astype(int) - drawn).mean() < 25
    # WebM does not take AAC, which ffmpeg says and we hand on in one line.
    done = run_without_pyav(path, tmp_path / "out.webm", "--cell", 8)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--no-sound" in done.stderr
    # What is cut off is made as far as it goes, which a note tells.
    whole = write(tmp_path / "whole.mp4", pan("gc-cow.jpg", 75), sound="aac", faststart=True).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    done = run_without_pyav(tmp_path / "cut.mp4", tmp_path / "cut.gif", "--cell", 8)
    assert done.returncode == 0
    assert "cut.mp4: cut off, or its sound is longer; " in done.stderr
    (tmp_path / "text.mp4").write_text("no film at all " * 100)
    done = run_without_pyav(tmp_path / "text.mp4", tmp_path / "out.gif")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "text.mp4: not a film" in done.stderr


def test_without_either_library_it_says_what_to_install(tmp_path):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 2))
    code = WITHOUT_PYAV.replace("= None", "= sys.modules['imageio_ffmpeg'] = None")
    done = subprocess.run([sys.executable, "-c", code, path, tmp_path / "out.gif"], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert 'pip install "pixelart-tf[video]"' in done.stderr
