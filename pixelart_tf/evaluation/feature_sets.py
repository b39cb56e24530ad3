"""Feature vectors of a whole set of pictures, and the `.npz` files that hold them."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError


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
        UserError: no such file, a damaged one, or no features in it; one line.
    """
    try:
        # NumPy takes any other file for a pickle, and says so.
        if Path(path).is_file() and not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("not a zip")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except Exception as error:   # zipfile, zlib and NumPy each raise their own on a damaged or foreign file
        raise UserError(f"{path}: {_fault(error)}") from None
    features = found.get("features", next(iter(found.values())) if len(found) == 1 else None)
    if features is None and {"mu", "sigma"} <= found.keys():
        raise UserError(
            f"{path}: only a mean and a covariance (mu, sigma), as pytorch-fid saves them: MiFID needs the features "
            "themselves, an array `features` (n, D)"
        )
    if features is None:
        raise UserError(f"{path}: must hold an array `features` (n, D). Received: {', '.join(found) or 'nothing'}")
    if features.ndim != 2 or features.dtype.kind != "f":
        raise UserError(f"{path}: `features` must be floats (n, D). Received: {features.dtype} {features.shape}")
    names = found.get("names", [f"row {row}" for row in range(len(features))])
    size, origin = (np.atleast_1d(found.get(key, ())).tolist() for key in ("size", "origin"))
    if np.ndim(names) != 1 or len(names) != len(features):
        raise UserError(f"{path}: `names` must be one a row of `features`. Received: {np.shape(names)}")
    return FeatureSet(
        names=tuple(map(str, names)), features=features,
        # Other programs' arrays may have these names too.
        size=tuple(size) if len(size) == 2 and all(isinstance(side, int) for side in size) else None,
        origin=Origin(*origin) if len(origin) == 3 and all(isinstance(text, str) for text in origin) else None,
        bad=tuple(map(str, np.atleast_1d(found.get("bad", ())))),
    )


def _fault(error: Exception) -> str:
    """Why an `.npz` could not be read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    reason = " ".join(str(error).split()) or type(error).__name__
    if "allow_pickle" in reason:
        return "holds Python objects, which are not loaded as they could run anything: save plain arrays of numbers"
    return f"not an .npz file, or cut off ({reason[:100]})"
