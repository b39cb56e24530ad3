"""The leaderboard from outside: what it scores, prints and writes."""

import csv
import json
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import environment
from scipy import stats
from small_boards import NUMBERS, ROOT, numbers

from pixelart_tf import mifid, translate
from pixelart_tf.data import packing
from pixelart_tf.pictures import images, sources
from pixelart_tf.scores import pixel_art

pytestmark = pytest.mark.usefixtures("one_lite0")


# What is scored


def test_a_run_scores_what_its_translated_pictures_score(scored, run, sets, tmp_path, capsys):
    """By the commands translate and mifid, one after the other."""
    folder = run("negative")
    assert translate.main([str(folder / "to_target.keras"), str(sets / "cartoons"), str(tmp_path / "out")]) == 0
    capsys.readouterr()
    arguments = [str(tmp_path / "out"), str(sets / "sprites"), "--network", "lite0", "--json", "--bootstrap", "4"]
    assert mifid.main(arguments) == 0
    wanted = json.loads(capsys.readouterr().out)
    found, _ = scored(folder, tmp_path / "out")
    for entry in found["entries"]:
        assert numbers(entry) == pytest.approx(numbers(wanted), rel=1e-6)
        assert entry["intervals"]["mifid"] == pytest.approx(wanted["intervals"]["mifid"], rel=1e-6)


def test_the_lowest_comes_first(scored, run, sets):
    found, out = scored(run("negative"), run("grey", 0.3, width=8), f"untouched={sets / 'cartoons'}")
    values = [entry["mifid"] for entry in found["entries"]]
    assert values == sorted(values)
    assert len({*values}) == 3
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["runs", "MiFID"]
    for place, (line, entry) in enumerate(zip(lines[1:4], found["entries"], strict=True), 1):
        assert line.startswith(f"{place}  {entry['name']} ")
        assert f" {entry['mifid']:.3f} " in line
    assert {entry["name"] for entry in found["entries"]} == {"negative", "grey", "untouched"}


def test_style_and_far_are_told_of_pixel_art(scored, board, run, sets, tmp_path):
    """Of its cells, however large; far of a generator's pictures only, and neither of what is no pixel art."""
    for name, cell in (("art", 1), ("enlarged", 5)):
        (tmp_path / name).mkdir()
        for path in (sets / "cartoons").iterdir():
            art = np.asarray(Image.open(path).quantize(8).convert("RGB"))
            images.write(tmp_path / name / path.name, art.repeat(cell, axis=0).repeat(cell, axis=1))
    (tmp_path / "soft").mkdir()
    for number in range(3):
        soft = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        images.write(tmp_path / "soft" / f"{number}.png", images.fit(soft, 400, how="crop", resample="lanczos"))
    made, real = ([item.decode() for item in sources.read(folder)] for folder in (tmp_path / "art", sets / "sprites"))
    wanted = pixel_art.style(made, real)
    folders = (tmp_path / name for name in ("art", "enlarged", "soft"))
    entries = (run("same", 1.0), run("dimmed", 0.9, width=8), *folders)
    found, out = scored(*entries, "--size", 32, "--csv", tmp_path / "board.csv", photos=tmp_path / "art")
    by_name = {Path(entry["name"]).name: entry for entry in found["entries"]}
    for name in ("same", "art", "enlarged"):
        assert by_name[name]["style"] == pytest.approx(wanted)
    assert by_name["same"]["far"] == 0
    assert by_name["dimmed"]["far"] > 3   # white, of which these drawings have much, loses 13 levels
    assert [by_name[name]["far"] for name in ("art", "enlarged", "soft")] == [None] * 3
    assert by_name["soft"]["style"] is None
    assert out.splitlines()[0].split()[7:9] == ["style", "far"]
    with open(tmp_path / "board.csv", newline="", encoding="utf-8") as file:
        styles = {Path(line["name"]).name: line["style"] for line in csv.DictReader(file)}
    assert styles["soft"] == ""
    assert float(styles["art"]) == by_name["art"]["style"]
    _, out, _ = board(tmp_path / "art", tmp_path / "enlarged", "--size", 32, real=tmp_path / "soft", photos=None)
    assert "style" not in out.splitlines()[0]


def test_zip_shards_and_folder_score_alike(scored, sets, tmp_path):
    with zipfile.ZipFile(tmp_path / "cartoons.zip", "w") as archive:
        for file in sorted((sets / "cartoons").iterdir()):
            archive.write(file, file.name)
    packing.pack(sets / "cartoons", tmp_path / "shards", domain="cartoon", size=32, format="png")
    found, _ = scored(sets / "cartoons", tmp_path / "cartoons.zip", tmp_path / "shards", photos=None)
    assert numbers(found["entries"][0]) == numbers(found["entries"][1]) == numbers(found["entries"][2])


def test_seeds_of_a_setting_are_one_row(scored, run):
    runs = [run(f"wide_seed_{seed}", scale, seed=seed) for seed, scale in enumerate((-1.0, -0.8, -0.6))]
    other = run("narrow", -0.9, seed=0, width=8)
    found, out = scored(*runs, other)
    entry = next(entry for entry in found["entries"] if len(entry["runs"]) == 3)
    assert (entry["name"], [each["seed"] for each in entry["runs"]]) == ("wide", [0, 1, 2])
    values = [each["mifid"] for each in entry["runs"]]
    assert entry["mifid"] == pytest.approx(statistics.mean(values))
    # SciPy's own interval of the mean
    low, high = stats.t.interval(0.95, 2, statistics.mean(values), stats.sem(values))
    assert entry["intervals"]["mifid"] == pytest.approx([max(low, 0), high])
    assert "narrow" in {entry["name"] for entry in found["entries"]}
    for seed, (folder, value) in enumerate(zip(runs, values, strict=True)):
        line = next(line for line in out.splitlines() if line.strip().startswith(str(folder)))
        assert f"seed {seed}" in line
        assert f"{value:.3f}" in line
    assert "95 % of wide: Student's t" in out


def test_a_name_makes_one_row_of_what_it_is_given(scored, run):
    one, two = run("a", -1.0, width=8), run("b", -0.5, width=16)
    found, _ = scored(f"mine={one},{two / 'to_target.keras'}")
    assert [(entry["name"], len(entry["runs"])) for entry in found["entries"]] == [("mine", 2)]


def test_paths_may_hold_what_divides_others(scored, run, sets):
    """A path that exists is a path, whatever its letters; so `lr=0.1,wide` is one run, and no name."""
    odd, plain = run("lr=0.1,wide", -1.0, width=8), run("plain", -0.5, width=16)
    found, _ = scored(odd)
    assert [entry["name"] for entry in found["entries"]] == ["lr=0.1,wide"]
    found, _ = scored(f"mine={odd},{plain},{sets / 'cartoons'}")
    assert [each["path"] for each in found["entries"][0]["runs"]] == [str(odd), str(plain), str(sets / "cartoons")]
    (odd.parent / "x=1").symlink_to(sets / "cartoons")
    pattern = f"{odd.parent}/x=1/*.png"
    assert scored(pattern, photos=None)[0]["entries"][0]["name"] == pattern
    assert scored(f"a={pattern}", photos=None)[0]["entries"][0]["name"] == "a"


def test_the_network_that_a_run_saves_first_is_scored(scored, run):
    folder, usual = run("other_model", -1.0, width=8), run("usual", -1.0)
    (folder / "to_target.keras").rename(folder / "decoder.keras")
    with open(folder / "config.toml", "a") as file:
        file.write('[run]\nsaved = ["decoder", "encoder"]\n')
    entries = {entry["name"]: entry for entry in scored(folder, usual)[0]["entries"]}
    assert entries["other_model"]["runs"][0]["generator"] == str(folder / "decoder.keras")
    assert numbers(entries["other_model"]) == numbers(entries["usual"])


def test_the_best_generator_is_taken_unless_the_last_is_asked_for(scored, run):
    folder = run("both", -1.0, best=-0.5)
    best, out = scored(folder)
    assert "both (best, epoch 2)" in out
    assert "--last" in out
    last, out = scored(folder, "--last")
    assert "both (last, epoch 3)" in out
    single, _ = scored(folder / "best" / "to_target.keras")
    assert numbers(best["entries"][0]) == numbers(single["entries"][0]) != numbers(last["entries"][0])


def test_copies_of_the_real_pictures_come_last_without_a_score(scored, run, sets, tmp_path):
    found, out = scored(sets / "sprites", run("negative"), "--picture", tmp_path / "board.png")
    assert (found["entries"][1]["name"], found["entries"][1]["mifid"]) == (str(sets / "sprites"), None)
    assert "undefined" in out.splitlines()[2]
    assert f"{sets / 'sprites'}: MiFID is undefined" in out


def test_counts_that_differ_are_told_and_can_be_made_equal(scored, run, sets, tmp_path):
    (tmp_path / "few").mkdir()
    for file in sorted((sets / "cartoons").iterdir())[:6]:
        (tmp_path / "few" / file.name).write_bytes(file.read_bytes())
    folder = run("negative")
    _, out = scored(folder, tmp_path / "few")
    assert "6 to 10 pictures do not compare" in out
    found, out = scored(folder, tmp_path / "few", sets / "cartoons", "--limit", 6)
    assert "do not compare" not in out
    assert {each["num_generated"] for entry in found["entries"] for each in entry["runs"]} == {6}
    by_name = {entry["name"]: numbers(entry) for entry in found["entries"]}
    assert by_name[str(tmp_path / "few")] == by_name[str(sets / "cartoons")]


def test_the_same_seed_twice_and_an_unfinished_run_are_told(scored, run):
    _, out = scored(run("a", -1.0), run("b", -0.9, epochs=2))
    assert "runs of the same seed" in out
    assert "only 2 of its 3 epochs are done" in out


def test_twice_gives_the_same(board, run, sets, tmp_path):
    arguments = run("negative"), sets / "cartoons"
    assert board(*arguments) == board(*arguments)


# What is written


def test_json_csv_and_picture_are_written(board, run, tmp_path):
    paths = [tmp_path / name for name in ("board.json", "board.csv", "board.png")]
    options = ["--json", paths[0], "--csv", paths[1], "--picture", paths[2]]
    runs = [run("a_0", -1.0, seed=0), run("a_1", -0.7, seed=1), run("dollar$_b", 0.3, width=8)]
    status, out, _ = board(*runs, *options)
    assert status == 0
    found = json.loads(paths[0].read_text())
    assert all(note in out for note in found["notes"])
    assert (found["network"], found["dimension"], found["num_real"]) == ("lite0", 1280, 12)
    with open(paths[1], newline="", encoding="utf-8") as file:
        lines = [*csv.DictReader(file)]
    assert len(lines) == 4   # a row of two, its two, and a row of one
    for entry in found["entries"]:
        line = next(line for line in lines if line["name"] == entry["name"])
        assert [float(line[key]) for key in NUMBERS] == numbers(entry)
        assert [float(line[f"mifid_{end}"]) for end in ("low", "high")] == entry["intervals"]["mifid"]
    with Image.open(paths[2]) as image:
        assert image.format == "PNG"
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10
    assert not [*tmp_path.glob(".part*")]
    assert "board.json: already there; --overwrite" in board(*runs, *options[:2])[2]
    assert board(*runs, *options, "--overwrite")[0] == 0


def test_a_fault_leaves_outputs_as_they_were(refused, run, sets, tmp_path):
    path = tmp_path / "board.png"
    path.write_bytes(b"old")
    refused(run("leaky", source=sets / "cartoons"), "--picture", path, "--overwrite")
    assert path.read_bytes() == b"old"


def test_a_full_disk_takes_the_file_but_not_the_table(board, run, small_disk):
    (small_disk / "filler").write_bytes(bytes(60_000))
    status, out, err = board(run("negative"), "--picture", small_disk / "board.png")
    assert status == 2
    assert "1  negative" in out
    assert err == f"python -m pixelart_tf.leaderboard: {small_disk / 'board.png'}: No space left on device\n"
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


# In a process of its own


@pytest.mark.slow
def test_jax_scores_alike(scored, run, sets, tmp_path):
    folder, path = run("negative"), tmp_path / "jax.json"
    command = [
        sys.executable, "-m", "pixelart_tf.leaderboard", folder, "--real", sets / "sprites", "--photos",
        sets / "cartoons", "--network", "lite0", "--bootstrap", "4", "--json", path, "--backend", "jax",
        "--train", ROOT / "tfrecords" / "cartoon02-39.tfrec",
    ]
    subprocess.run([*map(str, command)], env=environment(), check=True)
    wanted, _ = scored(folder)
    found = json.loads(path.read_text())
    assert numbers(found["entries"][0]) == pytest.approx(numbers(wanted["entries"][0]), rel=1e-4)
