"""Records: what a look through shards tells, of damaged ones and of those of the repository."""

import re
import struct
import subprocess
import sys

import numpy as np
import pytest
from packed_pictures import ROOT, fails

from pixelart_tf import records
from pixelart_tf.pictures import images
from pixelart_tf.pictures import shards as shard_files

# --- check ---


def test_check_prints_a_table(shards, capsys):
    assert records.main(["check", str(shards)]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table[0] == ["shard", "by", "name", "records", "sizes", "formats", "bad"]
    assert table[1] == ["monet00-2.tfrec", "2", "2", "256x256", "(2)", "jpeg", "(2)", "0"]
    assert table[-1] == ["3", "shards", "6", "6", "0"]


def test_check_finds_every_flipped_byte(shards, capsys):
    path = shards / "monet00-2.tfrec"
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 12).astype(int):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        line = fails(capsys, "check", path)
        assert f"{path}: damaged after " in line
        with pytest.raises(shard_files.RecordError, match=r"monet00-2\.tfrec: damaged"):
            list(shard_files.read(shards))


def test_check_finds_every_cut(shards, capsys):
    path = shards / "monet00-2.tfrec"
    whole = path.read_bytes()
    first = 16 + struct.unpack("<Q", whole[:8])[0]   # length, its checksum, data, checksum of the data
    for length in (0, 1, 8, 100, first - 1, first + 5, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert f"{path}: {'damaged after' if length else 'empty file'}" in fails(capsys, "check", path)
    path.write_bytes(whole[:first])   # between two records, where no checksum can tell
    assert f"{path}: 2 records by its name, 1 in the file" in fails(capsys, "check", path)


def serialized(**features) -> bytes:
    import tensorflow as tf

    lists = {
        key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        if isinstance(value, int)
        else tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (lambda: serialized(picture=b"x", label=3), "not of our schema: .*, found label, picture"),
        (lambda: serialized(image_name=b"x", image=7, target=b"x"), "not of our schema"),
        (lambda: serialized(), "found nothing"),
        (lambda: b"\xff\xff\xff", "record 0 is not a tf.train.Example"),
        (lambda: serialized(image_name=b"x", image=b"no picture", target=b"x"), "x: not a picture"),
        (
            lambda: serialized(image_name=b"x", image=images.encode(np.zeros((8, 8, 3), "u1"), "gif"), target=b"x"),
            "x: gif, neither JPEG nor PNG",
        ),
    ],
)
def test_records_of_another_schema(record, message, tmp_path, capsys):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(tmp_path / "x00-1.tfrec")) as writer:
        writer.write(record())
    line = fails(capsys, "check", tmp_path)
    assert re.search(message, line)
    assert f"{tmp_path / 'x00-1.tfrec'}: " in line


def test_check_goes_on_after_a_bad_shard(shards, capsys):
    (shards / "monet01-2.tfrec").write_bytes(b"no records, only text")
    assert "monet01-2.tfrec: damaged after 0 good records" in fails(capsys, "check", shards)
    assert len(list(shard_files.check_shards(shards))) == 3


def test_no_shards(tmp_path, capsys):
    assert f"{tmp_path}: no shards (*.tfrec) there" in fails(capsys, "check", tmp_path)
    assert "no shards" in fails(capsys, "check", tmp_path / "nothing*.tfrec")


# --- as a command ---


@pytest.mark.slow
def test_the_command_prints_its_line_and_nothing_else(shards):
    # TensorFlow itself would say a word on stderr about the machine and about the damage.
    path = shards / "monet02-2.tfrec"
    path.write_bytes(path.read_bytes()[:-1])
    command = [sys.executable, "-m", "pixelart_tf.records", "check", shards]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == f"python -m pixelart_tf.records: {path}: damaged after 1 good records (cut off)\n"


def test_the_bundled_shards_are_well_and_small():
    found = list(shard_files.check_shards(ROOT / "tfrecords"))
    assert [fault for shard in found for fault in shard.faults] == []
    assert sum(path.stat().st_size for path in (ROOT / "tfrecords").iterdir()) < 10_000_000
    numbers = {shard.path.name: shard.count for shard in found}
    assert sum(numbers.values()) == 3624
    for shard in found:
        size = "32x32" if re.search("sprite|tile|terrain", shard.path.name) else "256x256"
        assert list(shard.sizes) == [size]
    held_out = {name for name, _ in shard_files.read(ROOT / "tfrecords/heldout_*.tfrec")}
    for pattern in ("cartoon*.tfrec", "sprite*.tfrec", "photo*.tfrec"):
        assert not held_out & {name for name, _ in shard_files.read(ROOT / "tfrecords" / pattern)}


@pytest.mark.parametrize("length", [2**40, 2**63 - 1, 2**64 - 1, 113])
def test_a_length_that_no_file_has_is_not_believed(tmp_path, length):
    """In a process of its own, as TensorFlow died of it: 112 bytes that tell of a record of 2 ** 40."""
    path = tmp_path / "photo00-1.tfrec"
    content = (ROOT / "tests/data/shard_len_2e40.tfrec").read_bytes()
    if length != 2**40:   # the checksum of the length is wrong then
        content = struct.pack("<Q", length) + content[8:]
    path.write_bytes(content)
    command = [sys.executable, "-m", "pixelart_tf.records", "check", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{path}: damaged after 0 good records (cut off)" in done.stderr
    with pytest.raises(shard_files.RecordError, match="damaged after 0 good records"):
        list(shard_files.read(path))


def test_held_out_tiles_are_no_recolorings_of_those_that_are_trained_on():
    """Many tiles are one drawing in several colors; such ones have the same pixels that are not white."""
    shapes = {
        domain: {
            (images.read(encoded) != 255).any(axis=-1).tobytes()
            for _, encoded in shard_files.read(ROOT / "tfrecords" / f"{domain}*.tfrec")
        }
        for domain in ("tile", "heldout_tile")
    }
    assert len(shapes["heldout_tile"]) > 90
    assert not shapes["tile"] & shapes["heldout_tile"]
