"""State dicts: a module's parameters and buffers by dotted name, and back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import ndarray

from chainrule.graph import mutations
from chainrule.nn.parameter import Parameter, is_lazy
from chainrule.ops.creation import as_tensor
from chainrule.tensor import RemovableHandle, Size, Tensor

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


class StateHooks:
    """The hooks of one module around its state dict, each kind in the order in which they run."""

    def __init__(self) -> None:
        self.before_save: dict[int, Callable[..., Any]] = {}
        self.after_save: dict[int, Callable[..., Any]] = {}
        self.before_load: dict[int, Callable[..., Any]] = {}
        self.after_load: dict[int, Callable[..., Any]] = {}


def add_hook(registry: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> RemovableHandle:
    """Add a hook to a registry and return the handle that removes it."""
    handle = RemovableHandle(registry)
    registry[handle.id] = hook
    return handle


# --- Saving ---------------------------------------------------------------------------------------


def collect(module: Module, destination: Any, prefix: str, keep_vars: bool) -> dict[str, Any]:
    """Fill a state dict with everything inside a module."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    local_metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix.removesuffix(".")] = local_metadata
    hooks = module._state_hooks
    for hook in () if hooks is None else tuple(hooks.before_save.values()):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    own = module.__dict__
    for name in module._module_names:
        if own[name] is not None:
            own[name].state_dict(
                destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
            )
    for hook in () if hooks is None else tuple(hooks.after_save.values()):
        replaced = hook(module, destination, prefix, local_metadata)
        destination = destination if replaced is None else replaced
    return destination  # type: ignore[no-any-return]


def save_own(module: Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    """Put a module's own parameters, buffers and extra state into a state dict."""
    for name, value in _members(module):
        if value is not None:
            destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()
    if _has_extra_state(module):
        destination[prefix + EXTRA] = module.get_extra_state()


# --- Loading --------------------------------------------------------------------------------------


class Findings(list[str]):
    """The problems that were found while a state dict was looked at, and the changes to make.

    Nothing changes before all modules have looked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Callable[[], None]] = []


def load(
    module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Check a whole state dict against a module, then take it over."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}. Pass what "
            "module.state_dict() returned"
        )
    metadata = getattr(state_dict, "_metadata", {})
    keys = IncompatibleKeys([], [])
    findings = Findings()
    looked: list[Module] = []
    _look(module, OrderedDict(state_dict), "", metadata, assign, keys, findings, looked)
    after = [(m, m._state_hooks.after_load) for m in looked if m._state_hooks is not None]
    if any(hooks for _, hooks in after) and not findings:
        # These hooks expect the values in place, and may strike out keys that do not match.
        _apply(findings)
        _call_after_load(after, keys)
    if strict:
        if keys.unexpected_keys:
            findings.insert(
                0, f"Unexpected key(s) in state_dict: {_quoted(keys.unexpected_keys)}. "
            )
        if keys.missing_keys:
            findings.insert(0, f"Missing key(s) in state_dict: {_quoted(keys.missing_keys)}. ")
    if findings:
        text = "".join(f"\n\t{problem}" for problem in findings)
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:{text}\n"
            "Nothing was changed. Build the module with the sizes it was saved with; "
            "strict=False leaves out keys that do not match"
        )
    _apply(findings)
    return keys


def _look(
    module: Module,
    state_dict: dict[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    assign: bool,
    keys: IncompatibleKeys,
    findings: Findings,
    looked: list[Module],
) -> None:
    """Compare a module and all inside it with the part of a state dict that is theirs."""
    local_metadata = dict(metadata.get(prefix.removesuffix("."), {}))
    local_metadata["assign_to_params_buffers"] = assign
    missing, unexpected = keys
    module._load_from_state_dict(
        state_dict, prefix, local_metadata, True, missing, unexpected, findings
    )
    own = module.__dict__
    for name in module._module_names:
        if own[name] is not None:
            head = f"{prefix}{name}."
            theirs = {key: value for key, value in state_dict.items() if key.startswith(head)}
            _look(own[name], theirs, head, metadata, assign, keys, findings, looked)
    looked.append(module)


def load_own(
    module: Module,
    state_dict: dict[str, Any],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing: list[str],
    unexpected: list[str],
    problems: list[str],
) -> None:
    """Compare a module's own parameters and buffers with a state dict and note the changes.

    Where ``problems`` are not `Findings`, which keep the changes until all were looked at, they are
    made at once.
    """
    hooks = module._state_hooks
    for hook in () if hooks is None else tuple(hooks.before_load.values()):
        hook(state_dict, prefix, local_metadata, strict, missing, unexpected, problems)
    findings = problems if isinstance(problems, Findings) else Findings()
    assign = local_metadata.get("assign_to_params_buffers", False)
    known = set()
    for name, value in _members(module):
        if value is None:
            continue
        key = prefix + name
        known.add(name)
        if key not in state_dict:
            if strict:
                missing.append(key)
            continue
        given = state_dict[key]
        if is_lazy(value) and is_lazy(given):
            continue
        problem = _problem(key, value, given, assign)
        if problem:
            problems.append(problem)
        else:
            change = _assign if assign else _copy
            findings.changes.append(partial(change, module, name, value, given))
    if _takes_extra_state(module):
        known.add(EXTRA)
        if prefix + EXTRA in state_dict:
            extra = state_dict[prefix + EXTRA]
            findings.changes.append(partial(module.set_extra_state, extra))
        elif _has_extra_state(module) and strict:
            missing.append(prefix + EXTRA)
    if strict:
        for key in state_dict:
            if key.startswith(prefix):
                name, _, inner = key[len(prefix) :].partition(".")
                if name not in (module._module_names if inner else known):
                    unexpected.append(key)
    if findings is not problems:
        _apply(findings)


def _apply(findings: Findings) -> None:
    for change in findings.changes:
        change()
    findings.changes.clear()


def _call_after_load(
    after: list[tuple[Module, dict[int, Callable[..., Any]]]], keys: IncompatibleKeys
) -> None:
    for module, hooks in after:
        for hook in tuple(hooks.values()):
            if hook(module, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace."
                )


def _array_of(given: Any) -> Any:
    """Return a checkpoint's value as an array, or None if it is neither tensor nor array."""
    if isinstance(given, Tensor):
        return given._array
    if isinstance(given, ndarray | np.generic) or hasattr(given, "__array__"):
        return np.asarray(given)
    return None


def _problem(key: str, value: Tensor, given: Any, assign: bool) -> str:
    if is_lazy(given):
        return (
            f'While copying the parameter named "{key}": the checkpoint holds an uninitialized '
            "parameter, the model an initialized one; call forward before saving"
        )
    array = _array_of(given)
    if array is None:
        return (
            f'While copying the parameter named "{key}", expected chainrule.Tensor or Tensor-like '
            f"object from checkpoint but received {type(given)}"
        )
    single = value._array.ndim == 0 and array.shape == (1,)
    if array.shape != value._array.shape and not single:
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


def _copy(module: Module, name: str, value: Tensor, given: Any) -> None:
    np.copyto(value._array, _array_of(given).reshape(value._array.shape), casting="unsafe")
    mutations.mark(value._array)


def _assign(module: Module, name: str, value: Tensor, given: Any) -> None:
    if not isinstance(value, Parameter):
        setattr(module, name, as_tensor(given))
    elif isinstance(given, Parameter):
        setattr(module, name, given.requires_grad_(value.requires_grad))
    else:
        setattr(module, name, Parameter(as_tensor(given), value.requires_grad))


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
