"""Submissions of three photographs by a generator of negatives, other zips, and what the command says of them."""

import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

from pixelart_tf import submission
from pixelart_tf.pictures import images

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "tests" / "data" / "pictures"
NAMES = ["gc-bison", "gc-chicken", "gc-cow"]


def model(*after, size=None, channels=3):
    inputs = keras.Input((size, size, channels))
    x = layers.Rescaling(-1.0)(inputs)   # a negative
    for layer in after:
        x = layer(x)
    return keras.Model(inputs, x)


def save_generator(folder):
    """Makes the negative of a picture."""
    path = folder / "negative.keras"
    model().save(path)
    return path


def write_photos(folder):
    """Three real photographs of 256x256, in a new folder."""
    folder.mkdir()
    for name in NAMES:
        images.write(folder / f"{name}.jpg", images.fit(images.read(PICTURES / f"{name}.jpg"), 256))
    return folder


def run(generator, photos, out, *options):
    assert submission.main([str(generator), str(photos), str(out), "--any-count", *map(str, options)]) == 0
    return out


def fails(capsys, *argv):
    """The one line that the command prints when it ends with 2."""
    capsys.readouterr()
    assert submission.main([str(argument) for argument in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("python -m pixelart_tf.submission: ")
    return err.strip()


def checked(capsys, path, *options):
    """Exit status, the table and the faults of `check`."""
    capsys.readouterr()
    status = submission.main(["check", str(path), *options])
    out, err = capsys.readouterr()
    table = {line[:14].strip(): line[14:] for line in out.splitlines()}
    return status, table, err.splitlines()


def members(path):
    with zipfile.ZipFile(path) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in contents.items() if isinstance(contents, dict) else contents:
            file.writestr(name, content)
    return path


def jpeg(seed=0, size=256):
    """A smooth picture of random colors, unlike those of other seeds."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return images.encode(np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)), "jpeg")
