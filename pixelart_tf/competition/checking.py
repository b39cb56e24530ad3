"""A zip of pictures looked through for all that a competition would refuse it for."""

import hashlib
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.competition import zips
from pixelart_tf.competition.findings import Checked, Fault, lines, num_spare, warnings
from pixelart_tf.pictures import images, likeness, opening

MOST_COPIES = 0.01               # of the pictures; more copies than that are a generator that makes one picture of many
BLANK = 2                        # of 255: a picture whose channels vary by no more is of one color
MAX_MEMBER = 2**26               # bytes; what is larger is not read into memory


@dataclass(kw_only=True)
class _Member:
    """One picture of the zip; what could not be found out is None."""

    name: str
    size: str | None = None
    mode: str | None = None
    format: str | None = None
    digest: bytes | None = None
    likeness: np.ndarray | None = None
    blank: bool = False
    black: bool = False
    damaged: bool = False
    faults: list[Fault] = field(default_factory=list)


def check_zip(
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
    found = []
    try:
        file = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: not a zip, or cut off ({error})") from None
    with file:
        infos = file.infolist()
        pictures = [info for info in infos if not info.is_dir() and images.is_picture_name(_top(info.filename))]
        for member in ahead(lambda info: _member(file, info, size), pictures):
            found.append(member)
            if progress is not None:
                progress(len(found), len(pictures))
    num_others = sum(not info.is_dir() for info in infos) - len(pictures)
    copies, near_copies = _groups(found), _near_groups(found)
    faults = [fault for member in found for fault in member.faults]
    faults += _faults_of_names(infos) + _faults_of_all(found, copies, any_count)
    return Checked(
        num_pictures=len(found), num_bytes=path.stat().st_size,
        sizes=Counter(member.size for member in found if member.size),
        modes=Counter(member.mode for member in found if member.mode),
        formats=Counter(member.format for member in found if member.format),
        copies=copies, near_copies=near_copies,
        num_in_folders=sum(_top(info.filename) != info.filename for info in pictures), num_others=num_others,
        num_damaged=sum(member.damaged for member in found), num_blank=sum(member.blank for member in found),
        num_black=sum(member.black for member in found), num_faults=len(faults),
        faults=[f"{path}: {line}" for line in lines(faults)],
        warnings=[f"{path}: {line}" for line in warnings(near_copies, len(found))],
    )


def _faults_of_names(infos: list[zipfile.ZipInfo]) -> list[Fault]:
    """Of what lies in the zip beside pictures, and of names that occur twice."""
    faults, names = [], Counter()
    for info in infos:
        if info.is_dir():
            faults.append(Fault("a folder", _shown(info.filename), "a folder"))
        elif images.is_picture_name(_top(info.filename)):
            names[_shown(info.filename)] += 1
        else:
            faults.append(Fault("no picture", _shown(info.filename), "a hidden file, or no picture"))
    return faults + [Fault("twice", name, f"{times} files of this name") for name, times in names.items() if times > 1]


def _faults_of_all(found: list[_Member], copies: list[list[str]], any_count: bool) -> list[Fault]:
    """Of the pictures' number, and of too many copies."""
    faults = []
    spare = num_spare(copies)
    if spare > MOST_COPIES * len(found):
        group = max(copies, key=len)
        faults.append(Fault(
            "copies", group[0], f"{len(group) - 1:,} more are the same, {spare:,} copies in all: over "
            f"{MOST_COPIES:.0%} of {len(found):,} pictures",
        ))
    if wrong := not any_count and zips.wrong_count(len(found)):
        faults.append(Fault("number", None, wrong))
    elif not found:
        faults.append(Fault("number", None, "no pictures"))
    return faults


def _top(name: str) -> str:
    """The name without folders; Windows' separator is in names that its tools wrote."""
    return name.replace("\\", "/").rpartition("/")[2]


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _member(file: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> _Member:
    """All that can be told of one picture by itself."""
    member = _Member(name=_shown(info.filename))

    def fault(kind: str, text: str) -> _Member:
        member.faults.append(Fault(kind, member.name, text))
        return member

    if _top(info.filename) != info.filename:
        fault("in a folder", "in a folder, and pictures must lie at the top")
    if info.flag_bits & 1:
        member.damaged = True
        return fault("encrypted", "encrypted")
    if info.file_size > MAX_MEMBER:
        return fault("large", f"{info.file_size:,} bytes, refused as a zip bomb")
    try:
        content = file.read(info)
    except Exception as error:   # each way of compression has errors of its own
        member.damaged = True
        return fault("damaged", f"damaged ({' '.join(str(error).split()) or type(error).__name__})")
    member.digest = hashlib.sha256(content).digest()
    try:
        with opening.open_picture(content) as image:
            width, height, mode, format = *image.size, image.mode, image.format
    except Exception:   # what Pillow raises at damaged bytes is of many kinds; below it is told as no picture
        width = height = mode = format = None
    else:
        member.size, member.mode, member.format = f"{width}x{height}", mode, format
        if (width, height) != (size, size):
            return fault("size", f"{member.size} pixels, not {size}x{size}")   # not decoded: it may claim to be huge
        if mode != "RGB":
            fault("mode", f"of the mode {mode}, not RGB")
        if format != "JPEG":
            fault("format", f"{format}, not JPEG")
        elif not info.filename.lower().endswith((".jpg", ".jpeg")):
            fault("suffix", "a JPEG, and not named as one")
    try:
        pixels = images.read(content, name=member.name)
    except images.ImageError as error:
        member.damaged = True
        return fault("no picture inside", str(error).removeprefix(f"{member.name}: "))
    lowest, highest = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
    if int((highest - lowest).max()) <= BLANK:
        member.blank, member.black = True, int(highest.max()) <= BLANK
        return fault("black", "black all over") if member.black else fault("blank", "of one color")
    member.likeness = likeness.likeness(pixels)
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
    first = {member.digest: member for member in reversed(members) if member.likeness is not None}
    looked = [member for member in members if first.get(member.digest) is member]
    if not looked:
        return []
    return likeness.near_duplicates([member.name for member in looked], [member.likeness for member in looked])
