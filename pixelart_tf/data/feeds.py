"""Pictures in memory -> endless `tf.data` batches, the same ones whenever they are asked for.

    photos = load(Domain(files="tfrecords/photo*.tfrec", image_size=256, jitter=30))
    paintings = load(Domain(files="my_paintings", image_size=256, jitter=30))
    batches = unpaired({"source": photos, "target": paintings}, batch_size=4, seed=0)

Each batch is a dict of the same keys, float32 (4, 256, 256, 3).

A domain is an endless row of elements. Element e belongs to pass e // n over its n pictures; the order of a pass, and
the crop and mirror of each element in it, are drawn from (seed, domain, pass) alone. So a run that starts in the
middle, or a host that makes only its share of each batch, gets exactly what it would have got otherwise. What is kept
in memory is never augmented: each pass crops and mirrors anew.
"""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pixelart_tf.data import partners as made
from pixelart_tf.data.loading import Pictures
from pixelart_tf.data.pairing import pairs
from pixelart_tf.data.partners import Partners
from pixelart_tf.data.pixelation import pixelate, to_boxes
from pixelart_tf.settings.domain import Domain

NUM_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
PREFETCHED = 4   # batches that lie ready: more than one, as batches do not all take the same time

# A domain's number in the draw of its random numbers, which stays the same whatever other domains there are.
STREAMS = {"source": 0, "target": 1, "noise": 2}


def unpaired(
    pictures: dict[str, Pictures],
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    num_hosts: int = 1,
    host: int = 0,
    partners: Partners | None = None,
    noise: int = 0,
    labels: bool = False,
) -> tf.data.Dataset:
    """Endless batches of domains that know nothing of each other; each is shuffled and repeated by itself.

    Args:
        pictures: `"source"`, `"target"` or both.
        batch_size: pictures of each domain in a step, over all hosts.
        seed: where order, crops and mirrors come from, 0 or more.
        start_step: the step to begin with; equals `unpaired(...).skip(start_step)` without its work.
        num_hosts: hosts that share a batch; must divide `batch_size`.
        host: which of them this is: it makes rows `host * batch_size / num_hosts` and on of every batch, and decodes
            no others.
        partners: of the target's pictures, for the key `"partner"`.
        noise: numbers of a row of the key `"noise"`, standard normal; 0 for no such key.
        labels: whether the key `"label"` tells the number of each target picture's class.

    Returns:
        A data set of dicts of the same keys: float32 (batch_size / num_hosts, height, width, channels), -1 to 1;
        `"noise"`, float32 (batch_size / num_hosts, noise); and `"label"`, int32 (batch_size / num_hosts,).

    Raises:
        ValueError: an argument breaks its rule.
    """
    options = _options(batch_size, seed, start_step, num_hosts, host)
    batches = {
        name: _batches(
            domain, stream=STREAMS[name], **options,
            **({"partners": partners, "labels": labels} if name == "target" else {}),
        )
        for name, domain in pictures.items()
    }
    if noise:
        batches["noise"] = _noise(noise, **options)
    return _together(batches)


def paired(
    pictures: dict[str, Pictures],
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    num_hosts: int = 1,
    host: int = 0,
) -> tf.data.Dataset:
    """As `unpaired`, of pictures of `"source"` and `"target"` that belong together by name, both with the same crop
    and mirror.

    See `pairing.pairs`, also for what it raises.
    """
    options = _options(batch_size, seed, start_step, num_hosts, host)
    order = pairs(
        {name: each.domain for name, each in pictures.items()}, {name: each.names for name, each in pictures.items()}
    )
    return _together({
        name: _batches(each, stream=0, order=order[name], **options) for name, each in pictures.items()
    })


def _together(batches: dict[str, tf.data.Dataset]) -> tf.data.Dataset:
    options = tf.data.Options()
    # The autotuner sleeps 10 ms, 20 ms, 40 ms and so on between its rounds, and the end of an iterator now and then
    # waits until it wakes: up to a minute, after a training of a few steps as after a long one.
    options.autotune.enabled = False
    together = tf.data.Dataset.zip(batches)
    if isinstance(together.element_spec.get("target"), dict):   # pictures and what belongs to each
        together = together.map(lambda batch: {k: v for k, v in batch.items() if k != "target"} | batch["target"])
    return together.prefetch(PREFETCHED).with_options(options)


def _noise(number: int, *, batch_size: int, seed: int, start_step: int, num_hosts: int, host: int) -> tf.data.Dataset:
    """Standard normal rows, float32 (batch_size / num_hosts, number), keyed by seed and step."""
    key, share = _key(seed, STREAMS["noise"]), batch_size // num_hosts

    def rows(step: tf.Tensor) -> tf.Tensor:
        whole = tf.random.stateless_normal([batch_size, number], tf.random.fold_in(key, step), alg="philox")
        return whole[host * share : (host + 1) * share]

    return tf.data.Dataset.range(start_step, np.iinfo(np.int64).max).map(rows)


def _key(seed: int, stream: int) -> tf.Tensor:
    return tf.random.fold_in(tf.constant([seed & 0x7FFFFFFF, seed >> 31], tf.int32), stream)


def steps_per_epoch(*pictures: Pictures, batch_size: int) -> int:
    """Steps in which every picture of every domain is seen: the largest domain once, a rest counting as a step."""
    return -(-max(len(domain) for domain in pictures) // batch_size)


def without_augmentation(pictures: Pictures, indices: Sequence[int]) -> tf.Tensor:
    """Chosen pictures as the model gets them, but cut from the middle and never mirrored.

    Returns:
        float32 (len(indices), height, width, channels), -1 to 1.
    """
    domain = pictures.domain
    top, left = ((large - small) // 2 for large, small in zip(domain.load_size, domain.crop_size, strict=True))
    return _finish(tf.stack([_crop(pictures, index, (top, left), False) for index in indices]), domain)


def partners_without_augmentation(partners: Partners, indices: Sequence[int]) -> tf.Tensor:
    """The partners of chosen pictures, without anything random, drawings in the four manners in turn.

    Returns:
        float32 (len(indices), height, width, channels), -1 to 1.
    """
    images = without_augmentation(partners.target, indices)
    drawn = [made.plain(partners, index, number) for number, index in enumerate(indices)]
    return _partner(partners, images, {key: tf.stack([each[key] for each in drawn]) for key in drawn[0]})


def _partner(partners: Partners, images: tf.Tensor, drawn: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.ensure_shape(made.partner_of(partners.settings, images, drawn), (None, *partners.shape))


def _batches(
    pictures: Pictures,
    *,
    stream: int,
    batch_size: int,
    seed: int,
    start_step: int,
    num_hosts: int,
    host: int,
    order: Sequence[int] | None = None,
    partners: Partners | None = None,
    labels: bool = False,
) -> tf.data.Dataset:
    """Batches of one domain; streams with the same number draw the same random numbers.

    With partners or labels, each is a dict of `target` and `partner` or `label`.
    """
    domain, count = pictures.domain, len(pictures)
    order = tf.constant(range(count) if order is None else order, tf.int64)
    spare = tf.constant(domain.load_size, tf.float32) - tf.constant(domain.crop_size, tf.float32)
    key, draws = _key(seed, stream), domain.hue or partners is not None
    classes = tf.constant(pictures.labels, tf.int32) if labels else None
    start, share = start_step * batch_size, batch_size // num_hosts

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        pass_key = tf.random.fold_in(key, number)
        # The algorithm is named as the automatic choice depends on the device.
        indices = tf.random.experimental.stateless_shuffle(order, tf.random.fold_in(pass_key, 0), alg="philox")
        numbers = tf.random.stateless_uniform([count, 3], tf.random.fold_in(pass_key, 1), alg="philox")
        corners = tf.cast(numbers[:, :2] * (spare + 1.0), tf.int32)
        mirrored = (numbers[:, 2] < 0.5) & domain.mirror
        done = tf.maximum(start - number * count, 0)
        element = indices[done:], corners[done:], mirrored[done:]
        if draws:
            seeds = tf.random.stateless_uniform(
                [count, 2], tf.random.fold_in(pass_key, 2), minval=None, maxval=None, dtype=tf.int32, alg="philox"
            )
            element = *element, seeds[done:]
        return tf.data.Dataset.from_tensor_slices(element)

    elements = tf.data.Dataset.range(start // count, np.iinfo(np.int64).max).flat_map(one_pass)
    if num_hosts > 1:
        elements = elements.enumerate().filter(lambda element, _: element % batch_size // share == host)
        elements = elements.map(lambda _, element: element)

    def one(index, corner, mirrored, seed=None):
        image = _crop(pictures, index, corner, mirrored)
        beside = made.drawn(domain, partners, index, corner, mirrored, seed) if draws else {}
        beside |= {"label": classes[index]} if labels else {}
        return (image, beside) if beside else image

    def finish(images, beside=None):
        images = _finish(images, domain)
        if domain.hue:
            images = made.turned(images, beside["turn"])
        found = {"target": images}
        found |= {} if partners is None else {"partner": _partner(partners, images, beside or {})}
        found |= {"label": beside["label"]} if labels else {}
        return found if len(found) > 1 else images

    batches = elements.map(one, num_parallel_calls=NUM_THREADS).batch(share, drop_remainder=True)
    batches = batches.map(finish, num_parallel_calls=NUM_THREADS)
    return batches.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def _crop(pictures: Pictures, index: tf.Tensor, corner: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """uint8 (H, W, 3) of the domain's `crop_size`."""
    height, width = pictures.domain.crop_size
    image = pictures.image(index)
    if pictures.domain.load_size != (height, width):
        image = image[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
    image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    return tf.ensure_shape(image, (height, width, 3))


def _finish(images: tf.Tensor, domain: Domain) -> tf.Tensor:
    """uint8 (B, H, W, 3) -> the domain's float32 output, -1 to 1."""
    # x / 127.5 - 1 but for the last bit, in one pass over the memory instead of three and so in half the time.
    images = tf.raw_ops.Dequantize(input=tf.bitcast(images, tf.quint8), min_range=-1.0, max_range=1.0)
    if domain.grey:
        images = tf.image.rgb_to_grayscale(images)   # (B, H, W, 1)
    if domain.final_size != domain.crop_size:
        method = {"area": "area", "bilinear": "bilinear", "lanczos": "lanczos3"}.get(domain.resize, "nearest")
        images = tf.image.resize(images, domain.final_size, method, antialias=True)
        images = tf.clip_by_value(images, -1.0, 1.0)   # Lanczos overshoots
    if domain.pixelate:
        images = pixelate(images, domain.pixelate, enlarge=domain.enlarge)
    if domain.boxes:
        images = to_boxes(images, domain.boxes, enlarge=domain.enlarge)
    return tf.ensure_shape(images, (None, *domain.shape))


def _options(batch_size: int, seed: int, start_step: int, num_hosts: int, host: int) -> dict[str, int]:
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
    if seed < 0:
        raise ValueError(f"`seed` must be 0 or more. Received: {seed}")
    if start_step < 0:
        raise ValueError(f"`start_step` must be 0 or more. Received: {start_step}")
    if num_hosts < 1 or batch_size % num_hosts:
        raise ValueError(
            f"`num_hosts` must divide `batch_size`. Received: num_hosts={num_hosts}, batch_size={batch_size}"
        )
    if not 0 <= host < num_hosts:
        raise ValueError(f"`host` must be from 0 to num_hosts - 1, {num_hosts - 1}. Received: {host}")
    return {"batch_size": batch_size, "seed": seed, "start_step": start_step, "num_hosts": num_hosts, "host": host}
