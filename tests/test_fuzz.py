"""Damaged and hostile files and settings: each is used, or refused in one line; nothing else is left behind.

The long form is experiments/benchmarks/fuzz.py.
"""

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from mutants import mutants, seeds, tables

from pixelart_tf import mifid, records, train, translate, video
from pixelart_tf.networks import resnet
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import __main__ as pixelize

SHARD = Path(__file__).parents[1] / "tfrecords" / "heldout_sprite00-97.tfrec"
LONGEST = 20   # seconds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    path = tmp_path_factory.mktemp("generator") / "g.keras"
    resnet(base_width=2, num_blocks=1, num_downsamplings=1).save(path)
    return path


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a command on a file of given contents, and looks at what it says and what it leaves."""

    def once(main, name, contents, *arguments):
        place = tmp_path / "in"
        place.mkdir(exist_ok=True)
        (place / name).write_bytes(contents)
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        capsys.readouterr()
        began = time.monotonic()
        status = main([str(each).replace("IN", str(place / name)).replace("OUT", str(out)) for each in arguments])
        assert time.monotonic() - began < LONGEST
        err = capsys.readouterr().err
        lines = [line for line in err.splitlines() if line.startswith("python -m ")]
        assert "Traceback" not in err
        assert status in (0, 2)
        assert len(lines) == 1 or status == 0 or main is records.main, err
        left = [path for path in out.rglob("*") if path.name.startswith(".") or ".part." in path.name]
        assert not left
        for path in filter(Path.is_file, out.rglob("*")):
            assert status == 0 or name.endswith(".zip"), "what one file should have become, though it is refused"
            images.read(path)   # what was made of whole members of a zip is whole
        for path in sorted(out.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
        (place / name).unlink()
        return status

    return once


def cases(number):
    rng = np.random.default_rng(20)
    return [
        (name, damaged) for name, whole in seeds(rng).items() if name != "set.zip"
        for damaged in mutants(rng, whole, number)
    ]


def test_pictures_through_pixelize(run):
    found = [run(pixelize.main, name, data, "IN", "OUT/made.png", "--width", "4") for name, data in cases(12)]
    assert 0 < sum(found) / 2 < len(found)   # some are whole enough, some are not


def test_pictures_through_a_generator(run, generator):
    found = [run(translate.main, name, data, generator, "IN", "OUT/made.png") for name, data in cases(3)]
    assert 0 < sum(found) / 2 < len(found)


def test_zips_and_films(run):
    rng = np.random.default_rng(1)
    whole = seeds(rng)
    for damaged in mutants(rng, whole["set.zip"], 20):
        run(pixelize.main, "set.zip", damaged, "IN", "OUT/made", "--width", "4")
    for damaged in mutants(rng, whole["film.gif"], 20):
        run(video.main, "film.gif", damaged, "IN", "OUT/made.gif", "--width", "4")


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_shards(run, packed):
    rng = np.random.default_rng(2)
    whole = packed(SHARD.read_bytes()[:6000])
    found = [run(records.main, "x00-97.tfrec", damaged, "check", "IN") for damaged in mutants(rng, whole, 25)]
    assert sum(found)


def test_networks_and_features(run, generator):
    rng = np.random.default_rng(3)
    picture = Path(__file__).parent / "data" / "pictures" / "nt-cat.png"
    for damaged in mutants(rng, generator.read_bytes(), 15):
        run(translate.main, "g.keras", damaged, "IN", picture, "OUT/a.png")
    features = generator.parent / "f.npz"
    np.savez_compressed(features, features=rng.normal(size=(4, 3)), names=np.array(list("abcd")))
    for damaged in mutants(rng, features.read_bytes(), 15):
        run(mifid.main, "f.npz", damaged, "IN", "IN")


def test_settings(capsys):
    """Nothing is read or built: what is wrong shows in the settings, or a dry run says what would happen."""
    rng = np.random.default_rng(4)
    for override in tables(rng, 60):
        capsys.readouterr()
        status = train.main(["--settings", "--set", override])
        err = capsys.readouterr().err
        assert status in (0, 2), override
        assert "Traceback" not in err
        if status:
            assert len([line for line in err.splitlines() if line.startswith("python -m ")]) == 1, (override, err)
