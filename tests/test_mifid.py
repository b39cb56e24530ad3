"""The mifid command from outside: what it prints for sets of known kinship, and what it says to mistakes.

The network is lite0, which is part of the package. It is built once for all tests of this file, as that takes seconds.
"""

import csv
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from processes import environment

from pixelart_tf import features, mifid, scores
from pixelart_tf.data import packing
from pixelart_tf.features import weights
from pixelart_tf.pictures import images, sources

ROOT = Path(__file__).parents[1]
SPRITES = str(ROOT / "tfrecords" / "heldout_sprite*.tfrec")     # 97 of 32x32
CARTOONS = str(ROOT / "tfrecords" / "heldout_cartoon*.tfrec")   # 61 of 256x256
NUMBERS = ("mifid", "fid", "memorization_distance", "kid")

pytestmark = pytest.mark.usefixtures("one_lite0")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Folders of 14 cartoons and of 16 sprites as PNG, 32x32; the cartoons as zip and as shards too."""
    folder = tmp_path_factory.mktemp("sets")
    for name, pattern, number in (("cartoons", CARTOONS, 14), ("sprites", SPRITES, 16)):
        (folder / name).mkdir()
        for item in list(sources.read(pattern))[:number]:
            picture = images.fit(item.decode(), 32, how="crop", resample="area")
            images.write(folder / name / f"{item.name}.png", picture)
    with zipfile.ZipFile(folder / "cartoons.zip", "w") as archive:
        for file in sorted((folder / "cartoons").iterdir(), reverse=True):
            archive.write(file, f"images/{file.name}")
    packing.pack(folder / "cartoons", folder / "shards", domain="cartoon", size=32, format="png", shard_size=5)
    return folder


@pytest.fixture
def run(capsys):
    """Runs the command; gives its exit status, what it printed and what it told on stderr."""
    def run(*arguments, network="lite0"):
        capsys.readouterr()
        status = mifid.main([*map(str, arguments), *(("--network", network) if network else ())])
        printed = capsys.readouterr()
        return status, printed.out, printed.err
    return run


@pytest.fixture
def scored(run):
    """The numbers of a run that must go well."""
    def scored(*arguments, **options):
        status, out, err = run(*arguments, "--json", **options)
        assert (status, err) == (0, "")
        return json.loads(out, parse_constant=pytest.fail)   # called for NaN and Infinity
    return scored


@pytest.fixture
def refused(run):
    """The message of a run that must fail in one line."""
    def refused(*arguments, **options):
        status, out, err = run(*arguments, **options)
        assert status == 2
        assert out == ""
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
        assert err.startswith("python -m pixelart_tf.mifid: ")
        return err.removeprefix("python -m pixelart_tf.mifid: ").rstrip("\n")
    return refused


def copied(sets, name, folder, **changed):
    """A copy of a set's folder, with files changed (bytes) or left out (None)."""
    shutil.copytree(sets / name, folder)
    for file, content in changed.items():
        path = folder / f"{file.replace('_', '-')}.png"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
    return folder


def png(size, seed=0):
    return images.encode(np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8), "png")


def numbers(found):
    return {key: found[key] for key in NUMBERS}


def close(found, wanted, relative=1e-5):
    return numbers(found) == pytest.approx(numbers(wanted), rel=relative)


# What is scored


def test_folder_zip_and_shards_score_alike(scored, sets):
    """The same files in the same order give the same batches, and so the same bits."""
    found = [numbers(scored(sets / kind, sets / "sprites")) for kind in ("cartoons", "cartoons.zip", "shards")]
    assert found[0] == found[1] == found[2]
    assert found[0] == numbers(scored(str(sets / "cartoons" / "*.png"), sets / "sprites"))


def test_json_says_what_is_printed(run, scored, sets):
    found = scored(sets / "cartoons", sets / "sprites")
    status, out, err = run(sets / "cartoons", sets / "sprites")
    assert (status, err) == (0, "")
    lines = {line[:23].strip(): line[23:] for line in out.splitlines()}
    for name, key, digits in (("MiFID", "mifid", 3), ("FID", "fid", 3), ("memorization distance", None, 5)):
        key = key or "memorization_distance"
        low, high = found["intervals"][key]
        assert lines[name] == f"{found[key]:.{digits}f}   (95 %: {low:.{digits}f} to {high:.{digits}f})"
        assert low < found[key] < high
    for name in ("precision", "recall", "density", "coverage"):
        interval = found["intervals"].get(name)
        told = f"   (95 %: {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        assert lines[name] == f"{found[name]:.3f}{told}"
        assert interval is None or name in ("precision", "density")
    assert lines["KID"] == f"{found['kid']:.6f}"
    assert found["kid_std"] is None   # one estimate of all rows
    assert (lines["generated pictures"], lines["real pictures"]) == ("14", "16")
    assert (found["num_generated"], found["num_real"], found["dimension"]) == (14, 16, 1280)
    assert lines["network"] == f"lite0 (weights {found['weights'][:12]}), 1,280 features"
    assert found["network"] == "lite0"
    assert [f"note: {line}" for line in found["warnings"]] == [line for line in out.splitlines() if "note: " in line]
    assert "14 generated and 16 real pictures are few for 1,280 features" in found["warnings"][0]
    assert "lite0 numbers compare with each other only" in found["warnings"][1]
    assert found["generated"] == str(sets / "cartoons")
    assert (found["epsilon"], found["direction"], found["size"], found["skipped"]) == (0.1, "generated", None, [])


def test_neither_order_nor_batches_matter(scored, sets, tmp_path):
    """To 1e-5: the network runs in float32, whose sums depend on how a batch is cut."""
    whole = scored(sets / "cartoons", sets / "sprites", "--no-cache")
    for size in (1, 7, 32):
        assert close(scored(sets / "cartoons", sets / "sprites", "--no-cache", "--batch-size", size), whole)
    for name in ("cartoons", "sprites"):
        (tmp_path / name).mkdir()
        for number, file in enumerate(sorted((sets / name).iterdir(), reverse=True)):
            shutil.copy(file, tmp_path / name / f"{number:02}.png")
    assert close(scored(tmp_path / "cartoons", tmp_path / "sprites", "--no-cache"), whole)


def test_copies_have_no_mifid(run, scored, sets, tmp_path):
    found = scored(sets / "sprites", sets / "sprites")
    assert found["mifid"] is None
    assert found["is_copy"] is True
    assert found["intervals"]["mifid"] == [None, None]
    assert found["fid"] < 1e-6
    status, out, _ = run(sets / "sprites", sets / "sprites")
    assert status == 0
    assert out.startswith("MiFID                  undefined: the sets are copies\n")
    some = copied(sets, "sprites", tmp_path / "some")
    for file in sorted(some.iterdir())[:9]:
        file.unlink()
    found = scored(some, sets / "sprites")   # a part of the real set, and so in other batches
    assert found["mifid"] is None
    assert found["fid"] > 1
    assert found["num_generated"] == 7
    found = scored(some, sets / "sprites", "--direction", "real")   # not all real ones have been copied
    assert found["mifid"] > 1
    assert found["is_copy"] is False


def test_a_copy_comes_first_in_the_report(run, sets, tmp_path):
    (copy,) = (sets / "sprites").glob("*desolation-portal.png")
    ours = copied(sets, "cartoons", tmp_path / "ours", zz_copy=copy.read_bytes())
    report = tmp_path / "a" / "report"
    status, out, err = run(ours, sets / "sprites", "--report", report)
    assert (status, err) == (0, "")
    assert f"report                 {report / 'index.html'}\n" in out
    with open(report / "nearest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    assert rows[0]["generated"] == str(ours / "zz-copy.png")
    assert rows[0]["nearest_real"] == str(copy)
    assert float(rows[0]["distance"]) < 1e-6 < 0.01 < float(rows[1]["distance"])
    page = (report / "index.html").read_text()
    captions = page.split("<figcaption>")[1:]
    assert len(captions) == 15
    assert "zz-copy.png" in captions[0]
    assert copy.name in captions[0]
    for line in out.splitlines():
        if line.startswith("note: "):
            assert line.removeprefix("note: ") in page
    picture = images.read(report / "copies" / "01.png")   # the two side by side
    left, right = picture[:, :192], picture[:, -192:]
    np.testing.assert_array_equal(left, images.read(copy).repeat(6, axis=0).repeat(6, axis=1))
    np.testing.assert_array_equal(left, right)
    mean = np.mean([float(row["distance"]) for row in rows])
    assert f"memorization distance  {mean:.5f}" in out


def test_the_report_pairs_pictures_of_one_name(run, sets, tmp_path):
    """In shards, names may repeat; the picture that is shown must be the one that is meant."""
    for number in range(2):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        for i in range(3):
            (folder / f"p{i}.png").write_bytes(png(32, seed=10 * number + i))
        packing.pack(folder, tmp_path / "real", domain=f"d{number}_", size=32, format="png")
    (tmp_path / "ours").mkdir()
    for number in range(2):
        shutil.copy(tmp_path / f"{number}" / "p1.png", tmp_path / "ours" / f"{number}.png")
    status, _, err = run(tmp_path / "ours", tmp_path / "real", "--report", tmp_path / "report")
    assert (status, err) == (0, "")
    for number in (1, 2):
        picture = images.read(tmp_path / "report" / "copies" / f"{number:02}.png")
        np.testing.assert_array_equal(picture[:, :192], picture[:, -192:])


def test_features_have_a_report_without_pictures(run, sets, tmp_path):
    real = tmp_path / "real.npz"
    assert run(sets / "cartoons", sets / "sprites", "--save-real", real)[0] == 0
    status, _, err = run(sets / "cartoons", real, "--report", tmp_path / "report")
    assert (status, err) == (0, "")
    assert "no pictures to show" in (tmp_path / "report" / "index.html").read_text()
    with open(tmp_path / "report" / "nearest.csv", newline="") as file:
        assert {Path(row["nearest_real"]).parent.name for row in csv.DictReader(file)} == {"sprites"}


def test_the_other_direction_swaps_the_sets(scored, sets):
    there, back = (
        scored(*(sets / name for name in names), "--direction", direction)
        for names, direction in ((("cartoons", "sprites"), "real"), (("sprites", "cartoons"), "generated"))
    )
    assert there["memorization_distance"] == pytest.approx(back["memorization_distance"], rel=1e-12)
    assert there["direction"] == "real"
    usual = scored(sets / "cartoons", sets / "sprites")
    assert abs(usual["memorization_distance"] - there["memorization_distance"]) > 0.01
    assert usual["fid"] == pytest.approx(there["fid"], rel=1e-12)


def test_the_threshold_is_strict(scored, sets):
    found = scored(sets / "cartoons", sets / "sprites", "--bootstrap", 0)
    distance = found["memorization_distance"]
    assert found["intervals"] == {}
    assert found["mifid"] == pytest.approx(found["fid"], rel=1e-12)   # far above 0.1
    for epsilon, divisor in ((distance, 1), (np.nextafter(distance, 1), distance)):
        found = scored(sets / "cartoons", sets / "sprites", "--bootstrap", 0, "--epsilon", repr(float(epsilon)))
        assert found["mifid"] == pytest.approx(found["fid"] / divisor, rel=1e-12)


def test_size_fits_pictures_first(scored, sets):
    """The sets of this file are the shards' pictures, fitted to 32x32 by what --size does."""
    whole = scored(CARTOONS, SPRITES, "--size", 32)
    assert (whole["num_generated"], whole["num_real"], whole["size"]) == (61, 97, 32)
    assert numbers(scored(sets / "cartoons", sets / "sprites", "--size", 32)) == numbers(
        scored(sets / "cartoons", sets / "sprites")
    )
    assert not close(scored(sets / "cartoons", sets / "sprites", "--size", 16), whole, relative=1e-2)


def test_the_seed_moves_the_intervals_only(scored, sets):
    first, again, other = (scored(sets / "cartoons", sets / "sprites", "--seed", seed) for seed in (0, 0, 1))
    assert first == again
    assert numbers(first) == numbers(other)
    assert first["intervals"] != other["intervals"]


def test_the_cache_is_kept_and_used_and_can_be_done_without(scored, sets, tmp_path):
    cache = tmp_path / "cache"
    first = scored(sets / "cartoons", sets / "sprites", "--no-cache")
    assert not cache.exists()
    assert scored(sets / "cartoons", sets / "sprites") == first
    (file,) = (cache / "features").iterdir()   # of the real set
    with np.load(file) as arrays:
        kept = dict(arrays)
    assert kept["features"].shape == (16, 1280)
    with np.load(file) as arrays:
        np.savez(file, **{**arrays, "features": kept["features"] + 1})
    moved = scored(sets / "cartoons", sets / "sprites")   # only a run that reads the file can see that
    assert abs(moved["fid"] - first["fid"]) > 1
    assert scored(sets / "cartoons", sets / "sprites", "--no-cache") == first
    file.write_bytes(file.read_bytes()[:1000])
    assert scored(sets / "cartoons", sets / "sprites") == first
    with np.load(file) as arrays:
        np.testing.assert_array_equal(arrays["features"], kept["features"])


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


# Devices and processes


def start(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "pixelart_tf.mifid", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
        env=environment(TF_CPP_MIN_LOG_LEVEL="3", **more), check=False,
    )


@pytest.mark.slow
def test_two_devices_score_as_one(scored, sets, tmp_path):
    """Batches of 5 are not shared evenly by two devices."""
    arguments = (sets / "cartoons.zip", sets / "sprites", "--network", "lite0", "--batch-size", 5, "--json")
    two = start(*arguments, "--no-cache", "--devices", "CPU:0", "CPU:1")
    assert two.returncode == 0, two.stderr
    assert close(json.loads(two.stdout), scored(*arguments[:2], "--no-cache"))


@pytest.mark.slow
def test_jax_scores_as_tensorflow(scored, sets):
    pytest.importorskip("jax")
    other = start(
        sets / "cartoons", sets / "sprites", "--network", "lite0", "--json", "--backend", "jax", "--no-cache"
    )
    assert other.returncode == 0, other.stderr
    assert close(json.loads(other.stdout), scored(sets / "cartoons", sets / "sprites"), relative=1e-4)


def test_a_process_tells_a_mistake_in_one_line(tmp_path):
    told = start(tmp_path / "none", tmp_path)
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr == f"python -m pixelart_tf.mifid: {tmp_path / 'none'}: no such file or folder\n"


# Mistakes


def test_sets_that_are_not_there(refused, sets, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "empty.npz").write_bytes(b"")
    for name, told in (
        ("none", "no such file or folder"),
        ("empty", "no pictures there (.apng .avif .bmp"),
        ("*.png", "no pictures there (.apng .avif .bmp"),
        ("*.tfrec", "no shards (*.tfrec) there"),
        ("text.zip", "not a zip, or cut off"),
        ("text.txt", "not a picture, or of an unknown format"),
        ("none.npz", "No such file or directory"),
        ("empty.npz", "not an .npz file, or cut off"),
    ):
        for order in (1, -1):
            message = refused(*(tmp_path / name, sets / "sprites")[::order])
            assert message.startswith(f"{tmp_path / name}: {told}"), message


def test_too_few_pictures(refused, sets, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes(png(32))
    message = refused(tmp_path / "one", sets / "sprites")
    assert message.endswith("the generated set must have at least 2 pictures. Received: 1")
    assert str(tmp_path / "one") in message
    message = refused(sets / "sprites", tmp_path / "one")
    assert message.endswith("the real set must have at least 2 pictures. Received: 1")


def test_too_few_pictures_for_neighbourhoods(run, scored, sets, tmp_path):
    """k + 1: 4 a side for precision and recall, 6 for density and coverage. The others are there all the same."""
    few = {4: copied(sets, "cartoons", tmp_path / "4"), 3: copied(sets, "cartoons", tmp_path / "3")}
    for number, folder in few.items():
        for file in sorted(folder.iterdir())[number:]:
            file.unlink()
    pages = {}
    for number, folder in few.items():
        status, pages[number], err = run(folder, sets / "sprites", "--report", tmp_path / f"report {number}")
        assert (status, err) == (0, "")
        assert ("note: no precision and recall: they need at least 4 pictures" in pages[number]) == (number == 3)
        assert "note: no density and coverage: they need at least 6 pictures on each side" in pages[number]
        assert ("\nprecision " in pages[number]) == (number == 4)
        assert "\ndensity " not in pages[number]
        page = (tmp_path / f"report {number}" / "index.html").read_text()
        assert ("<th>precision</th>" in page) == (number == 4)
        assert "they need at least 6 pictures" in page
    found = scored(few[3], sets / "sprites")
    assert [found[name] for name in ("precision", "recall", "density", "coverage")] == [None] * 4
    assert found["fid"] > 0


def test_unreadable_pictures_are_named(run, refused, scored, sets, tmp_path):
    bad = copied(sets, "cartoons", tmp_path / "bad", a_text=b"no picture", a_cut=png(32)[:300])
    (bad / "a-link.png").symlink_to(tmp_path / "nowhere")
    whole = scored(sets / "cartoons", sets / "sprites")
    assert refused(bad, sets / "sprites").startswith(f"{bad / 'a-cut.png'}: damaged picture")
    for arguments in ((bad, sets / "sprites"), (sets / "sprites", bad), (sets / "sprites", bad)):   # the last: cached
        found = scored(*arguments, "--skip-bad")
        assert found["num_generated"] + found["num_real"] == 30
        assert [line.split(": ", 1)[0] for line in found["skipped"]] == [
            str(bad / f"a-{name}.png") for name in ("cut", "link", "text")
        ]
    assert close(scored(bad, sets / "sprites", "--skip-bad"), whole)
    status, out, err = run(bad, sets / "sprites", "--skip-bad")
    assert (status, err) == (0, "")
    assert f"\nskipped {bad / 'a-text.png'}: not a picture, or of an unknown format\n" in out
    weird = bad / os.fsdecode(b"a-\xff.png")   # a name that is no UTF-8
    weird.write_bytes(b"no picture")
    status, out, err = run(sets / "sprites", bad, "--skip-bad")
    assert (status, err) == (0, "")
    assert "a-\\udcff.png: not a picture" in out
    refused(sets / "sprites", bad)   # what --skip-bad has put into the cache is not for runs without it


def test_a_set_of_bad_pictures_only(refused, sets, tmp_path):
    (tmp_path / "bad").mkdir()
    for name in "ab":
        (tmp_path / "bad" / f"{name}.png").write_bytes(b"x")
    for arguments in ((tmp_path / "bad", sets / "sprites"), (sets / "sprites", tmp_path / "bad")):
        message = refused(*arguments, "--skip-bad")
        assert message.startswith(f"{tmp_path / 'bad'}: none of the 2 pictures can be read; the first: ")
        assert "a.png: not a picture" in message


def test_mixed_sizes(refused, scored, sets, tmp_path):
    mixed = copied(sets, "cartoons", tmp_path / "mixed", zz=png(48))
    way_out = ": `--size N` brings all to one size"
    assert refused(mixed, sets / "sprites") == (
        f"{mixed / 'zz.png'}: 48x48 pixels, but those of {sets / 'sprites'} have 32x32{way_out}"
    )
    message = f"{mixed / 'zz.png'}: 48x48 pixels, but the first picture has 32x32{way_out}"
    assert refused(sets / "sprites", mixed) == message
    message = refused(CARTOONS, sets / "sprites")
    assert "record 0 (nt-anchor): 256x256 pixels" in message
    assert message.endswith(way_out)
    assert scored(mixed, sets / "sprites", "--size", 32)["num_generated"] == 15
    scored(sets / "cartoons", sets / "sprites")   # now cached
    message = refused(CARTOONS, sets / "sprites")
    assert message.endswith(way_out)


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


def test_networks_that_are_none(refused, sets, tmp_path):
    message = refused(sets / "cartoons", sets / "sprites", network="lite")
    assert message == "lite: no such file, nor a network's name; the networks are inception, lite0 and any .keras file"
    (tmp_path / "own.keras").write_text("no model")
    assert refused(sets / "cartoons", sets / "sprites", network=str(tmp_path / "own.keras")) == (
        f"{tmp_path / 'own.keras'}: not a .keras file, or cut off"
    )


def test_options_out_of_range(refused, sets, tmp_path):
    """Before any network is built: a name that is none is not looked at."""
    (tmp_path / "file").write_text("")
    for option, value, told in (
        ("--bootstrap", "1", "`bootstrap` must be 0 or at least 2. Received: 1"),
        ("--bootstrap", "-5", "`bootstrap` must be 0 or at least 2. Received: -5"),
        ("--epsilon", "0", "`epsilon` must be above 0. Received: 0.0"),
        ("--epsilon", "nan", "`epsilon` must be above 0. Received: nan"),
        ("--size", "0", "`size` must be at least 1. Received: 0"),
        ("--batch-size", "0", "`batch_size` must be at least 1. Received: 0"),
        ("--seed", "-1", "`seed` must be at least 0. Received: -1"),
        ("--save-real", "real", "`save_real` must end in .npz. Received: real"),
        ("--save-real", f"{tmp_path}/no/real.npz", f"{tmp_path}/no: no such folder"),
        ("--report", f"{tmp_path}/file", f"{tmp_path}/file: a file, not a folder for the report"),
        ("--report", f"{tmp_path}/file/deep", f"{tmp_path}/file/deep: Not a directory"),
    ):
        assert refused(sets / "cartoons", sets / "sprites", option, value, network="none.keras") == told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_places_without_permission(refused, sets, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    for option, path in (("--report", "locked/report"), ("--save-real", "locked/real.npz")):
        message = refused(sets / "cartoons", sets / "sprites", option, tmp_path / path)
        assert message == f"{tmp_path / path}: Permission denied"
