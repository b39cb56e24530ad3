"""Pictures that cannot be used, told in one line."""

NAMED = 10   # more are counted


def described(bad: list[str], total: int, *, nothing: str, skipping: str) -> str:
    """What is wrong with a set, of which nothing is used.

    Args:
        bad: lines `path: reason`.
        total: pictures, the bad ones among them.
        nothing: what is not done, such as `"nothing is written"`.
        skipping: what does it without them, such as `"--skip-bad packs"`.
    """
    if len(bad) == total:
        return f"no good picture among {total}, the first: {bad[0]}"
    if len(bad) == 1:
        return f"{bad[0]}; {nothing} ({skipping} the other {total - 1})"
    return f"{len(bad)} of {total} pictures are bad, {nothing} ({skipping} the rest): {named(bad)}"


def named(bad: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    return "; ".join(bad[:NAMED]) + more
