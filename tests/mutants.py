"""Damaged files, drawn from a seed: for `test_fuzz` and for `experiments/benchmarks/fuzz.py`."""

import io
import struct
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image


def seeds(rng: np.random.Generator) -> dict[str, bytes]:
    """Small whole files of each kind, by names."""
    picture = rng.integers(0, 255, (24, 32, 3), np.uint8) // 8 * 8
    picture[6:18, 8:24] = (200, 40, 90)
    found = {}
    formats = {"jpg": "JPEG", "jp2": "JPEG2000"}
    for suffix in ("png", "jpg", "gif", "bmp", "webp", "tiff", "ppm", "tga", "jp2"):
        file = io.BytesIO()
        try:
            Image.fromarray(picture).save(file, formats.get(suffix, suffix))
        except (OSError, KeyError):   # this Pillow cannot write it
            continue
        found[f"a.{suffix}"] = file.getvalue()
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", progressive=True)
    found["progressive.jpg"] = file.getvalue()
    file = io.BytesIO()
    Image.fromarray(np.dstack([picture, picture[..., :1]])).save(file, "PNG")
    found["alpha.png"] = file.getvalue()
    file = io.BytesIO()
    first, second = (Image.fromarray(each).convert("P") for each in (picture, picture[::-1]))
    first.save(file, "GIF", save_all=True, append_images=[second])
    found["film.gif"] = file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"{i}.png", found["a.png"])
    found["set.zip"] = file.getvalue()
    return found


def mutants(rng: np.random.Generator, whole: bytes, number: int) -> Iterator[bytes]:
    """Damaged copies of a file: bits flipped, cut off, blocks swapped, overwritten or doubled, numbers forged."""
    for _ in range(number):
        damaged = bytearray(whole)
        kind = rng.integers(7)
        place = int(rng.integers(len(damaged)))
        length = int(min(1 + rng.integers(64), len(damaged) - place))
        if kind == 0:
            for at in rng.integers(len(damaged), size=1 + rng.integers(8)):
                damaged[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del damaged[place:]
        elif kind == 2:
            other = int(rng.integers(len(damaged) - length + 1))
            damaged[place : place + length], damaged[other : other + length] = (
                damaged[other : other + length], damaged[place : place + length],
            )
        elif kind == 3:
            damaged[place : place + length] = rng.bytes(length)
        elif kind == 4:
            damaged[place:place] = damaged[place : place + length] * int(1 + rng.integers(200))
        elif kind == 5:   # a length or a size, near the beginning as a rule
            at = int(rng.integers(min(64, len(damaged))))
            value = int(rng.choice([0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1]))
            damaged[at : at + 4] = struct.pack(rng.choice(["<I", ">I"]), value)
        else:
            damaged[: place] = b""
        yield bytes(damaged)


def tables(rng: np.random.Generator, number: int) -> Iterator[str]:
    """Settings as `--set` takes them, most of them wrong."""
    keys = [
        "train.epochs", "train.batch_size", "train.seed", "data.source.image_size", "data.target.jitter",
        "data.source.files", "model.name", "model.generator.base_width", "model.discriminator.num_layers",
        "model.pool_size", "optimizer.beta_1", "samples.count", "score.target", "data.partner.made",
        "model.cycle_weight", "train", "data.source", "x.y",
    ]
    values = [
        "0", "-1", "1.5", "1e400", "9" * 400, "nan", "inf", "true", '""', '"x"', "[]", "[1, 2]", "[[[]]]", "{}",
        "{a=1}", "[" * 500, '"\\u0000"', "~nobody/x", "../" * 40, "2024-01-01", '"a" = 3', "\ud800",
    ]
    for _ in range(number):
        yield f"{rng.choice(keys)}={rng.choice(values)}"
