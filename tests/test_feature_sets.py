"""Sets of pictures as features: streaming, the cache and the files, with a network that is a sum one can do by hand."""

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.evaluation import feature_sets
from pixelart_tf.evaluation.evaluate import score_features
from pixelart_tf.evaluation.extractor import Extractor
from pixelart_tf.evaluation.feature_sets import FeatureSet, Origin, read_npz, write_npz
from pixelart_tf.features import FeatureNetwork
from pixelart_tf.pictures import images
from pixelart_tf.scores import Reference, bootstrap, neighbourhoods, score


class Means:
    """The mean color of each picture; keeps the sizes of the batches."""

    def __init__(self):
        self.batches = []

    def __call__(self, batch):
        assert batch.dtype == np.float32
        self.batches.append(len(batch))
        return batch.mean(axis=(1, 2))


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PIXELART_TF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def folder(tmp_path):
    """11 pictures, each of one color: picture i is (i, 2 i, 3 i)."""
    (tmp_path / "set").mkdir()
    for i in range(11):
        images.write(tmp_path / "set" / f"{i:02}.png", np.full((6, 4, 3), (i, 2 * i, 3 * i), np.uint8))
    return tmp_path / "set"


def extractor(name="means", weights="ab" * 32, **options):
    network = FeatureNetwork(name=name, model=None, dimension=3, weights_hash=weights, note="a note")
    predict = Means()
    made = Extractor(network, predict=predict, **options)
    made.batches = predict.batches
    return made


WANTED = np.arange(11)[:, None] * [1, 2, 3]


@pytest.mark.parametrize(("size", "batches"), [(1, [1] * 11), (4, [4, 4, 3]), (11, [11]), (64, [11])])
def test_batches(folder, size, batches):
    it, told, seen = extractor(batch_size=size), [], []
    parts = list(it.stream(folder, bad=[], progress=lambda *done: told.append(done), on_picture=seen.append))
    assert it.batches == batches
    np.testing.assert_allclose(np.concatenate([rows for _, rows in parts]), WANTED)
    assert [name for names, _ in parts for name in names] == [str(file) for file in sorted(folder.iterdir())]
    assert told[-1] == (11, 11)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [image[0, 0, 0] for image in seen] == list(range(11))


def test_pictures_in_memory_give_the_features_of_those_in_files(folder):
    it, told = extractor(size=4, batch_size=3), []
    named_images = [(file.name, images.read(file)) for file in sorted(folder.iterdir())]
    found = list(it.batches_of(iter(named_images), "memory", progress=lambda *done: told.append(done), total=11))
    wanted = list(extractor(size=4, batch_size=3).stream(folder, bad=[]))
    for (names, rows), (paths, wanted_rows) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(rows, wanted_rows)
        assert names == [Path(path).name for path in paths]
    assert told == [(3, 11), (6, 11), (9, 11), (11, 11)]
    with pytest.raises(UserError, match=r"^memory: b: 4x6 pixels, but the first picture has 5x5: "):
        list(extractor().batches_of([("a", np.zeros((5, 5, 3), np.uint8)), ("b", named_images[0][1])], "memory"))


def test_no_more_pictures_are_taken_than_a_batch_holds():
    taken = []
    def endless():
        while True:
            taken.append(1)
            yield "a", np.zeros((2, 2, 3), np.uint8)

    next(extractor(batch_size=4).batches_of(endless(), "memory"))
    assert len(taken) == 4


def test_grey_pictures_have_the_features_of_their_colors():
    grey = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 1), np.uint8)
    np.testing.assert_array_equal(extractor().features(grey), extractor().features(np.repeat(grey, 3, axis=-1)))


@pytest.mark.parametrize(("limit", "told"), [(5, 5), (11, 11), (99, 11), (None, 11)])
def test_a_limit_takes_the_first(folder, limit, told):
    done = []
    parts = list(extractor(batch_size=3).stream(folder, bad=[], limit=limit, progress=lambda *each: done.append(each)))
    np.testing.assert_allclose(np.concatenate([rows for _, rows in parts]), WANTED[:told])
    assert {total for _, total in done} == {told}


def test_scores_of_batches_are_those_of_the_whole():
    generated, real = np.random.default_rng(0).normal(size=(2, 40, 5)) + 1
    found, intervals = score_features(np.array_split(generated, 7), Reference(real), num_resamples=5, seed=3)
    wanted = score(generated, real, seed=3)
    for key in ("mifid", "fid", "memorization_distance", "kid"):
        assert getattr(found, key) == pytest.approx(getattr(wanted, key), rel=1e-9)
    near = neighbourhoods(generated, real)
    assert intervals == bootstrap(generated, real, num=5, seed=3) | near.intervals(num=5, seed=3)
    assert {name: getattr(found, name) for name in near.figures()} == near.figures()
    assert score_features([generated], Reference(real))[1] == {}


def test_a_set_is_computed_once(folder, cache):
    first = extractor().load(folder)
    np.testing.assert_allclose(first.features, WANTED)
    assert (first.size, first.origin) == ((6, 4), Origin("means", "ab" * 32, "a note"))
    again = extractor()
    found = again.load(folder)
    assert again.batches == []
    assert (found.names, found.size, found.origin, found.bad) == (first.names, first.size, first.origin, first.bad)
    np.testing.assert_array_equal(found.features, first.features)
    assert found.features.dtype == np.float32
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("change", ["content", "name", "removal", "size", "network", "weights", "skip_bad"])
def test_another_set_or_network_is_computed_anew(folder, cache, change):
    extractor().load(folder)
    options = {
        "size": {"size": 4}, "network": {"name": "other"}, "weights": {"weights": "cd" * 32},
        "skip_bad": {"skip_bad": True},
    }.get(change, {})
    if change == "content":
        images.write(folder / "03.png", np.full((6, 4, 3), 200, np.uint8))
    elif change == "name":
        (folder / "03.png").rename(folder / "03b.png")
    elif change == "removal":
        (folder / "03.png").unlink()
    other = extractor(**options)
    found = other.load(folder)
    assert sum(other.batches) == len(found.features) == (10 if change == "removal" else 11)
    assert (found.features[3] == 200).all() == (change == "content")
    assert len(list(cache.iterdir())) == 2


def test_without_the_cache(folder, cache):
    extractor().load(folder, cache=False)
    assert not cache.exists()
    extractor().load(folder)
    anew = extractor()
    anew.load(folder, cache=False)
    assert sum(anew.batches) == 11


def test_a_damaged_file_in_the_cache_is_made_again(folder, cache):
    extractor().load(folder)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"text"):
        file.write_bytes(content)
        anew = extractor()
        np.testing.assert_allclose(anew.load(folder).features, WANTED)
        assert sum(anew.batches) == 11
        assert file.read_bytes() == whole
    assert [each.name for each in cache.iterdir()] == [file.name]   # and nothing half


def test_a_cache_that_cannot_be_names_both_ways_out(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PIXELART_TF_CACHE", str(tmp_path / "file"))
    it = extractor()
    with pytest.raises(UserError, match=r"\$PIXELART_TF_CACHE, or `--no-cache`$") as caught:
        it.load(folder)
    assert str(caught.value).startswith(f"{tmp_path / 'file' / 'features'}: Not a directory: ")
    assert it.batches == []   # before the work, not after it
    it.load(folder, cache=False)


def test_bad_pictures_are_kept_in_mind(folder):
    """Unreadable by its content, by its place, and with a name that is no UTF-8."""
    (folder / "00a.png").write_bytes(b"no picture")
    (folder / "04a.png").symlink_to(folder / "nowhere")
    (folder / os.fsdecode(b"05\xff.png")).write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"00a\.png: not a picture"):
        extractor().load(folder, cache=False)
    with pytest.raises(UserError, match=r"04a\.png: No such file or directory"):   # to find it in the cache
        extractor().load(folder)
    for cached in (False, True):
        it = extractor(skip_bad=True, batch_size=3)
        found = it.load(folder)
        np.testing.assert_allclose(found.features, WANTED)
        assert len(found.names) == 11
        assert [line.split(": ")[0] for line in found.bad] == [
            str(folder / name) for name in ("00a.png", "04a.png", os.fsdecode(b"05\xff.png"))
        ]
        assert bool(it.batches) != cached
    done = []
    list(extractor(skip_bad=True, batch_size=3).stream(folder, bad=[], progress=lambda *told: done.append(told)))
    assert done[-1] == (14, 14)


def test_pictures_are_fitted(folder):
    """To the middle square; the areas' means where they are shrunk."""
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:, 2:4], picture[:, 4:6] = 100, 200
    images.write(folder / "00.png", picture)
    ((_, image), *others) = extractor(size=2).pictures(folder, bad=[])
    np.testing.assert_array_equal(image[..., 0], [[100, 200], [100, 200]])
    assert {image.shape for _, image in others} == {(2, 2, 3)}
    with pytest.raises(UserError, match=r"01\.png: 4x6 pixels, but the first picture has 8x4: `--size N` brings all"):
        list(extractor().pictures(folder, bad=[]))


@pytest.mark.parametrize("options", [{"size": 0}, {"size": -3}, {"batch_size": 0}], ids=str)
def test_options_out_of_range(options):
    ((name, value),) = options.items()
    with pytest.raises(UserError, match=rf"^`{name}` must be at least 1\. Received: {value}$"):
        extractor(**options)


@pytest.mark.parametrize("origin", [None, Origin("own.keras", "ef" * 32, "")], ids=["unknown", "known"])
@pytest.mark.parametrize("size", [None, (3, 5)], ids=str)
def test_files_give_back_what_was_written(tmp_path, origin, size):
    wanted = FeatureSet(
        names=("a", "ü", os.fsdecode(b"\xff")), features=np.random.default_rng(0).normal(size=(3, 2)), size=size,
        origin=origin, bad=("x: bad", "y: worse"),
    )
    write_npz(tmp_path / "it.npz", wanted)
    found = read_npz(tmp_path / "it.npz")
    assert found.features.dtype == np.float64
    np.testing.assert_array_equal(found.features, wanted.features)
    for field in ("names", "size", "origin", "bad"):
        assert getattr(found, field) == getattr(wanted, field)
    assert [file.name for file in tmp_path.iterdir()] == ["it.npz"]


def test_other_programs_files(tmp_path):
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.savez(tmp_path / "only.npz", rows)
    np.savez_compressed(tmp_path / "more.npz", features=rows, size=7.5, origin=3, labels=np.arange(3), bad=[])
    for name in ("only.npz", "more.npz"):
        found = read_npz(tmp_path / name)
        np.testing.assert_array_equal(found.features, rows)
        assert (found.names, found.size, found.origin) == (("row 0", "row 1", "row 2"), None, None)


def test_objects_are_not_loaded(tmp_path):
    class Runs:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "victim"),)

    bad = np.empty((1, 1), object)
    bad[0, 0] = Runs()
    np.savez(tmp_path / "bad.npz", features=bad)
    with np.load(tmp_path / "bad.npz", allow_pickle=True) as arrays:
        assert arrays["features"].shape == (1, 1)
    (tmp_path / "victim").rmdir()   # it really would make it
    with pytest.raises(UserError, match=re.escape("bad.npz: holds Python objects")):
        read_npz(tmp_path / "bad.npz")
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize(("pattern", "meant"), [("a.npz", True), ("A.NPZ", True), ("a.zip", False), ("npz", False)])
def test_features_are_told_by_their_suffix(pattern, meant):
    assert feature_sets.is_features(pattern) is meant


def refused(path):
    with pytest.raises(UserError) as caught:
        read_npz(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def with_claim(path, size, claim):
    """The same zip, which says that a member of `size` bytes has as many as `claim`."""
    encoded = path.read_bytes()
    size, claim = (number.to_bytes(4, "little") for number in (size, claim))
    assert encoded.count(size) == 2   # in the member's head and in the zip's directory
    path.write_bytes(encoded.replace(size, claim))


def test_features_that_claim_gigabytes_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    """9 GB of zeros make a file of 9 MB; here 4.29 GB, the most that a zip of the old kind can say, and 65 MB."""
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, features=np.zeros((2**13, 2**11 + 1), np.float32))
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda *_: pytest.fail("it was unpacked"))
    assert refused(path) == "unpacks to 67,141,760 bytes, over 50 times the file's size: refused as a bomb"
    with_claim(path, 67_141_760, 2**32 - 2)
    assert refused(path).startswith("unpacks to 4,294,967,294 bytes, over 50 times")
    monkeypatch.setattr(limits, "FEATURES_BYTES", 2**32 - 3)
    assert refused(path) == "unpacks to 4,294,967,294 bytes, and at most 4,294,967,293 are taken: refused as a bomb"


def test_names_that_claim_gigabytes_are_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, features=np.ones((2, 3)), names=np.array(["a", "b" * 2**24]))
    assert "times the file's size: refused as a bomb" in refused(path)


def test_an_array_of_another_size_than_it_says_is_refused(tmp_path):
    """NumPy would make room for 8 TB, of which the file holds 48 bytes."""
    path, claim = tmp_path / "bomb.npz", b"(1048576, 1048576), }"
    np.savez(tmp_path / "whole.npz", features=np.ones((2, 3)))
    with zipfile.ZipFile(tmp_path / "whole.npz") as source, zipfile.ZipFile(path, "w") as archive:
        encoded = source.read("features.npy")
        archive.writestr("features.npy", encoded.replace(b"(2, 3), }".ljust(len(claim)), claim))
    assert "is not as large as its shape (1048576, 1048576)" in refused(path)


def test_what_is_not_of_the_features_is_not_unpacked(tmp_path):
    path = tmp_path / "more.npz"
    np.savez_compressed(path, features=np.ones((2, 3)), more=np.zeros(2**26 + 1, np.int8))
    np.testing.assert_array_equal(read_npz(path).features, np.ones((2, 3)))


def test_more_rows_than_a_set_of_pictures_can_have_are_refused(tmp_path, monkeypatch):
    """Each has a name, which takes more memory than a row of one number."""
    np.savez(tmp_path / "long.npz", features=np.ones((9, 1)))
    monkeypatch.setattr(limits, "FEATURES_ROWS", 8)
    assert refused(tmp_path / "long.npz") == "9 rows, and at most 8 are taken"
