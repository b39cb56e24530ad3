"""Where experiment files are: those of the repository, and those that come with the package."""

import itertools
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
EXPERIMENTS = REPOSITORY / "experiments"
QUICKSTART = EXPERIMENTS / "quickstart.toml"
# A few pictures of the repository, for a first try.
EXAMPLE_PICTURES = REPOSITORY / "tests" / "data" / "pictures"


def known() -> list[Path]:
    """Experiment files, by their names."""
    return sorted(EXPERIMENTS.glob("*.toml"))


def about(path: Path) -> str:
    """What an experiment file says of itself first: the comment that it begins with, up to an empty line."""
    comment = itertools.takewhile(
        lambda line: line.startswith("#") and line.strip("# "),
        path.read_text(encoding="utf-8", errors="replace").splitlines(),
    )
    return " ".join(line.strip("# ") for line in comment)
