"""The bundled generators: found by name wherever a generator's file can be given, small, and each with its papers."""

import re

import numpy as np
import pytest

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators import pretrained
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.pictures import images
from pixelart_tf.settings.experiment import Settings
from pixelart_tf.translate import main as translate

BUNDLED = pretrained.named()
MOST_BYTES = 12e6   # of all networks, cards and pictures together
CARD = ("Trained on", "Command", "Cost", "Figures", "Faults")   # headings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of bundled generators, with two of one test's own."""
    from pixelart_tf.networks.cells import cells

    folder = tmp_path / "pretrained"
    folder.mkdir()
    for name in ("sprite", "sprite-inked"):
        cells(base_width=4, num_blocks=1, name=name.replace("-", "_")).save(folder / f"{name}.keras")
        (folder / f"{name}.md").write_text(f"# Makes a {name}\n\nMore of it.\n")
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_name_is_found_and_a_file_of_that_name_wins(folder, tmp_path):
    assert [*pretrained.named()] == ["sprite", "sprite-inked"]
    for given in ("sprite-inked", "sprite_inked", "Sprite-Inked"):
        assert pretrained.find(given) == folder / "sprite-inked.keras"
    (tmp_path / "sprite").mkdir()   # of pictures: no generator
    assert pretrained.find("sprite") == folder / "sprite.keras"
    (tmp_path / "sprite").rmdir()
    mine = tmp_path / "sprite"
    mine.write_bytes((folder / "sprite-inked.keras").read_bytes())
    assert str(pretrained.find("sprite")) == "sprite"
    assert pretrained.find(mine) == mine
    assert load_generator("sprite").name == "sprite_inked"
    mine.unlink()
    assert load_generator("sprite").name == "sprite"
    assert str(pretrained.find("runs/sprite")) == "runs/sprite"   # a path is no name


def test_an_unknown_name_is_one_line_that_lists_the_known_ones(folder, capsys):
    with pytest.raises(UserError, match="no generator is called 'sprit', nor any file; there are sprite, sprite-inked"):
        pretrained.find("sprit")
    for name in ("sprite", "sprite-inked"):
        (folder / f"{name}.keras").unlink()
    with pytest.raises(UserError, match="nor any file; none come along"):
        pretrained.find("sprite")


def test_they_are_listed(folder, capsys):
    with pytest.raises(SystemExit) as stopped:
        translate(["--list"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        "name          what it makes", "sprite        Makes a sprite", "sprite-inked  Makes a sprite-inked",
    ]


@pytest.mark.parametrize(
    "command", [
        "pixelize --generator {} in.png out.png", "translate {} in.png out.png", "video in/ out --generator {}",
        "submission {} in/ out.zip --any-count", "leaderboard {} --real in/ --photos in/ --network lite0 --size 64",
    ],
    ids=lambda command: command.split()[0],
)
def test_every_command_takes_names(folder, tmp_path, capsys, command):
    import importlib

    (tmp_path / "in").mkdir()
    for nth in range(2):
        picture = np.random.default_rng(nth).integers(0, 256, (256, 256, 3)).astype(np.uint8)
        images.write(tmp_path / "in" / f"{nth}.png", picture)
        images.write(tmp_path / "in.png", picture)
    command, *words = command.split()
    main = importlib.import_module(f"pixelart_tf.{command}" + (".__main__" if command == "pixelize" else "")).main
    assert main([word.format("sprit") for word in words]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].endswith("no generator is called 'sprit', nor any file; there are sprite, sprite-inked")
    status = main([word.format("sprite") for word in words])
    told = capsys.readouterr().err
    if command == "submission":   # the name is understood, but cells are no pictures for a competition
        assert (status, told.count("\n")) == (2, 1)
        assert "sprite: makes 64x64 pictures of 256x256 ones" in told
    elif command == "leaderboard":
        assert status == 0, told
    else:
        assert (status, told) == (0, "")
        assert (tmp_path / ("out" if command == "video" else "out.png")).exists()


def test_an_experiment_starts_from_one(folder, tmp_path):
    from pixelart_tf.training.building import Plan

    sides = {name: {"files": str(tmp_path / "*.png"), "image_size": size} for name, size in
             (("source", 32), ("target", 8))}
    generator = {"name": "cells", "base_width": 4, "num_blocks": 1}
    tables = {
        "data": sides, "finetune": {"to_target": "sprite"},
        "model": {"name": "pix2pix", "generator": generator, "discriminator": {"base_width": 4, "num_layers": 1}},
    }
    plan = Plan.of(Settings(tables))
    assert plan.settings.tables()["finetune"] == {"to_target": "sprite"}   # which another machine understands, too
    expected = load_generator("sprite").get_weights()
    for ours, saved in zip(plan.build().to_target.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, saved)
    mine = tmp_path / "sprite"
    mine.write_bytes((folder / "sprite-inked.keras").read_bytes())
    assert Settings(tables).finetune == {"to_target": str(mine)}
    mine.unlink()
    tables["finetune"]["to_target"] = "sprit"
    with pytest.raises(UserError, match=r"finetune.to_target: .*'sprit'.*there are sprite, sprite-inked"):
        Plan.of(Settings(tables)).build()


def test_they_are_small():
    assert sum(path.stat().st_size for path in pretrained.FOLDER.iterdir() if path.suffix != ".py") <= MOST_BYTES


@pytest.mark.parametrize("name", BUNDLED)
def test_each_has_a_card_and_a_picture(name):
    """What it was trained on, with licences, how, at what cost, how good it is and what is wrong with it."""
    text = pretrained.card(name)
    first, *rest = text.splitlines()
    assert re.fullmatch(r"# \S.{10,100}", first)
    parts = dict(re.findall(r"^## (.+)\n+((?:(?!## ).*\n?)+)", "\n".join(rest), flags=re.MULTILINE))
    assert [heading for heading in CARD if not parts.get(heading, "").strip()] == []
    assert re.search(r"CC0|CC.BY|Apache|public.domain", parts["Trained on"], flags=re.IGNORECASE)
    assert "python -m pixelart_tf." in parts["Command"]
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert shown
    for each in shown:
        assert images.read(pretrained.FOLDER / each).size


@pytest.mark.parametrize("name", BUNDLED)
def test_each_opens_and_makes_a_picture(name):
    generator = load_generator(name)
    made = np.asarray(generator.predict_on_batch(np.zeros((1, 64, 64, 3), np.float32)))
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1
