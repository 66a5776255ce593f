"""Reading weights from files: .safetensors, and PyTorch's .pth without running code in it.

The safetensors format: eight bytes with the header's length, a JSON header, then raw little-endian
numbers (https://github.com/huggingface/safetensors). PyTorch's: a zip archive with a pickle that
describes tensors, whose numbers lie beside it; only the classes a state dict needs are accepted.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip
_STORAGES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?", "BFloat16Storage": "bfloat16",
}  # fmt: skip


def read(path: str | Path) -> dict[str, Array]:
    """Return the arrays in a file of weights, by name, in the file's order.

    Raises:
        ValueError: for another ending, or a file that is not what its ending says.
        OSError: if the file cannot be read.
    """
    file = Path(path)
    ending = file.suffix.lower()
    if ending == ".safetensors":
        return read_safetensors(file.read_bytes(), file.name)
    if ending in (".pth", ".pt"):
        return read_pth(file.read_bytes(), file.name)
    raise ValueError(f"{file.name}: weights are read from .pth, .pt and .safetensors files")


def read_safetensors(data: bytes, name: str) -> dict[str, Array]:
    """Return the arrays in the bytes of a .safetensors file."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        numbers = memoryview(data)[8 + length :]
        found = {
            key: _safetensor(entry, numbers)
            for key, entry in header.items()
            if key != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{name} is no valid .safetensors file: {error}") from None
    return found


def _safetensor(entry: dict[str, Any], numbers: memoryview) -> Array:
    start, end = entry["data_offsets"]
    raw = numbers[start:end]
    if entry["dtype"] == "BF16":
        return _from_bfloat16(raw).reshape(entry["shape"])
    if entry["dtype"] not in _SAFETENSORS:
        raise ValueError(f"dtype {entry['dtype']} is not supported")
    return np.frombuffer(raw, _SAFETENSORS[entry["dtype"]]).reshape(entry["shape"]).copy()


def _from_bfloat16(raw: memoryview | bytes) -> Array:
    """Widen bfloat16, the upper half of a float32."""
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)


class _Storage:
    """The class of a storage as a .pth file names it."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


def _rebuild(storage: Array, offset: int, size: Any, stride: Any, *rest: Any) -> Array:
    shape = tuple(size)
    if not math.prod(shape):
        return np.empty(shape, storage.dtype)
    last = offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True))
    if offset < 0 or min((*stride, 0)) < 0 or last >= storage.size:
        raise ValueError("a tensor reaches beyond its storage")
    strides = tuple(s * storage.itemsize for s in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, strides).copy()


def _parameter(data: Array, *rest: Any) -> Array:
    return data


class _Reader(pickle.Unpickler):
    """Unpickles state dicts: ordered dicts of tensors, and nothing that could run code."""

    def __init__(self, file: io.BytesIO, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self.archive = archive
        self.folder = folder

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_tensor"):
            return _rebuild
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _STORAGES:
            return _Storage(_STORAGES[name])
        raise ValueError(f"it holds a {module}.{name}; save model.state_dict() instead")

    def persistent_load(self, pid: Any) -> Array:
        _, storage, key, *_ = pid
        raw = self.archive.read(f"{self.folder}data/{key}")
        if storage.dtype == "bfloat16":
            return _from_bfloat16(raw)
        return np.frombuffer(raw, storage.dtype)


def read_pth(data: bytes, name: str) -> dict[str, Array]:
    """Return the arrays of a state dict in the bytes of a .pth file."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        where = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        folder = where.removesuffix("data.pkl")
        held = _Reader(io.BytesIO(archive.read(where)), archive, folder).load()
    except (zipfile.BadZipFile, StopIteration):
        raise ValueError(
            f"{name} is no .pth file in the zip format that PyTorch has written since 1.6"
        ) from None
    except (ValueError, KeyError, TypeError, pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"{name} cannot be read as a state dict: {error}") from None
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    if not isinstance(held, dict):
        raise ValueError(f"{name} holds a {type(held).__name__}, not a state dict")
    return {key: value for key, value in held.items() if isinstance(value, np.ndarray)}
