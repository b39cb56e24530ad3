"""A submission: the zip is whole or not there, whatever goes wrong."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from keras import layers
from making_zips import ROOT, fails, model

from pixelart_tf.base.cli import UserError
from pixelart_tf.competition import submitting
from pixelart_tf.pictures import images


def bad_inputs(tmp_path, photos):
    """Name -> what is given, and what the line must say."""
    images.write(tmp_path / "wide.png", np.zeros((256, 300, 3), np.uint8))
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes((photos / "gc-cow.jpg").read_bytes()[:4000])
    (tmp_path / "empty").mkdir()
    return {
        "wide.png": "wide.png: 300x256 pixels, not 256x256; --fit",
        "text.jpg": "text.jpg: not a picture",
        "cut.jpg": "cut.jpg: damaged picture",
        "empty": "empty: no pictures there",
        "nowhere": "nowhere: no such file or folder",
    }


def left(folder):
    return {path.name for path in folder.iterdir()}


def test_photos_that_will_not_do(generator, photos, tmp_path, capsys):
    for name, told in bad_inputs(tmp_path, photos).items():
        before = left(tmp_path)
        assert told in fails(capsys, generator, tmp_path / name, tmp_path / "x.zip", "--any-count")
        assert left(tmp_path) == before


def test_one_bad_photo_of_many_leaves_the_old_zip(generator, photos, made, tmp_path, capsys):
    before = made.read_bytes()
    (photos / "z.jpg").write_bytes((photos / "gc-cow.jpg").read_bytes()[:4000])
    line = fails(capsys, generator, photos, made, "--any-count", "--overwrite", "--batch-size", 1)
    assert f"{photos / 'z.jpg'}: damaged picture" in line
    assert made.read_bytes() == before
    assert left(tmp_path) == {"photos", "images.zip", "negative.keras"}


def test_names_that_clash(generator, photos, tmp_path, capsys):
    (photos / "sub").mkdir()
    images.write(photos / "sub" / "gc-cow.png", images.read(photos / "gc-cow.jpg"))
    line = fails(capsys, generator, photos, tmp_path / "x.zip", "--any-count")
    assert f"{photos / 'gc-cow.jpg'} and {photos / 'sub/gc-cow.png'}: both would be gc-cow.jpg" in line


@pytest.mark.parametrize(("options", "told"), [
    ((), "photos: 3 pictures, not 7,000 to 10,000"),
    (("--any-count", "--limit", 0), "`limit` must be at least 1. Received: 0"),
    (("--any-count", "--size", 0), "`size` must be at least 1. Received: 0"),
    (("--any-count", "--batch-size", 0), "`batch_size` must be at least 1. Received: 0"),
    (("--any-count", "--cell", 8, "--colors", 3), "--cell --colors: of --pixelize, which is not given"),
    (("--any-count", "--pixelize", "--cell", 7), "`cell` must divide 256"),
    (("--any-count", "--pixelize", "--width", 50), "`width` must divide 256"),
    (("--any-count", "--pixelize", "--cell", "auto"), "no cells found"),
    (("--any-count", "--pixelize", "--palette", "nope"), "nope"),
], ids=str)
def test_options_that_break_a_rule(generator, photos, tmp_path, capsys, options, told):
    assert told in fails(capsys, generator, photos, tmp_path / "x.zip", *options)
    assert left(tmp_path) == {"photos", "negative.keras"}


def test_zips_that_cannot_be_written(generator, photos, made, tmp_path, capsys):
    before = made.read_bytes()
    (tmp_path / "folder.zip").mkdir()
    for out, told in [
        (made, "images.zip: already there; --overwrite replaces it"),
        (tmp_path / "images.tar", "images.tar: must end in .zip"),
        (tmp_path / "no" / "images.zip", "no: no such folder"),
        (tmp_path / "folder.zip", "folder.zip: a folder"),
    ]:
        assert told in fails(capsys, generator, photos, out, "--any-count")
    assert "an input, which is never overwritten" in fails(capsys, generator, made, made, "--any-count", "--overwrite")
    assert made.read_bytes() == before


@pytest.mark.parametrize(("make", "told"), [
    (lambda: model(channels=1), "of 1 channels to 1, and a submission needs 3 to 3 (RGB)"),
    (lambda: model(layers.Conv2D(1, 1)), "of 3 channels to 1, and"),
    (lambda: model(layers.AveragePooling2D(2)), "makes 128x128 pictures of 256x256 ones, not 256x256"),
    (lambda: model(layers.UpSampling2D(2)), "makes 512x512 pictures of 256x256 ones"),
], ids=["grey", "to grey", "smaller", "larger"])
def test_generators_that_will_not_do(photos, tmp_path, capsys, make, told):
    make().save(tmp_path / "g.keras")
    line = fails(capsys, tmp_path / "g.keras", photos, tmp_path / "x.zip", "--any-count")
    assert f"{tmp_path / 'g.keras'}: {told}" in line
    assert left(tmp_path) == {"photos", "g.keras"}


def test_no_generator(photos, tmp_path, capsys):
    assert "none.keras: no such file" in fails(capsys, tmp_path / "none.keras", photos, tmp_path / "x.zip",
                                               "--any-count")


def test_a_disk_that_fills(generator, photos, small_disk, capsys):
    line = fails(capsys, generator, photos, small_disk / "images.zip", "--any-count")
    assert f"{small_disk / 'images.zip'}: No space left on device" in line
    assert os.listdir(small_disk) == []


def test_photos_that_go_away(photos, tmp_path):
    def progress(label):
        def tell(done, total):
            if done == total == 3:   # all have been looked at
                (photos / "gc-cow.jpg").unlink(missing_ok=True)
        return tell

    with pytest.raises(UserError, match=r"1 of 3 photos went away meanwhile"):
        submitting.submit(model(), photos, tmp_path / "x.zip", any_count=True, progress=progress)
    assert left(tmp_path) == {"photos"}


@pytest.mark.slow
def test_stopping_leaves_nothing_behind(generator, photos, tmp_path):
    for i in range(300):
        (photos / f"more{i:03}.jpg").write_bytes((photos / "gc-cow.jpg").read_bytes())
    model(*[layers.Conv2D(48, 7, padding="same") for _ in range(3)], layers.Conv2D(3, 1)).save(generator)   # slow
    command = [sys.executable, "-m", "pixelart_tf.submission", generator, photos, tmp_path / "x.zip", "--any-count"]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True,
        # As in a terminal, whatever the tests were started from.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until = time.monotonic() + 120
    while not (tmp_path / ".part.x.zip").exists() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "pixelart_tf.submission: interrupted" in err
    assert "Traceback" not in err
    assert left(tmp_path) == {"photos", "negative.keras"}


def test_a_generator_of_nan_leaves_no_zip(photos, tmp_path, capsys):
    model(layers.Rescaling(float("nan"))).save(tmp_path / "nan.keras")
    line = fails(capsys, tmp_path / "nan.keras", photos, tmp_path / "x.zip", "--any-count")
    assert line.endswith(f"{photos / 'gc-bison.jpg'}: the generator gives NaN, not a picture")
    assert left(tmp_path) == {"photos", "nan.keras"}
