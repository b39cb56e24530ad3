"""Every key of every table has a meaning, and what is printed of an experiment is that experiment."""

import re
from pathlib import Path

import pytest

from pixelart_tf import train
from pixelart_tf.base.docstrings import first_sentence, meanings
from pixelart_tf.models import MODELS
from pixelart_tf.settings import config
from pixelart_tf.settings.experiment import TABLES, Settings
from pixelart_tf.training.building import Plan
from pixelart_tf.training.manual import manual

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))
NESTED = {
    model: {key: table for key, p in config.parameters(kind).items() if (table := config.table_of(p))}
    for model, kind in MODELS.items()
}
# Each model, and each network of each.
CHOICES = [{"name": model} for model in MODELS] + [
    {"name": model, key: {"name": name}}
    for model, nested in NESTED.items() for key, table in nested.items() for name in table.functions
]



def keys_of(text):
    """(table, key) -> its line, of what is printed; a key without a value is a comment."""
    found, table = {}, None
    for line in text.splitlines():
        if head := re.fullmatch(r"(?:# )?\[([\w.]+)\]", line):
            table = head[1]
        elif row := re.match(r"(?:# )?(\w+) =(.*)", line):
            found[table, row[1]] = line
    return found


@pytest.mark.parametrize("model", CHOICES, ids=lambda model: "-".join(
    each if isinstance(each, str) else each["name"] for each in model.values()
))
def test_every_key_of_every_table_has_a_meaning(model):
    text = manual(Settings({"model": model}))
    kind = MODELS[model["name"]]
    found = keys_of(text)
    for line in found.values():
        assert re.search(r" # [\w\"].{7,}", line) or re.search(rf"{re.escape(line)}\n {{36}}# [\w\"]", text), line
    assert {table.split(".")[0] for table, _ in found} == set(TABLES)
    assert {table for table, _ in found if table.startswith("data.")} == {
        f"data.{name}" for name in (*kind.domains_with(False), "partner")
    }
    assert {key for table, key in found if table == "finetune"} == set(kind.saved)
    plan = Plan.filled(Settings({"model": model}))
    for where, filled in (("model", plan.model), ("optimizer", plan.optimizer), ("train", vars(plan.settings.train))):
        names = {key for key, value in filled.items() if not isinstance(value, dict)} - {"name"}
        assert names == {key for table, key in found if table == where} - {"name"}
    for key in NESTED[model["name"]]:
        assert set(plan.model[key]) == {name for table, name in found if table == f"model.{key}"}
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_what_is_printed_of_an_experiment_is_that_experiment(path):
    settings = Settings(config.read(path))
    again = Settings(config.loads(manual(settings)))
    assert _filled(Plan.of(again).tables()) == _filled(Plan.of(settings).tables())


def _filled(tables):
    """Without networks to start from that are none."""
    return tables | {"finetune": {name: path for name, path in tables["finetune"].items() if path}}


def test_the_command_prints_defaults_or_an_experiments_values(capsys):
    assert train.main(["--settings"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = keys_of(out)
    assert re.match(r"epochs = 100 +# number of epochs", found["train", "epochs"])
    assert re.match(r"# files = +# a shard, a folder or a glob", found["data.source", "files"])
    assert re.match(r"cycle_weight = 10.0 +# factor of the cycle losses", found["model", "cycle_weight"])
    assert "# one of " + ", ".join(MODELS) in re.sub(r"\n +# ", " ", out)   # more than a line holds
    assert found["data.partner", "scale"].startswith("# scale = 4 ")
    arguments = [str(ROOT / "experiments" / "monet_4.toml"), "--set", "train.epochs=7"]
    assert train.main([*arguments, "--settings"]) == 0
    found = keys_of(capsys.readouterr().out)
    assert found["train", "epochs"].startswith("epochs = 7 ")
    assert found["model", "cycle_weight"].startswith("cycle_weight = 20.0 ")
    assert found["data.source", "files"].startswith('files = "/')
    assert train.main(["--settings", "--set", "model.nmae=1"]) == 2
    assert "`model.nmae` is not a setting" in capsys.readouterr().err


def test_docstrings_are_read():
    def described(*, a, b, c, d):
        """First line.

        Args:
            a: of `this`. And more.
            b, c: 1. 0: none,
                and on. Empty for none.

        Attributes:
            a: something else.
            d: last.

        Raises:
            e: never.
        """

    found = meanings(described)
    assert found == {
        "a": "of `this`. And more.", "b": "1. 0: none, and on. Empty for none.",
        "c": "1. 0: none, and on. Empty for none.", "d": "last.",
    }
    assert first_sentence(found["a"]) == "of this"
    assert first_sentence(found["b"]) == "1. 0: none, and on. Empty for none"
    assert first_sentence("one channel, Rec. 601 luma.") == "one channel, Rec. 601 luma"


def test_the_list_has_all_experiments_and_models(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert train.main(["--list"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for path in EXPERIMENTS:
        assert re.search(rf"^  experiments/{path.name} +[A-Z]\w+", out, re.MULTILINE), path
    assert "Photos to pixelated photos, unpaired" in out
    for name, kind in MODELS.items():
        first = " ".join(kind.__doc__.split("\n")[0].split()[:5])
        assert re.search(rf"^  {name} +{re.escape(first)}", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 100
    monkeypatch.chdir(tmp_path)
    assert train.main(["--list"]) == 0
    assert str(EXPERIMENTS[0]) in capsys.readouterr().out


def test_help_says_how_to_train_on_pictures_of_ones_own(capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    text = capsys.readouterr().out
    assert "--set data.source.files=photos/ --set data.target.files=sprites/" in text
    assert "--list" in text
