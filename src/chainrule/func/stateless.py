"""Modules as functions of their parameters, and the parameters of several as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ops.assembly import stack
from chainrule.tensor import Tensor


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers.

    Gradients flow to the given tensors; the module is left as it was.

    Args:
        module: the module.
        parameter_and_buffer_dicts: tensors by the names of `named_parameters` and `named_buffers`,
            in one dictionary or several; what is not named stays.
        args: the arguments of the call: a tuple, or one that is not.
        kwargs: the arguments by name.
        tie_weights: a tensor for one name of a shared parameter stands for its other names too.
        strict: refuse names that are missing or unknown.

    >>> import chainrule as cr
    >>> layer = cr.nn.Linear(2, 1)
    >>> weights = {"weight": cr.ones(1, 2), "bias": cr.zeros(1)}
    >>> cr.func.functional_call(layer, weights, cr.tensor([1.0, 2.0]))
    tensor([3.])
    """
    given = _merged(parameter_and_buffer_dicts)
    present = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    if strict:
        _refuse_other_names(module, given, present)
    for name, tensor in given.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} is a {type(tensor).__name__}, expected a Tensor")
    replaced = {name: tensor for name, tensor in given.items() if name in present}
    if tie_weights:
        by_owner = {id(present[name]): tensor for name, tensor in replaced.items()}
        for name, own in present.items():
            if name not in replaced and id(own) in by_owner:
                replaced[name] = by_owner[id(own)]
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    places = [(*_place(module, name), tensor) for name, tensor in replaced.items()]
    kept = [(attributes, key, attributes[key]) for attributes, key, _ in places]
    try:
        for attributes, key, tensor in places:
            attributes[key] = tensor
        return module(*args, **(kwargs or {}))
    finally:
        for attributes, key, own in kept:
            attributes[key] = own


def _place(module: Any, name: str) -> tuple[dict[str, Any], str]:
    """Return the attributes of the module that has a parameter, and its name there."""
    path, _, key = name.rpartition(".")
    return module.get_submodule(path).__dict__, key


def _merged(given: Any) -> dict[str, Tensor]:
    if isinstance(given, dict):
        return given
    if not isinstance(given, Sequence) or not all(isinstance(d, dict) for d in given):
        raise ValueError(
            "Expected all elements of parameter_and_buffer_dicts to be dictionaries, or one "
            f"dictionary, got {type(given).__name__}"
        )
    merged: dict[str, Tensor] = {}
    for one in given:
        repeated = [name for name in one if name in merged]
        if repeated:
            raise ValueError(
                f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
                "ambiguous"
            )
        merged.update(one)
    return merged


def _refuse_other_names(module: Any, given: Any, present: Any) -> None:
    lines = []
    for words, names in (
        ("Unexpected key(s)", [n for n in given if n not in present]),
        ("Missing key(s)", [n for n in present if n not in given]),
    ):
        if names:
            lines.append(f"\n\t{words}: {', '.join(map(repr, names))}.")
    if lines:
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:{''.join(lines)}"
        )


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters and the buffers of several models, each stacked into one tensor.

    With `vmap` over `functional_call`, one call evaluates the whole ensemble.

    Args:
        models: modules of one class, all in training mode or all in evaluation mode.

    >>> import chainrule as cr
    >>> models = [cr.nn.Linear(3, 2) for _ in range(4)]
    >>> parameters, buffers = cr.func.stack_module_state(models)
    >>> parameters["weight"].shape
    chainrule.Size([4, 2, 3])
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(m.training != models[0].training for m in models):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(m.named_parameters()) for m in models])
    return parameters, _stacked([dict(m.named_buffers()) for m in models])


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    stacked = {}
    for name in states[0]:
        tensors = [state[name] for state in states]
        recorded = {t.requires_grad for t in tensors}
        if len(recorded) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        stacked[name] = stack([t.detach() for t in tensors]).requires_grad_(recorded.pop())
    return stacked
