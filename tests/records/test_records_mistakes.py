"""Records: bad pictures, impossible options, and a disk or a folder that takes no shards."""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from packed_pictures import PICTURES, ROOT, fails

from pixelart_tf import records
from pixelart_tf.data import packing
from pixelart_tf.pictures import images
from pixelart_tf.pictures import shards as shard_files


@pytest.fixture
def open_dir():
    """A folder that everybody may enter, unlike `tmp_path`."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def no_privileges():
    """For the time of the test, file modes hold for this process even if it is root's."""
    import tensorflow  # noqa: F401  while its files can be read

    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


# --- what is wrong with the pictures ---


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG that says it is this large, with no pixels: what a bomb looks like before it goes off."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return head + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


BAD = {
    "zero bytes": (b"", "empty file"),
    "text": (b"not a picture, whatever its name says", "not a picture"),
    "truncated": ((PICTURES / "gc-cow.jpg").read_bytes()[:5000], "truncated"),
    "one pixel": (images.encode(np.zeros((1, 1, 3), np.uint8), "png"), "1x1 pixels, under 4x4"),
    "bomb": (png_of(30_000, 30_000), "decompression bomb"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_picture_is_named_and_nothing_is_written(case, folder, tmp_path, capsys):
    (folder / "bad.jpg").write_bytes(BAD[case][0])
    line = fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d")
    assert f"{folder / 'bad.jpg'}: " in line
    assert BAD[case][1] in line
    assert "--skip-bad packs the other 6" in line
    assert not (tmp_path / "out").exists()


def test_bad_pictures_are_named_counted_and_skipped(folder, tmp_path, capsys):
    for index, (file, _) in enumerate(BAD.values()):
        (folder / f"bad{index}.jpg").write_bytes(file)
    assert "5 of 11 pictures are bad" in fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d")
    assert records.main(["pack", str(folder), str(tmp_path / "out"), "--domain", "d", "--skip-bad"]) == 0
    output = capsys.readouterr().out
    for index, (_, reason) in enumerate(BAD.values()):
        assert any(f"skipped {folder}/bad{index}.jpg" in line and reason in line for line in output.splitlines())
    assert "6 pictures (6 jpeg) in 1 shard," in output
    assert "5 bad skipped" in output
    assert shard_files.count(tmp_path / "out") == 6


def test_nothing_but_bad_pictures_is_an_error_even_when_skipping(tmp_path, capsys):
    (tmp_path / "bad.jpg").write_bytes(b"")
    line = fails(capsys, "pack", tmp_path / "bad.jpg", tmp_path / "out", "--domain", "d", "--skip-bad")
    assert "bad.jpg: empty file" in line
    assert not (tmp_path / "out").exists()


def test_native_refuses_what_has_no_grid_or_is_too_large(tmp_path, capsys):
    line = fails(capsys, "pack", PICTURES / "gc-cow.jpg", tmp_path / "out", "--domain", "d", "--native")
    assert "gc-cow.jpg: no exact grid" in line
    antaeus = PICTURES / "crawl-mon-unique-antaeus.png"
    line = fails(capsys, "pack", antaeus, tmp_path / "out", "--domain", "d", "--native", "--size", "32")
    assert "antaeus.png: the sprite is 32x48 cells, larger than 32x32" in line


def test_one_picture_is_packed(tmp_path):
    assert records.main(["pack", str(PICTURES / "nt-cat.png"), str(tmp_path / "out"), "--domain", "d"]) == 0
    assert os.listdir(tmp_path / "out") == ["d00-1.tfrec"]


def test_no_pictures(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "no pictures there" in fails(capsys, "pack", tmp_path / "empty", tmp_path / "out", "--domain", "d")
    assert "no such file" in fails(capsys, "pack", tmp_path / "nothing", tmp_path / "out", "--domain", "d")
    assert not (tmp_path / "out").exists()


# --- what is wrong with the order ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "0"], "`size` must be from 4 to 8192. Received: 0"),
        (["--size", "-256"], "`size` must be from 4 to 8192. Received: -256"),
        (["--size", "100000000"], "`size` must be from 4 to 8192. Received: 100000000"),
        (["--quality", "101"], "`quality` must be from 1 to 100. Received: 101"),
        (["--shard-size", "0"], "`shard_size` and `workers` must be positive. Received: 0"),
        (["--workers", "0"], "`shard_size` and `workers` must be positive"),
        (["--native", "--fit", "crop"], "`fit` and `resample` have nothing to do with `native`"),
        (["--domain", "a/b"], "`domain` must be letters, digits, - or _ and not end in a digit. Received: 'a/b'"),
        (["--domain", "set1"], "`domain` must be .* Received: 'set1'"),
    ],
)
def test_impossible_options(options, message, folder, tmp_path, capsys):
    assert re.search(message, fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d", *options))
    assert not (tmp_path / "out").exists()


def test_misspelt_option_and_wrong_type_end_with_2(folder, tmp_path, capsys):
    for options in (["--sise", "256"], ["--size", "large"], ["--fit", "squash"]):
        assert options[0] in fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d", *options)


def test_shards_that_are_there_stay_unless_overwritten(shards, folder, capsys):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    line = fails(capsys, "pack", folder, shards, "--domain", "monet")
    assert "monet00-2.tfrec: shards of `monet` are here already; --overwrite replaces them" in line
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before
    records.main(["pack", str(folder), str(shards), "--domain", "photo"])   # another domain is welcome
    replace = ["--overwrite", "--shard-size", "4"]
    assert records.main(["pack", str(folder), str(shards), "--domain", "monet", *replace]) == 0
    assert sorted(os.listdir(shards)) == ["monet00-4.tfrec", "monet01-2.tfrec", "photo00-6.tfrec"]


def test_a_failed_overwrite_leaves_the_old_shards(shards, folder, capsys):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    (folder / "zzz.jpg").write_bytes(b"")
    fails(capsys, "pack", folder, shards, "--domain", "monet", "--overwrite")
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before


# --- what is wrong with the disk ---


def test_a_full_disk_leaves_nothing_half_written(small_disk, folder, capsys):
    line = fails(capsys, "pack", folder, small_disk, "--domain", "d")
    assert f"{small_disk}: No space left on device" in line
    assert os.listdir(small_disk) == []


def test_a_full_disk_shows_when_a_picture_is_written(small_disk):
    with pytest.raises(OSError, match="No space left") as error:
        images.write(small_disk / "x.png", np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    assert error.value.filename == str(small_disk / "x.png")
    assert os.listdir(small_disk) == []


def test_a_file_in_place_of_the_folder(folder, tmp_path, capsys):
    (tmp_path / "out").write_bytes(b"mine")
    assert f"{tmp_path / 'out'}: " in fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d")
    assert f"{tmp_path / 'out'}: " in fails(capsys, "pack", folder, tmp_path / "out/deeper", "--domain", "d")
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_unwritable_and_unreadable_folders(open_dir, capsys, no_privileges):
    shutil.copy(PICTURES / "nt-cat.png", open_dir / "cat.png")
    for name, mode in (("read-only", 0o555), ("closed", 0o000)):
        (open_dir / name).mkdir()
        (open_dir / name).chmod(mode)
    line = fails(capsys, "pack", open_dir / "cat.png", open_dir / "read-only", "--domain", "d")
    assert f"{open_dir / 'read-only'}" in line
    assert "Permission denied" in line
    line = fails(capsys, "pack", open_dir / "cat.png", open_dir / "closed", "--domain", "d")
    assert "Permission denied" in line
    line = fails(capsys, "pack", open_dir / "closed", open_dir / "out", "--domain", "d")
    assert f"{open_dir / 'closed'}: Permission denied" in line
    (open_dir / "cat.png").chmod(0)
    line = fails(capsys, "pack", open_dir / "cat.png", open_dir / "out", "--domain", "d")
    assert "cat.png: Permission denied" in line


def test_unreadable_shards(shards, open_dir, capsys, no_privileges):
    (open_dir / "x00-1.tfrec").write_bytes(b"x")
    (open_dir / "x00-1.tfrec").chmod(0)
    capsys.readouterr()
    assert records.main(["check", str(open_dir)]) == 2
    assert f"{open_dir / 'x00-1.tfrec'}: Permission denied" in capsys.readouterr().err
    (open_dir / "closed").mkdir(mode=0)
    assert f"{open_dir / 'closed'}: Permission denied" in fails(capsys, "check", open_dir / "closed")


def test_stopping_leaves_nothing_behind(folder, tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packing.pack(folder, tmp_path / "out", domain="d", shard_size=1, progress=stop)
    assert not (tmp_path / "out").exists()


KILLED = """
import os, signal, sys
from pixelart_tf.data import packing

replace, left = os.replace, 3

def killed(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*arguments)

os.replace = killed
packing.pack(sys.argv[1], sys.argv[2], domain="d", size=16, shard_size=1, overwrite=True)
"""


@pytest.mark.slow
def test_a_pack_that_was_killed_between_its_moves_is_whole(folder, tmp_path):
    """It left some of the new shards beside some of the old ones."""
    out = tmp_path / "out"
    packing.pack(folder, out, domain="d", size=16)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(out)], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == -9
    assert 1 < len(list(out.glob("*.tfrec"))) < 7   # half moved
    assert [shard.path.name for shard in shard_files.check_shards(out)] == [f"d{i:02}-1.tfrec" for i in range(6)]
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_what_is_being_written_by_another_process_stays(folder, tmp_path):
    (tmp_path / "out" / f".packing-x-{os.getppid()}").mkdir(parents=True)
    (tmp_path / "out" / ".packing-x-999999999").mkdir()
    packing.pack(folder, tmp_path / "out", domain="d", size=16)
    hidden = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert hidden == [f".packing-x-{os.getppid()}"]
