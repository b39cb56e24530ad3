"""What docstrings say of a function's options: a signature is the schema of a table, and its docstring the manual."""

import inspect
import re
from collections.abc import Callable

SECTIONS = ("Args:", "Attributes:")
ENTRY = re.compile(r" {4}(\w+(?:, \w+)*): (.*)")
# A sentence that says what a value means, `"grey"` or an empty one, belongs to the one before.
SENTENCE_END = re.compile(r"\.(?= +(?!Empty|None|False|True)[A-Z])")


def first_line(described: Callable) -> str:
    """The first line of a docstring; "" without one."""
    return (inspect.getdoc(described) or "").partition("\n")[0].strip()


def meanings(described: Callable) -> dict[str, str]:
    """Name of an option -> what the docstring says of it, on one line.

    Args:
        described: a function or a class with a docstring as this one: sections `Args:` or `Attributes:` with an entry
            for each name, or for several names with commas between them. Of a name in both, the first one counts.
    """
    found, section, names = {}, None, ()
    for line in (inspect.getdoc(described) or "").splitlines():
        if line and not line.startswith(" "):
            section, names = found.setdefault(line, {}) if line in SECTIONS else None, ()
        elif section is not None and (entry := ENTRY.fullmatch(line)):
            names = entry[1].split(", ")
            section |= dict.fromkeys(names, entry[2].strip())
        elif section is not None and line.strip():
            section |= {name: f"{section[name]} {line.strip()}" for name in names}
    first, *others = (*found.values(), {})
    return {name: text for each in (*others, first) for name, text in each.items()}


def first_sentence(text: str) -> str:
    """The first sentence of a text, and those after it that say what a value means.

    As plain text, without backticks and without a full stop at the end.
    """
    end = SENTENCE_END.search(text)
    return (text[: end.start()] if end else text).rstrip(".").replace("`", "")
