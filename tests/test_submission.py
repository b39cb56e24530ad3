"""A submission: what is in the zip, that it is whole or not there, and that a look through it finds each fault."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from pixelart_tf import submission
from pixelart_tf.base.cli import UserError
from pixelart_tf.competition import submitting, zips
from pixelart_tf.data import packing
from pixelart_tf.pictures import images

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "tests" / "data" / "pictures"
NAMES = ["gc-bison", "gc-chicken", "gc-cow"]


def model(*after, size=None, channels=3):
    inputs = keras.Input((size, size, channels))
    x = layers.Rescaling(-1.0)(inputs)   # a negative
    for layer in after:
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.fixture
def generator(tmp_path):
    """Makes the negative of a picture."""
    path = tmp_path / "negative.keras"
    model().save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    """Three real photographs of 256x256."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        images.write(folder / f"{name}.jpg", images.fit(images.read(PICTURES / f"{name}.jpg"), 256))
    return folder


@pytest.fixture
def made(generator, photos, tmp_path):
    """A zip without a fault but for the number of its pictures."""
    return run(generator, photos, tmp_path / "images.zip")


def run(generator, photos, out, *options):
    assert submission.main([str(generator), str(photos), str(out), "--any-count", *map(str, options)]) == 0
    return out


def fails(capsys, *argv):
    """The one line that the command prints when it ends with 2."""
    capsys.readouterr()
    assert submission.main([str(argument) for argument in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("python -m pixelart_tf.submission: ")
    return err.strip()


def checked(capsys, path, *options):
    """Exit status, the table and the faults of `check`."""
    capsys.readouterr()
    status = submission.main(["check", str(path), *options])
    out, err = capsys.readouterr()
    table = {line[:14].strip(): line[14:] for line in out.splitlines()}
    return status, table, err.splitlines()


def members(path):
    with zipfile.ZipFile(path) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in contents.items() if isinstance(contents, dict) else contents:
            file.writestr(name, content)
    return path


def jpeg(seed=0, size=256):
    """A smooth picture of random colors, unlike those of other seeds."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return images.encode(np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)), "jpeg")


# --- what is in the zip ---


def test_the_pictures_are_the_generators(made, photos):
    found = members(made)
    assert list(found) == [f"{name}.jpg" for name in NAMES]
    for name, encoded in found.items():
        wanted = 255 - images.read(photos / name)
        with Image.open(io.BytesIO(encoded)) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (256, 256))
            reference = io.BytesIO()
            Image.fromarray(wanted).save(reference, "JPEG", quality=95)
            assert image.quantization == Image.open(reference).quantization
        assert np.abs(images.read(encoded).astype(int) - wanted).mean() < 2   # what quality 95 loses


def test_the_bytes_are_always_the_same(generator, photos, made, tmp_path):
    for options in [(), ("--batch-size", 2), ("--batch-size", 1)]:
        again = run(generator, photos, tmp_path / "again.zip", *options, "--overwrite")
        assert again.read_bytes() == made.read_bytes()
    with zipfile.ZipFile(made) as file:
        for info in file.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.compress_type, info.create_system, info.external_attr) == (zipfile.ZIP_STORED, 3, 0o644 << 16)


def test_each_source_of_photos_gives_the_same_zip(generator, photos, made, tmp_path):
    zipped(tmp_path / "photos.zip", {f"deep/{path.name}": path.read_bytes() for path in photos.iterdir()})
    for pattern in (photos / "*.jpg", tmp_path / "photos.zip"):
        assert run(generator, pattern, tmp_path / "again.zip", "--overwrite").read_bytes() == made.read_bytes()
    packing.pack(photos, tmp_path / "shards", domain="photo", shard_size=2, format="png")   # PNG: nothing is lost twice
    assert run(generator, tmp_path / "shards", tmp_path / "s.zip").read_bytes() == made.read_bytes()


def test_names_lose_folders_and_suffix_only(generator, photos, tmp_path):
    (photos / "sub").mkdir()
    (photos / "gc-cow.jpg").rename(photos / "sub" / "a.b.JPG")
    assert list(members(run(generator, photos, tmp_path / "x.zip"))) == ["gc-bison.jpg", "gc-chicken.jpg", "a.b.jpg"]


def test_the_first_photos_are_taken(generator, photos, tmp_path):
    found = members(run(generator, photos, tmp_path / "x.zip", "--limit", 2))
    assert list(found) == ["gc-bison.jpg", "gc-chicken.jpg"]


def test_other_sizes_are_cut_and_resampled_if_asked(generator, photos, tmp_path):
    wide = np.zeros((128, 300, 3), np.uint8)
    wide[:, 86:214] = 255   # the middle square
    images.write(photos / "a.png", wide)
    found = members(run(generator, photos, tmp_path / "x.zip", "--fit"))
    assert images.read(found["a.jpg"]).shape == (256, 256, 3)
    assert images.read(found["a.jpg"]).max() <= 3


def test_pixel_art(generator, photos, tmp_path):
    found = members(run(generator, photos, tmp_path / "x.zip", "--pixelize", "--cell", 16, "--palette", "pico-8"))
    image = images.read(found["gc-cow.jpg"]).reshape(16, 16, 16, 16, 3)
    # A JPEG keeps a cell of whole blocks of one color, as its other coefficients are 0.
    assert (image == image[:, :1, :, :1]).all()
    assert len(np.unique(image[:, 0, :, 0].reshape(-1, 3), axis=0)) <= 16


def test_pixel_art_keeps_the_cells_of_the_generator(photos, tmp_path):
    model(layers.AveragePooling2D(8), layers.UpSampling2D(8)).save(tmp_path / "cells.keras")
    found = members(run(tmp_path / "cells.keras", photos, tmp_path / "x.zip", "--pixelize", "--colors", 4))
    image = images.read(found["gc-bison.jpg"]).reshape(32, 8, 32, 8, 3)
    assert (image == image[:, :1, :, :1]).all()
    assert 2 <= len(np.unique(image[:, 0, :, 0].reshape(-1, 3), axis=0)) <= 4


# --- what is not written ---


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


# --- the look through a zip ---


def test_its_own_zip_is_well(made, capsys):
    status, table, faults = checked(capsys, made, "--any-count")
    assert (status, faults) == (0, [])
    assert table["pictures"].startswith("3 (")
    assert (table["sizes"], table["modes"], table["formats"]) == ("256x256 (3)", "RGB (3)", "JPEG (3)")
    for name in ("in folders", "other files", "damaged", "exact copies", "near copies", "faults"):
        assert table[name] == "0"
    assert table["of one color"] == "0 (0 black)"
    status, _, faults = checked(capsys, made)
    assert status == 2
    assert faults[0].endswith("images.zip: 3 pictures, not 7,000 to 10,000 (--any-count takes any number)")


def damaged(path):
    """A member's bytes do not fit its checksum."""
    zipped(path, {"good.jpg": jpeg(1), "bad.jpg": jpeg(2)})
    data = bytearray(path.read_bytes())
    data[data.index(b"bad.jpg") + 2000] ^= 1
    path.write_bytes(data)


def encrypted(path):
    zipped(path, {"good.jpg": jpeg(1), "bad.jpg": jpeg(2)})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.rindex(signature) + offset] |= 1
    path.write_bytes(data)


def png(image):
    return images.encode(image, "png")


def pillow(mode, format="JPEG"):
    file = io.BytesIO()
    Image.open(io.BytesIO(jpeg(2))).convert(mode).save(file, format)
    return file.getvalue()


@pytest.mark.parametrize(("contents", "told"), [
    ({"bad.jpg": jpeg(2, size=128)}, "bad.jpg: 128x128 pixels, not 256x256"),
    ({"bad.jpg": pillow("L")}, "bad.jpg: of the mode L, not RGB"),
    ({"bad.jpg": pillow("CMYK")}, "bad.jpg: of the mode CMYK, not RGB"),
    ({"bad.jpg": pillow("RGB", "PNG")}, "bad.jpg: PNG, not JPEG"),
    ({"bad.png": jpeg(2)}, "bad.png: a JPEG, and not named as one"),
    ({"bad.jpg": jpeg(2)[:3000]}, "bad.jpg: damaged picture"),
    ({"bad.jpg": b"text"}, "bad.jpg: not a picture"),
    ({"bad.jpg": b""}, "bad.jpg: empty file"),
    (damaged, "bad.jpg: damaged (Bad CRC-32 for file 'bad.jpg')"),
    (encrypted, "bad.jpg: encrypted"),
    ({"sub/bad.jpg": jpeg(2)}, "sub/bad.jpg: in a folder, and pictures must lie at the top"),
    ({"sub\\bad.jpg": jpeg(2)}, "sub\\bad.jpg: in a folder"),
    ({"sub/": b""}, "sub/: a folder"),
    ({"readme.txt": b"text"}, "readme.txt: a hidden file, or no picture"),
    ({".DS_Store": b"x"}, ".DS_Store: a hidden file"),
    ({"__MACOSX/._good.jpg": b"x"}, "__MACOSX/._good.jpg: a hidden file"),
    ({"a\nb.jpg": b"text"}, r"'a\nb.jpg': not a picture"),
    ({"bad.jpg": images.encode(np.zeros((256, 256, 3), np.uint8), "jpeg")}, "bad.jpg: black all over"),
    ({"bad.jpg": images.encode(np.full((256, 256, 3), 200, np.uint8), "jpeg")}, "bad.jpg: of one color"),
    ([("bad.jpg", jpeg(2)), ("bad.jpg", jpeg(3))], "bad.jpg: 2 files of this name"),
    ({"bad.jpg": jpeg(1)}, "good.jpg: 1 more are the same, 1 copies in all: over 1% of 2 pictures"),
], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_each_fault_is_told(tmp_path, capsys, contents, told):
    path = tmp_path / "x.zip"
    if callable(contents):
        contents(path)
    else:
        zipped(path, [("good.jpg", jpeg(1)), *(contents.items() if isinstance(contents, dict) else contents)])
    status, table, faults = checked(capsys, path, "--any-count")
    assert status == 2
    assert len(faults) == 1
    assert f"{path}: {told}" in faults[0]
    assert table["faults"] == "1"


def test_few_copies_and_near_copies_are_no_fault(tmp_path, capsys):
    contents = {f"{i}.jpg": jpeg(i, size=64) for i in range(200)}
    near = images.read(contents["7.jpg"]) // 2 * 2
    contents |= {"copy.jpg": contents["3.jpg"], "near.jpg": images.encode(near, "jpeg")}
    path = zipped(tmp_path / "x.zip", contents)
    status, table, _ = checked(capsys, path, "--any-count", "--size", "64")
    assert status == 0
    assert table["exact copies"] == "1 in 1 groups: 3.jpg, copy.jpg"
    assert table["near copies"] == "1 in 1 groups: 7.jpg, near.jpg"


def test_what_is_no_zip(tmp_path, made, capsys):
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "cut.zip").write_bytes(made.read_bytes()[:-30])
    assert "text.zip: not a zip, or cut off" in fails(capsys, "check", tmp_path / "text.zip")
    assert "cut.zip: not a zip, or cut off" in fails(capsys, "check", tmp_path / "cut.zip")
    assert "none.zip: No such file" in fails(capsys, "check", tmp_path / "none.zip")
    assert "`size`" in fails(capsys, "check", made, "--size", "0")
    status, _, faults = checked(capsys, zipped(tmp_path / "empty.zip", {}), "--any-count")
    assert status == 2
    assert faults[0].endswith("empty.zip: no pictures")


def test_a_generator_of_nan_leaves_no_zip(photos, tmp_path, capsys):
    model(layers.Rescaling(float("nan"))).save(tmp_path / "nan.keras")
    line = fails(capsys, tmp_path / "nan.keras", photos, tmp_path / "x.zip", "--any-count")
    assert line.endswith(f"{photos / 'gc-bison.jpg'}: the generator gives NaN, not a picture")
    assert left(tmp_path) == {"photos", "nan.keras"}


def test_pictures_of_one_color_are_told(photos, tmp_path, capsys):
    model(layers.Rescaling(0.0, offset=-1.0)).save(tmp_path / "black.keras")
    path = run(tmp_path / "black.keras", photos, tmp_path / "x.zip")
    assert "3 of 3 pictures are of one color" in capsys.readouterr().err
    status, table, faults = checked(capsys, path, "--any-count")
    assert status == 2
    assert table["of one color"] == "3 (3 black)"
    assert table["faults"] == "4 of 2 kinds"   # each picture, and that they are the same
    assert len(faults) == 2
    assert faults[0].endswith("gc-bison.jpg: black all over (and 2 more like it: gc-chicken.jpg, gc-cow.jpg)")


def test_a_kind_of_fault_is_one_line(tmp_path, capsys):
    path = zipped(tmp_path / "x.zip", {f"{i:02}.jpg": jpeg(i, size=64 + i) for i in range(50)})
    status, table, faults = checked(capsys, path, "--any-count")
    assert (status, table["faults"]) == (2, "50")
    assert [line.split("x.zip: ")[1] for line in faults] == [
        "00.jpg: 64x64 pixels, not 256x256 (and 49 more like it: 01.jpg, 02.jpg, ...)"
    ]


def test_many_near_copies_are_warned_of(tmp_path, capsys):
    picture, random = images.read(jpeg(1)), np.random.default_rng(0)
    contents = {f"{i}.jpg": jpeg(i) for i in range(10)}
    for i in range(10, 14):   # a generator that has collapsed, with some noise
        noisy = np.clip(picture + random.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
        contents[f"{i}.jpg"] = images.encode(noisy, "jpeg")
    status, _, lines = checked(capsys, zipped(tmp_path / "x.zip", contents), "--any-count")
    assert status == 0
    assert len(lines) == 1
    assert "warning: " in lines[0]
    assert lines[0].endswith(
        "4 of 14 pictures are near copies of others, possibly a mode collapse; look at 1.jpg, 10.jpg, 11.jpg, ..."
    )


def test_a_check_does_not_wait_for_tensorflow():
    code = "import sys, pixelart_tf.submission; print({'tensorflow', 'keras'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip() == "set()"


@pytest.mark.slow
def test_as_many_pictures_as_the_competition_takes(tmp_path, capsys):
    generator, photos = tmp_path / "g.keras", tmp_path / "photos.zip"
    model().save(generator)
    zipped(photos, {f"{i:05}.jpg": jpeg(i, size=32) for i in range(10_001)})
    out = tmp_path / "images.zip"
    argv = [str(generator), str(photos), str(out), "--size", "32", "--batch-size", "64"]
    assert submission.main(argv) == 0   # the first 10,000
    status, table, faults = checked(capsys, out, "--size", "32")
    assert (status, faults) == (0, [])
    assert table["sizes"] == "32x32 (10,000)"
    assert "10,001 pictures, not 7,000 to 10,000" in fails(capsys, *argv, "--overwrite", "--limit", 10_001)
    assert zips.LEAST == 7_000
