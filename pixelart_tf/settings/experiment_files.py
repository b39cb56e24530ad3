"""Where experiment files are: those of the repository, and those that come with the package."""

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
    """The first sentence of an experiment file's first comment; "" without one."""
    lines = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("#") or not line.strip("# "):
            break
        lines.append(line.strip("# "))
    return " ".join(lines)
