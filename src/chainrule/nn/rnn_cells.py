"""Recurrent cells: one step of RNN, LSTM and GRU."""

from __future__ import annotations

import math
from typing import Any

from chainrule.nn import init
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.nn.recurrent import State, prepared
from chainrule.ops.creation import empty, zeros
from chainrule.ops.shape import squeeze, unsqueeze
from chainrule.tensor import Tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What cells share: the parameters weight_ih, weight_hh, bias_ih, bias_hh.

    Use `RNNCell`, `LSTMCell` or `GRUCell`. Parameters are drawn uniformly from ±1/√hidden_size.
    """

    bias_ih: Parameter | None
    bias_hh: Parameter | None
    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size

        def fresh(*shape: int) -> Parameter:
            return Parameter(empty(shape, dtype=dtype, device=device))

        self.weight_ih = fresh(gates, input_size)
        self.weight_hh = fresh(gates, hidden_size)
        if bias:
            self.bias_ih = fresh(gates)
            self.bias_hh = fresh(gates)
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh parameters."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """Return the sizes and what differs from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _step(self, mode: str, input: Tensor, state: State | None, count: int) -> State:
        """Do one step; rows without a batch dimension get one meanwhile."""
        name = self._get_name()
        if input.ndim not in (1, 2):
            raise ValueError(
                f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead: "
                "(rows, input_size), or (input_size) for one row"
            )
        for s in state or ():
            if s.ndim not in (1, 2):
                raise ValueError(f"{name}: Expected hidden to be 1D or 2D, got {s.ndim}D instead")
        batched = input.ndim == 2
        if not batched:
            input = unsqueeze(input, 0)
            state = state and tuple(unsqueeze(s, 0) for s in state)
        self._check(input, state)
        if state is None:
            blank = zeros((input.shape[0], self.hidden_size), dtype=input.dtype)
            state = (blank,) * count
        weights = [self.weight_ih, self.weight_hh]
        if self.bias_ih is not None and self.bias_hh is not None:
            weights += [self.bias_ih, self.bias_hh]
        projected, step = prepared(mode, input, weights, self.bias)
        after = step(projected, state)
        return after if batched else tuple(squeeze(s, 0) for s in after)

    def _check(self, input: Tensor, state: State | None) -> None:
        if input.shape[1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {input.shape[1]} expected "
                f"{self.input_size}"
            )
        for k, s in enumerate(state or ()):
            if s.shape[0] != input.shape[0]:
                raise RuntimeError(
                    f"Input batch size {input.shape[0]} doesn't match hidden{k} batch size "
                    f"{s.shape[0]}"
                )
            if s.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{k} has inconsistent hidden_size: got {s.shape[1]}, expected "
                    f"{self.hidden_size}"
                )


class RNNCell(RNNCellBase):
    """One step of Elman's network, h′ = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        input_size: the size of the input.
        hidden_size: the size of the state.
        bias: whether there are biases.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: input (rows, input_size), state (rows, hidden_size) → (rows, hidden_size).

    >>> import chainrule as cr
    >>> cr.nn.RNNCell(3, 4)(cr.zeros(2, 3)).shape
    chainrule.Size([2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        mode = f"RNN_{self.nonlinearity.upper()}"
        return self._step(mode, input, None if hx is None else (hx,), 1)[0]


class LSTMCell(RNNCellBase):
    """One step of an LSTM; `LSTM` has the formulas and their source.

    Args:
        input_size: the size of the input.
        hidden_size: the size of the state and of the memory.
        bias: whether there are biases.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: input (rows, input_size), state and memory (rows, hidden_size) each → the same pair.

    >>> import chainrule as cr
    >>> h, c = cr.nn.LSTMCell(3, 4)(cr.zeros(2, 3))
    >>> h.shape, c.shape
    (chainrule.Size([2, 4]), chainrule.Size([2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the next state and memory."""
        h, c = self._step("LSTM", input, None if hx is None else tuple(hx), 2)
        return h, c


class GRUCell(RNNCellBase):
    """One step of a GRU; `GRU` has the formulas and their source.

    Args:
        input_size: the size of the input.
        hidden_size: the size of the state.
        bias: whether there are biases.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: input (rows, input_size), state (rows, hidden_size) → (rows, hidden_size).

    >>> import chainrule as cr
    >>> cr.nn.GRUCell(3, 4)(cr.zeros(2, 3)).shape
    chainrule.Size([2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state."""
        return self._step("GRU", input, None if hx is None else (hx,), 1)[0]
