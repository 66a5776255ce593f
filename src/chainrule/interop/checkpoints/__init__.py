"""Files of tensors in PyTorch's format: `chainrule.save` and `chainrule.load`.

Neither needs PyTorch, and reading runs nothing that a file says: it admits tensors, numbers, text
and containers, and refuses everything else. A file is replaced as a whole or not at all.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, Any

from chainrule.interop.checkpoints.archive import CheckpointError, read_archive, write_archive
from chainrule.interop.checkpoints.atomic import replace_file

__all__ = ["CheckpointError", "load", "save"]

File = str | os.PathLike[str] | IO[bytes]


def save(obj: Any, f: File) -> None:
    """Save tensors, and numbers, text and containers around them, in PyTorch's file format.

    `torch.load(f)` reads what is written, and `chainrule.load` reads what PyTorch writes. Tensors
    that share memory share it in the file. A file with that name is replaced only when the new one
    is complete on disk, so a crash while saving never loses it.

    Args:
        obj: a tensor, a state dict, or None, bools, numbers, strings, bytes, lists, tuples, sets
            and dicts with tensors in them.
        f: a path, conventionally ending in ``.pt`` or ``.pth``, or a binary file to write to.

    Raises:
        TypeError: for anything else, named with its place in ``obj``; nothing is written then.

    >>> import io
    >>> import chainrule as cr
    >>> buffer = io.BytesIO()
    >>> cr.save({"weight": cr.ones(2), "epoch": 3}, buffer)
    >>> cr.load(io.BytesIO(buffer.getvalue()))
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    if isinstance(f, str | os.PathLike):
        path = Path(f)
        # PyTorch names the folder inside the archive after the file.
        data = write_archive(obj, path.stem or "archive")
        replace_file(path, data)
    elif hasattr(f, "write"):
        f.write(write_archive(obj, "archive"))
    else:
        raise TypeError(
            f"save: expected a path or a binary file opened for writing, got a {type(f).__name__}; "
            "the call is save(obj, f), as in cr.save(model.state_dict(), 'model.pth')"
        )


def load(
    f: File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """Load what `save`, or ``torch.save``, wrote to a file.

    Nothing in the file is executed: it may hold tensors, numbers, text and containers of them
    (``weights_only=True`` in PyTorch), and is refused otherwise. bfloat16 becomes float32. Tensors
    that shared memory when they were saved share it again.

    Args:
        f: a path or a binary file.
        map_location: None or the CPU; tensors of other devices come to the CPU.
        pickle_module: refused; there is one reader.
        weights_only: accepted for programs written for PyTorch; the file is read as if True.
        mmap: accepted likewise; files are read into memory.

    Raises:
        CheckpointError: for a file that is damaged, in another format, or holds anything else. It
            is a RuntimeError.
        OSError: if the file cannot be read.

    >>> import io
    >>> import chainrule as cr
    >>> buffer = io.BytesIO()
    >>> cr.save(cr.nn.Linear(1, 2).state_dict(), buffer)
    >>> list(cr.load(io.BytesIO(buffer.getvalue())))
    ['weight', 'bias']
    """
    if pickle_module is not None:
        raise TypeError(
            "load: pickle_module is refused; files are read without executing anything in them"
        )
    place = getattr(map_location, "type", map_location)
    if isinstance(place, str) and place.partition(":")[0] != "cpu":
        raise RuntimeError(
            f"load: map_location={place!r}, but chainrule has the CPU only; leave it out or pass "
            "'cpu'"
        )
    if isinstance(f, str | os.PathLike):
        path = Path(f)
        return read_archive(path.read_bytes(), path.name)
    if hasattr(f, "read"):
        data = f.read()
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError("load: the file is opened as text; open it in binary mode, 'rb'")
        name = getattr(f, "name", None)
        return read_archive(bytes(data), name if isinstance(name, str) else "the file")
    raise TypeError(
        f"load: expected a path or a binary file opened for reading, got a {type(f).__name__}"
    )


def saved(obj: Any) -> bytes:
    """Return the bytes that `save` would write."""
    buffer = io.BytesIO()
    save(obj, buffer)
    return buffer.getvalue()
