"""One stream of pictures from files, folders, globs, zips and shards."""

import zipfile

import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.data import packing
from pixelart_tf.pictures import images, sources


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return {f"p{i}.png": rng.integers(0, 256, (8, 6, 3), np.uint8) for i in range(3)}


def decoded(pattern):
    return {item.name: item.decode() for item in sources.read(pattern)}


def test_each_container_gives_the_same_pictures(pictures, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, image in pictures.items():
        images.write(folder / name, image)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in reversed(pictures):
            archive.write(folder / name, f"inside/{name}")
        archive.writestr("readme.txt", "not a picture")
        archive.writestr("__MACOSX/._p0.png", b"nor this")
    packing.pack(folder, tmp_path / "shards", domain="d", size=8, fit="stretch", resample="nearest", format="png")
    found = {
        "folder": decoded(folder), "glob": decoded(str(folder / "*.png")), "zip": decoded(tmp_path / "set.zip"),
        "shards": decoded(tmp_path / "shards"), "shard glob": decoded(str(tmp_path / "shards" / "d*.tfrec")),
    }
    for kind, some in found.items():
        assert [name.rsplit("/", 1)[-1].removesuffix(".png") for name in some] == ["p0", "p1", "p2"], kind
        if "shard" not in kind:   # those are stretched
            for image, wanted in zip(some.values(), pictures.values(), strict=True):
                np.testing.assert_array_equal(image, wanted)
    assert sources.count(folder) == sources.count(tmp_path / "set.zip") == 3
    assert sources.count(tmp_path / "shards") is None   # the names of shards are not to be trusted


@pytest.mark.parametrize(("name", "content", "told"), [
    ("none.zip", None, "no such file or folder"),
    ("text.zip", b"not a zip at all", "not a zip, or cut off"),
    ("empty.zip", {}, "no pictures in it"),
    ("other.zip", {"a.txt": b"x"}, "no pictures in it"),
])
def test_a_bad_zip_is_named(tmp_path, name, content, told):
    path = tmp_path / name
    if isinstance(content, dict):
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in content.items():
                archive.writestr(member, data)
    elif content:
        path.write_bytes(content)
    for call in (sources.count, lambda pattern: list(sources.read(pattern))):
        with pytest.raises(UserError, match=told) as error:
            call(path)
        assert str(path) in str(error.value)


def test_a_damaged_member_of_a_zip_is_named(tmp_path, pictures):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("p.png", images.encode(pictures["p0.png"], "png"))
    data = bytearray(path.read_bytes())
    data[60] ^= 1   # within the picture: the zip's checksum shows it
    path.write_bytes(data)
    (item,) = sources.read(path)   # the others of a set may be good
    with pytest.raises(UserError, match=r"set\.zip: p\.png: .*CRC"):
        item.decode()


def test_an_empty_path_is_not_the_current_folder():
    for call in (sources.count, lambda pattern: list(sources.read(pattern))):
        with pytest.raises(UserError, match="empty path"):
            call("")


def test_of_several_patterns_a_picture_is_taken_once(pictures, tmp_path):
    for name, image in pictures.items():
        images.write(tmp_path / name, image)
    (tmp_path / "more").mkdir()
    images.write(tmp_path / "more" / "p9.png", pictures["p0.png"])
    found = [item.name for item in sources.read([tmp_path / "p1.png", f"{tmp_path}/p*.png", str(tmp_path / "more")])]
    assert [name.rpartition("/")[2] for name in found] == ["p1.png", "p0.png", "p2.png", "p9.png"]
    with pytest.raises(UserError, match="nowhere"):
        list(sources.read([tmp_path, tmp_path / "nowhere"]))
