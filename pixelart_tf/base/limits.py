"""How large things may be: one place for the numbers that keep a damaged or hostile file from filling the memory."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from pixelart_tf.base.cli import UserError

# --- Pictures and films ----------------------------------------------------------------------------------------------
PICTURE_PIXELS = 50_000_000      # 8,000 x 6,250, 150 MB as RGB; a small file may claim any size
LARGE_PIXELS = 2**24             # larger ones are worked on one at a time, as that takes several times their size
FRAME_PIXELS = 2**25             # of a film, of which several are held at a time; 8K television has 33 million
AHEAD_BYTES = 2**28              # of what was made ahead of who takes it

# --- Files of arrays and of networks ---------------------------------------------------------------------------------
FEATURES_BYTES = 4 * 2**30       # of the arrays in a file of features: 500,000 pictures by the Inception
FEATURES_ROWS = 2**22            # pictures in a file of features, each of which has a name
WEIGHTS_BYTES = 2**29            # of the arrays in a file of the Inception's weights, which are 87 MB
NETWORK_BYTES = 8 * 2**30        # of a `.keras` file, unpacked, and of the weights in it
NETWORK_TEXT_BYTES = 64 * 2**20  # of a `.keras` file's config.json; 1 MB describes a network of 1,000 layers
# What is compressed may unpack to so many times the file's size, or to so many bytes. Weights hardly shrink at all.
GROWTH = 50
GROWTH_BYTES = 64 * 2**20


def check_members(path: Path, members: Iterable[zipfile.ZipInfo], most: int) -> None:
    """Refuses members of a zip that would unpack to too much, by what the zip says of them, before they are unpacked.

    Python's `zipfile` gives no more bytes of a member than the zip says.

    Args:
        path: of the zip.
        members: those that are to be read.
        most: bytes of all of them together.

    Raises:
        UserError: they are larger than `most`, or compressed ones larger than `GROWTH` and `GROWTH_BYTES` allow.
    """
    members = list(members)
    check_size(path, sum(member.file_size for member in members), most)
    compressed = [member for member in members if member.compress_type != zipfile.ZIP_STORED]
    check_growth(path, sum(member.file_size for member in compressed))


def check_size(path: Path, size: int, most: int) -> None:
    """Raises UserError where what a file holds has more than `most` bytes."""
    if size > most:
        raise UserError(f"{path}: unpacks to {size:,} bytes, and at most {most:,} are taken: refused as a bomb")


def check_growth(path: Path, size: int) -> None:
    """Raises UserError where what is compressed in a file is too large for a file of its size."""
    most = max(GROWTH_BYTES, GROWTH * path.stat().st_size)
    if size > most:
        raise UserError(
            f"{path}: unpacks to {size:,} bytes, over {GROWTH} times the file's size: refused as a bomb"
        )
