"""Small data sets and the batches that the input pipeline makes of them, for its tests."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from pixelart_tf.data import feeds


def unpaired(source, target, **options):
    """Batches as (source, target)."""
    batches = feeds.unpaired({"source": source, "target": target}, **options)
    return batches.map(lambda batch: (batch["source"], batch["target"]))


def paired(source, target, **options):
    """Likewise."""
    batches = feeds.paired({"source": source, "target": target}, **options)
    return batches.map(lambda batch: (batch["source"], batch["target"]))


def single(pictures, **options):
    """Batches of one domain."""
    return feeds.unpaired({"source": pictures}, **options).map(lambda batch: batch["source"])


def encode(image: np.ndarray, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, quality=95)
    return file.getvalue()


def smooth_from(random: np.random.Generator):
    """A function that makes smooth pictures of these random numbers, another one at each call."""
    def smooth(size: int | tuple[int, int] = 64) -> np.ndarray:
        height, width = (size, size) if isinstance(size, int) else size
        noise = Image.fromarray(random.integers(0, 256, (5, 5, 3), np.uint8))
        return np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC))
    return smooth


def write_shard(path, pictures: dict[str, bytes], features=("image_name", "image", "target")) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, encoded in pictures.items():
            values = dict(zip(features, (name.encode(), encoded, b"photo"), strict=True))
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def write_photos(folder) -> str:
    """Two shards of 7 JPEG pictures, 64 px; gives the folder's name."""
    smooth = smooth_from(np.random.default_rng(0))
    for shard, count in enumerate((4, 3)):
        pictures = {f"photo{shard}{index}": encode(smooth(), "JPEG") for index in range(count)}
        write_shard(folder / f"photo{shard:02d}-{count}.tfrec", pictures)
    return str(folder)


def take(dataset: tf.data.Dataset, count: int) -> list:
    return list(dataset.take(count).as_numpy_iterator())


def bytes_of(images: np.ndarray) -> np.ndarray:
    return np.rint((images + 1) * 127.5).astype(int)
