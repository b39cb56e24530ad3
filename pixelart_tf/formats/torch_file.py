"""PyTorch's files of weights, read without PyTorch and without running what is in them.

A `.pth` file is a pickle, which is a program: `pickle.load` on a bad one would run anything. Here only the handful of
instructions that build dicts of tensors are followed, so that nothing in a file can call anything.
"""

import io
import math
import pickletools
import struct
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelart_tf.base.cli import UserError

_DTYPES = {
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}
_CALLABLES = (
    "collections.OrderedDict",
    "torch.Size",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor_v2",
)
_MAGIC = 0x1950A86A20F9469CFC6C   # what the layout from before PyTorch 1.6 begins with
_MAX_DIMENSIONS = 32


class WeightsError(UserError):
    """Weights that cannot be used or had. The message is one line, `path: reason` where a file is at fault."""


class _Global(NamedTuple):
    """An allowed name of a pickle; nothing but a name."""

    name: str


class _Storage(NamedTuple):
    key: str
    dtype: str
    size: int   # numbers


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int   # numbers
    shape: tuple[int, ...]
    strides: tuple[int, ...]   # numbers


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads a state dict that `torch.save` wrote, in the zip layout or the one before it.

    Args:
        path: of the file. A state dict that is the only one in a dict (`{"state_dict": {...}, "epoch": 3}`) is found;
            what is no tensor is left out.

    Returns:
        name -> array, read-only and maybe strided; bfloat16 becomes float32.

    Raises:
        WeightsError: no file of PyTorch, a damaged one, or one that asks for anything but tensors.
    """
    try:
        encoded = Path(path).read_bytes()
        if zipfile.is_zipfile(io.BytesIO(encoded)):
            saved, storages = _read_zip(encoded)
        else:
            saved, storages = _read_legacy(encoded)
        return {name: _array(tensor, storages) for name, tensor in _state_dict(saved).items()}
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from None
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except MemoryError:
        raise WeightsError(f"{path}: not enough memory to read it") from None
    except Exception as error:   # what a damaged file raises depends on where the damage is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{path}: damaged, or not a file of PyTorch ({reason[:100]})") from None


def _read_zip(encoded: bytes) -> tuple[object, dict[_Storage, np.ndarray]]:
    with zipfile.ZipFile(io.BytesIO(encoded)) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members) or (
            sum(member.file_size for member in members) > len(encoded)
        ):
            raise WeightsError("compressed inside, which PyTorch's files are not")
        pickles = [member.filename for member in members if member.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise WeightsError("a zip, but none that PyTorch wrote (no data.pkl)")
        folder = pickles[0].removesuffix("data.pkl")
        saved, wanted = _unpickle(io.BytesIO(archive.read(pickles[0])))
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in archive.namelist() else b"little"
        if order not in (b"little", b"big"):
            raise WeightsError(f"byte order {order[:20]!r}")
        storages = {s: _numbers(archive.read(f"{folder}data/{s.key}"), s, order == b"little") for s in wanted}
    return saved, storages


def _read_legacy(encoded: bytes) -> tuple[object, dict[_Storage, np.ndarray]]:
    """Five pickles (a magic number, a version, the byte order, the tensors, the storages' keys), then the storages."""
    stream = io.BytesIO(encoded)
    if encoded[:1] != b"\x80" or _unpickle(stream)[0] != _MAGIC:
        raise WeightsError("cut off" if encoded[:2] == b"PK" else "not a file of PyTorch")   # a zip without its end
    if (version := _unpickle(stream)[0]) != 1001:
        raise WeightsError(f"of an unknown version of PyTorch's layout, {version!r:.20}")
    little = _unpickle(stream)[0]["little_endian"]
    saved, wanted = _unpickle(stream)
    wanted = {storage.key: storage for storage in wanted}
    storages = {}
    for key in _unpickle(stream)[0]:
        (size,) = struct.unpack("<q" if little else ">q", stream.read(8))
        storage = wanted.pop(key)
        if size != storage.size:
            raise WeightsError(f"storage {key} has {size} numbers instead of {storage.size}")
        storages[storage] = _numbers(stream.read(size * _item_size(storage)), storage, little)
    if wanted:
        raise WeightsError(f"{len(wanted)} storages missing")
    return saved, storages


def _item_size(storage: _Storage) -> int:
    return 2 if storage.dtype == "bfloat16" else np.dtype(storage.dtype).itemsize


def _numbers(encoded: bytes, storage: _Storage, little: bool) -> np.ndarray:
    if len(encoded) != storage.size * _item_size(storage):
        raise WeightsError(f"storage {storage.key} has {len(encoded)} bytes for {storage.size} numbers")
    if storage.dtype == "bfloat16":   # the upper half of a float32
        halves = np.frombuffer(encoded, "<u2" if little else ">u2")
        return (halves.astype(np.uint32) << 16).view(np.float32)
    numbers = np.frombuffer(encoded, np.dtype(storage.dtype).newbyteorder("<" if little else ">"))
    return numbers if little == (sys.byteorder == "little") else numbers.astype(storage.dtype)


def _state_dict(saved: object) -> dict[str, _Tensor]:
    if isinstance(saved, dict):
        for candidates in ([saved], [value for value in saved.values() if isinstance(value, dict)]):
            found = [{k: v for k, v in each.items() if isinstance(v, _Tensor)} for each in candidates]
            found = [tensors for tensors in found if tensors]
            if len(found) > 1:
                raise WeightsError(f"holds {len(found)} state dicts; save the one that is meant alone")
            if found:
                return found[0]
    raise WeightsError("holds no state dict (names and tensors)")


def _array(tensor: _Tensor, storages: dict[_Storage, np.ndarray]) -> np.ndarray:
    """A view into the storage, so that however many tensors share one take no more memory than the file."""
    numbers = storages[tensor.storage]
    last = tensor.offset + sum((side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True))
    size = math.prod(tensor.shape)
    if (size and last >= len(numbers)) or size > len(numbers):
        raise WeightsError(f"a tensor of shape {tensor.shape} reaches beyond its storage of {len(numbers)} numbers")
    if not size:
        return np.zeros(tensor.shape, numbers.dtype)
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)


def _unpickle(stream: io.BytesIO) -> tuple[object, set[_Storage]]:
    """Follows one pickle up to its end.

    Returns:
        What it builds, of dicts, lists, tuples, strings, numbers and `_Tensor`s, and the storages that are named.
    """
    stack, marks, memo, storages = [], [], {}, set()

    def since_mark() -> list:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    for opcode, argument, _ in pickletools.genops(stream):
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop(), storages
            case "MARK":
                marks.append(len(stack))
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument)
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[opcode.name]())
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                item = stack.pop()
                _of(list, stack[-1]).append(item)
            case "APPENDS":
                items = since_mark()
                _of(list, stack[-1]).extend(items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _set(stack[-1], [key, value])
            case "SETITEMS":
                items = since_mark()
                _set(stack[-1], items)
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(_global(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                name, module = _of(str, stack.pop()), _of(str, stack.pop())
                stack.append(_global(f"{module}.{name}"))
            case "BINPERSID":
                stack.append(_storage(stack.pop()))
                storages.add(stack[-1])
            case "REDUCE":
                arguments = _of(tuple, stack.pop())
                stack.append(_call(_of(_Global, stack.pop()).name, arguments))
            case "BUILD":   # attributes of a dict: the versions of its modules
                stack.pop()
            case name:
                raise WeightsError(f"asks for the pickle instruction {name}, which weights do not need: refused")
    raise ValueError("cut short")


def _set(target: object, items: list) -> None:
    """Sets entries of a dict, given as key, value, key, value."""
    keys = [_of((str, int), key) for key in items[::2]]
    _of(dict, target).update(zip(keys, items[1::2], strict=True))


def _of(kind, value):
    if not isinstance(value, kind):
        raise ValueError(f"a {type(value).__name__} where weights have none")
    return value


def _global(name: str) -> _Global:
    if name not in _CALLABLES and name not in _DTYPES:
        raise WeightsError(f"asks for `{name[:80]}`, and only tensors are read: refused")
    return _Global(name)


def _storage(persistent: object) -> _Storage:
    kind, dtype, key, _, size, *view = _of(tuple, persistent)
    if kind != "storage" or _of(_Global, dtype).name not in _DTYPES or view not in ([], [None]):
        raise ValueError("a storage of an unknown kind")
    return _Storage(_of(str, key), _DTYPES[dtype.name], _count(size))


def _call(name: str, arguments: tuple) -> object:
    if name == "torch._utils._rebuild_tensor_v2":
        storage, offset, shape, strides, *_ = arguments
        if len(_of(tuple, shape)) > _MAX_DIMENSIONS or len(_of(tuple, strides)) != len(shape):
            raise ValueError("a tensor of unequal dimensions")
        counts = [tuple(_count(number) for number in numbers) for numbers in (shape, strides)]
        return _Tensor(_of(_Storage, storage), _count(offset), *counts)
    if name == "torch._utils._rebuild_parameter":
        return _of(_Tensor, arguments[0])
    if name == "torch.Size":
        return _of(tuple, arguments[0])
    if name == "collections.OrderedDict":
        pairs = _of(list, arguments[0]) if arguments else []
        return {_of((str, int), key): value for key, value in pairs}
    raise ValueError(f"{name} is not to be called")


def _count(number: object) -> int:
    if _of(int, number) < 0 or number > 2**48:
        raise ValueError(f"{number} where weights have a size")
    return number
