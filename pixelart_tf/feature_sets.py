"""A set of pictures -> their feature vectors, as a stream or, cached, as a whole."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixelart_tf import files, images, sources
from pixelart_tf.cli import UserError
from pixelart_tf.features import FeatureNetwork
from pixelart_tf.features.weights import cache_dir
from pixelart_tf.threads import ahead


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Features of a whole set.

    Attributes:
        names: one a picture.
        features: float32 (n, D).
        size: (height, width) of the pictures when they went into the network.
        bad: a line for each picture that was left out.
    """

    names: tuple[str, ...]
    features: np.ndarray
    size: tuple[int, int]
    bad: tuple[str, ...] = ()


class Extractor:
    """Runs a feature network over sets of pictures.

    Args:
        network: what turns pictures into vectors.
        predict: runs `network.model` over a batch, on all devices; see `Devices.predictor`.
        size: pixels of the squares that pictures are fitted to first (cut to the middle, shrunk by the mean of the area
            or enlarged by repeating pixels). None: as they are, and all of a set, and of two sets to be compared, must
            have one size.
        batch_size: pictures that go through the network together.
        skip_bad: leave out pictures that cannot be read; else they are an error.
    """

    def __init__(
        self, network: FeatureNetwork, *, predict: Callable[[np.ndarray], np.ndarray], size: int | None = None,
        batch_size: int = 32, skip_bad: bool = False,
    ):
        if size is not None and size < 1:
            raise UserError(f"`size` must be at least 1. Received: {size}")
        if batch_size < 1:
            raise UserError(f"`batch_size` must be at least 1. Received: {batch_size}")
        self.network, self.size, self.batch_size, self.skip_bad = network, size, batch_size, skip_bad
        self._predict = predict
        self._size_seen: tuple[int, int] | None = None
        self._seen_in = ""

    def stream(
        self, pattern: str | Path, *, bad: list[str], progress: Callable[[int, int | None], None] | None = None,
        look: Callable[[np.ndarray], None] | None = None,
    ) -> Iterator[tuple[list[str], np.ndarray]]:
        """Features batch by batch; decoding runs ahead of the network on other threads.

        Args:
            pattern: see `sources.read`.
            bad: takes a line for each picture that is left out.
            progress: called with the pictures done and their total, None where it is not known.
            look: is shown each decoded picture, uint8 (H, W, 3).

        Yields:
            Names and float32 (b, D).

        Raises:
            UserError: no pictures, a bad one, or sizes that differ.
        """
        total = sources.count(pattern)
        names, batch, done = [], [], 0
        for name, image in self.pictures(pattern, bad=bad):
            if look is not None:
                look(image)
            names.append(name)
            batch.append(image)
            if len(batch) == self.batch_size:
                yield names, self.features(np.stack(batch))
                done += len(batch)
                names, batch = [], []
                if progress is not None:
                    progress(done + len(bad), total)
        if batch:
            yield names, self.features(np.stack(batch))
            done += len(batch)
        if not done:
            raise UserError(f"{pattern}: none of the {len(bad)} pictures can be read; the first: {bad[0]}")
        if progress is not None:
            progress(done + len(bad), done + len(bad))

    def pictures(self, pattern: str | Path, *, bad: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Names and uint8 images (H, W, 3) as they go into the network; see `stream`."""
        for name, image in ahead(self._decode, sources.read(pattern)):
            if image is None:
                bad.append(name)
            else:
                self.expect(image.shape[:2], pattern, name)
                yield name, image

    def features(self, batch: np.ndarray) -> np.ndarray:
        """uint8 (b, H, W, 3) -> float32 (b, D)."""
        return np.asarray(self._predict(batch.astype(np.float32)), np.float32)

    def load(
        self, pattern: str | Path, *, cache: bool = True, progress: Callable[[int, int | None], None] | None = None
    ) -> FeatureSet:
        """Features of a whole set, from the cache if the same pictures went through the same network before.

        Args:
            pattern: see `sources.read`.
            cache: whether to look there and to write there.
            progress: see `stream`.

        Raises:
            UserError: see `stream`.
        """
        path = cache_dir() / "features" / f"{self._key(pattern)}.npz" if cache else None
        if path is not None and path.exists():
            found = read_npz(path)
            self.expect(found.size, pattern)
            return found
        names, features, bad = [], [], []
        for some, values in self.stream(pattern, bad=bad, progress=progress):
            names += some
            features.append(values)
        found = FeatureSet(
            names=tuple(names), features=np.concatenate(features), size=self._size_seen, bad=tuple(bad)
        )
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_npz(path, found, self.network)
        return found

    def _key(self, pattern: str | Path) -> str:
        """By the pictures' contents, their order and names, the network, and what is done to them before it."""
        digest = hashlib.sha256()
        digest.update(repr((1, self.network.name, self.network.weights_hash, self.size, self.skip_bad)).encode())
        for item in sources.read(pattern):
            digest.update(f"\0{item.name}\0".encode())
            digest.update(hashlib.sha256(item.data).digest())
        return digest.hexdigest()

    def _decode(self, item: sources.Encoded) -> tuple[str, np.ndarray | None]:
        """The name and the picture, or why there is none, and None."""
        try:
            image = item.decode()
        except images.ImageError as error:
            if not self.skip_bad:
                raise
            return str(error), None
        if self.size is not None:
            image = images.fit(image, self.size, how="crop", resample="area")
        return item.name, image

    def expect(self, size: tuple[int, int], pattern: str | Path, name: str = "its pictures") -> None:
        """Raises UserError where pictures of a set are of another size than the first that were seen."""
        if self._size_seen is None:
            self._size_seen, self._seen_in = tuple(size), str(pattern)
        if tuple(size) != self._size_seen:
            there = "" if self._seen_in == str(pattern) else f" in {self._seen_in}"
            raise UserError(
                f"{pattern}: {name}: {size[1]}x{size[0]} pixels, but the first picture{there} has "
                f"{self._size_seen[1]}x{self._size_seen[0]}; --size N brings all to one size"
            )


def write_npz(path: Path, found: FeatureSet, network: FeatureNetwork | None) -> None:
    """Writes features and what they are of, whole or not at all."""
    made_by = {"network": np.str_(network.name), "weights": np.str_(network.weights_hash)} if network else {}
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file, features=found.features, names=np.array(found.names, np.str_), size=np.array(found.size),
            bad=np.array(found.bad, np.str_), **made_by,
        )


def read_npz(path: Path, network: FeatureNetwork | None = None) -> FeatureSet:
    """Reads what `write_npz` wrote, or any `.npz` that has the features as `features`, (n, D), or as its only array.

    Raises:
        UserError: no such file, not an `.npz`, no features in it, or features of another network than `network`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'not an .npz file, or cut off'}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not an .npz file, or cut off ({error})") from None
    features = found.get("features", next(iter(found.values())) if len(found) == 1 else None)
    if features is None:
        held = ", ".join(found) or "nothing"
        raise UserError(f"{path}: must hold an array `features` (n, D). Received: {held}")
    if features.ndim != 2 or features.dtype.kind != "f":
        raise UserError(f"{path}: `features` must be floats (n, D). Received: {features.dtype} {features.shape}")
    if network is not None and "weights" in found and str(found["weights"]) != network.weights_hash:
        raise UserError(
            f"{path}: features of {found['network']}, weights {str(found['weights'])[:12]}; "
            f"not of {network.name}, weights {network.weights_hash[:12]}"
        )
    names = found.get("names", [f"row {row}" for row in range(len(features))])
    return FeatureSet(
        names=tuple(map(str, names)), features=features.astype(np.float32, copy=False),
        size=tuple(map(int, found.get("size", (0, 0)))), bad=tuple(map(str, found.get("bad", ()))),
    )
