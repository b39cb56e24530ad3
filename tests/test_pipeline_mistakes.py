"""What the input pipeline says to impossible domains, and to pictures and shards that it cannot read."""

import re

import numpy as np
import pytest
from feeding import encode, smooth_from, write_shard

from pixelart_tf.data.loading import load
from pixelart_tf.settings.domain import Domain

smooth = smooth_from(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "`image_size` must be a positive number of pixels or (height, width). Received: 0"),
        ({"image_size": (64, -1)}, "`image_size` must be a positive number"),
        ({"image_size": 10**6}, "`image_size` must be at most 4096 pixels a side. Received: 1000000"),
        ({"image_size": 2.5}, "`image_size` must be a positive number"),
        ({"image_size": "64"}, "`image_size` must be a positive number"),
        ({"output_size": (1, 2, 3)}, "`output_size` must be a positive number"),
        ({"jitter": -1}, "`jitter` must be a whole number of at least 0. Received: -1"),
        ({"jitter": 1.5}, "`jitter` must be a whole number"),
        ({"half": "top"}, "`half` must be one of left, right. Received: 'top'"),
        ({"fit": "squash"}, "`fit` must be one of crop, pad, stretch. Received: 'squash'"),
        ({"resize": "cubic"}, "`resize` must be one of area, bilinear, lanczos, native, nearest. Received: 'cubic'"),
        ({"pixelate": 7}, "`pixelate` must divide the height, 256, and the width, 256. Received: 7"),
        ({"boxes": 257}, "`boxes` must be at most the shorter side, 256. Received: 257"),
        ({"boxes": 8, "pixelate": 8}, "`pixelate` and `boxes` exclude each other. Received: pixelate=8, boxes=8"),
    ],
)
def test_bad_domain(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Domain(files="photos", **options)


def refused(files: object, *words: str, cache_bytes: int = 2**30) -> None:
    """`load` ends in one line that has all `words` in it."""
    with pytest.raises(ValueError, match=re.escape(words[0])) as error:
        load(Domain(files=str(files), image_size=64), cache_bytes=cache_bytes)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("cache_bytes", [0, 2**30])
@pytest.mark.parametrize("kind", ["text", "truncated", "empty", "flipped"])
def test_bad_picture_in_a_folder(tmp_path, kind, cache_bytes):
    jpeg = encode(smooth(64), "JPEG")
    bad = {"text": b"hello\n", "truncated": jpeg[: len(jpeg) // 2], "empty": b"", "flipped": b"\0" + jpeg[1:]}[kind]
    (tmp_path / "good.jpg").write_bytes(jpeg)
    (tmp_path / "bad.jpg").write_bytes(bad)
    refused(tmp_path, "bad.jpg", cache_bytes=cache_bytes)


def test_nothing_there(tmp_path):
    for files in (tmp_path, tmp_path / "missing", tmp_path / "*.png", tmp_path / "photo*.tfrec"):
        refused(files, str(files))


@pytest.mark.parametrize("cache_bytes", [0, 2**30])
@pytest.mark.parametrize("kind", ["cut", "flipped", "schema", "empty", "text", "picture"])
def test_bad_shard(tmp_path, kind, cache_bytes):
    shard = tmp_path / "photo00-3.tfrec"
    pictures = {f"photo{index}": encode(smooth(), "JPEG") for index in range(3)}
    if kind == "picture":
        pictures["photo2"] = pictures["photo2"][:500]
    write_shard(shard, pictures, ("name", "jpeg", "label") if kind == "schema" else ("image_name", "image", "target"))
    whole = bytearray(shard.read_bytes())
    if kind == "cut":
        shard.write_bytes(whole[: len(whole) // 2])
    elif kind == "flipped":
        whole[len(whole) // 2] ^= 1
        shard.write_bytes(whole)
    elif kind in ("empty", "text"):
        shard.write_bytes(b"" if kind == "empty" else b"This is a text file, not a shard." * 9)
    where = ["record 2", "photo2"] if kind == "picture" else []
    refused(tmp_path, "photo00-3.tfrec", *where, cache_bytes=cache_bytes)
