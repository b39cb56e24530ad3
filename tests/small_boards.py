"""Leaderboards of small sets and tiny runs, with lite0, which is part of the package, as their network."""

import json
from pathlib import Path

import keras
import pytest

from pixelart_tf import leaderboard
from pixelart_tf.pictures import images, sources

ROOT = Path(__file__).parents[1]
NUMBERS = ("mifid", "fid", "memorization_distance", "kid")


def make_sets(folder):
    """Folders of real pictures of 32x32 as PNG: what is held out, and what was trained on."""
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


def run_in(tmp_path, sets):
    """A function that makes a run's folder and gives its path."""
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


def board_of(capsys, sets):
    """A function that runs the command; it gives its exit status, what it printed and what it told on stderr."""
    def board(*arguments, real=None, photos=True, network="lite0"):
        capsys.readouterr()
        given = [*arguments, "--real", real or sets / "sprites", "--network", network, "--bootstrap", 4]
        given += ["--photos", sets / "cartoons" if photos is True else photos] if photos else []
        status = leaderboard.main([*map(str, given)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err
    return board


def scored_of(board, tmp_path):
    """A function that gives the numbers of a board that must go well, and what it printed."""
    def scored(*arguments, **options):
        path = tmp_path / "scored.json"
        status, out, err = board(*arguments, "--json", path, "--overwrite", **options)
        assert (status, err) == (0, "")
        return json.loads(path.read_text(), parse_constant=pytest.fail), out   # called for NaN and Infinity
    return scored


def refused_of(board):
    """A function that gives the message of a board that must fail in one line."""
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
