"""The whole state in one file: what is in it, that it is written whole or not at all, and what broken ones say."""

import contextlib
import errno
import json

import keras
import numpy as np
import pytest
from keras import ops

from pixelart_tf.base import files
from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.training import checkpoint
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only


def model(seed=0, base_width=4):
    keras.utils.set_random_seed(seed)
    made = CycleGAN(
        {"source": (8, 8, 3), "target": (8, 8, 3)}, pool_size=2, diff_augment="color",
        generator={"name": "resnet", "base_width": base_width, "num_blocks": 1, "num_downsamplings": 1, "dropout": 0.5},
        discriminator={"base_width": 4, "num_layers": 1},
    )
    made.compile(optimizer=adam(num_steps=3, ema_momentum=0.9), jit_compile=False)
    made.optimizer.build(made.trainable_variables)
    return made


def values(model):
    return [ops.convert_to_numpy(v) for v in checkpoint.variables(model)]


@pytest.fixture(scope="module")
def one():
    made = model()
    rng = np.random.default_rng(0)
    for variable in checkpoint.variables(made):   # as if it had trained
        value = rng.integers(1, 100, variable.shape) if "int" in variable.dtype else rng.normal(size=variable.shape)
        variable.assign(np.asarray(value, variable.dtype))
    return made


@pytest.fixture
def saved(one, tmp_path):
    checkpoint.save(tmp_path / "checkpoint.npz", one, {"epoch": 3, "step": 2})
    return tmp_path / "checkpoint.npz"


def test_all_comes_back_bit_for_bit(one, saved):
    other = model(seed=1)
    assert any((a != b).any() for a, b in zip(values(one), values(other), strict=True))
    assert checkpoint.restore(saved, other) == {"epoch": 3, "step": 2}
    for mine, restored in zip(values(one), values(other), strict=True):
        np.testing.assert_array_equal(mine, restored)


def test_what_keras_own_weights_leave_out_is_in_it(one):
    there = {id(v) for v in checkpoint.variables(one)}
    assert len(there) == len(checkpoint.variables(one))
    # Dropout in two generators, two pools, the augmentation.
    seeds = [v for v in one.variables if "seed_generator_state" in v.path]
    assert len(seeds) == 5
    pools = [one.source_pool.images, one.source_pool.count, one.target_pool.images, one.target_pool.count]
    averages = list(one.optimizer.averages().values())
    assert len(averages) == len(one.trainable_variables)
    losses = [v for tracker in one.trackers.values() for v in tracker.variables]
    wanted = [*one.trainable_variables, *seeds, *pools, *averages, *losses, one.optimizer.iterations, one.cycle_weight]
    assert {id(v) for v in wanted} <= there


def test_nothing_is_left_beside_it(saved):
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize("moment", ["while writing", "before the rename"])
def test_a_failure_leaves_the_old_one(one, saved, monkeypatch, moment):
    before = saved.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((np, "savez") if moment == "while writing" else (files.os, "replace")), fail)
    with pytest.raises(OSError, match="No space left") as caught:
        checkpoint.save(saved, one, {"epoch": 4, "step": 0})
    assert caught.value.filename == str(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint.npz"]


def _text(path):
    path.write_text("not a checkpoint")


def _empty(path):
    path.write_bytes(b"")


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def _flipped_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)


def _array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _without_place(path):
    with path.open("wb") as file:
        np.savez(file, v0000=np.zeros(3))


def _folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [_text, _empty, _cut, _flipped_byte, _array, _without_place, _folder])
def test_a_broken_one_is_named_and_changes_nothing(one, saved, spoil):
    spoil(saved)
    before = values(one)
    with pytest.raises(checkpoint.CheckpointError, match="not a checkpoint, or a broken one") as caught:
        checkpoint.restore(saved, one)
    assert str(saved) in str(caught.value)
    for a, b in zip(before, values(one), strict=True):
        np.testing.assert_array_equal(a, b)


def _rewritten(path, **changed):
    """The same arrays with some of them changed."""
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    with path.open("wb") as file:
        np.savez(file, **kept | changed)


@pytest.mark.parametrize("place", [
    [], 3, {}, {"epoch": 1}, {"epoch": -1, "step": 0}, {"epoch": 1, "step": 2.5}, {"epoch": True, "step": 0},
    {"epoch": 1, "step": 0, "row": {"epoch": 7}}, {"epoch": 1, "step": 0, "row": 3},
], ids=str)
def test_a_place_that_no_run_can_be_at_is_refused(one, saved, place):
    _rewritten(saved, place=np.asarray(json.dumps(place)))
    with pytest.raises(checkpoint.CheckpointError, match="not a checkpoint, or a broken one: "):
        checkpoint.restore(saved, one)


def test_brackets_without_end_are_refused(one, saved):
    _rewritten(saved, place=np.asarray("[" * 100_000))
    with pytest.raises(checkpoint.CheckpointError, match="not a checkpoint, or a broken one: "):
        checkpoint.restore(saved, one)


def test_weights_that_are_no_numbers_are_refused(one, saved):
    with np.load(saved) as arrays:
        weight = arrays["v0000"].copy()
    weight.flat[0] = np.nan
    _rewritten(saved, v0000=weight)
    with pytest.raises(checkpoint.CheckpointError, match="some of its numbers are not finite"):
        checkpoint.restore(saved, one)


def test_what_claims_to_be_huge_is_not_unpacked(one, saved):
    """A weight of 8 GB of zeros in a file of a few MB: it is refused by the zip's own directory."""
    import zipfile

    other = saved.with_name("bomb.npz")
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) if name != "v0000.npy" else bytes(2**26))
    with pytest.raises(checkpoint.CheckpointError, match="the checkpoint of another model"):
        checkpoint.restore(other, one)


def test_every_flip_in_the_zips_directory_is_told_in_one_line(one, saved):
    """Flips there make Python's zipfile raise NotImplementedError, RuntimeError and others."""
    content = saved.read_bytes()
    start = content.index(b"PK\x01\x02")
    for place in range(start, start + 200, 3):
        for mask in (0x01, 0x80):
            spoilt = bytearray(content)
            spoilt[place] ^= mask
            saved.write_bytes(spoilt)
            with contextlib.suppress(checkpoint.CheckpointError):   # some bytes there mean nothing
                checkpoint.restore(saved, one)


def test_a_missing_one_and_one_of_another_model(saved, tmp_path):
    with pytest.raises(checkpoint.CheckpointError, match=r"none\.npz: no such checkpoint"):
        checkpoint.restore(tmp_path / "none.npz", model())
    with pytest.raises(checkpoint.CheckpointError, match="the checkpoint of another model"):
        checkpoint.restore(saved, model(base_width=2))


def test_the_place_may_hold_whatever_json_can(one, tmp_path):
    place = {"epoch": 1, "step": 0, "names": ["ä", "b"]}
    checkpoint.save(tmp_path / "c.npz", one, place)
    with np.load(tmp_path / "c.npz") as arrays:
        assert json.loads(str(arrays["place"])) == place
