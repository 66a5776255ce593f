"""Devices: PyTorch's `torch.device`, of which the CPU is the one that computes here."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["device", "get_default_device", "set_default_device"]

_TYPES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, "
    "mps, meta, hpu, mtia, privateuseone"
)


class device:
    """The name of a device: what it is (``"cpu"``, ``"cuda"``) and, where there are several, which.

    Every device can be named, compared and printed, so that programs which choose one run; only
    the CPU can hold tensors. As a context manager it is the device of what is made inside.

    Args:
        type: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...; or a device, which is returned as it is.
        index: which of several devices of the type.

    Raises:
        RuntimeError: for a name that is no device's, or an index that is negative or given twice.

    >>> import chainrule as cr
    >>> cr.device("cuda" if cr.cuda.is_available() else "cpu")
    device(type='cpu')
    >>> cr.device("cuda", 1) == cr.device("cuda:1")
    True
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __new__(cls, type: Any, index: int | None = None) -> device:
        if isinstance(type, device):
            return type
        if isinstance(type, int) and not isinstance(type, bool):
            raise RuntimeError(
                f"Cannot access accelerator device when none is available: device({type}) names a "
                "GPU by its number; use cr.device('cpu')"
            )
        if not isinstance(type, str):
            raise TypeError(
                "device() expects a device or the name of one, such as 'cpu', got "
                f"{type.__class__.__name__}"
            )
        kind, colon, number = type.partition(":")
        if kind not in _TYPES.split(", "):
            raise RuntimeError(
                f"Expected one of {_TYPES} device type at start of device string: {kind}"
            )
        if colon and not (number.isascii() and number.isdigit()):
            raise RuntimeError(f"Invalid device string: '{type}'; write it as 'cpu' or 'cuda:0'")
        if colon and index is not None:
            raise RuntimeError(
                f"type (string) must not include an index because index was passed explicitly: "
                f"{type}"
            )
        if index is not None and index < 0:
            raise RuntimeError(f"Device index must not be negative, got {index}")
        made = object.__new__(cls)
        object.__setattr__(made, "type", kind)
        object.__setattr__(made, "index", int(number) if colon else index)
        return made

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of 'chainrule.device' objects is not writable")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, device):
            return NotImplemented
        return self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        which = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{which})"

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        check_device(self)
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __call__(self, function: Any) -> Any:
        """Decorate a function whose tensors are to be made on this device."""
        check_device(self)
        return function


CPU = device("cpu")


def names_a_device(name: str) -> bool:
    """Tell whether a string begins as the name of a device does, and is not one of a dtype.

    >>> names_a_device("cuda:1"), names_a_device("float32")
    (True, False)
    """
    return name.partition(":")[0] in _TYPES.split(", ")


def check_device(given: Any) -> None:
    """Refuse every device but the CPU."""
    if given is None or given is CPU or given == "cpu":
        return
    if device(given).type != "cpu":
        raise RuntimeError(
            f"device '{device(given)}' is not available: chainrule computes with NumPy on the CPU; "
            "leave device out or pass 'cpu'"
        )


def get_default_device() -> device:
    """Return the device on which tensors are made: the CPU.

    >>> import chainrule as cr
    >>> cr.get_default_device()
    device(type='cpu')
    """
    return CPU


def set_default_device(device: Any) -> None:
    """Set the device on which tensors are made, which can only be the CPU.

    Raises:
        RuntimeError: for every other device.

    >>> import chainrule as cr
    >>> cr.set_default_device("cpu")
    """
    check_device(device)
