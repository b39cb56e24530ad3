"""Pictures -> TFRecord shards of the competition's schema, in parallel, whole or not at all."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.files import expanded
from pixelart_tf.base.stderr import quiet
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import faults, finding, images, moving, shards, sources
from pixelart_tf.pictures.likeness import likeness, near_duplicates
from pixelart_tf.pixelize import grid

FEW_COLORS = 256   # as many as a palette holds; drawings with smooth edges and photographs have thousands
ICON_SIDE = 64      # a picture of few colors up to this side is taken for pixel art at one pixel a cell
MIN_SIDE = 4        # a smaller picture shows nothing; most often it is a tracking pixel
MAX_SIDE = 8192
DOMAIN = r"[A-Za-z0-9_-]*[A-Za-z_]"


class PackError(UserError):
    """Pictures that cannot be packed as asked; the message is one line that names the file or the folder."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What `pack` did.

    Attributes:
        shards: the files, in order.
        formats: pictures packed per format, such as `{"png": 3}`.
        bad: the lines `path: reason` of the pictures left out.
        duplicates: groups of names of pictures that look nearly the same (all of them are packed).
    """

    shards: list[Path]
    formats: dict[str, int]
    bad: list[str]
    duplicates: list[list[str]]


def pack(
    pictures: str | Path | list[Path],
    shards_dir: str | Path,
    *,
    domain: str,
    size: int | None = None,
    fit: str = "auto",
    resample: str = "auto",
    format: str = "auto",
    quality: int = 95,
    native: bool = False,
    shard_size: int = 256,
    workers: int | None = None,
    skip_bad: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Packed:
    """Packs pictures into `<domain><shard>-<records>.tfrec` files; the bytes do not depend on the number of workers.

    Args:
        pictures: a picture, a folder, a glob, a zip or shards (see `sources.read`), or a list of files.
        shards_dir: folder for the shards, made if missing. Nothing is seen there before all is written.
        domain: name of the set; the file names begin with it, each record's `target` is it.
        size: pixels of the square pictures. None is 256, or with `native` each picture's own size.
        fit: `"crop"`, `"pad"` or `"stretch"` (see `images.fit`); `"auto"` pads pixel art and crops the rest.
        resample: `"lanczos"`, `"bilinear"`, `"area"` or `"nearest"`; `"auto"` is nearest for pixel art, else lanczos.
        format: `"jpeg"` or `"png"`; `"auto"` is PNG for pixel art and for pictures of few colors, else JPEG.
        quality: of JPEG, 1 to 100.
        native: recover pixel art's one pixel a cell; with `size`, trim it and centre it on a square of its border's
            color. A picture without an exact grid is bad.
        shard_size: records in a shard; the last one has the rest.
        workers: threads; None is one a core.
        skip_bad: leave bad pictures out, instead of packing none.
        overwrite: replace the shards that this domain has in `shards_dir`.
        progress: called with the pictures done and their total after each, None where nobody knows it.

    Raises:
        images.ImageError: no pictures there.
        PackError: a bad picture, or shards of this domain are there already.
        OSError: the folder or the disk does not take the shards.
    """
    workers = os.cpu_count() or 1 if workers is None else workers
    _check_options(domain, size, fit, resample, format, quality, native, shard_size, workers)
    shards_dir = Path(shards_dir)
    moving.finish(shards_dir)
    replaced = _shards_of(shards_dir, domain)
    if replaced and not overwrite:
        raise PackError(f"{replaced[0]}: shards of `{domain}` are here already; --overwrite replaces them")
    named, total = _named(pictures, replaced)
    prepare = partial(_attempt, size=size, fit=fit, resample=resample, format=format, quality=quality, native=native)
    results = ahead(prepare, named, num_threads=workers)
    good, bad = [], []

    def good_records() -> Iterator[_Record]:
        for done, result in enumerate(results, 1):
            if progress is not None:
                progress(done, total)
            if isinstance(result, images.ImageError):
                bad.append(str(result))
            else:
                good.append(replace(result, encoded=b""))   # its bytes are not needed again
                if skip_bad or not bad:
                    yield result

    with moving.together(shards_dir, domain, [path.name for path in replaced]) as folder:
        written = _write(good_records(), domain, folder, shard_size, called=shards_dir)
        if (bad and not skip_bad) or not good:
            words = {"nothing": "nothing is written", "skipping": "--skip-bad packs"}
            raise PackError(faults.described(bad, len(bad) + len(good), **words))
        digits = max(2, len(str(len(written) - 1)))
        names = [f"{domain}{i:0{digits}}-{count}.tfrec" for i, (_, count) in enumerate(written)]
        for (path, _), name in zip(written, names, strict=True):
            os.rename(path, folder / name)
    return Packed(
        shards=[shards_dir / name for name in names],
        formats=Counter(item.format for item in good),
        bad=bad,
        duplicates=near_duplicates([item.name for item in good], [item.likeness for item in good]),
    )


def _check_options(domain, size, fit, resample, format, quality, native, shard_size, workers) -> None:
    if not re.fullmatch(DOMAIN, domain):
        raise PackError(f"`domain` must be letters, digits, - or _ and not end in a digit. Received: {domain!r}")
    if size is not None and not MIN_SIDE <= size <= MAX_SIDE:
        raise PackError(f"`size` must be from {MIN_SIDE} to {MAX_SIDE}. Received: {size}")
    if not 1 <= quality <= 100:
        raise PackError(f"`quality` must be from 1 to 100. Received: {quality}")
    for key, value, known in (
        ("fit", fit, ("auto", *images.FITS)),
        ("resample", resample, ("auto", *images.RESAMPLE)),
        ("format", format, ("auto", "jpeg", "png")),
    ):
        if value not in known:
            raise PackError(f"`{key}` must be one of {', '.join(known)}. Received: {value!r}")
    if native and (fit != "auto" or resample != "auto"):
        raise PackError("`fit` and `resample` have nothing to do with `native`: it never resamples")
    if shard_size < 1 or workers < 1:
        raise PackError(f"`shard_size` and `workers` must be positive. Received: {shard_size}, {workers}")


def _shards_of(shards_dir: Path, domain: str) -> list[Path]:
    name = re.compile(rf"{re.escape(domain)}\d{{2,}}-\d+\.tfrec")
    return sorted(path for path in shards_dir.iterdir() if name.fullmatch(path.name)) if shards_dir.exists() else []


@dataclass(frozen=True, kw_only=True)
class _Record:
    name: str
    format: str
    encoded: bytes
    likeness: np.ndarray   # uint8 (56,), see `near_duplicates`


def _named(
    pictures: str | Path | list[Path], replaced: list[Path]
) -> tuple[Iterator[tuple[sources.Encoded, str]], int | None]:
    """The pictures with their names in the shards, and how many they are where that is known.

    Raises:
        UserError: no pictures, or they are in shards that would be replaced.
    """
    if isinstance(pictures, list) or not sources.is_container(pictures) or _has_pictures(pictures):
        paths = pictures if isinstance(pictures, list) else finding.pictures(pictures)
        items = (sources.Encoded(name=str(path), place=str(path), source=path) for path in paths)
        return zip(items, _names(paths), strict=True), len(paths)
    total, items = sources.count(pictures), sources.read(pictures)
    if total is not None:   # a zip
        names = _names([Path(item.name) for item in sources.read(pictures)])
        return zip(items, names, strict=True), total
    old = {path.resolve() for path in replaced}
    for path in shards.list_shards(pictures):
        if path.resolve() in old:
            raise PackError(f"{path}: an input, which is never overwritten; choose another folder or --domain")
    return ((item, item.name) for item in items), total


def _has_pictures(pictures: str | Path) -> bool:
    """Whether it is a folder of pictures, which may be where their shards are too."""
    folder = expanded(pictures)
    return folder.is_dir() and any(images.is_picture_name(name) for _, names in finding.walk(folder) for name in names)


def _attempt(job: tuple[sources.Encoded, str], **options) -> "_Record | images.ImageError":
    """One picture's record, or why there is none."""
    try:
        return _prepare(*job, **options)
    except images.ImageError as error:
        return error


def _prepare(item: sources.Encoded, name: str, *, size, fit, resample, format, quality, native) -> _Record:
    """One picture, from its file to the bytes in the shard. Raises ImageError."""
    image, path = item.decode(), item.place
    if min(image.shape[:2]) < MIN_SIDE:
        raise images.ImageError(f"{path}: {image.shape[1]}x{image.shape[0]} pixels, under {MIN_SIDE}x{MIN_SIDE}")
    has_grid = grid.find_grid(image) is not None
    is_pixel_art = has_grid or (max(image.shape[:2]) <= ICON_SIDE and _has_few_colors(image))
    if native:
        try:
            image = grid.native(image)
            image = image if size is None else grid.centre(image, size)
        except ValueError as error:
            raise images.ImageError(f"{path}: {error}") from None
    else:
        size = size or 256
        fit = ("pad" if is_pixel_art else "crop") if fit == "auto" else fit
        resample = ("nearest" if is_pixel_art else "lanczos") if resample == "auto" else resample
        if has_grid and resample == "nearest" and image.shape[:2] != (size, size):
            small = grid.native(image)   # else cells of 7 pixels would become cells of 6 and 7
            image = small if max(small.shape) <= size else image
        background = tuple(grid.border_color(image).tolist()) if is_pixel_art else (255, 255, 255)
        image = images.fit(image, size, how=fit, resample=resample, background=background)
    if format == "auto":
        format = "png" if is_pixel_art or _has_few_colors(image) else "jpeg"
    return _Record(name=name, format=format, encoded=images.encode(image, format, quality), likeness=likeness(image))


def _has_few_colors(image: np.ndarray) -> bool:
    return Image.fromarray(image).getcolors(FEW_COLORS) is not None


def _names(paths: list[Path]) -> list[str]:
    """Names below the common folder without suffixes, as the competition's are, where that keeps them apart."""
    root = Path(os.path.commonpath([path.parent for path in paths]))
    relative = [path.relative_to(root) for path in paths]
    bare = Counter(path.with_suffix("") for path in relative)
    return [(path.with_suffix("") if bare[path.with_suffix("")] == 1 else path).as_posix() for path in relative]


def _write(
    records: Iterator[_Record], domain: str, folder: Path, shard_size: int, *, called: Path
) -> list[tuple[Path, int]]:
    """Writes shards into `folder`, which messages call `called`; gives their paths and how many records each holds."""
    with quiet():
        import tensorflow as tf  # takes seconds: not before the arguments are known to be good

    paths, counts, writer = [], [], None
    try:
        for record in records:
            if not counts or counts[-1] == shard_size:
                if writer is not None:
                    writer.close()
                paths.append(folder / f"{len(paths)}.tfrec")
                counts.append(0)
                writer = tf.io.TFRecordWriter(str(paths[-1]))
            values = {"image_name": record.name.encode(), "image": record.encoded, "target": domain.encode()}
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString(deterministic=True))
            counts[-1] += 1
        if writer is not None:
            writer.close()   # here a full disk shows at the latest
    except tf.errors.OpError as error:
        raise PackError(f"{called}: {error.message.rpartition('; ')[2]}") from None
    return list(zip(paths, counts, strict=True))
