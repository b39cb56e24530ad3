"""A zip of pictures looked through for all that a competition would refuse it for."""

import hashlib
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.competition import zips
from pixelart_tf.pictures import images, likeness

MOST_COPIES = 0.01               # of the pictures; more copies than that are a generator that makes one picture of many
BLANK = 2                        # of 255: a picture whose channels vary by no more is of one color
MAX_MEMBER = 2**26               # bytes; what is larger is not read into memory


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What `check` found.

    Attributes:
        num_pictures: files in the zip that are named as pictures are.
        num_bytes: of the zip.
        sizes: pictures per size, such as `{"256x256": 7038}` (width x height); likewise `modes` ("RGB") and `formats`
            ("JPEG").
        copies: names of pictures whose files are the same byte for byte, in groups.
        near_copies: names of pictures that look nearly the same (see `likeness.near_duplicates`), in groups; no fault,
            as photographs of one place do.
        num_in_folders: pictures that do not lie at the top.
        num_others: files that are no pictures, or hidden.
        num_damaged: files that cannot be unpacked or decoded.
        num_blank: pictures of one color, the black ones among them.
        num_black: black pictures, as which a network's NaN come out.
        faults: a line each.
    """

    num_pictures: int
    num_bytes: int
    sizes: Counter = field(default_factory=Counter)
    modes: Counter = field(default_factory=Counter)
    formats: Counter = field(default_factory=Counter)
    copies: list[list[str]]
    near_copies: list[list[str]]
    num_in_folders: int
    num_others: int
    num_damaged: int
    num_blank: int
    num_black: int
    faults: list[str]

    @property
    def num_copies(self) -> int:
        """Pictures that another one is the same as, the first of each group not counted."""
        return sum(len(group) - 1 for group in self.copies)


@dataclass(kw_only=True)
class _Member:
    """One picture of the zip; what could not be found out is None."""

    name: str
    size: str | None = None
    mode: str | None = None
    format: str | None = None
    digest: bytes | None = None
    look: np.ndarray | None = None
    blank: bool = False
    black: bool = False
    damaged: bool = False
    faults: list[str] = field(default_factory=list)


def check(
    path: str | Path,
    *,
    size: int = zips.SIZE,
    any_count: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Unpacks and decodes every picture of a zip, on threads; holds a few at a time.

    Args:
        path: of the zip.
        size: pixels of a side that its pictures must have.
        any_count: whether it may have less than 7,000 or more than 10,000 pictures.
        progress: called with the pictures done and to do.

    Returns:
        The faults, of single pictures and of the whole, and what else a table tells.

    Raises:
        UserError: not a zip.
        OSError: it cannot be read.
    """
    if size < 1:
        raise UserError(f"`size` must be at least 1. Received: {size}")
    path = Path(path)
    found, faults = [], []
    try:
        file = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: not a zip, or cut off ({error})") from None
    with file:
        infos = [info for info in file.infolist() if not info.is_dir()]
        pictures = [info for info in infos if images.is_picture_name(_top(info.filename))]
        others = [_shown(info.filename) for info in infos if not images.is_picture_name(_top(info.filename))]
        folders = [_shown(info.filename) for info in file.infolist() if info.is_dir()]
        for member in ahead(lambda info: _look(file, info, size), pictures):
            found.append(member)
            faults += member.faults
            if progress is not None:
                progress(len(found), len(pictures))
    faults += [f"{name}: a folder" for name in folders]
    faults += [f"{name}: a hidden file, or no picture" for name in others]
    faults += [
        f"{_shown(name)}: {times} files of this name"
        for name, times in Counter(info.filename for info in pictures).items() if times > 1
    ]
    copies = _groups(found)
    spare = sum(len(group) - 1 for group in copies)
    if spare > MOST_COPIES * len(found):
        group = max(copies, key=len)
        faults.append(
            f"{group[0]}: {len(group) - 1:,} more are the same, {spare:,} copies in all: over {MOST_COPIES:.0%} of "
            f"{len(found):,} pictures"
        )
    if wrong := not any_count and zips.wrong_count(len(pictures)):
        faults.append(wrong)
    elif not pictures:
        faults.append("no pictures")
    return Checked(
        num_pictures=len(found), num_bytes=path.stat().st_size,
        sizes=Counter(member.size for member in found if member.size),
        modes=Counter(member.mode for member in found if member.mode),
        formats=Counter(member.format for member in found if member.format),
        copies=copies, near_copies=_near_groups(found),
        num_in_folders=sum(_top(info.filename) != info.filename for info in pictures), num_others=len(others),
        num_damaged=sum(member.damaged for member in found), num_blank=sum(member.blank for member in found),
        num_black=sum(member.black for member in found), faults=[f"{path}: {fault}" for fault in faults],
    )


def _top(name: str) -> str:
    """The name without folders; Windows' separator is in names that its tools wrote."""
    return name.replace("\\", "/").rpartition("/")[2]


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _look(file: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> _Member:
    """All that can be told of one picture by itself."""
    member = _Member(name=_shown(info.filename))

    def fault(text: str) -> _Member:
        member.faults.append(f"{member.name}: {text}")
        return member

    if _top(info.filename) != info.filename:
        fault("in a folder, and pictures must lie at the top")
    if info.flag_bits & 1:
        member.damaged = True
        return fault("encrypted")
    if info.file_size > MAX_MEMBER:
        return fault(f"{info.file_size:,} bytes, refused as a zip bomb")
    try:
        content = file.read(info)
    except Exception as error:   # each way of compression has errors of its own
        member.damaged = True
        return fault(f"damaged ({' '.join(str(error).split()) or type(error).__name__})")
    member.digest = hashlib.sha256(content).digest()
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height, mode, format = *image.size, image.mode, image.format
    except Exception:
        width = height = mode = format = None
    else:
        member.size, member.mode, member.format = f"{width}x{height}", mode, format
        if (width, height) != (size, size):
            return fault(f"{member.size} pixels, not {size}x{size}")   # not decoded: it may claim to be huge
        if mode != "RGB":
            fault(f"of the mode {mode}, not RGB")
        if format != "JPEG":
            fault(f"{format}, not JPEG")
        elif not info.filename.lower().endswith((".jpg", ".jpeg")):
            fault("a JPEG, and not named as one")
    try:
        pixels = images.read(content, name=member.name)
    except images.ImageError as error:
        member.damaged = True
        member.faults.append(str(error))
        return member
    lowest, highest = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
    if int((highest - lowest).max()) <= BLANK:
        member.blank, member.black = True, int(highest.max()) <= BLANK
        return fault("black all over, as a network's NaN come out" if member.black else "of one color")
    member.look = likeness.likeness(pixels)
    return member


def _groups(members: list[_Member]) -> list[list[str]]:
    """Names of the pictures of the same bytes."""
    by_digest = defaultdict(list)
    for member in members:
        if member.digest is not None:
            by_digest[member.digest].append(member.name)
    return [names for names in by_digest.values() if len(names) > 1]


def _near_groups(members: list[_Member]) -> list[list[str]]:
    """Names of the pictures that look nearly the same; of exact copies only the first is looked at."""
    first = {member.digest: member for member in reversed(members) if member.look is not None}
    looked = [member for member in members if first.get(member.digest) is member]
    if not looked:
        return []
    return likeness.near_duplicates([member.name for member in looked], [member.look for member in looked])


def table(found: Checked) -> str:
    """What `check` found, a line each; the faults are only counted."""
    rows = {
        "pictures": f"{found.num_pictures:,} ({found.num_bytes / 1e6:.1f} MB)",
        "sizes": _counts(found.sizes),
        "modes": _counts(found.modes),
        "formats": _counts(found.formats),
        "in folders": f"{found.num_in_folders:,}",
        "other files": f"{found.num_others:,}",
        "damaged": f"{found.num_damaged:,}",
        "of one color": f"{found.num_blank:,} ({found.num_black:,} black)",
        "exact copies": _grouped(found.copies),
        "near copies": _grouped(found.near_copies),
        "faults": f"{len(found.faults):,}",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _counts(counts: Counter) -> str:
    told = ", ".join(f"{key} ({number:,})" for key, number in counts.most_common(3))
    return told + ", ..." * (len(counts) > 3) or "-"


def _grouped(groups: list[list[str]]) -> str:
    if not groups:
        return "0"
    told = "; ".join(", ".join(group[:3]) + ", ..." * (len(group) > 3) for group in groups[:3])
    spare = sum(len(group) - 1 for group in groups)
    return f"{spare:,} in {len(groups):,} groups: {told}{'; ...' * (len(groups) > 3)}"
