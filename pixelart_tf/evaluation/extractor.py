"""Pictures, from files or in memory -> their feature vectors: as a stream, or a whole set from the cache."""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from pixelart_tf import features
from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.devices import Devices
from pixelart_tf.evaluation.feature_sets import FeatureSet, Origin, read_npz, write_npz
from pixelart_tf.features import FeatureNetwork
from pixelart_tf.features.weights import cache_dir
from pixelart_tf.pictures import images, sources


def check_options(*, size: int | None, batch_size: int) -> None:
    """Raises UserError for what an `Extractor` does not take, so that no network is built in vain."""
    if size is not None and size < 1:
        raise UserError(f"`size` must be at least 1. Received: {size}")
    if batch_size < 1:
        raise UserError(f"`batch_size` must be at least 1. Received: {batch_size}")


# From chunks of encoded pictures of a set to those of `Extractor.chunk`, in order.
Elsewhere = Callable[[Iterable[list[sources.Encoded]], str | Path], Iterable[tuple]]


class Extractor:
    """Runs a feature network over sets of pictures.

    Args:
        network: what turns pictures into vectors.
        predict: runs `network.model` over a batch, on all devices; see `Devices.predictor`.
        size: pixels of a side of the squares that pictures are fitted to first: they are cut to the middle square, and
            shrunk by the mean of the area or enlarged by repeating pixels. None leaves them as they are; then all
            pictures of a set, and of two sets that are compared, must have one size.
        batch_size: pictures that go through the network together.
        skip_bad: leave out pictures that cannot be read, which else raise an error.
        elsewhere: does what `stream` does to its pictures, chunk by chunk; see `on_cluster`. None is this process.
    """

    def __init__(
        self, network: FeatureNetwork, *, predict: Callable[[np.ndarray], np.ndarray], size: int | None = None,
        batch_size: int = 32, skip_bad: bool = False, elsewhere: Elsewhere | None = None,
    ):
        check_options(size=size, batch_size=batch_size)
        self.origin = Origin(network.name, network.weights_hash, network.note)
        self.size, self.batch_size, self.skip_bad = size, batch_size, skip_bad
        self._predict, self._elsewhere = predict, elsewhere
        self._size_seen: tuple[int, int] | None = None
        self._seen_in = ""

    @classmethod
    def open(cls, network: str, chosen: Devices, *, weights: str | Path | None = None, **options) -> "Extractor":
        """Builds a network on the chosen devices, and what runs it over pictures.

        Args:
            network, weights: see `features.load`.
            chosen: what the network computes on.
            **options: those of the class.

        Raises:
            UserError: the network or its weights cannot be had, or an option is out of its range.
        """
        check_options(size=options.get("size"), batch_size=options.get("batch_size", 1))   # before the long work
        with chosen.scope():
            loaded = features.load(
                network, weights=weights, progress=ProgressBar("fetching the Inception's weights", "bytes")
            )
        return cls(loaded, predict=chosen.predictor(loaded.model), **options)

    def features(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (b, H, W, 1 or 3) -> float32 (b, D); grey is repeated to three channels."""
        pictures = np.repeat(pictures, 3 // pictures.shape[-1], axis=-1)   # (b, H, W, 3)
        return np.asarray(self._predict(pictures.astype(np.float32)), np.float32)

    def batches_of(
        self, named_images: Iterable[tuple[str, np.ndarray] | None], pattern: str | Path, *,
        progress: Callable[[int, int | None], None] | None = None, total: int | None = None,
        on_picture: Callable[[np.ndarray], None] | None = None,
    ) -> Iterator[tuple[list[str], np.ndarray]]:
        """Features of pictures that are in memory, batch by batch; no more than a batch of pictures is held.

        Args:
            named_images: pairs of a name and a uint8 image (H, W, 3), which is fitted to `size`. Where None stands
                among them, no batch holds pictures from both sides of it.
            pattern: what messages call all of them.
            progress: is called with the numbers of pictures done and to do.
            total: the number of pictures; None where it is not known.
            on_picture: is called with each picture as it goes into the network, uint8 (H, W, 3).

        Yields:
            Names and float32 (b, D).

        Raises:
            UserError: pictures of several sizes.
        """
        done = 0
        for batch in self._batches(named_images):
            pictures = []
            for name, image in batch:
                pictures.append(self._fitted(image))
                self.expect(pictures[-1].shape[:2], pattern, f"{pattern}: {name}")
                if on_picture is not None:
                    on_picture(pictures[-1])
            yield [name for name, _ in batch], self.features(np.stack(pictures))
            done += len(batch)
            if progress is not None:
                progress(done, total)

    def _batches(self, named_images: Iterable[tuple[str, np.ndarray] | None]) -> Iterator[list[tuple[str, np.ndarray]]]:
        batch, number = [], self.batch_size
        for each in named_images:
            if each is not None:
                if not batch:
                    # Large ones go in smaller batches, as each takes four bytes a value in the network, and more.
                    number = min(self.batch_size, max(1, limits.AHEAD_BYTES // (4 * each[1].nbytes)))
                batch.append(each)
            if batch and (each is None or len(batch) == number):
                yield batch
                batch = []
        if batch:
            yield batch

    def stream(
        self, pattern: str | Path, *, bad: list[str], limit: int | None = None,
        progress: Callable[[int, int | None], None] | None = None,
        on_picture: Callable[[np.ndarray], None] | None = None,
    ) -> Iterator[tuple[list[str], np.ndarray]]:
        """Features of pictures in files, batch by batch; decoding runs ahead of the network on other threads.

        Args:
            pattern: see `sources.read`.
            bad: takes a line for each picture that is left out.
            limit: take no more than the first pictures; None takes all.
            progress: is called with the numbers of pictures done and to do, None where that is not known.
            on_picture: see `batches_of`.

        Yields:
            Names and float32 (b, D).

        Raises:
            UserError: no pictures, a bad one, or pictures of several sizes.
        """
        total, done = sources.count(pattern), 0
        total = min(total, limit) if total is not None and limit is not None else total
        if self._elsewhere is not None and limit is None and on_picture is None:
            batches = self._made_elsewhere(pattern, bad)
        else:
            every = self.chunk_size if limit is None else None
            named_images = itertools.islice(self.pictures(pattern, bad=bad, every=every), limit)
            batches = self.batches_of(named_images, pattern, on_picture=on_picture)
        for names, rows in batches:
            yield names, rows
            done += len(names)
            if progress is not None:
                progress(done + len(bad), total)
        if not done:
            raise UserError(f"{pattern}: none of the {len(bad)} pictures can be read; the first: {bad[0]}")
        if progress is not None:
            progress(done + len(bad), done + len(bad))

    @property
    def chunk_size(self) -> int:
        """Pictures of which no batch goes beyond the last one, so that chunks can be worked on apart."""
        return 8 * self.batch_size

    def chunk(
        self, items: list[sources.Encoded], pattern: str | Path
    ) -> tuple[list[tuple[list[str], np.ndarray]], list[str], tuple[int, int] | None]:
        """The batches of a chunk, as `stream` has them; its bad pictures; and the size of all pictures so far."""
        bad = []
        batches = list(self.batches_of(self._decoded(items, pattern, bad), pattern))
        return batches, bad, self._size_seen

    def _made_elsewhere(self, pattern: str | Path, bad: list[str]) -> Iterator[tuple[list[str], np.ndarray]]:
        items = sources.read(pattern)
        chunks = iter(lambda: list(itertools.islice(items, self.chunk_size)), [])
        for batches, some_bad, size in self._elsewhere(chunks, pattern):
            bad += some_bad
            if size is not None:
                self.expect(size, pattern)
            yield from batches

    def pictures(
        self, pattern: str | Path, *, bad: list[str], every: int | None = None
    ) -> Iterator[tuple[str, np.ndarray] | None]:
        """Names and uint8 images (H, W, 3) as they go into the network; see `stream`. None after `every` pictures."""
        return self._decoded(sources.read(pattern), pattern, bad, every)

    def _decoded(self, items, pattern, bad, every=None) -> Iterator[tuple[str, np.ndarray] | None]:
        for number, (item, found) in enumerate(ahead(self._decode, items), 1):
            if isinstance(found, images.ImageError):
                bad.append(str(found))
            else:
                self.expect(found.shape[:2], pattern, item.place)
                yield item.name, found
            if every and number % every == 0:
                yield None

    def load(
        self, pattern: str | Path, *, cache: bool = True, progress: Callable[[int, int | None], None] | None = None
    ) -> FeatureSet:
        """Features of a whole set, from the cache if the same pictures went through the same network before.

        Args:
            pattern: see `sources.read`.
            cache: whether the cache is read and written.
            progress: see `stream`.

        Raises:
            UserError: see `stream`.
        """
        path = self._cached(pattern) if cache else None
        if path is not None and path.exists():
            try:
                found = read_npz(path)
            except UserError:
                pass   # cut off by a full disk, say; it is made again
            else:
                self.expect(found.size, pattern)
                return found
        names, rows, bad = [], [], []
        for some, values in self.stream(pattern, bad=bad, progress=progress):
            names += some
            rows.append(values)
        found = FeatureSet(
            names=tuple(names), features=np.concatenate(rows), size=self._size_seen, origin=self.origin,
            bad=tuple(bad),
        )
        if path is not None:
            write_npz(path, found)
        return found

    def _cached(self, pattern: str | Path) -> Path:
        """Where the cache holds a set's features, or will hold them; makes the folder."""
        folder = cache_dir() / "features"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{folder}: {error.strerror}: give another cache folder by $PIXELART_TF_CACHE, or `--no-cache`"
            ) from None
        return folder / f"{self._key(pattern)}.npz"

    def _key(self, pattern: str | Path) -> str:
        """A hash of the pictures' contents, their order and names, the network, and what is done to them before it."""
        digest = hashlib.sha256()
        digest.update(repr((2, self.origin, self.size, self.skip_bad)).encode())
        for item in sources.read(pattern):
            try:
                data = item.data
            except images.ImageError:
                if not self.skip_bad:
                    raise
                data = b""
            digest.update(b"\0%b\0" % os.fsencode(item.name))
            digest.update(hashlib.sha256(data).digest())
        return digest.hexdigest()

    def _decode(self, item: sources.Encoded) -> tuple[sources.Encoded, np.ndarray | images.ImageError]:
        """The item and its picture, or why it has none."""
        try:
            image = item.decode()
        except images.ImageError as error:
            if not self.skip_bad:
                raise
            return item, error
        return item, self._fitted(image)

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        if self.size is None or image.shape[:2] == (self.size, self.size):
            return image
        return images.fit(image, self.size, how="crop", resample="area")

    def expect(self, size: tuple[int, int], pattern: str | Path, place: str = "") -> None:
        """Raises UserError where pictures are of another size than the first that were seen, or very large.

        Args:
            size: (height, width).
            pattern: the set.
            place: the picture in it; "" for all of the set.
        """
        if size[0] * size[1] > limits.LARGE_PIXELS:
            raise UserError(
                f"{place or pattern}: {size[1]}x{size[0]} pixels, over {limits.LARGE_PIXELS:,}, are more than the "
                "network should shrink by itself: `--size N`, such as 299, does it before"
            )
        if self._size_seen is None:
            self._size_seen, self._seen_in = tuple(size), str(pattern)
        if tuple(size) != self._size_seen:
            others = "the first picture has" if self._seen_in == str(pattern) else f"those of {self._seen_in} have"
            raise UserError(
                f"{place or pattern}: {size[1]}x{size[0]} pixels, but {others} "
                f"{self._size_seen[1]}x{self._size_seen[0]}: `--size N` brings all to one size"
            )
