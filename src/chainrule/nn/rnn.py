"""Recurrent layers over whole sequences: RNN, LSTM, GRU."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any, cast

from chainrule.nn import init
from chainrule.nn.functional.dropout import dropout
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.nn.recurrent import State, over_steps, prepared
from chainrule.ops.assembly import cat, stack
from chainrule.ops.creation import empty, zeros
from chainrule.ops.picking import index_select
from chainrule.ops.shape import squeeze, transpose, unsqueeze
from chainrule.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What recurrent layers share: parameters, layers, directions, packed sequences.

    Use `RNN`, `LSTM` or `GRU`. Parameters are named ``weight_ih_l0``, ``weight_hh_l0``,
    ``bias_ih_l0``, ``bias_hh_l0``, with the layer's number, and ``_reverse`` for the second
    direction; all are drawn uniformly from ±1/√hidden_size.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_arguments(mode, hidden_size, num_layers, dropout, proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        output = proj_size or hidden_size
        gates = _GATES[mode] * hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            taken = input_size if layer == 0 else output * directions
            for direction in range(directions):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (gates, taken),
                    "weight_hh": (gates, output),
                }
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = []
                for kind, shape in shapes.items():
                    name = f"{kind}_l{layer}{'_reverse' * direction}"
                    setattr(self, name, Parameter(empty(shape, dtype=dtype, device=device)))
                    names.append(name)
                self._all_weights.append(names)
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction, in order."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def reset_parameters(self) -> None:
        """Draw fresh parameters."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing; in PyTorch it brings the parameters together for a GPU."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Run the layers over a sequence.

        Args:
            input: (steps, rows, input_size), (rows, steps, input_size) if ``batch_first``,
                (steps, input_size) for one sequence, or a `PackedSequence`.
            hx: the first state, (layers · directions, rows, size), for an LSTM a pair of them;
                zeros if None.

        Returns:
            The last layer's output at every step, and the last state of every layer.
        """
        if hasattr(input, "batch_sizes"):
            return self._packed(input, hx)
        if input.ndim not in (2, 3):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {input.ndim}D instead: "
                "(steps, rows, input_size), or (steps, input_size) for one sequence"
            )
        batched = input.ndim == 3
        if not batched:
            self._check_unbatched(hx)
            input = unsqueeze(input, 1)
            hx = _each(hx, lambda s: unsqueeze(s, 1))
        elif self.batch_first:
            input = transpose(input, 0, 1)
        if input.shape[0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        output, state = self._run(input, hx, input.shape[1], None)
        if not batched:
            return squeeze(output, 1), _each(state, lambda s: squeeze(s, 1))
        return (transpose(output, 0, 1) if self.batch_first else output), state

    def _packed(self, input: Any, hx: Any) -> tuple[Any, Any]:
        data, sizes, order, back = input
        if hx is not None and order is not None:
            hx = _each(hx, lambda s: index_select(s, 1, order))
        counts = [int(n) for n in sizes.tolist()]
        output, state = self._run(data, hx, counts[0], counts)
        if back is not None:
            state = _each(state, lambda s: index_select(s, 1, back))
        return type(input)(output, sizes, order, back), state

    def _run(
        self, input: Tensor, hx: Any, rows: int, batch_sizes: list[int] | None
    ) -> tuple[Tensor, Any]:
        self._check_input(input, batch_sizes)
        start = self._start(input, hx, rows)
        directions = 2 if self.bidirectional else 1
        ends: list[State] = []
        every = self.all_weights
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                place = layer * directions + direction
                projected, step = prepared(self.mode, input, every[place], self.bias)
                first = tuple(s[place] for s in start)
                output, end = over_steps(step, projected, first, direction == 1, batch_sizes)
                outputs.append(output)
                ends.append(end)
            input = outputs[0] if directions == 1 else cat(outputs, -1)
            if self.dropout and self.training and layer < self.num_layers - 1:
                input = dropout(input, self.dropout, True)
        last = tuple(stack(parts) for parts in zip(*ends, strict=True))
        return input, (last if self.mode == "LSTM" else last[0])

    def _start(self, input: Tensor, hx: Any, rows: int) -> State:
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or self.hidden_size]
        if self.mode == "LSTM":
            sizes.append(self.hidden_size)
        if hx is None:
            return tuple(zeros((count, rows, n), dtype=input.dtype) for n in sizes)
        given = tuple(hx) if self.mode == "LSTM" else (hx,)
        if len(given) != len(sizes):
            raise RuntimeError(
                f"LSTM: expected the pair (h_0, c_0) as hx, got {len(given)} tensors"
            )
        for k, (state, n) in enumerate(zip(given, sizes, strict=True)):
            if tuple(state.shape) != (count, rows, n):
                which = f"hidden[{k}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(
                    f"Expected {which} size {(count, rows, n)}, got {list(state.shape)}"
                )
        return given

    def _check_input(self, input: Tensor, batch_sizes: list[int] | None) -> None:
        weight = cast(Tensor, getattr(self, self._all_weights[0][0]))
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: "
                f"model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.ndim != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input.shape[-1]}"
            )

    def _check_unbatched(self, hx: Any) -> None:
        if hx is None:
            return
        states = tuple(hx) if self.mode == "LSTM" else (hx,)
        if any(s.ndim != 2 for s in states):
            names = "hx and cx" if self.mode == "LSTM" else "hx"
            dims = ", ".join(f"{s.ndim}-D" for s in states)
            raise RuntimeError(
                f"For unbatched 2-D input, {names} should also be 2-D but got ({dims}) tensors"
            )

    def extra_repr(self) -> str:
        """Return the sizes and what differs from the defaults."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.proj_size:
            parts.append(f"proj_size={self.proj_size}")
        if self.num_layers != 1:
            parts.append(f"num_layers={self.num_layers}")
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.batch_first is not False:
            parts.append(f"batch_first={self.batch_first}")
        if self.dropout:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional is not False:
            parts.append(f"bidirectional={self.bidirectional}")
        return ", ".join(parts)


def _each(state: Any, change: Any) -> Any:
    """Change every tensor of a state."""
    if state is None:
        return None
    return change(state) if isinstance(state, Tensor) else tuple(change(s) for s in state)


def _check_arguments(
    mode: str, hidden_size: Any, num_layers: Any, dropout: Any, proj_size: int
) -> None:
    if (
        isinstance(dropout, bool)
        or not isinstance(dropout, numbers.Number)
        or not (0 <= cast(float, dropout) <= 1)
    ):
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element "
            f"being zeroed; got {dropout!r}"
        )
    if cast(float, dropout) > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and num_layers=1",
            stacklevel=4,
        )
    for name, value in (("hidden_size", hidden_size), ("num_layers", num_layers)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero; got {value}")
    if proj_size < 0:
        raise ValueError(
            "proj_size should be a positive integer or zero to disable projections; got "
            f"{proj_size}"
        )
    if proj_size >= hidden_size:
        raise ValueError(
            f"proj_size has to be smaller than hidden_size; got {proj_size} and {hidden_size}"
        )


class RNN(RNNBase):
    """Elman's recurrent network: h′ = tanh(W_ih x + b_ih + W_hh h + b_hh) at every step.

    Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Args:
        input_size: the size of the input at a step.
        hidden_size: the size of the state.
        num_layers: how many layers, each over the outputs of the one before.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: whether there are biases.
        batch_first: rows come before steps in inputs and outputs (not in states).
        dropout: the probability of dropout between layers.
        bidirectional: also run backwards; the outputs are put side by side.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: input (steps, rows, input_size) → output (steps, rows, directions · hidden_size) and
    state (layers · directions, rows, hidden_size).

    >>> import chainrule as cr
    >>> output, state = cr.nn.RNN(3, 4)(cr.zeros(5, 2, 3))
    >>> output.shape, state.shape
    (chainrule.Size([5, 2, 4]), chainrule.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: a state h and a memory c, guarded by gates i, f, o.

    z = W_ih x + b_ih + W_hh h + b_hh gives the pre-activations i, f, g, o;
    c′ = σ(f) ⊙ c + σ(i) ⊙ tanh(g), h′ = σ(o) ⊙ tanh(c′), and W_hr h′ with a projection.

    Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the
    projection: Sak, Senior and Beaufays, "Long short-term memory based recurrent neural network
    architectures", 2014.

    Args:
        input_size: the size of the input at a step.
        hidden_size: the size of the memory, and of the state without projection.
        num_layers: how many layers, each over the outputs of the one before.
        bias: whether there are biases.
        batch_first: rows come before steps in inputs and outputs (not in states).
        dropout: the probability of dropout between layers.
        bidirectional: also run backwards; the outputs are put side by side.
        proj_size: project the state to this size, if not 0.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: input (steps, rows, input_size) → output (steps, rows, directions · size) and the pair
    of states h (layers · directions, rows, size) and c (layers · directions, rows, hidden_size).

    >>> import chainrule as cr
    >>> output, (h, c) = cr.nn.LSTM(3, 4, batch_first=True)(cr.zeros(2, 5, 3))
    >>> output.shape, h.shape, c.shape
    (chainrule.Size([2, 5, 4]), chainrule.Size([1, 2, 4]), chainrule.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    """Gated recurrent unit: h′ = (1 − z) ⊙ n + z ⊙ h with the gates r and z.

    r and z are sigmoids of W_ih x + b_ih + W_hh h + b_hh, n is the tanh of
    W_in x + b_in + r ⊙ (W_hn h + b_hn).

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation", 2014; r is applied after the product, as in PyTorch.

    Args:
        input_size: the size of the input at a step.
        hidden_size: the size of the state.
        num_layers: how many layers, each over the outputs of the one before.
        bias: whether there are biases.
        batch_first: rows come before steps in inputs and outputs (not in states).
        dropout: the probability of dropout between layers.
        bidirectional: also run backwards; the outputs are put side by side.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: as those of `RNN`.

    >>> import chainrule as cr
    >>> output, state = cr.nn.GRU(3, 4, num_layers=2)(cr.zeros(5, 2, 3))
    >>> output.shape, state.shape
    (chainrule.Size([5, 2, 4]), chainrule.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
