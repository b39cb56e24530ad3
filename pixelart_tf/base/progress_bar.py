"""A line on stderr that tells how far a piece of work is."""

import sys
import time


class ProgressBar:
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
