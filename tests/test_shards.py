"""TFRecord files as others write them: any name, compressed, with few features, damaged, and thousands of them."""

import gzip
import os
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest

from pixelart_tf import records
from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import crc32c, images, shards, sources

PICTURES = [images.encode(np.full((8, 8, 3), 20 * i, np.uint8), "png") for i in range(4)]
NAMES = ("x.tfrec", "x.TFREC", "x.tfrecord", "x.TFRecords", "x.tfrecord-00000-of-00001", "x.tfrec.gz", "x.data", "x")


def framed(record: bytes, *, length: int | None = None) -> bytes:
    """A record as it is in a file; its checksums are right whatever length is told."""
    told = (len(record) if length is None else length).to_bytes(8, "little")
    return told + crc32c.masked(told).to_bytes(4, "little") + record + crc32c.masked(record).to_bytes(4, "little")


def write(path, compression="", pictures=PICTURES, **features) -> None:
    """A shard by TensorFlow; each of the other features is a function of the picture's number."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=compression)) as writer:
        for index, encoded in enumerate(pictures):
            values = {key: value(index) for key, value in features.items()} | {"image": encoded}
            feature = {
                key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value])) if isinstance(value, int)
                else tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def data_of(pattern) -> list[bytes]:
    return [item.data for item in sources.read(pattern)]


@pytest.mark.parametrize(("data", "wanted"), [   # RFC 3720, B.4, and the usual check value
    (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E),
])
def test_the_checksum_is_crc_32c(data, wanted):
    assert crc32c.checksum(data) == wanted


@pytest.mark.parametrize("length", [0, 1, 15, 16, 511, 512, 513, 515, 131_072, 131_073, 300_000])
def test_the_checksum_of_many_bytes_is_the_one_byte_by_byte(length):
    data, state = np.random.default_rng(0).bytes(length), 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    assert crc32c.checksum(data) == state ^ 0xFFFFFFFF


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
@pytest.mark.parametrize("name", NAMES)
def test_a_shard_is_one_by_its_content(tmp_path, name, compression, capsys):
    write(tmp_path / name, compression, image_name=lambda i: b"picture%d" % i)
    for pattern in (tmp_path, tmp_path / name, tmp_path / "x*"):
        assert data_of(pattern) == PICTURES
        assert records.main(["check", str(pattern)]) == 0
    assert [item.name for item in sources.read(tmp_path)] == [f"picture{i}" for i in range(4)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["x.tfrec", "x.TFRecord", "x.tfrecords"])
@pytest.mark.parametrize(
    "content", [b"text, no record", PICTURES[0], b"PK\5\6" + bytes(18), gzip.compress(b"no")],
    ids=["text", "picture", "zip", "gzip"],   # of its own accord a gzip's would tell the second
)
def test_what_is_only_called_a_shard_is_told_in_one_line(tmp_path, name, content, capsys):
    (tmp_path / name).write_bytes(content)
    for pattern in (tmp_path, tmp_path / name, tmp_path / "x.*"):
        assert records.main(["check", str(pattern)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{tmp_path / name}: damaged after 0 good records" in line
        with pytest.raises(UserError, match=name):
            data_of(pattern)


def test_only_the_image_is_needed(tmp_path):
    write(tmp_path / "a.tfrec")
    write(tmp_path / "b.tfrecord", image_name=lambda i: 7, target=lambda i: 3, label=lambda i: b"x")
    found = [*sources.read(tmp_path)]
    assert [item.data for item in found] == PICTURES * 2
    assert [item.name for item in found] == [f"{name}_{i}" for name in "ab" for i in range(4)]


@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
def test_every_cut_and_every_flip_of_a_compressed_shard_is_found(tmp_path, compression):
    path = tmp_path / "x.tfrec"
    write(path, compression)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place])
        with pytest.raises(shards.RecordError, match=r"x\.tfrec: (damaged after \d good records|empty file)"):
            data_of(path)
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        path.write_bytes(flipped)
        (shard,) = shards.check_shards(path)   # much of GZIP's header does not matter, such as its time
        assert data_of(path) == PICTURES if not shard.faults else "x.tfrec: damaged after " in shard.faults[0]


def test_gzip_streams_that_follow_each_other_are_one_file(tmp_path):
    write(tmp_path / "a", pictures=PICTURES[:2])
    write(tmp_path / "b", pictures=PICTURES[2:])
    (tmp_path / "c").write_bytes(b"".join(gzip.compress((tmp_path / name).read_bytes()) for name in "ab"))
    assert data_of(tmp_path / "c") == PICTURES


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
@pytest.mark.parametrize(("length", "told"), [
    (2**62, "damaged after 1 good records (cut off)"), (2**64 - 1, "damaged after 1 good records (cut off)"),
    (None, "refused as a bomb"),
])
def test_lengths_and_bombs_in_a_compressed_shard_are_bounded(tmp_path, pack, length, told):
    """In a process of its own that may take 1 GB: a length that nothing holds, and 100 MB of zeros in 100 kB."""
    write(tmp_path / "good", pictures=PICTURES[:1])
    bad = framed(b"\0" * 1000, length=length) if length else framed(b"\0" * 100_000_000)
    (tmp_path / "x.tfrec").write_bytes(pack((tmp_path / "good").read_bytes() + bad))
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); sys.argv[0] = 'records'\n"
        "from pixelart_tf import records; sys.exit(records.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "check", tmp_path / "x.tfrec"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{tmp_path / 'x.tfrec'}: " in line
    assert told in line


def test_two_thousand_shards_of_one_record_are_read_and_checked(tmp_path, capsys):
    write(tmp_path / "one")
    content = (tmp_path / "one").read_bytes()
    content = content[: 16 + int.from_bytes(content[:8], "little")]
    (tmp_path / "many").mkdir()
    for index in range(2000):
        (tmp_path / "many" / f"photo{index:04}-1.tfrec").write_bytes(content)
    assert len(data_of(tmp_path / "many")) == 2000
    assert records.main(["check", str(tmp_path / "many")]) == 0
    assert "2,000 shards" in capsys.readouterr().out


def test_shards_and_zips_are_packed_anew(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.tfrecord", "GZIP", image_name=lambda i: b"picture%d" % i)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for index, encoded in enumerate(PICTURES):
            archive.writestr(f"inside/picture{index}.png", encoded)
    pack = ["pack", "--domain", "d", "--size", "16", "--format", "png"]
    for pattern, out in (("in", "a"), ("in.zip", "b")):
        assert records.main([*pack, str(tmp_path / pattern), str(tmp_path / out)]) == 0
        found = [*sources.read(tmp_path / out)]
        assert [item.name for item in found] == [f"picture{i}" for i in range(4)]
        assert [item.decode()[0, 0, 0] for item in found] == [0, 20, 40, 60]
        assert {item.decode().shape for item in found} == {(16, 16, 3)}
    capsys.readouterr()
    assert records.main([*pack, str(tmp_path / "a"), str(tmp_path / "a"), "--overwrite"]) == 2
    assert "d00-4.tfrec: an input, which is never overwritten" in capsys.readouterr().err
    (tmp_path / "a" / "other.png").write_bytes(PICTURES[0])   # a folder of pictures may hold their shards too
    assert records.main([*pack, str(tmp_path / "a"), str(tmp_path / "a"), "--overwrite"]) == 0
    assert [item.name for item in sources.read(tmp_path / "a")] == ["other"]
