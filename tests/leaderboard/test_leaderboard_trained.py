"""The leaderboard from outside: whose pictures it refuses or marks, as a run was trained on them."""

import csv

import pytest

from pixelart_tf.evaluation.held_out import fingerprint
from pixelart_tf.pictures import images

pytestmark = pytest.mark.usefixtures("one_lite0")


# What was trained on


def test_a_real_picture_that_a_run_was_trained_on_is_refused(refused, run, sets, tmp_path):
    """Also in another format, and enlarged to squares of 8 pixels, as other shards may hold it."""
    leaked = sorted((sets / "sprites").iterdir())[3]
    (tmp_path / "trained").mkdir()
    enlarged = images.read(leaked).repeat(8, axis=0).repeat(8, axis=1)
    images.write(tmp_path / "trained" / "renamed.bmp", enlarged)
    told = refused(run("fine", width=8), run("leaky", target=tmp_path / "trained"))
    assert told.startswith(f"1 of the 12 real pictures of {sets / 'sprites'} were trained on by ")
    assert str(tmp_path / "runs" / "leaky") in told
    assert str(leaked) in told
    assert "renamed.bmp" in told


def test_a_photo_that_a_run_was_trained_on_is_refused(refused, run, sets):
    told = refused(run("leaky", source=sets / "cartoons"))
    assert told.startswith(f"10 of the 10 photos of {sets / 'cartoons'} were trained on by ")
    assert "and 5 more" in told


def test_made_pictures_that_are_trained_ones_are_refused(refused, run, sets):
    """Else the best entry would be the training set."""
    told = refused(run("fine"), sets / "trained_sprites")
    assert told.startswith(f"5 of the 5 pictures of {sets / 'trained_sprites'} were trained on by ")


def test_training_pictures_can_be_given(refused, scored, sets):
    told = refused(sets / "cartoons", "--train", sets / "trained_sprites", sets / "sprites", photos=None)
    assert told.startswith("12 of the 12 real pictures")
    assert "were trained on by --train" in told
    found, out = scored(sets / "cartoons", "--train", sets / "trained_sprites", photos=None)
    assert found["entries"][0]["runs"][0]["is_checked"]
    assert "is not known" not in out


def test_what_was_trained_on_is_marked_where_that_is_allowed(scored, refused, run, sets, tmp_path):
    """Only what it decides: the run that saw the real pictures, and the set that runs were trained on."""
    leaky, fine = run("leaky", -0.5, target=sets / "sprites"), run("fine", width=8)
    made = sets / "trained_cartoons"   # what both runs were trained on
    assert refused(leaky, fine).endswith("--allow-trained marks what they decide, and scores it all the same")
    table = tmp_path / "board.csv"
    found, out = scored(leaky, fine, made, sets / "cartoons", "--allow-trained", "--csv", table)
    wanted = {"leaky": "trained on", "fine": "checked", str(made): "trained on", str(sets / "cartoons"): "not known"}
    assert {entry["name"]: entry["held_out"] for entry in found["entries"]} == wanted
    with open(table, newline="", encoding="utf-8") as file:
        assert {line["name"]: line["held_out"] for line in csv.DictReader(file)} == wanted
    for line, entry in zip(out.splitlines()[1:5], found["entries"], strict=True):
        assert line.endswith(f"  {entry['held_out']}")
    assert f"note: 12 of the 12 real pictures of {sets / 'sprites'} were trained on by {leaky}, in " in out
    runs = {entry["name"]: entry["runs"][0] for entry in found["entries"]}
    assert runs["leaky"]["leaks"][0] in found["notes"]
    assert (len(runs["leaky"]["leaks"]), runs["fine"]["leaks"]) == (1, [])


def test_what_all_may_have_been_trained_on_marks_all(scored, run, sets):
    found, _ = scored(run("one"), sets / "cartoons", "--train", sets / "sprites", "--allow-trained")
    assert {entry["held_out"] for entry in found["entries"]} == {"trained on"}


def test_a_lone_generator_of_a_run_is_known_by_its_folder(refused, run, sets):
    folder = run("leaky", source=sets / "cartoons", best=-0.5)
    (folder / "checkpoint.npz").touch()
    assert "10 of the 10 photos" in refused(folder / "best" / "to_target.keras")


def test_training_pictures_that_are_gone_are_told(scored, run, tmp_path, sets):
    gone = tmp_path / "gone"
    folder = run("moved", target=gone)
    found, out = scored(folder)
    assert f"{folder}: the training's pictures are not there any more ({gone}): not checked" in out
    assert not found["entries"][0]["runs"][0]["is_checked"]
    assert out.splitlines()[1].endswith("not known")
    _, out = scored(folder, "--train", sets / "trained_sprites")
    assert f"({gone}): --train was looked at instead" in out


def test_relative_paths_are_meant_from_the_runs_folder(refused, run, sets, tmp_path):
    (tmp_path / "near").symlink_to(sets / "sprites")
    assert "12 of the 12 real pictures" in refused(run("leaky", target="../../near"))


def test_what_a_made_set_was_trained_on_is_told_to_be_unknown(scored, sets):
    _, out = scored(sets / "cartoons", photos=None)
    assert f"note: what {sets / 'cartoons'} may have been trained on is not known" in out


# Fingerprints


def test_a_fingerprint_is_of_the_cells(sets):
    image = images.read(next((sets / "sprites").iterdir()))
    wanted = fingerprint(image)
    assert fingerprint(image.repeat(3, axis=0).repeat(3, axis=1)) == wanted
    changed = image.copy()
    changed[0, 0, 0] ^= 1
    others = [changed, image[:, ::-1], image.repeat(2, axis=0), image[:-1]]
    assert len({wanted, *map(fingerprint, others)}) == 5
