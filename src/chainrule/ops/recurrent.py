"""One step of gated recurrent cells, from their pre-activations.

A cell's gates are computed by one matrix product, so their pre-activations stand side by side, in
PyTorch's order: i, f, g, o for the LSTM (Hochreiter and Schmidhuber, "Long short-term memory",
Neural Computation 9, 1997; with the forget gate of Gers, Schmidhuber and Cummins, Neural
Computation 12, 2000), r, z, n for the GRU (Cho et al., "Learning phrase representations using RNN
encoder-decoder", 2014, in the variant that applies the reset gate after the product).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops.assembly import joined
from chainrule.ops.exponential import sigmoid, tanh
from chainrule.ops.notation import between_brackets, index_parts
from chainrule.ops.padding import padded
from chainrule.symbol import LEVELS, Notation, Style

Array = ndarray[Any, Any]


def _opened(z: Array) -> Array:
    """Return the sigmoid of pre-activations, in one buffer."""
    y = np.negative(z)
    with np.errstate(over="ignore"):  # see `sigmoid`
        np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


def columns(z: Any, size: int, first: int, last: int | None = None) -> Any:
    """Return the columns of one gate, or of several that stand together."""
    return z[:, first * size : (first + 1 if last is None else last) * size]


def _side_by_side(size: int, *gates: Any) -> Any:
    return joined(gates, 1, tuple(size * k for k in range(len(gates) + 1)))


def _written_gate(style: Style, z: Any, function: str, size: int, k: int) -> str:
    index = (slice(None), slice(k * size, (k + 1) * size))
    part = between_brackets(style, index_parts(style, index))
    if function == "σ" and style.which == "latex":
        function = r"\sigma"
    else:
        function = style.function(function)
    return function + style.parentheses(f"{z:atom}{part}")


# --- LSTM -----------------------------------------------------------------------------------------


def _memory(z: Array, c: Array, size: int) -> tuple[Array, Array, Array, Array]:
    gates = _opened(columns(z, size, 0, 2))
    i, f = columns(gates, size, 0), columns(gates, size, 1)
    t = np.tanh(columns(z, size, 2))
    y = i * t
    y += f * c
    return y, i, f, t


def _memory_gradient(g: Any, c: Any, i: Any, f: Any, t: Any, size: int) -> Any:
    into = _side_by_side(size, g * t * i * (1 - i), g * c * f * (1 - f), g * i * (1 - t * t))
    return padded(into, ((0, 0), (0, size)), 0.0)


def _write_memory(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    z, size = o["z"], o["size"]
    i, f, t = (_written_gate(style, z, name, size, k) for k, name in enumerate(("σ", "σ", "tanh")))
    dot = style.hadamard
    return f"{f}{dot}{o['c']:factor} + {i}{dot}{t}", LEVELS["sum"]


lstm_memory: Operation = define(
    "lstm_memory",
    _memory,
    params=("size",),
    z=_memory_gradient,
    c=lambda g, f: g * f,
    extras={
        "i": lambda z, size: sigmoid(columns(z, size, 0)),
        "f": lambda z, size: sigmoid(columns(z, size, 1)),
        "t": lambda z, size: tanh(columns(z, size, 2)),
    },
    notation=Notation(custom=_write_memory),
    doc="""The new memory of an LSTM cell, c′ = σ(f) ⊙ c + σ(i) ⊙ tanh(g).

    Shapes: z (N, 4·size), the pre-activations i, f, g, o; c (N, size) → (N, size).
    """,
)


def _output(z: Array, c: Array, size: int) -> tuple[Array, Array, Array]:
    gate = _opened(columns(z, size, 3))
    t = np.tanh(c)
    return gate * t, gate, t


def _write_output(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    gate = _written_gate(style, o["z"], "σ", o["size"], 3)
    squashed = style.function("tanh") + style.parentheses(f"{o['c']}")
    return f"{gate}{style.hadamard}{squashed}", LEVELS["term"]


lstm_output: Operation = define(
    "lstm_output",
    _output,
    params=("size",),
    z=lambda g, gate, t, size: padded(g * t * gate * (1 - gate), ((0, 0), (3 * size, 0)), 0.0),
    c=lambda g, gate, t: g * gate * (1 - t * t),
    extras={
        "gate": lambda z, size: sigmoid(columns(z, size, 3)),
        "t": lambda c: tanh(c),
    },
    notation=Notation(custom=_write_output),
    doc="""The output of an LSTM cell, h′ = σ(o) ⊙ tanh(c′).

    Shapes: z (N, 4·size), the pre-activations i, f, g, o; c (N, size) → (N, size).
    """,
)

# --- GRU ------------------------------------------------------------------------------------------


def _gru(x: Array, p: Array, h: Array, size: int) -> tuple[Array, ...]:
    gates = _opened(columns(x, size, 0, 2) + columns(p, size, 0, 2))
    r, u = columns(gates, size, 0), columns(gates, size, 1)
    n = columns(p, size, 2) * r
    n += columns(x, size, 2)
    np.tanh(n, out=n)
    y = h - n
    y *= u
    y += n
    return y, r, u, n


def _gru_gradients(
    g: Any, p: Any, h: Any, r: Any, u: Any, n: Any, size: int
) -> tuple[Any, Any, Any]:
    into_n = g * (1 - u) * (1 - n * n)
    into_r = into_n * columns(p, size, 2) * r * (1 - r)
    into_u = g * (h - n) * u * (1 - u)
    return into_r, into_u, into_n


def _gru_x(g: Any, p: Any, h: Any, r: Any, u: Any, n: Any, size: int) -> Any:
    return _side_by_side(size, *_gru_gradients(g, p, h, r, u, n, size))


def _gru_p(g: Any, p: Any, h: Any, r: Any, u: Any, n: Any, size: int) -> Any:
    into_r, into_u, into_n = _gru_gradients(g, p, h, r, u, n, size)
    return _side_by_side(size, into_r, into_u, into_n * r)


def _reset(x: Any, p: Any, size: int) -> Any:
    return sigmoid(columns(x, size, 0) + columns(p, size, 0))


gru_step: Operation = define(
    "gru_step",
    _gru,
    params=("size",),
    x=_gru_x,
    p=_gru_p,
    h=lambda g, u: g * u,
    extras={
        "r": _reset,
        "u": lambda x, p, size: sigmoid(columns(x, size, 1) + columns(p, size, 1)),
        "n": lambda x, p, size: tanh(
            columns(x, size, 2) + _reset(x, p, size) * columns(p, size, 2)
        ),
    },
    notation=Notation("gru({x}, {p}, {h})", r"\operatorname{{gru}}\left({x}, {p}, {h}\right)"),
    doc="""One step of a GRU, h′ = (1 − z) ⊙ n + z ⊙ h with n = tanh(xₙ + r ⊙ pₙ).

    Shapes: x (N, 3·size) and p (N, 3·size), the parts of the pre-activations r, z, n that come
    from the input and from the state; h (N, size) → (N, size).
    """,
)
