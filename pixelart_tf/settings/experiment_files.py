"""Where experiment files are: those of the repository, and those that come with the package."""

import itertools
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
# In the repository its files are links, so that there is one of each; a wheel has the files themselves.
BUILT_IN = Path(__file__).with_name("builtin")
HAS_REPOSITORY = (REPOSITORY / "experiments" / "quickstart.toml").is_file() and (REPOSITORY / "tfrecords").is_dir()
EXPERIMENTS = (REPOSITORY if HAS_REPOSITORY else BUILT_IN) / "experiments"
QUICKSTART = EXPERIMENTS / "quickstart.toml"
FULL_SIZE = EXPERIMENTS / "unet_256.toml"   # for who has more than two cores
# Pictures for a first try of what was trained.
EXAMPLES = REPOSITORY / "tests" / "data" / "pictures"
EXAMPLE_PICTURES = EXAMPLES if EXAMPLES.is_dir() else BUILT_IN / "tfrecords" / "heldout_cartoon00-61.tfrec"


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
