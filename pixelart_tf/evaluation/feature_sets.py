"""Feature vectors of a whole set of pictures, and the `.npz` files that hold them."""

import math
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from pixelart_tf.base import files, limits
from pixelart_tf.base.cli import UserError

_ARRAYS = ("features", "names", "size", "origin", "bad")   # what `write_npz` writes; no others are unpacked


@dataclass(frozen=True)
class Origin:
    """The network that features are of; the fields are those of `FeatureNetwork`."""

    name: str
    weights_hash: str
    note: str

    def __str__(self):
        return f"{self.name} (weights {self.weights_hash[:12]})"


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Features of a whole set.

    Attributes:
        names: one a picture.
        features: floats (n, D); float32 where a network of ours made them.
        size: (height, width) of the pictures when they went into the network; None where it is not known.
        origin: the network; None where it is not known.
        bad: a line for each picture that was left out.
    """

    names: tuple[str, ...]
    features: np.ndarray
    size: tuple[int, int] | None
    origin: Origin | None
    bad: tuple[str, ...] = ()


def is_features(pattern: str | Path) -> bool:
    """Whether features are meant, not pictures."""
    return Path(pattern).suffix.lower() == ".npz"


def write_npz(path: Path, found: FeatureSet) -> None:
    """Writes features and what they are of, whole or not at all."""
    known = {} if found.size is None else {"size": np.array(found.size)}
    if found.origin is not None:
        known["origin"] = np.array([found.origin.name, found.origin.weights_hash, found.origin.note], np.str_)
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file, features=found.features, names=np.array(found.names, np.str_), bad=np.array(found.bad, np.str_),
            **known,
        )


def read_npz(path: Path) -> FeatureSet:
    """Reads what `write_npz` wrote, or any `.npz` that has the features as `features`, (n, D), or as its only array.

    Raises:
        UserError: there is no such file, it is damaged, it holds no features, or more than `base.limits` allows.
    """
    path = Path(path)
    found = _read_arrays(path)
    features = found["features"]
    if features.ndim != 2 or features.dtype.kind != "f":
        raise UserError(f"{path}: `features` must be floats (n, D). Received: {features.dtype} {features.shape}")
    names, bad = found.get("names"), found.get("bad", np.array([], np.str_))
    if names is not None and names.shape != (len(features),):
        raise UserError(f"{path}: `names` must be one a row of `features`. Received: {names.shape}")
    if max(len(features), bad.size) > limits.FEATURES_ROWS:
        raise UserError(f"{path}: {len(features):,} rows, and at most {limits.FEATURES_ROWS:,} are taken")
    # Other programs' arrays may have these names too.
    size, origin = (found[key].tolist() if key in found and found[key].shape == (count,) else [] for key, count in
                    (("size", 2), ("origin", 3)))
    return FeatureSet(
        names=tuple(f"row {row}" for row in range(len(features))) if names is None else tuple(map(str, names)),
        features=features,
        size=tuple(size) if size and all(isinstance(side, int) for side in size) else None,
        origin=Origin(*origin) if origin and all(isinstance(text, str) for text in origin) else None,
        bad=tuple(map(str, bad.reshape(-1))),
    )


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` that say something of features; the features are among them. Raises UserError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            _check_names(path, members)
            if "features" not in members:
                members = {"features": next(iter(members.values()))}
            members = {name: member for name, member in members.items() if name in _ARRAYS}
            limits.check_members(path, members.values(), limits.FEATURES_BYTES)
            return {name: _read_array(archive, member) for name, member in members.items()}
    except UserError:
        raise
    except Exception as error:   # zipfile, zlib and NumPy each raise their own on a damaged or foreign file
        raise UserError(f"{path}: {_fault(error)}") from None


def _check_names(path: Path, names: Collection[str]) -> None:
    """Raises UserError where no array can be the features."""
    if "features" in names or len(names) == 1:
        return
    if {"mu", "sigma"} <= set(names):
        raise UserError(
            f"{path}: only a mean and a covariance (mu, sigma), as pytorch-fid saves them: MiFID needs the features "
            "themselves, an array `features` (n, D)"
        )
    raise UserError(f"{path}: must hold an array `features` (n, D). Received: {', '.join(names) or 'nothing'}")


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array, if it is of the size that its head says: NumPy makes room for that size before it reads on."""
    with archive.open(member) as file:
        read_head = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, _, dtype = read_head(file)
        if not dtype.hasobject and math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"{member.filename} is not as large as its shape {shape}")
    with archive.open(member) as file:
        return npy.read_array(file, allow_pickle=False)


def _fault(error: Exception) -> str:
    """Why an `.npz` could not be read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    reason = " ".join(str(error).split()) or type(error).__name__
    if "allow_pickle" in reason:
        return "holds Python objects, which are not loaded as they could run anything: save plain arrays of numbers"
    return f"not an .npz file, or cut off ({reason[:100]})"
