"""One shard: from its pictures to its file. All that makes shards calls `make_shard`, on whatever machine."""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import images, shards, sources
from pixelart_tf.pictures.framing import framed
from pixelart_tf.pictures.likeness import LOOK, likeness
from pixelart_tf.pixelize import grid

FEW_COLORS = 256   # as many as a palette holds; drawings with smooth edges and photographs have thousands
ICON_SIDE = 64      # a picture of few colors up to this side is taken for pixel art at one pixel a cell
MIN_SIDE = 4        # a smaller picture shows nothing; most often it is a tracking pixel

Job = tuple[Path, list[tuple[sources.Encoded, str]]]   # a shard's file, and its pictures with their names in it


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What `make_shard` made.

    Attributes:
        names, formats: of the records.
        looks: uint8 (records, 56), see `near_duplicates`.
        bad: the lines `path: reason` of the pictures left out.
    """

    names: list[str]
    formats: list[str]
    looks: np.ndarray
    bad: list[str]


def make_shard(
    job: Job, *, domain: str, threads: int, on_picture: Callable[[], None] | None = None, **options
) -> Shard:
    """Makes one shard: the same bytes on any machine and with any number of threads. All bad, it is an empty file.

    Args:
        job: its file, which is written in place, and its pictures.
        domain: name of the set, each record's `target`.
        threads: on which pictures are prepared.
        on_picture: called after each picture.
        **options: `size`, `fit`, `resample`, `format`, `quality`, `native`; see `packing.pack`.

    Raises:
        OSError: the disk or the folder does not take the file.
    """
    path, pictures = job
    good, bad = [], []
    with open(path, "wb") as file:
        for result in ahead(partial(_attempt, domain=domain.encode(), **options), pictures, num_threads=threads):
            if isinstance(result, images.ImageError):
                bad.append(str(result))
            else:
                record, *about = result
                file.write(record)
                good.append(about)
            if on_picture is not None:
                on_picture()
    names, formats, looks = zip(*good, strict=True) if good else ((), (), ())
    return Shard(
        names=[*names], formats=[*formats], looks=np.array(looks, np.uint8).reshape(-1, LOOK), bad=bad
    )


def make_or_find_shard(job: Job, **options) -> Shard:
    """`make_shard`, with a note beside the file when it is whole, so that it is not made again. Arguments are the same.

    Two workers may be at one shard, where the first was taken for lost: each writes a file of its own.
    """
    path, pictures = job
    note = path.with_suffix(".json")
    if path.exists() and note.exists():
        found = json.loads(note.read_text(encoding="utf-8"))
        looks = np.frombuffer(bytes.fromhex(found.pop("looks")), np.uint8)
        return Shard(looks=looks.reshape(-1, LOOK), **found)
    own = path.with_name(f"{path.stem}-{uuid.uuid4().hex}")
    try:
        made = make_shard((own, pictures), **options)
        os.replace(own, path)
        about = {"names": made.names, "formats": made.formats, "looks": made.looks.tobytes().hex(), "bad": made.bad}
        own.write_text(json.dumps(about), encoding="utf-8")
        os.replace(own, note)
    finally:
        own.unlink(missing_ok=True)
    return made


_Record = tuple[bytes, str, str, np.ndarray]   # as it stands in the file; its name, its format, its likeness


def _attempt(item: tuple[sources.Encoded, str], **options) -> _Record | images.ImageError:
    """One picture's record, or why there is none."""
    try:
        return _prepare(*item, **options)
    except images.ImageError as error:
        return error


def _prepare(
    item: sources.Encoded, name: str, *, domain: bytes, size, fit, resample, format, quality, native
) -> _Record:
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
    encoded = images.encode(image, format, quality)
    record = framed(shards.example(image_name=name.encode(), image=encoded, target=domain))
    return record, name, format, likeness(image)


def _has_few_colors(image: np.ndarray) -> bool:
    return Image.fromarray(image).getcolors(FEW_COLORS) is not None
