"""The shape of the code: what may import what, how long things are, and that what is documented is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pixelart_tf

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pixelart_tf"
FILES = sorted(PACKAGE.rglob("*.py"))
COMMAND_LINES, FILE_LINES, FUNCTION_LINES = 130, 310, 66   # "about 120, 300 and 60"

# Folder -> what its files may import of ours, besides their own folder: folders, or single modules.
BELOW_GENERATORS = ("base", "pictures", "settings", "scores", "devices", "networks", "layers", "pixelize", "formats")
MAY_IMPORT = {
    "base": (),
    "pictures": ("base",),
    "settings": ("base", "pictures.images"),
    "scores": ("base",),
    "devices": ("base",),
    "networks": ("base", "layers"),
    "layers": ("base",),
    "pixelize": ("base", "pictures", "scores"),
    "formats": ("base", "pictures", "settings", "scores", "devices", "networks", "layers", "pixelize"),
    "data": BELOW_GENERATORS,
    "generators": BELOW_GENERATORS,
    "features": ("base", "layers", "formats"),
    "models": ("base", "networks", "layers", "features", "settings"),
    "evaluation": ("base", "pictures", "settings", "scores", "devices", "pixelize", "generators", "features"),
    "films": ("base", "pictures", "settings", "scores", "devices", "pixelize", "generators", "features"),
    "competition": ("base", "pictures", "settings", "scores", "devices", "pixelize", "generators", "features"),
    "training": (
        "base", "pictures", "settings", "scores", "devices", "networks", "layers", "pixelize", "data", "generators",
        "features", "models", "evaluation",
    ),
    "page": (
        "base", "pictures", "settings", "scores", "devices", "networks", "layers", "pixelize", "formats", "data",
        "generators", "features", "models", "evaluation", "films", "competition", "training",
    ),
}
# These are imported before a command's arguments are known to be good, and before the backend is settled.
LIGHT = ("base", "pictures", "settings", "scores", "devices", "pixelize")
# These train on any Keras backend.
KERAS_ONLY = ("networks", "layers", "models", "features")
# The one file that asks for gradients, which Keras has no operation for.
GRADIENT = PACKAGE / "layers" / "gradient.py"
EXTRAS = {"tqdm", "typer", "rich", "gradio", "av", "imageio_ffmpeg", "tensorflow_addons", "torch"}
EXTRAS |= {"onnx", "onnxruntime", "tf2onnx", "ai_edge_litert", "ray"}
# Inside functions.
ALLOWED = {
    "films": {"av", "imageio_ffmpeg"}, "page": {"gradio"}, "formats": {"onnx", "onnxruntime", "ai_edge_litert"},
    "base": {"ray"},
}


def imported(path: Path, *, inside_functions: bool = True) -> set[str]:
    """Dotted names of the modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if inside_functions else tree.body
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def folder_of(path: Path) -> str:
    """The folder of the package that a file is in; "" for a command."""
    parts = path.relative_to(PACKAGE).parts
    return "" if len(parts) == 1 or path.name == "__main__.py" else parts[0]


def ours(path: Path) -> set[str]:
    """What a file imports of ours, without `pixelart_tf.`."""
    return {name.removeprefix("pixelart_tf.") for name in imported(path) if name.startswith("pixelart_tf.")}


def names_of(paths):
    return [str(path.relative_to(PACKAGE)) for path in paths]


def test_the_top_holds_commands_and_folders_that_are_named_here():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(MAY_IMPORT)
    for path in PACKAGE.glob("*.py"):
        assert path.name == "__init__.py" or "def main(" in path.read_text(encoding="utf-8"), path


LIBRARY = [path for path in FILES if folder_of(path)]


@pytest.mark.parametrize("path", LIBRARY, ids=names_of(LIBRARY))
def test_imports_go_down_only(path):
    """A file imports of its own folder and of those that MAY_IMPORT names; so nobody imports a command."""
    allowed = (folder_of(path), *MAY_IMPORT[folder_of(path)])
    above = {name for name in ours(path) if not any(name == each or name.startswith(f"{each}.") for each in allowed)}
    assert not above, f"{path.relative_to(PACKAGE)} imports from above: {above}"


def test_folders_form_no_circle():
    """Of what is imported, not of what may be; a command in a folder is no part of it."""
    arrows = {folder: set() for folder in MAY_IMPORT}
    for path in LIBRARY:
        arrows[folder_of(path)] |= {name.split(".")[0] for name in ours(path)} & arrows.keys() - {folder_of(path)}
    order = []
    while len(order) < len(arrows):
        free = [each for each in arrows if each not in order and arrows[each] <= set(order)]
        assert free, f"a circle among {sorted(arrows.keys() - set(order))}"
        order += free


@pytest.mark.parametrize("path", FILES, ids=names_of(FILES))
def test_frameworks_stay_in_their_folders(path):
    everywhere = {name.split(".")[0] for name in imported(path)}
    at_import = {name.split(".")[0] for name in imported(path, inside_functions=False)}
    folder = folder_of(path)
    if folder in LIGHT:
        assert not at_import & {"tensorflow", "keras", "jax"}
    if folder in ("base", "settings", "scores", "pixelize"):
        assert not everywhere & {"tensorflow", "keras", "jax"}
    if folder in KERAS_ONLY and path != GRADIENT:
        assert not everywhere & {"tensorflow", "jax"}
    assert not everywhere & EXTRAS - ALLOWED.get(folder, set())
    assert not at_import & EXTRAS


def test_commands_import_no_framework_before_the_backend_is_settled():
    """`translate` did, and so took a user's keras.json, and the wrong backend, for what was asked for.

    Nor do they import what slows `--help`: SciPy imports its own parts when they are first asked for.
    """
    commands = [f"pixelart_tf.{path.stem}" for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")]
    code = (
        f"import sys, {', '.join([*commands, 'pixelart_tf.pixelize.__main__'])}\n"
        "print({'keras', 'tensorflow', 'jax', 'matplotlib', 'scipy.ndimage', 'scipy.cluster', 'scipy.special'}"
        " & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("path", FILES, ids=names_of(FILES))
def test_files_and_functions_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= (FILE_LINES if folder_of(path) else COMMAND_LINES)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            # What is documented is not counted: a contract may be as long as it must.
            documented = node.body[0] if ast.get_docstring(node) else None
            about = documented.end_lineno - documented.lineno + 1 if documented else 0
            lines = node.end_lineno - node.lineno + 1 - about
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


def test_the_package_itself_imports_nothing_heavy():
    code = "import sys, pixelart_tf; print(sorted({'numpy', 'tensorflow', 'keras', 'PIL'} & sys.modules.keys()))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_main_lists_every_command_and_runs_it():
    from pixelart_tf.__main__ import COMMANDS

    there = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    there |= {path.parent.name for path in PACKAGE.glob("*/__main__.py")}
    assert set(COMMANDS) == there
    listing = subprocess.check_output([sys.executable, "-m", "pixelart_tf"], text=True)
    for command in COMMANDS:
        assert f"python -m pixelart_tf.{command} " in listing
        usage = subprocess.check_output([sys.executable, "-m", f"pixelart_tf.{command}", "--help"], text=True)
        assert usage.startswith(f"usage: python -m pixelart_tf.{command}")
        assert subprocess.check_output([sys.executable, "-m", "pixelart_tf", command, "--help"], text=True) == usage


def test_the_console_script_is_the_same_program():
    def run(*arguments):
        script = Path(sys.executable).parent / "pixelart-tf"
        return subprocess.run([script, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)

    assert run("--version").stdout == f"pixelart_tf {pixelart_tf.__version__}\n"
    assert "pixelart-tf COMMAND" in run().stdout
    assert run("train", "--help").stdout.startswith("usage: python -m pixelart_tf.train")
    wrong = run("trian")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("pixelart-tf: 'trian' is not a command. Known: train, translate, ")


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda path: path.name)
def test_experiments_have_known_settings_and_say_what_they_cost(path):
    from pixelart_tf.settings import config
    from pixelart_tf.settings.experiment import Settings
    from pixelart_tf.training.building import Plan

    Plan.of(Settings(config.read(path)))
    text = path.read_text(encoding="utf-8")
    assert all(word in text for word in ("# Command", "# Cost", "# Outcome"))
