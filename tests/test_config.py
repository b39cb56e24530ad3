"""Experiment files: what is read, what is filled in, and what a mistake is told."""

from pathlib import Path
from typing import Annotated

import pytest

from pixelart_tf.settings import config, tables
from pixelart_tf.settings.experiment import Settings, resumed, tables_of


def a_function(
    *, size: int, rate: float = 0.5, pair: tuple[int, int] | None = None, flag: bool = False, word: str = "a"
):
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
    settings = Settings(tables)
    assert settings.data["source"].files == str(tmp_path.parent / "pictures/*.png")
    assert settings.data["target"].files == str(Path("/a/b"))
    assert settings.samples.source == str(Path("/held_out"))
    assert settings.train.epochs == 7
    assert tables["model"]["objective"] == "bce"


def test_files_may_be_a_list_whose_paths_are_meant_from_the_experiments_folder(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "e.toml").write_text('[data.source]\nfiles = ["a/*.png", "/b"]\n[data.target]\nfiles = "c"\n')
    tables = config.read(tmp_path / "e.toml", ['data.target.files=["d", "~/e"]'])
    settings = Settings(tables)
    assert settings.data["source"].files == (str(tmp_path / "a/*.png"), str(Path("/b")))
    assert settings.data["target"].files == (str(Path("/d")), str(Path("~/e").expanduser()))
    again = Settings(config.loads(config.dumps(settings.tables())))
    assert again.data == settings.data


@pytest.mark.parametrize(("files", "message"), [
    ("[]", "`data.source.files` must name shards or pictures. Received: ()"),
    ('["a", ""]', "`data.source.files` must name shards or pictures."),
    ('["a", 3]', "`data.source.files` must be a string or a list of strings. Received: ['a', 3]"),
    ("7", "`data.source.files` must be a string or a list of strings. Received: 7"),
])
def test_lists_of_files_that_are_none(files, message):
    with pytest.raises(config.ConfigError) as caught:
        Settings(config.overridden({}, [f"data.source.files={files}"]))
    assert str(caught.value).startswith(message)


def test_what_domains_share_is_not_lost_where_a_run_goes_on():
    """Without an experiment, `--resume --set data.image_size=64` named no domain, and nothing was said."""
    before = {"data": {"source": {"files": "/a", "image_size": 32}, "target": {"files": "/b", "image_size": 32}}}
    with pytest.raises(config.ConfigError, match=r"`data.source.image_size` was 32 when run began and is 64 now"):
        resumed(config.overridden({}, ["data.image_size=64"]), before, "run")
    assert resumed(config.overridden({}, ["data.image_size=32"]), before, "run") == before


def test_what_a_domains_own_setting_would_overrule_is_told(tmp_path):
    """`--set data.image_size=64` changed nothing, and nothing was said."""
    path = tmp_path / "e.toml"
    path.write_text('[data]\nmirror = true\n[data.target]\nfiles = "a"\nimage_size = 32\n', encoding="utf-8")
    with pytest.raises(config.ConfigError, match=r"^--set data.image_size: .* has `data.target.image_size`"):
        tables_of(path, ["data.image_size=64"])
    for overrides in (["data.mirror=false"], ["data.image_size=64", "data.target.image_size=16"]):
        tables_of(path, overrides)


def test_a_models_option_that_is_a_path_is_annotated_as_one(tmp_path):
    def a_model(*, style: Annotated[str, config.PATH] = "", word: str = ""):
        pass

    (tmp_path / "e.toml").write_text('[model]\nstyle = "wave.jpg"\nword = "wave.jpg"\n')
    filled = config.options(a_model, config.read(tmp_path / "e.toml")["model"], "model")
    assert filled == {"style": str(tmp_path / "wave.jpg"), "word": "wave.jpg"}
    assert {type(value) for value in filled.values()} == {str}


@pytest.mark.parametrize(("path", "message"), [
    ("../" * 60 + "x", "leads above the root, from /"), ("~nobody-of-this-name/x", "no such user"),
])
def test_paths_that_lead_nowhere_are_told(tmp_path, path, message):
    (tmp_path / "e.toml").write_text(f'[data.source]\nfiles = "{path}"\n[data.target]\nfiles = "x"\n')
    with pytest.raises(config.ConfigError, match=message):
        Settings(config.read(tmp_path / "e.toml"))


@pytest.mark.parametrize("text", ["[" * 2000, "1" * 5000], ids=["brackets", "digits"])
def test_values_that_no_parser_bears_are_told(tmp_path, text):
    (tmp_path / "e.toml").write_text("")
    with pytest.raises(config.ConfigError, match="--set: not a value"):
        config.read(tmp_path / "e.toml", [f"train.epochs={text}"])
    (tmp_path / "e.toml").write_text(f"[train]\nepochs = {text}\n")
    with pytest.raises(config.ConfigError, match=r"e\.toml: not a TOML file"):
        config.read(tmp_path / "e.toml")


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


@pytest.mark.parametrize("text", [
    "plain", "", "with \"quotes\" and 'apostrophes'", "back\\slash\\n", "tab\tline\nbreak\r", "\x7f\x01",
    "ünïcödé ☃", "🎨.png", "[brackets]*?#=", " spaces ",
], ids=repr)
def test_any_text_survives_being_written(text):
    tables = {"samples": {"source": text}}
    assert config.loads(config.dumps(tables)) == tables


@pytest.mark.parametrize("number", [0, -3, 2**40, 1e-5, 1e30, 2e-4, 0.1 + 0.2, -0.0, True, False, [1, 2], []], ids=repr)
def test_any_setting_survives_being_written(number):
    value = config.loads(config.dumps({"t": {"x": number}}))["t"]["x"]
    assert (value, type(value)) == (number, type(number))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "e.toml").write_text("")
    table = config.read(tmp_path / "e.toml", [f"t.rate={text}"])["t"]
    with pytest.raises(config.ConfigError, match=r"`t\.rate` must be finite"):
        config.options(a_function, {"size": 1} | table, "t")


def test_a_name_that_is_not_utf_8_is_refused():
    with pytest.raises(config.ConfigError, match=r"`t\.word` must be UTF-8"):
        config.options(a_function, {"size": 1, "word": "caf\udce9"}, "t")


def inner(*, width: int = 8, name: str = "inner"):
    return width


def outer(*, part: Annotated[dict | None, config.Table({"inner": inner, "other": a_function}, given=("rate",))] = None):
    return part


def test_tables_in_tables_are_filled_in_and_checked():
    assert config.options(outer, {}, "t") == {"part": {"name": "inner", "width": 8}}
    full = config.options(outer, {"part": {"name": "other", "size": 2}}, "t")
    assert full == {"part": {"name": "other", "size": 2, "pair": None, "flag": False, "word": "a"}}
    assert config.options(outer, full, "t") == full


@pytest.mark.parametrize(("part", "message"), [
    (3, "`t.part` must be a table. Received: 3"),
    ({"name": [1]}, "`t.part.name` must be one of inner, other. Received: [1]"),
    ({"name": "none"}, "`t.part.name` must be one of inner, other. Received: 'none'"),
    ({"widht": 3}, "`t.part.widht` is not a setting. Did you mean `width`?"),
    ({"width": "3"}, "`t.part.width` must be a whole number. Received: '3'"),
    ({"name": "other", "size": 1, "rate": 0.1}, "`t.part.rate` is not a setting."),
])
def test_mistakes_in_tables_in_tables_name_the_key(part, message):
    with pytest.raises(config.ConfigError) as caught:
        config.options(outer, {"part": part}, "t")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("wrong", [
    {"epochs": 0}, {"batch_size": 0}, {"steps_per_execution": 0}, {"sample_every": 0}, {"decay_epochs": -1},
    {"decay_epochs": 101}, {"steps_per_epoch": -1}, {"seed": -1}, {"seed": 2**32}, {"checkpoint_minutes": 0.0},
    {"steps_per_execution": 2, "steps_per_epoch": 3},
], ids=str)
def test_impossible_trainings_are_refused(wrong):
    with pytest.raises(config.ConfigError, match=r"^\[train\] `\w+` must .* Received: "):
        config.call(tables.TrainTable, wrong, "train")


@pytest.mark.parametrize("wrong", [{"count": 0}, {"scale": 0}], ids=str)
def test_impossible_samples_are_refused(wrong):
    with pytest.raises(config.ConfigError, match=r"^\[samples\] `\w+` must be at least 1. Received: 0"):
        config.call(tables.SamplesTable, wrong, "samples")
