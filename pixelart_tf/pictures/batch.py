"""Many picture files through a piece of work: each one read once, bad ones named, progress told."""

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import sources


class Batch:
    """Picture files on their way to output files. The folders of these are made.

    Args:
        pictures: what `sources.read` takes.
        targets: the `place` of each picture (see `sources.Encoded`) -> its output; see `outputs.plan`.
        skip_bad: go on without the pictures that cannot be used.
        progress: called with the numbers of pictures done and to do.

    Attributes:
        bad: a line for each picture that was skipped.
    """

    def __init__(
        self, pictures: Iterable[str | Path], targets: dict[str, Path], *, skip_bad: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ):
        self.bad: list[str] = []
        self._pictures, self._targets = [*pictures], targets
        self._skip_bad, self._progress = skip_bad, progress
        for folder in {target.parent for target in targets.values()}:
            folder.mkdir(parents=True, exist_ok=True)

    def encoded(self) -> Iterator[tuple[str, sources.Encoded]]:
        """The place of each picture, and the picture before it is decoded."""
        left = set(self._targets)
        for pattern in self._pictures:
            for item in sources.read(pattern):
                if item.place in left:   # it may be given twice, or be an earlier output
                    left.remove(item.place)
                    yield item.place, item

    def each(
        self, work: Callable[[str, Any], Any], items: Iterable[tuple[str, Any]], *, every: int | None = None
    ) -> Iterator[tuple[str, Any] | None]:
        """Does some work for each picture on threads, a few pictures ahead of who takes the results.

        Args:
            work: takes a place and what is there of the picture. Raises UserError if the picture cannot be used.
            items: pairs of these.
            every: after so many items, bad ones too, None is given.

        Yields:
            The place and what `work` returns, in order, without bad pictures that are skipped.

        Raises:
            UserError: a bad picture, which the message names.
        """
        for number, made in enumerate(ahead(functools.partial(self._attempt, work), items), 1):
            if made is not None:
                yield made
            if every and number % every == 0:
                yield None

    def _attempt(self, work: Callable[[str, Any], Any], item: tuple[str, Any]) -> tuple[str, Any] | None:
        place, value = item
        try:
            return place, work(place, value)
        except UserError as error:
            message = str(error) if str(error).startswith(place) else f"{place}: {error}"
            if not self._skip_bad:
                raise UserError(message) from None
            self.bad.append(message)
            return None

    def counted(self, items: Iterable) -> Iterator:
        """The same items, one of each good picture; tells the progress after each.

        Raises:
            UserError: there was none, as all pictures were bad.
        """
        done = 0
        for done, item in enumerate(items, 1):
            yield item
            if self._progress:
                self._progress(done + len(self.bad), len(self._targets))
        if not done:
            if len(self.bad) == 1:
                raise UserError(self.bad[0])
            raise UserError(f"none of the {len(self.bad)} pictures can be used; the first: {min(self.bad)}")
