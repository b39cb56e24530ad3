"""The shape of the code: what may import what, and that what is documented is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pixelart_tf"
FILES = sorted(PACKAGE.rglob("*.py"))

# Imports go down only: a module may import from its own layer and those below. The layers: settings and pictures;
# TensorFlow's place, networks and pixel art; models; what knows a saved generator; commands.
LAYERS = {
    0: ["cli", "config", "files", "images", "scores", "tables", "threads"],
    1: [
        "records", "packing", "sources", "outputs", "keras_file", "domains", "pipeline", "backend", "devices",
        "networks", "losses", "optimizers", "features", "pixelize", "films",
    ],
    2: ["models", "checkpoint", "figures", "callbacks", "budget", "progress"],
    3: [
        "archive", "archive_check", "tiling", "translate", "feature_sets", "mifid", "report", "leaderboard", "scoring",
        "settings", "trainer",
    ],
    4: ["train", "submission", "video", "__main__", "__init__"],
}
LAYER = {name: number for number, names in LAYERS.items() for name in names}
# These train on any Keras backend, so TensorFlow is not for them.
KERAS_ONLY = (
    "networks", "features", "losses", "optimizers", "models", "callbacks", "progress", "checkpoint", "figures"
)
EXTRAS = {"tqdm", "typer", "rich", "gradio", "av", "imageio_ffmpeg", "tensorflow_addons", "torch"}
FILMS = {"av", "imageio_ffmpeg"}   # for films/, inside functions


def imported(path: Path, *, inside_functions: bool = True) -> set[str]:
    """Dotted names of the modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if inside_functions else tree.body
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part(path: Path) -> str:
    """The package's part that a file belongs to: `unet.py` of `networks/` is networks. A folder's command is one."""
    first = path.relative_to(PACKAGE).parts[0]
    return path.stem if path.name == "__main__.py" else first.removesuffix(".py")


def ours(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imported(path) if name.startswith("pixelart_tf.")}
    return names & LAYER.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    above = {name for name in ours(path) if LAYER[name] > LAYER[part(path)]}
    assert not above, f"{path.name} imports from above: {above}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_frameworks_stay_in_their_layer(path):
    roots = {name.split(".")[0] for name in imported(path)}
    if LAYER[part(path)] == 0 or part(path) == "pixelize":
        assert not roots & {"tensorflow", "keras", "jax"}
    if part(path) in KERAS_ONLY:
        assert "tensorflow" not in roots
    assert not roots & EXTRAS - (FILMS if part(path) == "films" else set())
    assert not {name.split(".")[0] for name in imported(path, inside_functions=False)} & EXTRAS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 335   # "under about 300 lines"
    assert ast.get_docstring(ast.parse(text))


def test_the_package_itself_imports_nothing_heavy():
    code = "import sys, pixelart_tf; print(sorted({'numpy', 'tensorflow', 'keras', 'PIL'} & sys.modules.keys()))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_main_lists_commands_that_are_there():
    listing = subprocess.check_output([sys.executable, "-m", "pixelart_tf"], text=True)
    commands = [word for word in listing.split() if word.startswith("pixelart_tf.")]
    assert {"pixelart_tf.records", "pixelart_tf.train", "pixelart_tf.translate"} <= set(commands)
    for command in commands:
        usage = subprocess.check_output([sys.executable, "-m", command, "--help"], text=True)
        assert usage.startswith(f"usage: python -m {command}")


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda path: path.name)
def test_experiments_have_known_settings_and_say_what_they_cost(path):
    from pixelart_tf import config, trainer

    trainer.Settings(config.read(path))
    text = path.read_text(encoding="utf-8")
    assert all(word in text for word in ("# Command", "# Cost", "# Outcome"))
