"""Makes the folders that the kaggle client uploads: the data set with the wheel, and the kernels for T4 x2 and for TPU.

    python kaggle/build.py YOUR_KAGGLE_NAME
    kaggle datasets create -p build/kaggle/dataset
    kaggle kernels push -p build/kaggle/gpu         (or build/kaggle/tpu)

Where the data set is there already: kaggle datasets version -p build/kaggle/dataset -m "what is new"
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OUT = Path("build") / "kaggle"
KERNELS = {"gpu": "TPU = False", "tpu": "TPU = True"}   # the line of its notebook's settings that differs
EXPERIMENTS = ("kaggle.toml", "monet_*.toml")           # those whose pictures are on Kaggle
# Kaggle takes more. A wheel or a notebook as large as this holds what was not meant to be there.
MOST_WHEEL, MOST_NOTEBOOK = 50_000_000, 1_000_000       # bytes


class BuildError(Exception):
    """What stands in the way; one line."""


def build(user: str, out: Path, *, overwrite: bool = False, root: Path = ROOT) -> None:
    """Writes `dataset/`, `gpu/` and `tpu/` into a folder, all of them or none.

    Args:
        user: Kaggle name of the owner, as in kaggle.com/YOUR_KAGGLE_NAME.
        out: the folder.
        overwrite: replace what an earlier build left there.
        root: of the project's checkout.

    Raises:
        BuildError: a name or a folder that will not do, or a wheel or notebook that is not fit for Kaggle.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", user):
        raise BuildError(f"a Kaggle name is of letters, digits and hyphens, as in kaggle.com/NAME. Received: {user!r}")
    if out.exists() and not overwrite:
        raise BuildError(f"{out}: already there; --overwrite replaces it")
    if out.exists() and not (out / "dataset" / "dataset-metadata.json").is_file():
        raise BuildError(f"{out}: not an earlier build, which is all that --overwrite replaces")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part.", dir=out.parent) as scratch:
        made = Path(scratch) / "made"
        _make_dataset(made / "dataset", user, root, Path(scratch))
        for name, line in KERNELS.items():
            _make_kernel(made / name, user, root / "kaggle", name, line)
        if out.exists():
            os.replace(out, Path(scratch) / "former")
        os.replace(made, out)


def _make_dataset(folder: Path, user: str, root: Path, scratch: Path) -> None:
    folder.mkdir(parents=True)
    wheel = build_wheel(root, scratch)
    check_wheel(wheel, root)
    shutil.copy(wheel, folder)
    for pattern in EXPERIMENTS:
        for path in sorted((root / "experiments").glob(pattern)):
            shutil.copy(path, folder)
    _copy_metadata(root / "kaggle" / "dataset-metadata.json", folder, user)


def build_wheel(root: Path, scratch: Path) -> Path:
    """Builds the wheel of the checkout in `root`, below `scratch`, and returns its path."""
    # A copy, as setuptools would put what lies in the checkout's build/ since earlier into the wheel too.
    source, wheels = scratch / "source", scratch / "wheels"
    shutil.copytree(root / "pixelart_tf", source / "pixelart_tf", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(source)]
    log = scratch / "pip.log"
    # pip fetches what builds the wheel in a process of its own, which only the log tells of whole.
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PIP_LOG": str(log)})
    found = list(wheels.glob("*.whl"))
    if done.returncode or len(found) != 1:
        logged = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        told = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        why = _why(logged) or (told[-1] if told else "it does not say why")
        raise BuildError(f"pip did not build the wheel: {why}")
    return found[0]


def _why(log: str) -> str:
    """What a log of pip gives as the reason for a failure, on one line; "" where it gives none."""
    missing = re.search(r"No matching distribution found for (.+)", log)
    if missing:
        # Of an address only the host, as it may hold a password.
        addresses = re.findall(r"Could not fetch URL (\S+?):? ", log)
        hosts = ", ".join(dict.fromkeys(urlsplit(address).hostname or address for address in addresses))
        where = f"could not get from {hosts}" if hosts else "does not find where it may look"
        return (
            f"that takes the package {missing[1].strip()}, which pip {where}. Without internet, set PIP_FIND_LINKS to "
            "a folder that holds its wheel"
        )
    # Each line begins with the time. Before pip says that a step has failed, the step's own last words stand.
    lines = [line.partition(" ")[2].strip() for line in log.splitlines()]
    failed = next((i for i, line in enumerate(lines) if re.match(r"ERROR: .* exited with \d+$", line)), 0)
    return next((line for line in reversed(lines[:failed]) if line), "")


def check_wheel(wheel: Path, root: Path) -> None:
    """Raises BuildError where a wheel is not fit for Kaggle, whose Python is another one than this."""
    if not re.fullmatch(r"pixelart_tf-[^-]+-py3-none-any\.whl", wheel.name):
        raise BuildError(f"{wheel.name}: not a wheel for any Python 3 (py3-none-any)")
    if wheel.stat().st_size > MOST_WHEEL:
        raise BuildError(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, and {MOST_WHEEL / 1e6:.0f} are expected")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("pixelart_tf/")}
    # The weights of lite0 and the palettes are no Python files, and easily left out.
    wanted = {
        path.relative_to(root).as_posix() for path in (root / "pixelart_tf").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if packed != wanted:
        name = min(packed ^ wanted)
        raise BuildError(f"{wheel.name}: {name} is {'missing' if name in wanted else 'not of the checkout'}")


def _make_kernel(folder: Path, user: str, kaggle: Path, name: str, line: str) -> None:
    folder.mkdir(parents=True)
    _copy_metadata(kaggle / name / "kernel-metadata.json", folder, user)
    notebook = json.loads((kaggle / "kernel.ipynb").read_text(encoding="utf-8"))
    settings = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    places = [(cell, i) for cell in settings for i, text in enumerate(cell["source"]) if text.startswith("TPU = ")]
    if len(places) != 1:
        raise BuildError(f"kernel.ipynb: one line `TPU = ...` is expected in the settings. Found: {len(places)}")
    cell, i = places[0]
    comment = cell["source"][i].partition("#")[2].strip()
    cell["source"][i] = f"{line:<42}# {comment}\n"
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    if len(text.encode()) > MOST_NOTEBOOK:
        raise BuildError(f"kernel.ipynb: {len(text.encode()) / 1e6:.1f} MB, as if it had outputs")
    (folder / "kernel.ipynb").write_text(text, encoding="utf-8")


def _copy_metadata(path: Path, folder: Path, user: str) -> None:
    text = path.read_text(encoding="utf-8")
    (folder / path.name).write_text(text.replace('"USER/', f'"{user}/'), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python kaggle/build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("user", metavar="YOUR_KAGGLE_NAME", help="as in kaggle.com/YOUR_KAGGLE_NAME")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="folder to write (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier build")
    args = parser.parse_args(argv)
    try:
        build(args.user, args.out, overwrite=args.overwrite)
    except (BuildError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    wheel = next((args.out / "dataset").glob("*.whl"))
    print(
        f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB. With the kaggle client (`pip install kaggle`):\n"
        f"  kaggle datasets create -p {args.out / 'dataset'}\n"
        + "\n".join(f"  kaggle kernels push -p {args.out / name}" for name in KERNELS)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
