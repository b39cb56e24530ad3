"""The mifid command from outside: what it prints for sets of known kinship, and what its options change."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from running_mifid import CARTOONS, SPRITES, close, copied, numbers, png

from pixelart_tf.data import packing
from pixelart_tf.pictures import images

pytestmark = pytest.mark.usefixtures("one_lite0")


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
