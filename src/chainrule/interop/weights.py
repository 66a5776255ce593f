"""The arrays of a file of weights, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chainrule.tensor import Tensor

Array = np.ndarray[Any, Any]


def read(path: str | Path) -> dict[str, Array]:
    """Return the arrays in a file of weights, by name, in the file's order.

    Raises:
        ValueError: for another ending, or a file that is not what its ending says.
        OSError: if the file cannot be read.
        ImportError: for .safetensors, without the library of that name.
    """
    file = Path(path)
    ending = file.suffix.lower()
    held: Any
    if ending == ".safetensors":
        from chainrule.interop.safetensors import load_file

        held = load_file(file)
    elif ending in (".pth", ".pt"):
        from chainrule.interop.checkpoints import CheckpointError, load

        try:
            held = load(file)
        except CheckpointError as problem:
            raise ValueError(str(problem)) from None
    else:
        raise ValueError(f"{file.name}: weights are read from .pth, .pt and .safetensors files")
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    if not isinstance(held, dict):
        raise ValueError(f"{file.name} holds a {type(held).__name__}, not a state dict")
    return {key: value._array for key, value in held.items() if isinstance(value, Tensor)}
