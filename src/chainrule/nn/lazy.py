"""Modules that learn the size of their input from the first one."""

from __future__ import annotations

from typing import Any

from chainrule.modes import no_grad
from chainrule.nn.linear import Linear
from chainrule.nn.module import Module
from chainrule.nn.parameter import UninitializedParameter, is_lazy

__all__ = [
    "LazyLinear",
]


class LazyModuleMixin(Module):
    """What lazy modules have in common: a hook that completes them before the first forward.

    A subclass inherits from this and from the module it becomes, makes its parameters
    `UninitializedParameter` and defines `initialize_parameters`, which materializes them.

    >>> import chainrule as cr
    >>> from chainrule.nn.lazy import LazyModuleMixin
    >>> class LazyScale(LazyModuleMixin):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.scale = cr.nn.UninitializedParameter()
    ...
    ...     def initialize_parameters(self, x):
    ...         if self.has_uninitialized_params():
    ...             self.scale.materialize(x.shape[-1:])
    ...             cr.nn.init.ones_(self.scale)
    ...
    ...     def forward(self, x):
    ...         return x * self.scale
    >>> LazyScale()(cr.tensor([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    # The class to be of once all parameters are known; None to stay of this one.
    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self.register_load_state_dict_pre_hook(_materialize_what_is_loaded)
        self._initialize_hook = self.register_forward_pre_hook(_complete, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for an input; every subclass defines it.

        Args:
            *args: the arguments of the forward to come.
            **kwargs: its arguments by name.
        """
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Return whether the shape of a parameter or buffer is not known yet."""
        own = self.__dict__
        return any(is_lazy(own[name]) for name in (*self._parameter_names, *self._buffer_names))


def _complete(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Let a lazy module materialize its parameters, and be an ordinary module from then on."""
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
    module._initialize_hook.remove()
    module._load_hook.remove()
    del module._initialize_hook
    del module._load_hook
    if not any(vars(module._hooks).values()):
        # Without hooks a call takes the shorter way.
        del module._hooks
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


def _materialize_what_is_loaded(
    module: Any, state_dict: dict[str, Any], prefix: str, *_: Any
) -> None:
    """Give the shapes of a state dict to parameters and buffers that have none yet."""
    for name in (*module._parameter_names, *module._buffer_names):
        value, key = module.__dict__[name], prefix + name
        if is_lazy(value) and key in state_dict and not is_lazy(state_dict[key]):
            with no_grad():
                value.materialize(tuple(state_dict[key].shape))


class LazyLinear(LazyModuleMixin, Linear):
    """A linear layer whose number of inputs is that of the first input.

    Args:
        out_features: the size of each output row.
        bias: whether there is a bias.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.

    It is a `Linear` after the first forward. Until then its parameters have no shape: an optimizer
    that is made before keeps them, as they become ordinary parameters in place.

    >>> import chainrule as cr
    >>> layer = cr.nn.LazyLinear(4)
    >>> layer(cr.zeros(2, 3)).shape
    chainrule.Size([2, 4])
    >>> layer
    Linear(in_features=3, out_features=4, bias=True)
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw fresh parameters, once there are any."""
        if self.in_features != 0 and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:
        """Take the size of the input's rows."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            _materialized(self.weight, (self.out_features, self.in_features))
            if self.bias is not None:
                _materialized(self.bias, (self.out_features,))
            self.reset_parameters()
        if self.in_features == 0:
            self.in_features = self.weight.shape[-1]


def _materialized(parameter: Any, shape: tuple[int, ...]) -> None:
    if is_lazy(parameter):
        parameter.materialize(shape)
