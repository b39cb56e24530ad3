"""What all commands share: mistakes told in one line on stderr with exit status 2, and a progress bar."""

import functools
import sys
import time


class UserError(ValueError):
    """A mistake that the user can mend; its message is one line that names the file, the key or the rule."""


def command(main):
    """Wraps a command's `main(argv=None)` so that it returns an exit status and reports mistakes in one line.

    Returns:
        A function of the same signature: 0 when all is well (or what `main` returned), 2 after a `UserError`, an error
        of the file system or too little memory, 130 after Ctrl-C.
    """
    prog = "python -m " + main.__module__.removesuffix(".__main__")

    @functools.wraps(main)
    def wrapper(argv: list[str] | None = None) -> int:
        try:
            return main(argv) or 0
        except UserError as error:
            message = str(error)
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
        print(f"{_prog(prog)}: {' '.join(message.split())}", file=sys.stderr)
        return 2

    return wrapper


def _prog(prog: str) -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return f"python -m {spec.name.removesuffix('.__main__')}" if prog == "python -m __main__" and spec else prog


def printable(text: str) -> str:
    """A file's name may hold bytes that are no UTF-8, which Python keeps as lone surrogates and no file takes."""
    return text.encode("utf-8", "backslashreplace").decode()


class Progress:
    """A line on stderr that tells how far a piece of work is, once it has been going for 2 seconds.

    On a terminal it is a bar that moves; in a log it is a new line every half minute.

    Args:
        label: what goes on, such as `"packing"`.
        unit: what is counted.
    """

    def __init__(self, label: str, unit: str = "pictures"):
        self.label, self.unit = label, unit
        self._began = self._told = None
        self._bar = sys.stderr.isatty()

    def __call__(self, done: int, total: int | None) -> None:
        """Tells that `done` are done; `total` is None where nobody knows it."""
        now = time.monotonic()
        if self._began is None:   # not earlier, as importing TensorFlow takes longer than much of the work
            self._began, self._told, self._first = now, now, done
            return
        seconds = now - self._began
        if seconds < 2 or (now - self._told < (0.2 if self._bar else 30) and not (self._bar and done == total)):
            return
        self._told, rate = now, (done - self._first) / seconds
        counted = f"{done:,}/{total:,}" if total else f"{done:,}"
        text = f"{self.label} {counted} {self.unit}, {rate:,.1f}/s"
        if total:
            text += f", {_duration((total - done) / rate)} left" if rate and done < total else f", {_duration(seconds)}"
        if self._bar:
            bar = f"[{'#' * (30 * done // total):30}] " if total else ""
            print(f"\r{bar}{text}   ", end="\n" if done == total else "", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
