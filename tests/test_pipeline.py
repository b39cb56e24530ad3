"""The input pipeline from outside: which pictures come, in what order, and at what cost."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from feeding import bytes_of, encode, single, take, unpaired, write_photos

from pixelart_tf.data import classes, feeds
from pixelart_tf.data.feeds import steps_per_epoch
from pixelart_tf.data.loading import load
from pixelart_tf.pictures.images import write
from pixelart_tf.settings.domain import Domain


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> str:
    """Two shards of 7 JPEG pictures, 64 px."""
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> str:
    """5 PNG pictures of one color each, grey level 10, 20 ..., so that a batch tells which pictures are in it."""
    folder = tmp_path_factory.mktemp("flat")
    for index in range(5):
        (folder / f"{index}.png").write_bytes(encode(np.full((16, 16, 3), 10 * (index + 1), np.uint8)))
    return str(folder)


def levels(images: np.ndarray) -> list[int]:
    return np.rint((images[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist()


@pytest.mark.parametrize("cache_bytes", [0, 2**30], ids=["encoded", "decoded"])
def test_batches(photos, flat, cache_bytes):
    source = load(Domain(files=photos, image_size=48, jitter=8), cache_bytes=cache_bytes)
    target = load(Domain(files=flat, image_size=16), cache_bytes=cache_bytes)
    assert (source.data.dtype == tf.string) == (cache_bytes == 0)
    dataset = unpaired(source, target, batch_size=2, seed=0)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    assert [(spec.shape.as_list(), spec.dtype) for spec in dataset.element_spec] == [
        ([2, 48, 48, 3], tf.float32),
        ([2, 16, 16, 3], tf.float32),
    ]
    for images, _ in take(dataset, 3):
        assert images.min() >= -1
        assert images.max() <= 1
        assert images.std() > 0.1


@pytest.mark.parametrize("size", [48, 56, 64], ids=["shrunk to the load size", "enlarged to it", "at image size"])
def test_memory_limit_does_not_change_the_batches(photos, size):
    domain = Domain(files=photos, image_size=size, jitter=size // 8)
    here, there = (single(load(domain, cache_bytes=limit), batch_size=3, seed=1) for limit in (0, 2**30))
    for one, other in zip(take(here, 4), take(there, 4), strict=True):
        np.testing.assert_array_equal(one, other)


def test_same_seed_same_batches(photos, flat):
    def make(seed=3, **options):
        return unpaired(source, target, batch_size=4, seed=seed, **options)

    source, target = load(Domain(files=photos, image_size=48, jitter=8)), load(Domain(files=flat, image_size=16))
    first = take(make(), 6)
    for start in (0, 1, 4):   # 4 batches of 4 lie in the third pass over 7 pictures and in the fourth over 5
        for expected, batch in zip(first[start:], take(make(start_step=start), 6 - start), strict=True):
            np.testing.assert_array_equal(expected[0], batch[0])
            np.testing.assert_array_equal(expected[1], batch[1])
    assert not np.array_equal(first[0][0], take(make(seed=4), 1)[0][0])


def test_start_far_away_takes_no_time(flat):
    pictures = load(Domain(files=flat, image_size=16))
    (images,) = take(single(pictures, batch_size=4, seed=0, start_step=10**9), 1)
    assert images.shape == (4, 16, 16, 3)


def test_every_picture_once_a_pass_in_another_order(flat):
    pictures = load(Domain(files=flat, image_size=16))
    seen = [level for images in take(single(pictures, batch_size=4, seed=0), 25) for level in levels(images)]
    passes = [tuple(seen[start : start + 5]) for start in range(0, 100, 5)]
    assert all(sorted(one) == [10, 20, 30, 40, 50] for one in passes)
    assert len(set(passes)) > 10
    # Each picture comes first in a fifth of the passes, 4 of 20; P(more than 11) < 0.001.
    assert max(np.bincount([one[0] for one in passes])) <= 11


def test_smaller_domain_repeats_by_itself(photos, flat):
    source, target = load(Domain(files=flat, image_size=16)), load(Domain(files=photos, image_size=16))
    assert steps_per_epoch(source, target, batch_size=2) == 4   # 7 / 2, rounded up
    batches = take(unpaired(source, target, batch_size=2, seed=0), 4)
    seen = {image.tobytes() for _, images in batches for image in images.round(2)}
    assert len(seen) >= 7   # mirrored or not, all 7 of the larger domain; `zip` alone would end after 2 batches
    assert {level for images, _ in batches for level in levels(images)} == {10, 20, 30, 40, 50}


def test_streams_are_independent(flat):
    pictures = load(Domain(files=flat, image_size=16))
    batches = take(unpaired(pictures, pictures, batch_size=5, seed=0), 6)
    assert any(levels(source) != levels(target) for source, target in batches)


@pytest.mark.parametrize("cache_bytes", [0, 2**30])
def test_hosts_make_their_share_of_each_batch(photos, flat, cache_bytes):
    source = load(Domain(files=photos, image_size=48, jitter=8), cache_bytes=cache_bytes)
    target = load(Domain(files=flat, image_size=16))
    whole = take(unpaired(source, target, batch_size=4, seed=5, start_step=2), 3)
    shares = [
        take(unpaired(source, target, batch_size=4, seed=5, start_step=2, num_hosts=2, host=host), 3) for host in (0, 1)
    ]
    for expected, first, second in zip(whole, *shares, strict=True):
        for side in (0, 1):
            np.testing.assert_array_equal(expected[side], np.concatenate([first[side], second[side]]))


def test_a_pictures_class_is_the_folder_that_it_lies_in(tmp_path):
    shades = {"b/2": 20, "a/1": 10, "a/3": 30, "b/deeper/4": 40}   # classes a, b, deeper
    for name, shade in shades.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / f"{name}.png", np.full((4, 4, 3), shade, np.uint8))
    assert classes.of(["a/1.png", "a/2.png"]) == ((), [0, 0])   # one folder is none
    assert classes.of(["1", "2"]) == ((), [0, 0])
    assert classes.of(["x/b/1", "x/a/1", "y/b/2", "3"]) == ((".", "a", "b"), [2, 1, 2, 0])   # as shards have names
    domain = Domain(files=str(tmp_path), image_size=4)
    assert classes.of_domain(domain) == ("a", "b", "deeper")
    of_class = {10: 0, 30: 0, 20: 1, 40: 2}
    for chosen in (None, {1, 3}):
        pictures = load(domain, chosen=chosen)
        assert pictures.chosen([1]).labels == pictures.labels[1:2]
        options = {"batch_size": 2, "seed": 3}
        plain, labelled = (
            take(feeds.unpaired({"target": pictures}, labels=labels, **options), 6) for labels in (False, True)
        )
        seen = set()
        for one, other in zip(plain, labelled, strict=True):
            np.testing.assert_array_equal(one["target"], other["target"])   # labels draw nothing
            shades = bytes_of(other["target"])[:, 0, 0, 0].tolist()
            assert other["label"].dtype == np.int32
            assert other["label"].tolist() == [of_class[shade] for shade in shades]
            seen |= set(shades)
        assert len(seen) == len(pictures)


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 0}, {"num_hosts": 3}, {"num_hosts": 2, "host": 2}, {"start_step": -1}, {"seed": -1}],
    ids=lambda options: next(iter(options)),
)
def test_bad_stream_options(flat, options):
    pictures = load(Domain(files=flat, image_size=16))
    with pytest.raises(ValueError, match="Received: "):
        single(pictures, **{"batch_size": 4, "seed": 0} | options)


def test_no_data_set_is_tuned_while_it_runs(photos):
    """tf.data's autotuner sleeps ever longer between its rounds, and an iterator's end can wait until it wakes."""
    from pixelart_tf import devices

    pictures = load(Domain(files=photos, image_size=16))
    both = {"source": pictures, "target": pictures}
    made = [
        feeds.unpaired({"source": pictures}, batch_size=1, seed=0), feeds.unpaired(both, batch_size=2, seed=0),
        feeds.paired(both, batch_size=2, seed=0),
    ]
    one = devices.Devices(
        kind="cpu", num_replicas=1, strategy=None, precision="float32", jit_compile=False, num_hosts=1, host=0,
        description="",
    )
    made.append(one.distribute(lambda num_hosts, host: made[1]))
    assert [dataset.options().autotune.enabled for dataset in made] == [False] * 4


@pytest.mark.slow
def test_the_end_of_a_fit_comes_at_once(photos):
    """Without a clock of ours: many small fits, of which none may wait.

    With the autotuner on, the five worst of 20 ends took 0.14 to 0.18 s, with it off 0.01 s (two cores). A busy machine
    may be late once or twice.
    """
    import time

    import keras

    class Nap(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.05)
            self.ended = time.perf_counter()

    class Mean(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Conv2D(3, 1)

        def call(self, inputs):
            return self.layer(inputs["source"])

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(y_pred**2)

    pictures = load(Domain(files=photos, image_size=16))
    model, waits = Mean(), []
    model.compile(optimizer="sgd", jit_compile=False)
    for number in range(20):
        nap = Nap()
        batches = feeds.unpaired({"source": pictures}, batch_size=2, seed=number)
        model.fit(batches, steps_per_epoch=20, verbose=0, callbacks=[nap], shuffle=False)
        del batches
        waits.append(time.perf_counter() - nap.ended)
    assert sorted(waits)[-5] < 0.1, waits


@pytest.mark.slow
def test_loading_holds_little_more_than_what_it_keeps(tmp_path):
    """Encoded and decoded pictures were all held at once, and the decoded ones twice: three times what is kept."""
    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    for i in range(200):
        write(tmp_path / f"{i}.jpg", picture)
    code = f"""
import re
from pathlib import Path
import tensorflow as tf
from pixelart_tf.data.loading import load
from pixelart_tf.settings.domain import Domain
tf.zeros(1)
def memory(kind): return int(re.search(kind + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000
load(Domain(files="{tmp_path}/0.jpg", image_size=512))
before = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")   # the peak begins anew
kept = load(Domain(files="{tmp_path}", image_size=512))
print(memory("VmHWM") - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 150 < float(done.stdout) < 157 + 60   # MB: 200 pictures of 512x512x3 bytes, and a few on their way
