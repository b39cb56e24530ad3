"""How commands put numbers, names and tables into words."""

from collections.abc import Iterable, Sequence


def columns(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Rows of cells as lines of aligned columns.

    Args:
        rows: of equal length.
        right: numbers of the columns that are aligned to the right; the others are to the left.
    """
    rows, right = [*rows], set(right)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def counted(number: int, noun: str) -> str:
    """`1 picture`, `2 pictures`, `1,490 pictures`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first names, and `...` where there are more than `most`."""
    return separator.join([*names[:most], *(["..."] if len(names) > most else [])])
