"""What all commands share: mistakes told in one line on stderr with exit status 2, and a progress bar."""

import argparse
import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from typing import NoReturn


class UserError(ValueError):
    """A mistake that the user can mend; its message is one line that names the file, the key or the rule."""


class Parser(argparse.ArgumentParser):
    """A parser of command lines that leaves a mistake to `command`, in one line and without the usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")


def command(main):
    """Wraps a command's `main(argv=None)` so that it returns an exit status and reports mistakes in one line.

    Returns:
        A function of the same signature: 0 when all is well (or what `main` returned), 2 after a `UserError`, an error
        of the file system or too little memory, 130 after Ctrl-C, and 141, without a word, where who read the output is
        gone (`| head`): the numbers that shells give to what ends by SIGINT and SIGPIPE.
    """
    prog = "python -m " + main.__module__.removesuffix(".__main__")

    @functools.wraps(main)
    def wrapper(argv: list[str] | None = None) -> int:
        try:
            with _flushed():
                return main([_at_home(each) for each in (sys.argv[1:] if argv is None else argv)]) or 0
        except UserError as error:
            message = str(error)
        except BrokenPipeError as error:
            if error.filename:
                message = f"{error.filename}: {error.strerror}"
            else:
                _drop_output()
                return 141
        except OSError as error:   # no permission, a full disk, a folder in the way
            if error.strerror is None:
                raise
            message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        except MemoryError as error:
            message = f"not enough memory: {error}"
        except KeyboardInterrupt:
            print(f"{_prog(prog)}: interrupted", file=sys.stderr)
            return 130
        # Run by `python -m`, a command's module is called __main__; argv[0] then names the file.
        print(printable(f"{_prog(prog)}: {' '.join(message.split())}"), file=sys.stderr)
        return 2

    return wrapper


@contextlib.contextmanager
def _flushed() -> Iterator[None]:
    """Writes what was printed before the block ends: at the interpreter's end a reader that is gone is told aloud."""
    try:
        yield
    except SystemExit:   # after --help
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _drop_output() -> None:
    """What is left to print goes nowhere."""
    with contextlib.suppress(OSError, ValueError):   # in a test it may be no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _at_home(argument: str) -> str:
    """An argument that is a path below `~`, which no shell expands within quotes or behind `--run=`."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return f"{option}{equals}{os.path.expanduser(value)}"


def _prog(prog: str) -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return f"python -m {spec.name.removesuffix('.__main__')}" if prog == "python -m __main__" and spec else prog


def printable(text: str) -> str:
    """The same without what a terminal would obey and what no file takes.

    A name in a zip may hold escape codes, which could clear a screen or hide a line; a file's name may hold bytes that
    are no UTF-8, which Python keeps as lone surrogates. Line ends and tabs stay.
    """
    text = "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text)
    return text.encode("utf-8", "backslashreplace").decode()
