"""What the leaderboard says to mistakes."""

import subprocess
import sys
import zipfile

import pytest

from pixelart_tf import leaderboard
from pixelart_tf.generators import pretrained
from pixelart_tf.pictures import images

KNOWN = ", ".join(pretrained.named())

pytestmark = pytest.mark.usefixtures("one_lite0")


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
