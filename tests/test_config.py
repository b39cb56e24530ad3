"""Experiment files: what is read, what is filled in, and what a mistake is told."""

from pathlib import Path

import pytest

from pixelart_tf import config


def a_function(*, size: int, rate: float = 0.5, pair: tuple[int, int] | None = None, flag: bool = False, word: str = "a"):
    if rate > 1:
        raise ValueError(f"`rate` must be at most 1. Received: {rate}")
    return size, rate, pair, flag, word


def test_options_are_filled_in_and_converted():
    filled = config.options(a_function, {"size": 3, "rate": 1, "pair": [2, 4]}, "table")
    assert filled == {"size": 3, "rate": 1.0, "pair": (2, 4), "flag": False, "word": "a"}
    assert isinstance(filled["rate"], float)


@pytest.mark.parametrize(("table", "message"), [
    ({"size": 3, "rat": 0.1}, "`t.rat` is not a setting. Did you mean `rate`? Known: flag, pair, rate, size, word"),
    ({"rate": 0.1}, "`t.size` is missing"),
    ({"size": 3.5}, "`t.size` must be a whole number. Received: 3.5"),
    ({"size": "3"}, "`t.size` must be a whole number. Received: '3'"),
    ({"size": True}, "`t.size` must be a whole number. Received: True"),
    ({"size": 3, "flag": 1}, "`t.flag` must be true or false. Received: 1"),
    ({"size": 3, "pair": [1, 2, 3]}, "`t.pair` must be"),
    ({"size": 3, "rate": 2.0}, "[t] `rate` must be at most 1. Received: 2.0"),
])
def test_mistakes_name_the_key(table, message):
    with pytest.raises(config.ConfigError) as caught:
        config.call(a_function, table, "t")
    assert str(caught.value).startswith(message)


def test_paths_are_meant_from_the_experiments_folder(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "e.toml").write_text('[data.source]\nfiles = "../pictures/*.png"\n[data.target]\nfiles = "/a/b"\n')
    tables = config.read(tmp_path / "e.toml", ["samples.source=held_out", "train.epochs=7", "model.objective=bce"])
    assert tables["data"]["source"]["files"] == str(tmp_path.parent / "pictures/*.png")
    assert tables["data"]["target"]["files"] == str(Path("/a/b"))
    assert tables["samples"]["source"] == str(Path("/held_out"))
    assert tables["train"]["epochs"] == 7
    assert tables["model"]["objective"] == "bce"


@pytest.mark.parametrize("override", ["nonsense", "=3", "a..b=3", "data.source.files.deep=3"])
def test_overrides_without_a_key_are_refused(tmp_path, override):
    (tmp_path / "e.toml").write_text('[data.source]\nfiles = "x"\n')
    with pytest.raises(config.ConfigError, match="--set"):
        config.read(tmp_path / "e.toml", [override])


def test_what_is_not_toml_is_named(tmp_path):
    (tmp_path / "e.toml").write_text("[data\n")
    with pytest.raises(config.ConfigError, match=r"e\.toml: not a TOML file"):
        config.read(tmp_path / "e.toml")


def test_settings_survive_being_written():
    tables = {
        "data": {"source": {"files": 'a "quoted" \\ path/ü*.png', "image_size": [96, 128], "mirror": True}},
        "train": {"epochs": 3, "checkpoint_minutes": 0.5},
    }
    assert config.loads(config.dumps(tables)) == tables
