"""The wheel, installed where there is no repository: it trains, and all that it brings along is licensed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixelart_tf.generators import pretrained
from pixelart_tf.pictures import shards
from pixelart_tf.settings import experiment_files

ROOT = Path(__file__).parents[1]
BUILT_IN = ROOT / "pixelart_tf" / "settings" / "builtin"


def builder():
    """kaggle/build.py as a module, which builds wheels."""
    spec = importlib.util.spec_from_file_location("kaggle_build", ROOT / "kaggle" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_built_in_pictures_are_the_repositorys_and_small():
    """No second copy: links, to one file each."""
    files = [path for path in BUILT_IN.rglob("*.*") if path.name != "README.md"]
    assert all(path.is_symlink() and path.resolve().is_relative_to(ROOT) for path in files)
    assert {path.parent.name for path in files} == {"experiments", "tfrecords"}
    assert all(path.resolve() == ROOT / path.relative_to(BUILT_IN) for path in files)
    assert sum(path.stat().st_size for path in files) < 1.3e6
    names = {path.name for path in files}
    assert {"quickstart.toml", "LICENSES.md", "LICENSE-Apache-2.0.txt", "LICENSE-CC0-1.0.txt"} <= names
    counts = {path.name: sum(1 for _ in shards.read(path)) for path in files if path.suffix == ".tfrec"}
    told = (BUILT_IN / "README.md").read_text()
    assert f"{counts['cartoon02-39.tfrec']} cartoons" in told
    assert f"{counts['sprite03-104.tfrec']} sprites" in " ".join(told.split())
    assert experiment_files.QUICKSTART == ROOT / "experiments" / "quickstart.toml"   # here it is the repository's


@pytest.mark.slow
def test_a_wheel_trains_where_there_is_no_repository(tmp_path):
    wheel = builder().build_wheel(ROOT, tmp_path / "scratch")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True)

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=elsewhere, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(site), "CUDA_VISIBLE_DEVICES": ""},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    built_in = site / "pixelart_tf" / "settings" / "builtin"
    assert not any(path.is_symlink() for path in built_in.rglob("*"))
    assert (built_in / "tfrecords" / "LICENSES.md").read_bytes() == (ROOT / "tfrecords" / "LICENSES.md").read_bytes()
    assert str(built_in / "experiments" / "quickstart.toml") in run("pixelart_tf.train", "--list")
    bundled = [path.name for path in pretrained.FOLDER.iterdir() if path.is_file()]
    packed = [path.name for path in (site / "pixelart_tf" / "generators" / "pretrained").iterdir() if path.is_file()]
    assert sorted(packed) == sorted(bundled)
    listed = run("pixelart_tf.translate", "--list")
    assert all(f"{name} " in listed for name in pretrained.named())
    sets = ("train.epochs=1", "train.decay_epochs=0", "train.steps_per_epoch=1", "score.source=", "score.target=",
            "model.generator.num_downsamplings=3")   # a graph of half the size
    out = run("pixelart_tf.train", *(word for text in sets for word in ("--set", text)))
    assert str(built_in / "tfrecords") in out
    folder = elsewhere / "runs" / "quickstart"
    assert (folder / "to_target.keras").is_file()
    assert (folder / "gallery.html").is_file()
    assert (folder / "samples" / "epoch_0001.png").is_file()
    *_, translate = out.splitlines()   # what it says comes next can be done
    run(*translate.split()[2:])
    assert len([*(folder / "translated").iterdir()]) == 61
