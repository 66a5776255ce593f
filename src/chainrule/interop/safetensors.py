"""Files in the safetensors format, through its own library (the extra ``safetensors``).

The format holds named arrays and nothing that could run
(https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.interop.checkpoints.atomic import replace_file
from chainrule.primitive import attach
from chainrule.tensor import Tensor

__all__ = ["load_file", "save_file"]

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def _library() -> Any:
    try:
        import safetensors
    except ImportError:
        raise ImportError(
            "files in the safetensors format need the library of that name: "
            "pip install 'chainrule[safetensors]'"
        ) from None
    return safetensors


def load_file(filename: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors in a .safetensors file by name; bfloat16 becomes float32.

    Raises:
        ValueError: for a file that is damaged, or a dtype that chainrule does not have.
        OSError: if the file cannot be read.
        ImportError: without the extra ``safetensors``.
    """
    library = _library()
    path = Path(filename)
    try:
        entries = library.deserialize(path.read_bytes())
    except library.SafetensorError as error:
        raise ValueError(f"{path.name} is no valid .safetensors file: {error}") from None
    return {name: attach(_array(name, entry, path), None) for name, entry in entries}


def _array(name: str, entry: Mapping[str, Any], path: Path) -> np.ndarray[Any, Any]:
    kind, shape, raw = entry["dtype"], entry["shape"], entry["data"]
    if kind == "BF16":  # the upper half of a float32
        wide = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(shape)
    if kind not in _DTYPES:
        raise ValueError(f"{path.name}: {name} has the dtype {kind}, which is not supported")
    native = np.dtype(_DTYPES[kind]).newbyteorder("=")
    return np.frombuffer(raw, _DTYPES[kind]).astype(native).reshape(shape)


def save_file(
    tensors: Mapping[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Save tensors by name, for example a state dict, to a .safetensors file.

    The file is replaced as a whole or not at all. Tensors that share memory are written each by
    itself: the format knows no sharing.

    Args:
        tensors: by name.
        filename: where to.
        metadata: text to keep with them.

    Raises:
        TypeError: for a value that is no tensor.
        ImportError: without the extra ``safetensors``.
    """
    _library()
    from safetensors.numpy import save

    arrays = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"save_file: {name!r} is a {type(tensor).__name__}; the format holds tensors only, "
                "chainrule.save also numbers and containers"
            )
        array = tensor._array
        arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    replace_file(Path(filename), save(arrays, None if metadata is None else dict(metadata)))
