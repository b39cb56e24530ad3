"""Work by a cluster: the bytes of this process, whatever dies on the way. Ray itself runs in the slow tests only."""

import contextlib
import functools
import sys
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf import records
from pixelart_tf.base import cluster
from pixelart_tf.base.cli import UserError
from pixelart_tf.data import packing
from pixelart_tf.generators.on_cluster import translate_on_cluster
from pixelart_tf.generators.picture_files import translate_files
from pixelart_tf.pictures import images, shards
from pixelart_tf.pictures.framing import framed

SIZES = ((32, 32), (24, 40), (32, 32), (48, 16), (32, 32))   # some alike, so that batches are of several pictures


class Alone:
    """As `cluster.Cluster`, in this process; `left` items are done before it is stopped."""

    def __init__(self, left: int = 10**6):
        self.left = left

    def tasks(self, function, items):
        for item in items:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            yield function(item)

    def actors(self, make, items):
        yield from self.tasks(make(), items)


def files_of(folder: Path) -> dict[str, bytes]:
    """What is in a folder, hidden files too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def pictures(tmp_path):
    """41 pictures of noise, of which the 5th is bad."""
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(41):
        image = random.integers(0, 256, (*SIZES[number % len(SIZES)], 3), np.uint8)
        images.write(tmp_path / "in" / f"{number:02}.png", image)
    (tmp_path / "in" / "04.png").write_bytes(b"no picture")
    return tmp_path / "in"


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """A file of a network that sees all of a picture, as instance norm does."""
    import keras

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", kernel_initializer=keras.initializers.HeNormal(1))(inputs)
    x = keras.layers.GroupNormalization(groups=-1)(x)
    x = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=keras.initializers.HeNormal(2))(x)
    path = tmp_path_factory.mktemp("generator") / "made.keras"
    keras.Model(inputs, keras.layers.Activation("tanh")(x)).save(path)
    return path


PACKED = {"domain": "d", "size": 16, "shard_size": 3, "skip_bad": True}
TRANSLATED = {"batch_size": 2, "skip_bad": True}


def test_tensorflow_reads_what_is_written_and_writes_the_same(tmp_path):
    import tensorflow as tf

    values = {"image_name": b"a name", "image": bytes(range(256)) * 300, "target": b"d"}
    record = shards.example(**values)
    found = tf.train.Example.FromString(record).features.feature
    assert {key: list(found[key].bytes_list.value) for key in found} == {key: [each] for key, each in values.items()}
    with tf.io.TFRecordWriter(str(tmp_path / "x")) as writer:
        writer.write(record)
    assert framed(record) == (tmp_path / "x").read_bytes()


def test_a_pack_that_was_stopped_goes_on_with_the_bytes_of_this_process(pictures, tmp_path, monkeypatch):
    here = packing.pack(pictures, tmp_path / "here", **PACKED)
    assert [path.name for path in here.shards[:3]] == ["d00-3.tfrec", "d01-2.tfrec", "d02-3.tfrec"]   # the bad one
    with pytest.raises(KeyboardInterrupt):
        packing.pack(pictures, tmp_path / "there", **PACKED, cluster=Alone(5))
    assert not (tmp_path / "there").exists()
    made = []
    make = packing.make_or_find_shard.__globals__["make_shard"]
    monkeypatch.setattr("pixelart_tf.data.making.make_shard", lambda job, **rest: made.append(job) or make(job, **rest))
    there = packing.pack(pictures, tmp_path / "there", **PACKED, cluster=Alone())
    assert len(made) == 14 - 5
    assert files_of(tmp_path / "here") == files_of(tmp_path / "there")
    assert (here.formats, here.bad, here.duplicates) == (there.formats, there.bad, there.duplicates)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_translation_that_was_stopped_goes_on_with_the_bytes_of_this_process(pictures, generator, tmp_path):
    here = translate_files(str(generator), [pictures], tmp_path / "here", **TRANSLATED)
    run = functools.partial(translate_on_cluster, generator=generator, pictures=[pictures], **TRANSLATED)
    with pytest.raises(KeyboardInterrupt):
        run(Alone(1), out=tmp_path / "there")
    first = tmp_path / "there" / "00.png"
    before = first.stat().st_mtime_ns
    assert len(files_of(tmp_path / "there")) == 15   # of 16 one was bad
    assert run(Alone(), out=tmp_path / "there") == here
    assert first.stat().st_mtime_ns == before
    assert files_of(tmp_path / "here") == files_of(tmp_path / "there")
    with pytest.raises(UserError, match="--overwrite"):
        run(Alone(), out=tmp_path / "there")


def features_of(pictures, workers):
    """The features of a folder, by workers or, where these are None, by this process."""
    from pixelart_tf import devices
    from pixelart_tf.evaluation.extractor import Extractor
    from pixelart_tf.evaluation.on_cluster import on_cluster

    options = {"size": 32, "batch_size": 2, "skip_bad": True}
    chosen = devices.choose(precision="float32", exact=True, join_hosts=False)
    elsewhere = workers and on_cluster(workers, "lite0", **options)
    return Extractor.open("lite0", chosen, elsewhere=elsewhere, **options).load(pictures, cache=False)


def test_features_by_a_cluster_are_those_of_this_process(pictures):
    here, there = (features_of(pictures, workers) for workers in (None, Alone()))
    assert np.array_equal(here.features, there.features)
    assert len(here.names) == 40
    assert (here.names, here.bad, here.size, here.origin) == (there.names, there.bad, there.size, there.origin)


def test_mistakes_are_told(pictures, tmp_path, monkeypatch, capsys):
    with pytest.raises(UserError, match="--address"), cluster.opened("local", "auto"):
        pass
    with pytest.raises(UserError, match="`workers`"):
        packing.pack(pictures, tmp_path / "out", **PACKED, workers=2, cluster=Alone())
    monkeypatch.setitem(sys.modules, "ray", None)
    assert records.main(["pack", str(pictures), str(tmp_path / "out"), "--domain", "d", "--engine", "ray"]) == 2
    assert 'takes Ray: pip install "pixelart-tf[ray]"' in capsys.readouterr().err


@pytest.fixture(scope="module")
def two_nodes():
    """Two machines of one core each, on loopback; gives what ends the second one and begins it anew."""
    ray = pytest.importorskip("ray", reason='Ray is not installed: pip install "pixelart-tf[ray]"')
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 10**8})
    second = [nodes.add_node(num_cpus=1, object_store_memory=10**8)]
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")

    def end():
        nodes.remove_node(second.pop(), allow_graceful=False)
        second.append(nodes.add_node(num_cpus=1, object_store_memory=10**8))

    yield end
    ray.shutdown()
    nodes.shutdown()


def ended_after(number: int, end):
    """A progress that ends a machine once so many pictures are done."""
    done_before = []

    def progress(done, total):
        if done >= number and not done_before:
            done_before.append(done)
            end()

    return progress


@pytest.mark.slow
def test_a_machine_that_ends_in_the_midst_changes_no_byte(two_nodes, pictures, generator, tmp_path):
    packing.pack(pictures, tmp_path / "packed", **PACKED)
    translate_files(str(generator), [pictures], tmp_path / "translated", **TRANSLATED)
    with cluster.opened("ray") as workers, contextlib.chdir(tmp_path):   # paths reach the workers whole
        packing.pack("in", "packed_there", **PACKED, cluster=workers, progress=ended_after(6, two_nodes))
        translate_on_cluster(
            workers, generator, ["in"], "translated_there", **TRANSLATED, progress=ended_after(1, two_nodes)
        )
    assert files_of(tmp_path / "packed") == files_of(tmp_path / "packed_there")
    assert files_of(tmp_path / "translated") == files_of(tmp_path / "translated_there")
    with pytest.raises(UserError, match=r"04\.png"), cluster.opened("ray") as workers:
        packing.pack(pictures, tmp_path / "none", **(PACKED | {"skip_bad": False}), cluster=workers)


@pytest.mark.slow
def test_features_by_two_machines_are_those_of_this_process(two_nodes, pictures):
    with cluster.opened("ray") as workers:
        there = features_of(pictures, workers)
    here = features_of(pictures, None)
    np.testing.assert_array_equal(here.features, there.features)
    assert (here.names, here.bad) == (there.names, there.bad)
