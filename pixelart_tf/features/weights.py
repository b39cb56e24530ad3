"""The FID Inception's weights: where they come from, and the kinds of file that they are read from."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from pixelart_tf.base import files, limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import torch_file
from pixelart_tf.formats.torch_file import WeightsError

URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
NUM_BYTES = 95_628_359
TIMEOUT = 30   # seconds without a byte
_CHUNK = 2**20   # bytes


def inception_weights(path: str | Path | None = None, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The file of the FID Inception's weights: `path`, or the published one, fetched once.

    It is kept in $PIXELART_TF_CACHE, else $XDG_CACHE_HOME/pixelart_tf, else ~/.cache/pixelart_tf.

    Args:
        path: a file that the user has; it is not looked into.
        progress: called with the bytes fetched so far and those to fetch.

    Raises:
        WeightsError: there is no such file, the cached one is not the published one, or it cannot be fetched.
    """
    if path is not None:
        if not Path(path).is_file():
            raise WeightsError(f"{path}: {'a folder, not a file' if Path(path).is_dir() else 'no such file'}")
        return Path(path)
    cached = cache_dir() / URL.rpartition("/")[2]
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(cached) as temporary:
            _fetch(temporary, progress)
    elif (found := file_hash(cached)) != SHA256:
        raise WeightsError(
            f"{cached}: not the published weights (its sha256 begins with {found[:8]}, theirs with {SHA256[:8]}): "
            "delete it to have them fetched again"
        )
    return cached


def cache_dir() -> Path:
    """The folder for what is fetched."""
    if own := os.environ.get("PIXELART_TF_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pixelart_tf"


def _fetch(path: Path, progress: Callable[[int, int], None] | None) -> None:
    done = 0
    with open(path, "wb") as file:
        for chunk, total in _chunks():
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
    if done < total:
        raise _not_fetched(f"cut short after {done:,} of {total:,} bytes")
    if (found := file_hash(path)) != SHA256:
        raise _not_fetched(f"another file came, whose sha256 begins with {found[:8]} instead of {SHA256[:8]}")


def _chunks() -> Iterator[tuple[bytes, int]]:
    """The published file piece by piece, each with the size of the whole."""
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as response:
            total = int(response.headers.get("Content-Length", NUM_BYTES))
            yield b"", total
            while chunk := response.read(_CHUNK):
                yield chunk, total
    except urllib.error.HTTPError as error:
        raise _not_fetched(f"status {error.code}, {error.reason}") from None
    except urllib.error.URLError as error:
        raise _not_fetched(getattr(error.reason, "strerror", None) or error.reason) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _not_fetched(str(error) or type(error).__name__) from None


def _not_fetched(reason: object) -> WeightsError:
    return WeightsError(
        f"the weights of FID's Inception cannot be fetched ({reason}): get {URL} by other means and give it with "
        "`--weights FILE`, or use `--network lite0`, which needs no file but whose scores compare with each other only"
    )


def read_inception(path: str | Path) -> tuple[dict[str, np.ndarray], str]:
    """Reads the FID Inception's weights from any kind of file.

    Args:
        path: pytorch-fid's `.pth`, the frozen graph `classify_image_graph_def.pb` of 2015-12-05, or an `.npz` by
            `save_npz`. What the file holds decides, not its name.

    Returns:
        The arrays that `features.inception.inception` takes, float32, by their PyTorch names, and the file's sha256.

    Raises:
        WeightsError: not such a file, a damaged one, or the weights of another network; one line.
    """
    # Here, as Keras takes seconds to import, which a fetch need not wait for.
    from pixelart_tf.features import frozen_graph, inception

    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(512)
        digest = file_hash(path)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from None
    if not start:
        raise WeightsError(f"{path}: empty file (0 bytes)")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsError(f"{path}: a web page, not weights")
    if start.startswith(b"PK") and _is_npz(path):
        state = _read_npz(path)
    elif start.startswith((b"PK", b"\x80")) or path.suffix.lower() in (".pth", ".pt"):
        state = torch_file.read(path)
    elif start.startswith(b"\n") or path.suffix.lower() == ".pb":   # protobuf's tag of a graph's first node
        state = frozen_graph.read(path)
    else:
        raise WeightsError(f"{path}: of no kind that weights are read from (.pth, .pb, .npz)")
    try:
        inception.check_state(state)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    return {name: np.ascontiguousarray(state[name], np.float32) for name in inception.shapes()}, digest


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return all(name.endswith(".npy") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            limits.check_members(path, archive.infolist(), limits.WEIGHTS_BYTES)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except UserError as error:
        raise WeightsError(str(error)) from None
    except Exception as error:   # zipfile, zlib and NumPy each raise their own on a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{path}: damaged .npz file ({reason[:100]})") from None


def save_npz(state: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Writes weights as an `.npz`, which `read_inception` reads."""
    with files.replacing(Path(path)) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{name: np.asarray(array, np.float32) for name, array in state.items()})


def file_hash(path: Path) -> str:
    """A file's sha256 in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_hash(state: Mapping[str, np.ndarray]) -> str:
    """The sha256 of weights in hex: the same for the same weights, whatever file they were in."""
    digest = hashlib.sha256()
    for name in sorted(state):
        array = np.ascontiguousarray(state[name], "<f4")
        digest.update(f"{name} {array.shape}\n".encode())
        digest.update(array)
    return digest.hexdigest()
