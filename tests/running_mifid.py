"""The mifid command on small sets of pictures, with lite0, which is part of the package, as its network."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf import mifid
from pixelart_tf.data import packing
from pixelart_tf.pictures import images, sources

ROOT = Path(__file__).parents[1]
SPRITES = str(ROOT / "tfrecords" / "heldout_sprite*.tfrec")     # 97 of 32x32
CARTOONS = str(ROOT / "tfrecords" / "heldout_cartoon*.tfrec")   # 61 of 256x256
NUMBERS = ("mifid", "fid", "memorization_distance", "kid")


def make_sets(folder):
    """Folders of 14 cartoons and of 16 sprites as PNG, 32x32; the cartoons as zip and as shards too."""
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


def run_of(capsys):
    """A function that runs the command; it gives its exit status, what it printed and what it told on stderr."""
    def run(*arguments, network="lite0"):
        capsys.readouterr()
        status = mifid.main([*map(str, arguments), *(("--network", network) if network else ())])
        printed = capsys.readouterr()
        return status, printed.out, printed.err
    return run


def scored_of(run):
    """A function that gives the numbers of a run that must go well."""
    def scored(*arguments, **options):
        status, out, err = run(*arguments, "--json", **options)
        assert (status, err) == (0, "")
        return json.loads(out, parse_constant=pytest.fail)   # called for NaN and Infinity
    return scored


def refused_of(run):
    """A function that gives the message of a run that must fail in one line."""
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
