"""The recurrences behind `chainrule.nn.RNN`, `LSTM` and `GRU`: one layer, one direction.

The input's part of the pre-activations is one matrix product for all steps. What depends on the
state then goes step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.ops.assembly import cat, stack
from chainrule.ops.exponential import relu, tanh
from chainrule.ops.linear_algebra import linear
from chainrule.ops.pieces import narrow, split, unbind
from chainrule.ops.recurrent import gru_step, lstm_memory, lstm_output
from chainrule.tensor import Tensor

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], State]
Weights = Sequence[Tensor]


def prepared(mode: str, input: Tensor, weights: Weights, bias: bool) -> tuple[Tensor, Step]:
    """Return the input's part of all steps, and the function that does one step.

    Args:
        mode: ``"RNN_TANH"``, ``"RNN_RELU"``, ``"LSTM"`` or ``"GRU"``.
        input: (…, input_size), all steps at once.
        weights: weight_ih, weight_hh, bias_ih and bias_hh if ``bias``, and the projection's matrix
            if there is one.
        bias: whether there are biases.
    """
    from_input, from_state = weights[0], weights[1]
    rest = weights[2:]
    b_input = b_state = None
    if bias:
        b_input, b_state, *rest = rest
    projection = rest[0] if rest else None
    if mode == "GRU":
        return linear(input, from_input, b_input), _gru(from_state, b_state)
    # The two biases of a step only ever occur as their sum.
    both = None if b_input is None or b_state is None else b_input + b_state
    step = (
        _lstm(from_state, projection)
        if mode == "LSTM"
        else _elman(from_state, relu if mode == "RNN_RELU" else tanh)
    )
    return linear(input, from_input, both), step


def _elman(weight: Tensor, activation: Callable[[Tensor], Tensor]) -> Step:
    """A step of Elman's network (Cognitive Science 14, 1990): h′ = f(x + W h)."""

    def step(x: Tensor, state: State) -> State:
        return (activation(x + linear(state[0], weight)),)

    return step


def _lstm(weight: Tensor, projection: Tensor | None) -> Step:
    size = weight._array.shape[0] // 4

    def step(x: Tensor, state: State) -> State:
        h, c = state
        z = x + linear(h, weight)
        c = lstm_memory(z, c, size)
        h = lstm_output(z, c, size)
        return (h if projection is None else linear(h, projection)), c

    return step


def _gru(weight: Tensor, bias: Tensor | None) -> Step:
    size = weight._array.shape[0] // 3

    def step(x: Tensor, state: State) -> State:
        return (gru_step(x, linear(state[0], weight, bias), state[0], size),)

    return step


def over_steps(
    step: Step, inputs: Tensor, state: State, reverse: bool, batch_sizes: Sequence[int] | None
) -> tuple[Tensor, State]:
    """Run a recurrence over a sequence.

    Args:
        step: from `prepared`.
        inputs: (steps, rows, …), or for packed sequences (all rows of all steps, …).
        state: (rows, size) each.
        reverse: from the last step to the first.
        batch_sizes: how many rows each step of packed sequences has; None if all have the same.

    Returns:
        The outputs, laid out as the inputs are, and the last state of every row.
    """
    if batch_sizes is not None:
        run = _growing if reverse else _shrinking
        outputs, state = run(step, split(inputs, list(batch_sizes)), state, batch_sizes)
        return cat(outputs), state
    parts = unbind(inputs)
    outputs = []
    for x in reversed(parts) if reverse else parts:
        state = step(x, state)
        outputs.append(state[0])
    if reverse:
        outputs.reverse()
    return stack(outputs), state


def _shrinking(
    step: Step, parts: Sequence[Tensor], state: State, sizes: Sequence[int]
) -> tuple[list[Tensor], State]:
    """Run packed sequences forwards: the shorter ones, which stand last, end first."""
    outputs, ended = [], []
    rows = sizes[0]
    for x, size in zip(parts, sizes, strict=True):
        if size < rows:
            ended.append(tuple(narrow(s, 0, size, rows - size) for s in state))
            state = tuple(narrow(s, 0, 0, size) for s in state)
            rows = size
        state = step(x, state)
        outputs.append(state[0])
    ended.append(state)
    return outputs, tuple(cat(list(reversed(parts))) for parts in zip(*ended, strict=True))


def _growing(
    step: Step, parts: Sequence[Tensor], start: State, sizes: Sequence[int]
) -> tuple[list[Tensor], State]:
    """Run packed sequences backwards: the shorter ones, which stand last, begin later."""
    outputs: list[Tensor] = []
    rows = sizes[-1]
    state = tuple(narrow(s, 0, 0, rows) for s in start)
    for x, size in zip(reversed(parts), reversed(sizes), strict=True):
        if size > rows:
            begun = (narrow(s, 0, rows, size - rows) for s in start)
            state = tuple(cat([s, b]) for s, b in zip(state, begun, strict=True))
            rows = size
        state = step(x, state)
        outputs.append(state[0])
    outputs.reverse()
    return outputs, state
