"""Parameters that are computed from others: constraints, reparametrizations.

A parametrized tensor of a module is a function of what is learned: reading the attribute computes
it, and what is learned is in ``module.parametrizations.<name>.original``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule.modes import no_grad
from chainrule.nn.container import ModuleDict, ModuleList
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]


class _Cache:
    """The tensors computed inside `cached`, and how many such blocks are open."""

    def __init__(self) -> None:
        self.blocks = 0
        self.tensors: dict[tuple[int, str], Tensor] = {}


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Compute every parametrized tensor only once inside, however often it is read.

    >>> import chainrule as cr
    >>> from chainrule.nn.utils import parametrizations
    >>> layer = parametrizations.weight_norm(cr.nn.Linear(2, 2))
    >>> layer.weight is layer.weight
    False
    >>> with cached():
    ...     layer.weight is layer.weight
    True
    """
    _cache.blocks += 1
    try:
        yield
    finally:
        _cache.blocks -= 1
        if not _cache.blocks:
            _cache.tensors.clear()


class ParametrizationList(ModuleList):
    """The functions that make one tensor of a module, and what they make it of.

    Args:
        modules: the functions, the first applied first.
        original: the tensor that was there. The ``right_inverse`` of the functions, where they have
            one, decides what is learned in its place: one tensor ``original``, or several,
            ``original0``, ``original1``, …
        unsafe: whether the functions may change dtype and shape.

    Raises:
        ValueError: if the functions do not give a tensor of the same shape and dtype.
    """

    original: Any

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new: Any = original
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:
                        # Then what is learned goes in as it is.
                        continue
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            if new.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            original.data = new.detach()
            _register(self, "original", original)
        else:
            for k, part in enumerate(new):
                _register(self, f"original{k}", _part(k, part, original))
        if not unsafe:
            _check_same("Registering a parametrization", self(), shape, dtype)

    def right_inverse(self, value: Tensor) -> None:
        """Set what is learned so that the functions give a value, as assigning it does.

        Raises:
            RuntimeError: if a function has no ``right_inverse``.
            ValueError: if a ``right_inverse`` does not return what is expected.
        """
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                new = module.right_inverse(new)
        if self.is_tensor:
            if not isinstance(new, Tensor):
                raise ValueError(
                    f"`right_inverse` should return a tensor. Got {type(new).__name__}"
                )
            if new.dtype != self.original.dtype:
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {new.dtype} while "
                    f"`original` has dtype {self.original.dtype}"
                )
            self.original.data = new.detach()
            return
        if not isinstance(new, Sequence):
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}."
            )
        if len(new) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(new)}."
            )
        for k, part in enumerate(new):
            present = getattr(self, f"original{k}")
            if not isinstance(part, Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors. Got element "
                    f"{k} of type {type(part).__name__}."
                )
            if part.dtype != present.dtype:
                raise ValueError(
                    f"Tensor {k} returned by `right_inverse` has dtype {part.dtype} while "
                    f"`original{k}` has dtype {present.dtype}"
                )
        for k, part in enumerate(new):
            getattr(self, f"original{k}").data = part.detach()

    def forward(self) -> Any:
        """Return the parametrized tensor."""
        first, *others = self
        if self.is_tensor:
            value = first(self.original)
        else:
            value = first(*(getattr(self, f"original{k}") for k in range(self.ntensors)))
        for module in others:
            value = module(value)
        return value


def _part(k: int, part: Any, original: Tensor) -> Tensor:
    """Return one of several tensors that are learned instead of one."""
    if not isinstance(part, Tensor):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
            f"element {k} of the sequence with type {type(part).__name__}."
        )
    if isinstance(original, Parameter):
        # A copy, lest two of them share the memory of the tensor that was there.
        return Parameter(part.detach().clone(), original.requires_grad)
    return part.detach().requires_grad_(original.requires_grad)


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_same(what: str, value: Any, shape: Any, dtype: Any) -> None:
    """Refuse a parametrization that changes what users of the tensor rely on."""
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
    for name, before, after in (("dtype", dtype, value.dtype), ("shape", shape, value.shape)):
        if before != after:
            raise ValueError(
                f"{what} may not change the {name} of the tensor, unless the `unsafe` flag is "
                f"enabled.\nunparametrized {name}: {before}\nparametrized {name}: {after}"
            )


# --- The class of a parametrized module -----------------------------------------------------------
# The tensors become properties, and properties belong to a class: a parametrized module gets one of
# its own.


def _property(name: str) -> property:
    def get(self: Any) -> Any:
        functions = self.parametrizations[name]
        if not _cache.blocks:
            return functions()
        key = (id(self), name)
        if key not in _cache.tensors:
            _cache.tensors[key] = functions()
        return _cache.tensors[key]

    def set_(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, set_)


def _refuse_to_pickle(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): build and "
        "parametrize the module again, then load_state_dict"
    )


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    known = memo.get(id(self))
    if known is None:
        known = memo[id(self)] = object.__new__(type(self))
        vars(known).update(copy.deepcopy(vars(self), memo))
    return known


def _give_class(module: Module, original: type, names: Sequence[str]) -> None:
    """Let a module be of a class with a property for each parametrized tensor."""
    if not names:
        module.__class__ = original
        return
    members: dict[str, Any] = {name: _property(name) for name in names}
    members["__module__"] = original.__module__
    members["__getstate__"] = _refuse_to_pickle
    members.setdefault("__deepcopy__", getattr(original, "__deepcopy__", _deepcopy))
    module.__class__ = type(f"Parametrized{original.__name__}", (original,), members)


# --- Registering ----------------------------------------------------------------------------------


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let a parameter or buffer of a module be a function of what is learned.

    Args:
        module: the module.
        tensor_name: the name of the parameter or buffer. One that is parametrized already goes
            through the new function after the others.
        parametrization: the function: its ``forward`` takes what is learned and returns the tensor.
            Its ``right_inverse``, if it has one, turns the present value into what is learned.
        unsafe: whether it may change dtype and shape; else it is tried out at once.

    Returns:
        The module.

    Raises:
        ValueError: if there is no such tensor, or the function changes its shape or dtype.

    >>> import chainrule as cr
    >>> class Symmetric(cr.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = cr.nn.Linear(3, 3)
    >>> _ = register_parametrization(layer, "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _try_out(module, tensor_name, parametrization)
        functions: Any = _all(module)[tensor_name]
        functions.append(parametrization)
        functions.unsafe |= unsafe
        return module
    if tensor_name not in module._buffer_names and tensor_name not in module._parameter_names:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    functions = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
    original = type_before_parametrizations(module)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    _all(module)[tensor_name] = functions
    _give_class(module, original, list(_all(module)))
    return module


def _all(module: Module) -> ModuleDict:
    return module.__dict__["parametrizations"]  # type: ignore[no-any-return]


def _try_out(module: Module, name: str, parametrization: Module) -> None:
    """Refuse one more function if it, or its inverse, changes shape or dtype."""
    present = getattr(module, name)
    value = parametrization(present)
    _check_same("Registering a parametrization", value, present.shape, present.dtype)
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(value)
    except NotImplementedError:
        return
    if not isinstance(back, Tensor):
        raise ValueError(
            f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
        )
    _check_same("The tensor returned by parametrization.right_inverse", back, *_kind(present))


def _kind(tensor: Tensor) -> tuple[Any, Any]:
    return tensor.shape, tensor.dtype


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether a module has a parametrized tensor, or one of a name.

    >>> import chainrule as cr
    >>> is_parametrized(cr.nn.Linear(1, 1))
    False
    """
    functions = module.__dict__.get("parametrizations")
    if not isinstance(functions, ModuleDict):
        return False
    return len(functions) > 0 if tensor_name is None else tensor_name in functions


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make an ordinary parameter or buffer of a parametrized tensor.

    Args:
        module: the module.
        tensor_name: the name of the tensor.
        leave_parametrized: whether it keeps the value that the functions gave it, or takes that of
            what was learned.

    Returns:
        The module.

    Raises:
        ValueError: if the tensor is not parametrized, or is to take the value of several tensors.

    >>> import chainrule as cr
    >>> from chainrule.nn.utils import parametrizations
    >>> layer = parametrizations.weight_norm(cr.nn.Linear(2, 2))
    >>> [name for name, _ in remove_parametrizations(layer, "weight").named_parameters()]
    ['bias', 'weight']
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions: Any = _all(module)[tensor_name]
    if not functions.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    if not functions.is_tensor:
        value = getattr(module, tensor_name)
        kept = Parameter(value.detach()) if value.requires_grad else value
    else:
        kept = functions.original
        if leave_parametrized:
            with no_grad():
                kept.data = getattr(module, tensor_name).detach()
    original = type_before_parametrizations(module)
    del _all(module)[tensor_name]
    _give_class(module, original, list(_all(module)))
    if not is_parametrized(module):
        holder: Any = module
        del holder.parametrizations
    _register(module, tensor_name, kept)
    return module


def type_before_parametrizations(module: Module) -> type:
    """Return the class that a module had before it was parametrized.

    >>> import chainrule as cr
    >>> from chainrule.nn.utils import parametrizations
    >>> layer = parametrizations.weight_norm(cr.nn.Linear(2, 2))
    >>> type(layer).__name__, type_before_parametrizations(layer).__name__
    ('ParametrizedLinear', 'Linear')
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give a module the parametrizations of another, and what is learned.

    Args:
        from_module: the module to take them from.
        to_module: the module to give them to.
        tensor_name: the one tensor to treat so; all that are parametrized, if None.

    Returns:
        ``to_module``.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in list(_all(from_module)) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        theirs: Any = _all(from_module)[name]
        for function in theirs:
            register_parametrization(to_module, name, function)
        mine = _all(to_module)[name]
        for original in theirs._parameter_names | theirs._buffer_names:
            setattr(mine, original, getattr(theirs, original))
    return to_module
