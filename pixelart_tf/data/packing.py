"""Pictures -> TFRecord shards of the competition's schema, in parallel, whole or not at all."""

import contextlib
import hashlib
import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.cluster import Cluster
from pixelart_tf.base.columns import counted
from pixelart_tf.base.files import expanded
from pixelart_tf.data.making import MIN_SIDE, Job, Shard, make_or_find_shard, make_shard
from pixelart_tf.pictures import faults, finding, images, moving, shards, sources
from pixelart_tf.pictures.likeness import near_duplicates

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

    def __str__(self) -> str:
        lines = [f"skipped {line}" for line in self.bad]
        lines += [f"near-duplicates: {', '.join(names)}" for names in self.duplicates]
        formats = ", ".join(f"{number} {format}" for format, number in sorted(self.formats.items()))
        size = sum(path.stat().st_size for path in self.shards) / 1e6
        last = f" to {self.shards[-1].name}" if len(self.shards) > 1 else ""
        return "\n".join([
            *lines,
            f"{counted(sum(self.formats.values()), 'picture')} ({formats}) in {counted(len(self.shards), 'shard')}, "
            f"{size:.1f} MB: {self.shards[0]}{last}; {len(self.bad)} bad skipped, {len(self.duplicates)} groups of "
            "near-duplicates",
        ])


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
    cluster: Cluster | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Packed:
    """Packs pictures into `<domain><shard>-<records>.tfrec` files; the bytes do not depend on the number of workers.

    On a cluster a task makes a shard, and writes it beside the others. What is called again after it was stopped, with
    the same pictures and options, makes the shards that are not there yet.

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
        shard_size: pictures of a shard; the last one has the rest. It has as many records less its bad pictures.
        workers: threads of this process; None is one a core.
        skip_bad: leave bad pictures out, instead of packing none.
        overwrite: replace the shards that this domain has in `shards_dir`.
        cluster: does the work; None is this process.
        progress: called with the pictures done and their total after each, None where nobody knows it.

    Raises:
        images.ImageError: no pictures there.
        PackError: a bad picture, or shards of this domain are there already.
        OSError: the folder or the disk does not take the shards.
    """
    if cluster is not None and workers is not None:
        raise PackError(f"`workers` are threads of `--engine local`, a cluster has its own. Received: {workers}")
    workers = os.cpu_count() or 1 if workers is None else workers
    _check_options(domain, size, fit, resample, format, quality, native, shard_size, workers)
    shards_dir = Path(shards_dir)
    moving.finish(shards_dir)
    replaced = _shards_of(shards_dir, domain)
    if replaced and not overwrite:
        raise PackError(f"{replaced[0]}: shards of `{domain}` are here already; --overwrite replaces them")
    named, total = _named(pictures, replaced)
    options = {"domain": domain, "size": size, "fit": fit, "resample": resample, "format": format}
    options |= {"quality": quality, "native": native}
    made, done = [], 0
    with contextlib.ExitStack() as stack:
        if cluster is None:
            folder = stack.enter_context(moving.together(shards_dir, domain, [path.name for path in replaced]))
            found = _here(_jobs(named, folder, shard_size), workers, options, progress, total)
        else:
            key = repr((pictures, shard_size, options, [*map(_stamp, _files(pictures))]))
            folder = _begun(shards_dir, domain, key)
            make = partial(make_or_find_shard, threads=1, **options)
            found = stack.enter_context(contextlib.closing(cluster.tasks(make, _jobs(named, folder, shard_size))))
        try:
            for shard in found:
                made.append(shard)
                done += len(shard.names) + len(shard.bad)
                if cluster is not None and progress is not None:
                    progress(done, total)
        except OSError as error:
            raise PackError(f"{shards_dir}: {error.strerror}") from None
        bad, counts = [line for shard in made for line in shard.bad], [len(shard.names) for shard in made]
        if (bad and not skip_bad) or not any(counts):
            raise PackError(faults.described(bad, done, nothing="nothing is written", skipping="--skip-bad packs"))
        place = folder
        if cluster is not None:
            place = stack.enter_context(moving.together(shards_dir, domain, [path.name for path in replaced]))
        names = _name_shards(folder, place, domain, counts)
    if cluster is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return Packed(
        shards=[shards_dir / name for name in names],
        formats=Counter(format for shard in made for format in shard.formats),
        bad=bad,
        duplicates=near_duplicates(
            [name for shard in made for name in shard.names], np.concatenate([shard.looks for shard in made])
        ),
    )


def _jobs(named: Iterator[tuple[sources.Encoded, str]], folder: Path, shard_size: int) -> Iterator[Job]:
    """Each shard's file and pictures. A shard's pictures depend on no other's, so that any worker can make it."""
    for number in itertools.count():
        pictures = [
            (replace(item, source=item.source.absolute()) if isinstance(item.source, Path) else item, name)
            for item, name in itertools.islice(named, shard_size)
        ]
        if not pictures:
            return
        yield folder.absolute() / f"{number}.tfrec", pictures


def _here(jobs: Iterator[Job], workers: int, options: dict, progress, total: int | None) -> Iterator[Shard]:
    """The shards, made in this process one after the other."""
    done = itertools.count(1)
    told = None if progress is None else (lambda: progress(next(done), total))
    for job in jobs:
        yield make_shard(job, threads=workers, on_picture=told, **options)


def _name_shards(folder: Path, place: Path, domain: str, counts: list[int]) -> list[str]:
    """Moves the shards of so many records from one folder to another, called as they shall be. Empty ones go."""
    full = [(number, count) for number, count in enumerate(counts) if count]
    digits = max(2, len(str(len(full) - 1)))
    names = [f"{domain}{index:0{digits}}-{count}.tfrec" for index, (_, count) in enumerate(full)]
    for (number, _), name in zip(full, names, strict=True):
        os.rename(folder / f"{number}.tfrec", place / name)
    for number, count in enumerate(counts):
        if not count:
            (folder / f"{number}.tfrec").unlink()
    return names


def _begun(shards_dir: Path, domain: str, key: str) -> Path:
    """The hidden folder where a cluster's shards of a job wait until all are there; those of other jobs go."""
    home = shards_dir if shards_dir.exists() else shards_dir.parent
    name = f".begun-{shards_dir.name}-{domain}-"
    folder = home / f"{name}{hashlib.sha256(key.encode()).hexdigest()}"
    for each in home.glob(f"{name}*") if home.exists() else ():
        if each != folder:
            shutil.rmtree(each, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _files(pictures: str | Path | list[Path]) -> list[Path]:
    """The files that are read."""
    if isinstance(pictures, list):
        return pictures
    if not sources.is_container(pictures) or _has_pictures(pictures):
        return finding.pictures(pictures)
    return shards.list_shards(pictures) if shards.are_meant(pictures) else [expanded(pictures)]


def _stamp(path: Path) -> tuple[str, int, int]:
    """What tells that a file is another than before."""
    state = path.stat()
    return str(path.absolute()), state.st_size, state.st_mtime_ns


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


def _names(paths: list[Path]) -> list[str]:
    """Names below the common folder without suffixes, as the competition's are, where that keeps them apart."""
    root = Path(os.path.commonpath([path.parent for path in paths]))
    relative = [path.relative_to(root) for path in paths]
    bare = Counter(path.with_suffix("") for path in relative)
    return [(path.with_suffix("") if bare[path.with_suffix("")] == 1 else path).as_posix() for path in relative]
