"""Reading PyTorch's files: equal to what torch saved, and nothing that is in a file is run."""

import contextlib
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pixelart_tf.formats import torch_file
from pixelart_tf.formats.torch_file import WeightsError

GOLDEN_DIR = Path(__file__).parent / "data" / "golden" / "torch_file"
LAYOUTS = ("zip", "legacy")


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        torch_file.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 200
    return message.removeprefix(f"{path}: ")


def in_layout(layout: str, data: bytes, storage: bytes = bytes(24)) -> bytes:
    """A file as `torch.save` would write it, around any pickle."""
    if layout == "legacy":
        info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        before = [pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, info)]
        return b"".join([*before, data, pickle.dumps(["0"], 2), struct.pack("<q", len(storage) // 4), storage])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", storage)
        archive.writestr("archive/version", b"3\n")
    return file.getvalue()


def tensor_pickle(offset=0, shape=(2, 3), strides=(3, 1), size=6, kind="FloatStorage", key="0") -> bytes:
    """A state dict {"w": tensor} in pickle's instructions, as torch has them, with any numbers."""
    def number(value):
        return b"\x8a" + bytes([len(pickle.encode_long(value))]) + pickle.encode_long(value)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def numbers(values):
        return b"(" + b"".join(number(value) for value in values) + b"t"

    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(size) + b"tQ"
    arguments = storage + number(offset) + numbers(shape) + numbers(strides) + b"\x89}"
    return b"\x80\x02}" + text("w") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tRs."


@pytest.mark.parametrize("name", ["zip", "legacy", "nested"])
def test_tensors_are_those_that_torch_saved(name):
    """Transposed and strided views, shared storage, all dtypes, a parameter, a scalar; nested: in "state_dict"."""
    expected = np.load(GOLDEN_DIR / "values.npz")
    state = torch_file.read(GOLDEN_DIR / f"{name}.pth")
    assert list(state) == expected.files
    for key, array in state.items():
        assert array.dtype == expected[key].dtype, key
        np.testing.assert_array_equal(array, expected[key], err_msg=key)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_made_by_hand_is_read(tmp_path, layout):
    """So that the refusals below are for what they change in it."""
    path = tmp_path / "w.pth"
    path.write_bytes(in_layout(layout, tensor_pickle(), np.arange(6, dtype="<f4").tobytes()))
    np.testing.assert_array_equal(torch_file.read(path)["w"], np.arange(6).reshape(2, 3))


class WritesAFile:
    def __init__(self, path, how):
        self.path, self.how = str(path), how

    def __reduce__(self):
        if self.how == "builtins.exec":
            return exec, (f"open({self.path!r}, 'w').close()",)
        if self.how == "posix.mkdir":
            return os.mkdir, (self.path,)
        return open, (self.path, "w")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("how", ["builtins.exec", "posix.mkdir", "io.open"])
def test_a_malicious_file_is_refused_and_not_run(tmp_path, layout, how, protocol):
    victim, path = tmp_path / "victim", tmp_path / "w.pth"
    data = pickle.dumps({"w": WritesAFile(victim, how)}, protocol)
    pickle.loads(data)   # it really would
    assert victim.exists()
    victim.rmdir() if victim.is_dir() else victim.unlink()
    path.write_bytes(in_layout(layout, data))
    message = refusal(path)
    assert "refused" in message
    if protocol:   # protocol 0 is refused before that, for its instructions
        assert f"`{how}`" in message.replace("__builtin__", "builtins" if how == "builtins.exec" else "io")
    assert not victim.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00aK\x01s\x86b.",   # BUILD sets attributes
        b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"K\x01s.",   # a key that is hashed by recursion
        b"\x80\x02}r\xff\xff\xff\x7f.",   # memo number 2**31, for which C's unpickler takes 32 GB
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x00.",   # BYTEARRAY8 of 2**56 bytes
        b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",   # no arguments
        b"\x80\x02ccollections\nOrderedDict\nctorch\nSize\n\x85R.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",   # storages are names, nothing to call
        b"\x80\x02ctorch.nn.modules.conv\nConv2d\n)\x81.",
        b"\x80\x02K\x01Q.",   # a storage that is a number
        b"\x80\x02]]s.",
        b"\x80\x02.",
        b"\x80\x02K\x01.",
        b"\x80\x02}.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    ],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tricks_of_the_pickle_language_are_refused(tmp_path, layout, data):
    path = tmp_path / "w.pth"
    path.write_bytes(in_layout(layout, data))
    refusal(path)


@pytest.mark.parametrize(
    "changed",
    [
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**70},
        {"strides": (3, 2)},
        {"strides": (-3, 1)},
        {"shape": (2, -3)},
        {"shape": (2, 4)},
        {"shape": (10**6, 10**6), "strides": (0, 0)},   # 4 TB out of 24 bytes
        {"shape": (2,) * 40, "strides": (0,) * 40},
        {"shape": (2, 3, 1)},
        {"size": 7},
        {"size": 10**12},
        {"size": -1},
        {"key": "1"},
        {"key": "../data.pkl"},
        {"kind": "QInt8Storage"},
        {"kind": "DoubleStorage"},
    ],
    ids=str,
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensors_stay_within_their_storage(tmp_path, layout, changed):
    path = tmp_path / "w.pth"
    path.write_bytes(in_layout(layout, tensor_pickle(**changed)))
    refusal(path)


def test_zips_that_unpack_to_more_are_refused(tmp_path):
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", tensor_pickle(shape=(2**20,), strides=(1,), size=2**20))
        archive.writestr("archive/data/0", bytes(2**22))
    assert refusal(path) == "compressed inside, which PyTorch's files are not"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pictures/a.txt", "a")
    assert "no data.pkl" in refusal(path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_files_are_told_in_one_line(tmp_path, layout):
    path, whole = tmp_path / "w.pth", (GOLDEN_DIR / f"{layout}.pth").read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        refusal(path)
    rng = np.random.default_rng(0)
    for _ in range(200):   # a changed byte is found, or it is one of a number or a name
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with contextlib.suppress(WeightsError):
            torch_file.read(path)


@pytest.mark.parametrize("content", [b"", b"weights\n" * 9, b"<!DOCTYPE html><html></html>", os.urandom(4096)])
def test_other_files_are_told_in_one_line(tmp_path, content):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    refusal(path)


def test_a_missing_file_and_a_folder_are_told_in_one_line(tmp_path):
    assert refusal(tmp_path) == "Is a directory"
    assert refusal(tmp_path / "none.pth") == "No such file or directory"


def test_two_state_dicts_in_a_file_are_not_guessed_between(tmp_path):
    one = tensor_pickle()[2:-1]
    both = b"\x80\x02}" + b"X\x01\x00\x00\x00a" + one + b"sX\x01\x00\x00\x00b" + one + b"s."
    path = tmp_path / "w.pth"
    path.write_bytes(in_layout("zip", both))
    assert refusal(path) == "holds 2 state dicts; save the one that is meant alone"
