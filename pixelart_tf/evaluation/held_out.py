"""No picture that is scored may have been trained on: what is held out, found by the pictures' own pixels."""

import functools
import hashlib
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.evaluation.entries import Contestant
from pixelart_tf.pictures import sources

NUM_TOLD = 5   # pictures that a message names


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Pictures that decide a score: they are compared with, translated, or scored themselves.

    Attributes:
        called: what messages call them, such as "photos of heldout/".
        marks: the place of each picture -> its fingerprint.
        decides: the contestants whose score they decide.
    """

    called: str
    marks: dict[str, bytes]
    decides: list[Contestant]


def fingerprint(image: np.ndarray) -> bytes:
    """A hash of the pixels of a uint8 image (H, W, 3).

    A copy in another format that loses nothing has the same one, and so has a copy enlarged to squares of pixels.
    """
    cell = math.gcd(*image.shape[:2])
    for axis in (0, 1):
        lines = np.moveaxis(image, axis, 0)
        changes = np.flatnonzero((lines[1:] != lines[:-1]).any(axis=(1, 2))) + 1
        cell = math.gcd(cell, *changes.tolist())
    small = np.ascontiguousarray(image[::cell, ::cell])
    return hashlib.sha256(repr(small.shape).encode() + small.tobytes()).digest()


def fingerprints(pattern: str, limit: int | None = None) -> dict[str, bytes]:
    """The place of each picture, or of the first `limit` ones -> its fingerprint. Raises UserError."""
    total, found = sources.count(pattern), {}
    bar = ProgressBar(f"looking at {pattern}")
    items = itertools.islice(sources.read(pattern), limit)
    for place, mark in ahead(lambda item: (item.place, fingerprint(item.decode())), items):
        found[place] = mark
        bar(len(found), total and min(total, limit or total))
    return found


def check_held_out(
    contestants: Iterable[Contestant], shown: Iterable[Shown], train: Iterable[str], *, allow_trained: bool = False
) -> None:
    """Looks for pictures that were trained on; notes of each contestant whether all of its could be looked through.

    Args:
        contestants: all of them; each one's training pictures are looked through.
        shown: the pictures that must not be among them.
        train: patterns of training pictures of everybody.
        allow_trained: whether such pictures are noted in `Contestant.leaks`; else they are an error.

    Raises:
        UserError: pictures were trained on, or a set cannot be read.
    """
    look = functools.cache(fingerprints)
    train = [*train]
    trainings = [(None, pattern) for pattern in train]
    for each in contestants:
        each.is_checked = bool(train or each.trained_on)
        for pattern in each.trained_on:
            try:
                sources.count(pattern)
            except UserError:
                each.missing.append(pattern)
                each.is_checked = bool(train)   # given instead, from where they are now
            else:
                trainings.append((each, pattern))
    for owner, pattern in trainings:
        trained = {mark: place for place, mark in look(pattern).items()}
        for pictures in shown:
            both = [(place, trained[mark]) for place, mark in pictures.marks.items() if mark in trained]
            if not both:
                continue
            told = _told(both, pictures, owner.path if owner else "--train", pattern)
            if not allow_trained:
                raise UserError(f"{told}; --allow-trained marks what they decide, and scores it all the same")
            for each in [owner] if owner in pictures.decides else pictures.decides:
                each.leaks.append(told)


def _told(both: list[tuple[str, str]], pictures: Shown, owner: str, pattern: str) -> str:
    """What is said of pictures that were trained on: their places among what is shown and in the training."""
    places = [a if Path(a).name == Path(b).name else f"{a} (there {b})" for a, b in both[:NUM_TOLD]]
    more = f" and {len(both) - NUM_TOLD:,} more" if len(both) > NUM_TOLD else ""
    return (
        f"{len(both):,} of the {len(pictures.marks):,} {pictures.called} were trained on by {owner}, in {pattern}: "
        f"{'; '.join(places)}{more}"
    )
