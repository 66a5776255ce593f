"""State dicts: a module's parameters and buffers by dotted name, and back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import ndarray

from chainrule.graph import mutations
from chainrule.nn.parameter import Parameter
from chainrule.ops.creation import as_tensor
from chainrule.tensor import Size, Tensor

if TYPE_CHECKING:
    from chainrule.nn.module import Module

EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found not to match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


def _has_extra_state(module: Module) -> bool:
    from chainrule.nn.module import Module

    return type(module).get_extra_state is not Module.get_extra_state


def _takes_extra_state(module: Module) -> bool:
    from chainrule.nn.module import Module

    return type(module).set_extra_state is not Module.set_extra_state


def _members(module: Module) -> Iterator[tuple[str, Any]]:
    """Yield the parameters and persistent buffers of one module, None where there is no value."""
    own = module.__dict__
    for name in module._parameter_names:
        yield name, own[name]
    for name in module._buffer_names:
        if name not in module._transient:
            yield name, own[name]


def collect(module: Module, destination: Any, prefix: str, keep_vars: bool) -> dict[str, Any]:
    """Fill a state dict with everything inside a module."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    metadata = getattr(destination, "_metadata", None)
    for path, inner in module.named_modules(
        prefix=prefix.removesuffix("."), remove_duplicate=False
    ):
        head = f"{path}." if path else ""
        if metadata is not None:
            metadata[path] = {"version": inner._version}
        for name, value in _members(inner):
            if value is not None:
                destination[head + name] = value if keep_vars else value.detach()
        if _has_extra_state(inner):
            destination[head + EXTRA] = inner.get_extra_state()
    return destination  # type: ignore[no-any-return]


def load(
    module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Check a whole state dict against a module, then take it over."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}. Pass what "
            "module.state_dict() returned"
        )
    expected: set[str] = set()
    missing: list[str] = []
    problems: list[str] = []
    changes: list[tuple[Module, str, Tensor, Any]] = []
    extras: list[tuple[Module, Any]] = []
    for path, inner in module.named_modules(remove_duplicate=False):
        head = f"{path}." if path else ""
        for name, value in _members(inner):
            if value is None:
                continue
            key = head + name
            expected.add(key)
            if key not in state_dict:
                missing.append(key)
                continue
            given = state_dict[key]
            problem = _problem(key, value, given, assign)
            if problem:
                problems.append(problem)
            else:
                changes.append((inner, name, value, given))
        if _takes_extra_state(inner):
            key = head + EXTRA
            expected.add(key)
            if key in state_dict:
                extras.append((inner, state_dict[key]))
            elif _has_extra_state(inner):
                missing.append(key)
    unexpected = [key for key in state_dict if key not in expected]
    if strict:
        if unexpected:
            problems.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
        if missing:
            problems.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if problems:
        text = "".join(f"\n\t{problem}" for problem in problems)
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:{text}\n"
            "Nothing was changed. Build the module with the sizes it was saved with; "
            "strict=False leaves out keys that do not match"
        )
    for inner, name, value, given in changes:
        if assign:
            _assign(inner, name, value, given)
        else:
            np.copyto(value._array, _array_of(given), casting="unsafe")
            mutations.mark(value._array)
    for inner, extra in extras:
        inner.set_extra_state(extra)
    return IncompatibleKeys(missing, unexpected)


def _array_of(given: Any) -> Any:
    """Return a checkpoint's value as an array, or None if it is neither tensor nor array."""
    if isinstance(given, Tensor):
        return given._array
    if isinstance(given, ndarray | np.generic) or hasattr(given, "__array__"):
        return np.asarray(given)
    return None


def _problem(key: str, value: Tensor, given: Any, assign: bool) -> str:
    array = _array_of(given)
    if array is None:
        return (
            f'While copying the parameter named "{key}", expected chainrule.Tensor or Tensor-like '
            f"object from checkpoint but received {type(given)}"
        )
    if array.shape != value._array.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {Size(array.shape)} from "
            f"checkpoint, the shape in current model is {value.shape}."
        )
    if array.dtype.kind not in "biuf":
        return (
            f'While copying the parameter named "{key}", whose dtype in the model is '
            f"{value.dtype}: the checkpoint's dtype {array.dtype} is not one of numbers."
        )
    if not assign and not value._array.flags.writeable:
        return f"{key}: the memory of this tensor in the model is read-only; pass assign=True"
    return ""


def _assign(module: Module, name: str, value: Tensor, given: Any) -> None:
    if not isinstance(value, Parameter):
        setattr(module, name, as_tensor(given))
    elif isinstance(given, Parameter):
        setattr(module, name, given.requires_grad_(value.requires_grad))
    else:
        setattr(module, name, Parameter(as_tensor(given), value.requires_grad))


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
