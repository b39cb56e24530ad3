"""The mifid command with features and weights in files: what is written, what is taken and what is refused."""

import pickle
import zipfile

import numpy as np
import pytest
from running_mifid import ROOT, numbers

from pixelart_tf import features, scores
from pixelart_tf.features import weights
from pixelart_tf.pictures import images

pytestmark = pytest.mark.usefixtures("one_lite0")


# Features in files


def test_saved_features_stand_for_the_pictures(run, scored, sets, tmp_path):
    first = scored(sets / "cartoons", sets / "sprites", "--save-real", tmp_path / "real.npz")
    assert scored(sets / "cartoons", tmp_path / "real.npz") == first | {"real": str(tmp_path / "real.npz")}
    scored(sets / "sprites", sets / "cartoons", "--save-real", tmp_path / "ours.npz")
    # Both as features need no network: a name that is none is not looked at.
    both = scored(tmp_path / "ours.npz", tmp_path / "real.npz", network="none.keras")
    assert numbers(both) == numbers(first)
    assert both["intervals"] == first["intervals"]
    assert (both["network"], both["weights"]) == ("lite0", first["weights"])
    assert both["warnings"] == first["warnings"]


def test_what_is_there_is_replaced_only_when_asked(run, refused, sets, tmp_path):
    """Also a page that is no report of ours; and the features that are read, never."""
    real, report = tmp_path / "real.npz", tmp_path / "report"
    report.mkdir()
    for path, option, value in ((real, "--save-real", real), (report / "index.html", "--report", report)):
        path.write_text("mine")
        assert refused(sets / "cartoons", sets / "sprites", option, value) == (
            f"{path}: already there; --overwrite replaces it"
        )
        assert path.read_text() == "mine"
    options = ("--save-real", real, "--report", report, "--overwrite")
    assert run(sets / "cartoons", sets / "sprites", *options)[0] == 0
    assert "likely copies" in (report / "index.html").read_text()
    assert refused(sets / "cartoons", real, *options) == (
        f"{real}: an input, which is never overwritten; choose another name"
    )


def test_features_by_another_program_are_taken(scored, tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2, 50, 8)) + 1
    for name, some in zip(("a.npz", "b.npz"), rows, strict=True):
        np.savez(tmp_path / name, some)
    found = scored(tmp_path / "a.npz", tmp_path / "b.npz")
    assert found["fid"] == pytest.approx(scores.fid(*rows), rel=1e-12)   # float64 stays float64
    assert found["network"] is None
    assert [line for line in found["warnings"] if "does not say which network" in line] == [
        f"{tmp_path / name} does not say which network its features are of" for name in ("b.npz", "a.npz")
    ]


def test_features_of_two_networks_do_not_mix(refused, scored, sets, tmp_path):
    real, other = tmp_path / "real.npz", tmp_path / "other.npz"
    scored(sets / "cartoons", sets / "sprites", "--save-real", real)
    with np.load(real) as arrays:
        np.savez(other, **{**arrays, "origin": np.array(["mine.keras", "ab" * 32, ""])})
    ours = features.load("lite0").weights_hash[:12]
    message = refused(sets / "cartoons", other)
    assert message == (
        f"{other}: features of mine.keras (weights abababababab), but `--network` gives those of lite0 (weights {ours})"
    )
    message = refused(other, real)
    assert message == (
        f"{other}: features of mine.keras (weights abababababab), but {real} gives those of lite0 (weights {ours})"
    )


def test_features_of_two_sizes_do_not_mix(refused, scored, sets, tmp_path):
    small, large = tmp_path / "16.npz", tmp_path / "32.npz"
    scored(sets / "cartoons", sets / "sprites", "--save-real", small, "--size", 16)
    scored(sets / "cartoons", sets / "sprites", "--save-real", large)
    assert refused(large, small) == f"{large}: of pictures of 32x32 pixels, but those of {small} have 16x16"
    message = refused(sets / "cartoons", small)
    assert message.endswith(f"32x32 pixels, but those of {small} have 16x16: `--size N` brings all to one size")
    assert scored(sets / "cartoons", small, "--size", 16)["num_real"] == 16


# Mistakes


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_features_that_cannot_be_scored(refused, tmp_path):
    rows = np.random.default_rng(0).normal(size=(9, 6)) + 1
    real = npz(tmp_path / "real.npz", features=rows)
    holes = rows.copy()
    holes[[3, 5], 2] = np.nan
    for arrays, told in (
        ({"features": holes}, "2 rows of the generated features hold NaN or infinity, first row 3"),
        ({"features": rows[:, :5]}, "the generated features have D = 5, the real ones D = 6: not of one network"),
        ({"features": rows[:1]}, "the generated set must have at least 2 pictures. Received: 1"),
        ({"features": 0 * rows}, "all rows of the generated features sum to 0"),
        ({"a": rows, "b": rows}, "must hold an array `features` (n, D). Received: a, b"),
        ({}, "must hold an array `features` (n, D). Received: nothing"),
        ({"features": rows[0]}, "`features` must be floats (n, D). Received: float64 (6,)"),
        ({"features": rows.astype(int)}, "`features` must be floats (n, D). Received: int64 (9, 6)"),
        ({"features": rows, "names": np.array(["a"])}, "`names` must be one a row of `features`. Received: (1,)"),
        ({"mu": rows[0], "sigma": rows}, "only a mean and a covariance (mu, sigma), as pytorch-fid saves them"),
        ({"features": rows.astype(object)}, "holds Python objects, which are not loaded as they could run anything"),
    ):
        message = refused(npz(tmp_path / "bad.npz", **arrays), real)
        assert message.startswith(str(tmp_path / "bad.npz"))
        assert told in message
    message = refused(real, npz(tmp_path / "bad.npz", features=holes))
    assert "2 rows of the real features hold NaN or infinity, first row 3" in message


def test_damaged_feature_files(refused, tmp_path):
    real = npz(tmp_path / "real.npz", features=np.random.default_rng(0).normal(size=(30, 40)))
    whole, bad = real.read_bytes(), tmp_path / "bad.npz"
    np.save(tmp_path / "array.npy", np.ones((4, 4)))
    flipped = bytearray(whole)
    flipped[3000] ^= 1
    for content in (b"", b"text", whole[:5000], bytes(flipped), (tmp_path / "array.npy").read_bytes()):
        bad.write_bytes(content)
        assert refused(bad, real).startswith(f"{bad}: not an .npz file, or cut off (")
    assert refused(tmp_path, real) == f"{tmp_path}: no pictures there ({' '.join(images.SUFFIXES)}), but 2 .npz, 1 .npy"
    (tmp_path / "folder.npz").mkdir()
    assert refused(tmp_path / "folder.npz", real) == f"{tmp_path / 'folder.npz'}: Is a directory"


class WritesAFile:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_weights_that_cannot_be_used(refused, sets, tmp_path):
    golden = ROOT / "tests" / "data" / "golden" / "torch_file"
    victim = tmp_path / "victim"
    malicious = pickle.dumps({"w": WritesAFile(victim)}, 2)
    pickle.loads(malicious).get("w").close()   # it really would
    assert victim.exists()
    victim.unlink()
    file = tmp_path / "weights.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", malicious)
        archive.writestr("archive/version", b"3\n")
    sets = (sets / "cartoons", sets / "sprites")
    message = refused(*sets, "--weights", file, network=None)
    assert message.startswith(f"{file}: ")
    assert "refused" in message
    file.write_bytes(malicious)
    assert refused(*sets, "--weights", file, network=None).startswith(f"{file}: ")
    assert not victim.exists()
    for content, told in (
        ((golden / "zip.pth").read_bytes(), "470 of 470 arrays missing (Conv2d_1a_3x3.conv.weight, "),
        ((golden / "zip.pth").read_bytes()[:-100], "cut off"),
        (b"text", "not a file of PyTorch"),
        (b"", "empty file (0 bytes)"),
    ):
        file.write_bytes(content)
        message = refused(*sets, "--weights", file, network=None)
        assert message.startswith(f"{file}: ")
        assert told in message
    assert refused(*sets, "--weights", tmp_path / "no.pth", network=None) == f"{tmp_path / 'no.pth'}: no such file"
    assert refused(*sets, "--weights", file) == (
        f"`weights` is for the network inception only. Received: {file} with lite0"
    )


def test_no_weights_and_no_way_to_fetch_them(refused, sets, monkeypatch):
    monkeypatch.setattr(weights, "URL", "http://127.0.0.1:9/weights.pth")   # nothing listens to the discard port
    message = refused(sets / "cartoons", sets / "sprites", network=None)
    assert "`--weights FILE`" in message
    assert "`--network lite0`" in message
