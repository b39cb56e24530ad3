"""The leaderboard from outside: what it prints and writes, whose pictures it refuses, and what it says to mistakes.

The network is lite0, which is part of the package. It is built once for all tests of this file, as that takes seconds.
"""

import csv
import json
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from processes import environment
from scipy import stats

from pixelart_tf import leaderboard as leaderboard
from pixelart_tf import mifid, translate
from pixelart_tf.data import packing
from pixelart_tf.evaluation.held_out import fingerprint
from pixelart_tf.generators import pretrained
from pixelart_tf.pictures import images, sources
from pixelart_tf.scores import pixel_art

ROOT = Path(__file__).parents[1]
NUMBERS = ("mifid", "fid", "memorization_distance", "kid")
KNOWN = ", ".join(pretrained.named())

pytestmark = pytest.mark.usefixtures("one_lite0")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Folders of real pictures of 32x32 as PNG: what is held out, and what was trained on."""
    folder = tmp_path_factory.mktemp("sets")
    for name, shards, number in (
        ("sprites", "heldout_sprite", 12), ("cartoons", "heldout_cartoon", 10),
        ("trained_sprites", "sprite03", 5), ("trained_cartoons", "cartoon02", 5),
    ):
        (folder / name).mkdir()
        for item in list(sources.read(ROOT / "tfrecords" / f"{shards}*.tfrec"))[:number]:
            picture = images.fit(item.decode(), 32, how="crop", resample="area")
            images.write(folder / name / f"{item.name}.png", picture)
    return folder


def generator(path, scale):
    """Saves one that multiplies values in [-1, 1]: -1 makes the negative."""
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.Rescaling(scale)(inputs)).save(path)
    return path


@pytest.fixture
def run(tmp_path, sets):
    """Makes a run's folder; gives its path."""
    def run(name, scale=-1.0, *, seed=0, width=32, source=None, target=None, epochs=3, best=None):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        generator(folder / "to_target.keras", scale)
        (folder / "config.toml").write_text(
            f'[data.source]\nfiles = "{source or sets / "trained_cartoons"}"\n'
            f'[data.target]\nfiles = "{target or sets / "trained_sprites"}"\n'
            f"[model.generator]\nbase_width = {width}\n[train]\nseed = {seed}\nepochs = 3\n"
        )
        lines = [json.dumps({"epoch": epoch + 1}) for epoch in range(epochs)]
        (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
        (folder / "samples").mkdir()   # a run's folder holds pictures too, which are not what is scored
        images.write(folder / "samples" / "epoch_001.png", images.read(next((sets / "sprites").iterdir())))
        if best is not None:
            (folder / "best").mkdir()
            generator(folder / "best" / "to_target.keras", best)
            (folder / "best" / "score.json").write_text('{"epoch": 2}')
        return folder
    return run


@pytest.fixture
def board(capsys, sets):
    """Runs the command; gives its exit status, what it printed and what it told on stderr."""
    def board(*arguments, real=None, photos=True, network="lite0"):
        capsys.readouterr()
        given = [*arguments, "--real", real or sets / "sprites", "--network", network, "--bootstrap", 4]
        given += ["--photos", sets / "cartoons" if photos is True else photos] if photos else []
        status = leaderboard.main([*map(str, given)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err
    return board


@pytest.fixture
def scored(board, tmp_path):
    """The numbers of a board that must go well, and what it printed."""
    def scored(*arguments, **options):
        path = tmp_path / "scored.json"
        status, out, err = board(*arguments, "--json", path, "--overwrite", **options)
        assert (status, err) == (0, "")
        return json.loads(path.read_text(), parse_constant=pytest.fail), out   # called for NaN and Infinity
    return scored


@pytest.fixture
def refused(board):
    """The message of a board that must fail in one line."""
    def refused(*arguments, **options):
        status, out, err = board(*arguments, **options)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1, err
        prefix = "python -m pixelart_tf.leaderboard: "
        assert err.startswith(prefix)
        return err.removeprefix(prefix).rstrip("\n")
    return refused


def numbers(found):
    return [found[key] for key in NUMBERS]


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


# Mistakes


@pytest.mark.parametrize(("arguments", "told"), [
    ([], "no entries: give runs, generators or sets of pictures, before the options"),
    (["none"], f"no generator is called 'none', nor any file; there are {KNOWN}"),
    (["none.keras"], "none.keras: no such file"),
    (["a=none"], f"no generator is called 'none', nor any file; there are {KNOWN}"),
    (["a=x,,y"], "a=x,,y: must be NAME=PATH,PATH"),
    (["{run}", "{run}"], "{run}: given twice"),
    (["{run}", "a={run}/to_target.keras"], "{run}/to_target.keras: given twice, as {run}"),
    (["a={run}", "a={cartoons}"], "a: the name of 2 entries; NAME=PATH gives another"),
    (["{run}", "--csv", "x.txt"], "x.txt: must end in .csv"),
    (["{run}", "--picture", "none/x.png"], "none: no such folder"),
    (["{run}", "--limit", "1"], "`limit` must be at least 2. Received: 1"),
    (["{run}", "--bootstrap", "1"], "`bootstrap` must be 0 or at least 2. Received: 1"),
    (["{run}", "--size", "0"], "`size` must be at least 1. Received: 0"),
    (["{run}", "--weights", "x"], "`weights` is for the network inception only. Received: x with lite0"),
    (["features.npz"], "features.npz: features; pictures are needed, to see whether they were trained on"),
    (["{run}", "--train", "none"], "none: no such file or folder"),
])
def test_a_mistake_is_one_line(run, sets, arguments, told, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    places = {"run": run("negative"), "cartoons": sets / "cartoons"}
    given = [argument.format(**places) for argument in arguments]
    options = ["--real", sets / "sprites", "--photos", sets / "cartoons", "--network", "lite0"]
    assert leaderboard.main([*map(str, [*given, *options])]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"python -m pixelart_tf.leaderboard: {told.format(**places)}\n")


def test_mistakes_of_runs_are_one_line(refused, run, tmp_path, sets):
    folder = run("no_generator")
    (folder / "to_target.keras").unlink()
    assert "a run without a generator" in refused(folder)
    folder = run("no_config")
    (folder / "config.toml").unlink()
    assert "a run without config.toml" in refused(folder)
    folder = run("no_data")
    (folder / "config.toml").write_text("[train]\nseed = 1\n")
    assert "does not say `data.*.files`" in refused(folder)
    folder = run("no_table")
    (folder / "config.toml").write_text(f'train = 1\n[data.source]\nfiles = "{sets}"\n')
    assert refused(folder) == f"{folder / 'config.toml'}: `train` must be a table. Received: 1"
    folder = run("damaged")
    (folder / "to_target.keras").write_bytes(b"PK")
    assert refused(folder) == f"{folder / 'to_target.keras'}: not a .keras file, or cut off"
    assert refused(run("fine"), photos=None).endswith("a generator, which needs --photos to translate")
    assert refused(sets / "cartoons").startswith("--photos: no entry is a generator")


def test_mistakes_of_pictures_are_one_line(refused, run, tmp_path, sets):
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert f"{tmp_path / 'empty.zip'}: no pictures in it" in refused(tmp_path / "empty.zip", photos=None)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"no picture")
    assert "a.png: not a picture" in refused(tmp_path / "bad", photos=None)
    assert "none: no such file, nor a network's name" in refused(sets / "cartoons", photos=None, network="none")
    assert "no such file or folder" in refused(sets / "cartoons", photos=None, real=tmp_path / "none")
    assert "features; pictures are needed" in refused(sets / "cartoons", photos=None, real=tmp_path / "real.npz")
    image = images.read(next((sets / "cartoons").iterdir()))
    (tmp_path / "large").mkdir()
    for name in "ab":
        images.write(tmp_path / "large" / f"{name}.png", images.fit(image, 48))
    told = refused(tmp_path / "large", photos=None)
    assert "48x48 pixels, but" in told
    assert "`--size N`" in told


def test_it_runs_by_its_name():
    script = [sys.executable, "-m", "pixelart_tf.leaderboard"]
    done = subprocess.run([*script, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m pixelart_tf.leaderboard")
    assert "examples:" in done.stdout
    done = subprocess.run([*script, "none", "--real", "none"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "python -m pixelart_tf.leaderboard: none: no such file or folder\n"


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


# Fingerprints


def test_a_fingerprint_is_of_the_cells(sets):
    image = images.read(next((sets / "sprites").iterdir()))
    wanted = fingerprint(image)
    assert fingerprint(image.repeat(3, axis=0).repeat(3, axis=1)) == wanted
    changed = image.copy()
    changed[0, 0, 0] ^= 1
    others = [changed, image[:, ::-1], image.repeat(2, axis=0), image[:-1]]
    assert len({wanted, *map(fingerprint, others)}) == 5
