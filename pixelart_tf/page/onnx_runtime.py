"""ONNX Runtime for browsers: what a page needs of its npm package, as one script that works from a file, too."""

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

from pixelart_tf.base.cli import UserError

PACKAGE, VERSION = "onnxruntime-web", "1.22.0"
# As the registry tells it.
INTEGRITY = "sha512-Ud/+EBo6mhuaQWt/OjaOk0iNWjXqJoeeMFr6xQEERZdIZH2OWpGzuujz7lfuOBjUa6TEE/sc4nb7Da5dNL34fg=="
SCRIPT, GLUE, BINARY = "ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"
SECONDS = 300   # to fetch 20 MB


def script(folder: Path | None = None) -> str:
    """JavaScript that defines `ort`, and `RUNTIME` with what `ort` would load from beside itself, gzip in base64.

    A page that was opened from a file may load scripts, but nothing else.

    Args:
        folder: the package, or the folder `dist` in it, that the user has, of any version; None fetches it by npm.

    Raises:
        UserError: it cannot be had, or is something else.
    """
    parts = _read(folder) if folder is not None else _fetched()
    packed = {name: _packed(parts[each]) for name, each in {"glue": GLUE, "binary": BINARY}.items()}
    notice = f"/* {PACKAGE}, MIT License, Copyright (c) Microsoft Corporation */"
    return f"{notice}\n{parts[SCRIPT].decode()}\nvar RUNTIME = {json.dumps(packed)};\n"


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _read(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise UserError(f"--runtime: {folder}: no such folder")
    inner = folder / "dist" if (folder / "dist").is_dir() else folder
    missing = [name for name in (SCRIPT, GLUE, BINARY) if not (inner / name).is_file()]
    if missing:
        raise UserError(f"--runtime: {folder}: not the npm package {PACKAGE}; it has no {' and no '.join(missing)}")
    return {name: (inner / name).read_bytes() for name in (SCRIPT, GLUE, BINARY)}


def _fetched() -> dict[str, bytes]:
    """The same of the package of the version that the page is tested with; npm keeps it for the next time."""
    npm = shutil.which("npm")
    if npm is None:
        raise _not_fetched("npm is not installed")
    print(f"{PACKAGE} {VERSION} is fetched by npm (20 MB, where npm does not have it yet)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--prefer-offline", "--silent"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise _not_fetched(f"npm was not done after {SECONDS} seconds") from None
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            told = [line for line in done.stderr.splitlines() if line.strip()] or [f"npm's status is {done.returncode}"]
            raise _not_fetched(told[0].strip())
        found = hashlib.sha512(archives[0].read_bytes()).digest()
        if f"sha512-{base64.b64encode(found).decode()}" != INTEGRITY:
            raise _not_fetched("another file came than the published one")
        try:
            with tarfile.open(archives[0]) as archive:
                return {name: archive.extractfile(f"package/dist/{name}").read() for name in (SCRIPT, GLUE, BINARY)}
        except (tarfile.TarError, KeyError, zlib.error) as error:
            raise _not_fetched(str(error)) from None


def _not_fetched(reason: str) -> UserError:
    return UserError(f"{PACKAGE} {VERSION}, which the page runs on, cannot be fetched ({reason}): get the npm package "
                     "by other means and give its folder with --runtime DIR")
