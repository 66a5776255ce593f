"""PyTorch's file format: a zip archive with a pickle and, beside it, the numbers of each storage.

``name/data.pkl`` describes the object; each tensor in it is an offset, a shape and strides into
the storage ``name/data/KEY``, raw numbers in the byte order that ``name/byteorder`` says.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from typing import Any

import numpy as np

from chainrule import dtypes
from chainrule.graph import memory_owner
from chainrule.interop.checkpoints.pickled import CONTAINERS, Maker, Reader, Refused
from chainrule.interop.checkpoints.pickling import Writer
from chainrule.nn.parameter import Parameter
from chainrule.ops.creation import require_grad
from chainrule.primitive import attach
from chainrule.tensor import Size, Tensor

Array = np.ndarray[Any, Any]

_STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8",
    "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?", "BFloat16Storage": "bfloat16",
}  # fmt: skip
_STORAGE_OF = {np.dtype(code): name for name, code in _STORAGES.items() if code != "bfloat16"}
# PyTorch puts numbers where a processor's widest instructions, and memory maps, like them.
_ALIGNMENT = 64


class CheckpointError(RuntimeError):
    """A file of tensors that is damaged, in another format, or holds more than data."""


# --- Reading --------------------------------------------------------------------------------------


def read_archive(data: bytes, name: str) -> Any:
    """Return the object in the bytes of a file.

    Raises:
        CheckpointError: with the file's name and what is wrong with it.
    """
    try:
        return _Archive(data).load()
    except Refused as problem:
        raise CheckpointError(f"{name} is not loaded: {problem}") from None
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,  # an encrypted entry, or a feature of zip that is not supported
        ValueError,
        struct.error,
    ) as error:
        raise CheckpointError(f"{name} is not loaded: {_not_zip(data, error)}") from None


def _not_zip(data: bytes, error: Exception) -> str:
    if data[:2] == b"PK":
        return f"the archive is damaged or cut short ({error})"
    if data[:1] == b"\x80":
        return (
            "it is in the format that PyTorch wrote before 1.6; load and save it once with a newer "
            "PyTorch"
        )
    return "it is not in the zip format that PyTorch has written since 1.6"


class _Archive:
    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.zip = zipfile.ZipFile(io.BytesIO(data))
        self.entries = {info.filename: info for info in self.zip.infolist()}
        self.storages: dict[tuple[str, str], Array] = {}
        total = 0
        for info in self.entries.values():
            total += info.file_size
            if info.compress_type != zipfile.ZIP_STORED:
                raise Refused(
                    "it is compressed, which PyTorch never does, and may grow without bounds when "
                    "read; unpack it and store it uncompressed"
                )
        if total > self.size or len(self.entries) != len(self.zip.infolist()):
            raise Refused("its entries overlap: together they are larger than the file")
        pickles = [n for n in self.entries if n.endswith("/data.pkl") or n == "data.pkl"]
        if not pickles:
            raise Refused("it is a zip archive, but without the data.pkl of PyTorch's format")
        self.folder = min(pickles, key=len).removesuffix("data.pkl")
        if f"{self.folder}constants.pkl" in self.entries:
            raise Refused("it is a TorchScript program; save model.state_dict() instead")
        order = self.read("byteorder").strip() if f"{self.folder}byteorder" in self.entries else b""
        if order not in (b"", b"little", b"big"):
            raise Refused(f"its byte order is {order!r}, neither little nor big")
        self.order = ">" if order == b"big" else "<"

    def read(self, entry: str) -> bytes:
        # Names are looked up among the entries and never become paths.
        info = self.entries.get(self.folder + entry)
        if info is None:
            raise Refused(f"it refers to {entry}, which it does not contain")
        return self.zip.read(info)

    def load(self) -> Any:
        return Reader(_NAMES, self.storage).load(self.read("data.pkl"))

    def storage(self, pid: Any) -> Array:
        """Return the numbers that a persistent id names, flat."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise Refused("it refers to something else than a storage")
        _, kind, key, _, count = pid[:5]
        if not isinstance(kind, _Storage) or not isinstance(key, str) or type(count) is not int:
            raise Refused("it describes a storage wrongly")
        known = self.storages.get((key, kind.code))
        if known is not None:
            return known
        raw = self.read(f"data/{key}")
        width = 2 if kind.code == "bfloat16" else np.dtype(kind.code).itemsize
        if len(raw) != count * width:
            raise Refused(
                f"its storage {key} has {len(raw)} bytes, where {count} numbers of {width} bytes "
                "were announced"
            )
        array: Array = _numbers(raw, kind.code, self.order)
        self.storages[key, kind.code] = array
        return array


def _numbers(raw: bytes, code: str, order: str) -> Any:
    """Return raw numbers as an array of its own memory, in the machine's byte order."""
    if code == "bfloat16":  # the upper half of a float32
        return (np.frombuffer(raw, f"{order}u2").astype(np.uint32) << 16).view(np.float32)
    if code == "?":
        return np.not_equal(np.frombuffer(raw, "u1"), 0)
    return np.frombuffer(raw, order + code).astype(code)


class _Storage:
    """The class of a storage as a file names it."""

    def __init__(self, code: str) -> None:
        self.code = code


def _whole(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple) or not all(type(v) is int and v >= 0 for v in values):
        raise Refused("a tensor's shape or strides are no whole numbers")
    return values


def _rebuilt(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, *rest: Any
) -> Tensor:
    """Return a tensor on a storage, whose bounds are checked."""
    shape, strides = _whole(size), _whole(stride)
    if not isinstance(storage, np.ndarray) or type(offset) is not int or offset < 0:
        raise Refused("a tensor's storage or offset is none")
    if len(shape) != len(strides) or len(shape) > 64:
        raise Refused(f"a tensor has {len(shape)} sizes and {len(strides)} strides")
    if math.prod(shape) == 0:
        view = np.empty(shape, storage.dtype)
    else:
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if last >= storage.size:
            raise Refused("a tensor reaches beyond its storage")
        view = np.lib.stride_tricks.as_strided(
            storage[offset:], shape, [s * storage.itemsize for s in strides]
        )
    tensor = attach(view, None)
    if requires_grad is True:
        require_grad(tensor)
    return tensor


def _parameter(data: Any, requires_grad: Any = True, *rest: Any) -> Parameter:
    if not isinstance(data, Tensor):
        raise Refused(f"it makes a parameter of a {type(data).__name__}")
    return Parameter(data.detach(), requires_grad is True)


def _typed(function: Any, kind: Any, arguments: Any, state: Any = None) -> Any:
    """Return a tensor that was saved with attributes, without them."""
    if not isinstance(function, Maker) or not isinstance(arguments, tuple):
        raise Refused(f"it calls a {type(function).__name__}")
    tensor = function.make(*arguments)
    return _parameter(tensor, arguments[4]) if kind is Parameter else tensor


def _size(values: Any) -> Size:
    return Size(_whole(tuple(values)))


def _device(kind: Any, index: Any = None) -> str:
    return "cpu"


_NAMES: dict[tuple[str, str], Any] = {
    **CONTAINERS,
    ("torch._utils", "_rebuild_tensor"): Maker("tensor", _rebuilt),
    ("torch._utils", "_rebuild_tensor_v2"): Maker("tensor", _rebuilt),
    ("torch._utils", "_rebuild_parameter"): Maker("parameter", _parameter),
    ("torch._utils", "_rebuild_parameter_with_state"): Maker("parameter", _parameter),
    ("torch._tensor", "_rebuild_from_type_v2"): Maker("tensor", _typed),
    ("torch.nn.parameter", "Parameter"): Parameter,
    ("torch", "Tensor"): Tensor,
    ("torch", "Size"): Maker("Size", _size),
    ("torch", "device"): Maker("device", _device),
}
_NAMES |= {("torch", name): _Storage(code) for name, code in _STORAGES.items()}
_NAMES |= {("torch", str(dtype)): dtype for dtype in dtypes.SUPPORTED}

# --- Writing --------------------------------------------------------------------------------------


def write_archive(obj: Any, folder: str) -> bytes:
    """Return the bytes of a file that holds an object; ``folder`` names what is inside it."""
    storages = _Storages()
    description = Writer(storages.write).dump(obj)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, f"{folder}/data.pkl", description)
        _add(archive, f"{folder}/byteorder", b"little")
        for key, array in enumerate(storages.arrays):
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            _add(archive, f"{folder}/data/{key}", little.tobytes())
        _add(archive, f"{folder}/version", b"3\n")
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name)  # dated 1980, so that equal objects make equal files
    header = 30 + len(name.encode()) + 4
    assert archive.fp is not None
    padding = -(archive.fp.tell() + header) % _ALIGNMENT
    # An extra field that says nothing: its mark, its length, and filling.
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    archive.writestr(info, data)


class _Storages:
    """The storages of the tensors of an object, each written once."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.keys: dict[int, int] = {}
        self.kept: list[Array] = []

    def write(self, writer: Writer, value: Any, place: str) -> bool:
        """Write a tensor, a shape or a dtype."""
        if isinstance(value, Tensor):
            self.tensor(writer, value)
        elif isinstance(value, Size):
            writer.name("torch", "Size")
            writer.write(tuple(value), place)
            writer.out += b"\x85R"
        elif isinstance(value, np.dtype):
            writer.name("torch", str(value))
        else:
            return False
        return True

    def tensor(self, writer: Writer, value: Tensor) -> None:
        parameter = isinstance(value, Parameter)
        if parameter:
            writer.name("torch._utils", "_rebuild_parameter")
            writer.out += b"("
        key, offset, strides = self.place(value._array)
        writer.name("torch._utils", "_rebuild_tensor_v2")
        writer.out += b"(("
        writer.scalar("storage")
        writer.name("torch", _STORAGE_OF[value._array.dtype])
        writer.scalar(str(key))
        writer.scalar("cpu")
        writer.integer(self.arrays[key].size)
        writer.out += b"tQ"
        writer.integer(offset)
        for numbers in (value._array.shape, strides):
            writer.out += b"("
            for n in numbers:
                writer.integer(n)
            writer.out += b"t"
        leaf = value._node is not None and value._node.primitive is None
        writer.scalar(leaf and not parameter)
        writer.name("collections", "OrderedDict")
        writer.out += b")RtR"
        if parameter:
            writer.scalar(leaf)
            writer.name("collections", "OrderedDict")
            writer.out += b")RtR"
        writer.put(value)

    def place(self, array: Array) -> tuple[int, int, tuple[int, ...]]:
        """Return the storage of an array, and its offset and strides there, in elements."""
        owner = memory_owner(array)
        item = array.itemsize
        steps = [s // item for s in array.strides]
        start = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        shares = (
            owner.dtype == array.dtype
            and owner.flags.c_contiguous
            and owner.base is None
            and all(s % item == 0 and s >= 0 for s in array.strides)
            and start % item == 0
            and array.size > 0
        )
        if not shares:
            owner, start = np.ascontiguousarray(array).reshape(array.shape), 0
            steps = [s // item for s in owner.strides]
        if id(owner) not in self.keys:
            self.keys[id(owner)] = len(self.arrays)
            self.arrays.append(owner.reshape(-1))
            self.kept.append(owner)
        return self.keys[id(owner)], start // item, tuple(steps)
