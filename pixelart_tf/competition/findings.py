"""What a look through a competition's zip found, and how it is told."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from pixelart_tf.base.columns import shortened

MOST_NEAR_COPIES = 0.05   # of the pictures, before they are warned of
SHOWN = 3                 # names, of many


class Fault(NamedTuple):
    """What is wrong with one file, or with the zip.

    Attributes:
        kind: what such faults have in common.
        name: of the file; None for the zip.
        text: what is wrong with it.
    """

    kind: str
    name: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What `check_zip` found.

    Attributes:
        num_pictures: files in the zip that are named as pictures are.
        num_bytes: of the zip.
        sizes: pictures per size, such as `{"256x256": 7038}` (width x height); likewise `modes` ("RGB") and `formats`
            ("JPEG").
        copies: names of pictures whose files are the same byte for byte, in groups.
        near_copies: names of pictures that look nearly the same (see `likeness.near_duplicates`), in groups; no fault,
            as photographs of one place do, but many are warned of.
        num_in_folders: pictures that do not lie at the top.
        num_others: files that are no pictures, or hidden.
        num_damaged: files that cannot be unpacked or decoded.
        num_blank: pictures of one color, the black ones among them.
        num_black: black pictures.
        num_faults: of all kinds.
        faults: a line for each kind.
        warnings: lines on what is no fault, and yet should be looked at.
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
    num_faults: int
    faults: list[str]
    warnings: list[str]


def table(found: Checked) -> str:
    """What `check_zip` found, a line each; the faults are only counted."""
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
        "faults": f"{found.num_faults:,}{f' of {len(found.faults)} kinds' if len(found.faults) > 1 else ''}",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _counts(counts: Counter) -> str:
    return shortened([f"{key} ({number:,})" for key, number in counts.most_common()], SHOWN) or "-"


def _grouped(groups: list[list[str]]) -> str:
    if not groups:
        return "0"
    told = shortened([shortened(group, SHOWN) for group in groups], SHOWN, "; ")
    return f"{num_spare(groups):,} in {len(groups):,} groups: {told}"


def lines(faults: list[Fault]) -> list[str]:
    """A line for each kind of fault: the first one, the number of the others, and the names of the next two."""
    kinds = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault)
    lines = []
    for first, *others in kinds.values():
        line = f"{first.name}: {first.text}" if first.name is not None else first.text
        if others:
            names = shortened([fault.name for fault in others], SHOWN - 1)
            line += f" (and {len(others):,} more like it: {names})"
        lines.append(line)
    return lines


def warnings(near_copies: list[list[str]], number: int) -> list[str]:
    """A line, if many of a number of pictures are near copies."""
    spare = num_spare(near_copies)
    if spare <= MOST_NEAR_COPIES * number:
        return []
    group = max(near_copies, key=len)
    names = shortened(group, SHOWN)
    return [f"{spare:,} of {number:,} pictures are near copies of others, possibly a mode collapse; look at {names}"]


def num_spare(groups: list[list[str]]) -> int:
    """Pictures that another one is the same as, the first of each group not counted."""
    return sum(len(group) - 1 for group in groups)
