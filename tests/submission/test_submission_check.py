"""A submission: a look through a zip finds each fault."""

import io
import subprocess
import sys

import numpy as np
import pytest
from keras import layers
from making_zips import ROOT, checked, fails, jpeg, model, run, zipped
from PIL import Image

from pixelart_tf import submission
from pixelart_tf.competition import zips
from pixelart_tf.pictures import images


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
