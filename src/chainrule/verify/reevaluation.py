"""A recorded graph as a function of its leaves: evaluated again at other values and precisions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.ops.creation import tensor
from chainrule.primitive import attach
from chainrule.replay import ancestors, gradients, inputs_of, params_of, root_of
from chainrule.symbol import operators
from chainrule.tensor import Tensor

Array = Any


def _sigmoid(x: Array) -> Array:
    below = np.exp(np.where(x.real >= 0, -x, x))
    return np.where(x.real >= 0, 1, below) / (1 + below)


def _log_one_plus_exp(x: Array) -> Array:
    return np.where(x.real > 0, x, 0) + np.log(1 + np.exp(np.where(x.real > 0, -x, x)))


def _normal_cdf(x: Array) -> Array:
    from scipy.special import erf

    return (1 + erf(x / np.sqrt(2))) / 2


def _standardise(x: Array, dims: Any, eps: float) -> Array:
    centred = x - x.mean(dims, keepdims=True)
    return _scale_to_one(centred, dims, eps)


def _scale_to_one(x: Array, dims: Any, eps: float) -> Array:
    return x / np.sqrt((x * x).mean(dims, keepdims=True) + eps)


def _elu(x: Array, alpha: float, scale: float, rate: float) -> Array:
    below = np.where(x.real > 0, 0, x)
    return scale * np.where(x.real > 0, x, alpha * (np.exp(rate * below) - 1))


def _max_pool(x: Array, *options: Any) -> Array:
    index: Any = operators["max_pool_indices"].primitive.forward(x.real, *options)  # type: ignore[attr-defined]
    planes = x.reshape(*x.shape[:2], -1)
    return np.take_along_axis(planes, index.reshape(*x.shape[:2], -1), 2).reshape(index.shape)


# Forward functions that stay analytic when their operand gets an imaginary part. The table's own
# take absolute values to avoid overflow, pick elements by an order that complex numbers lack, or
# are compiled for real numbers.
ANALYTIC: dict[str, Any] = {
    "abs": lambda x: np.where(x.real < 0, -x, x),
    "amax": lambda x, dim, keepdim: _pick_extreme(x, dim, keepdim, np.max),
    "amin": lambda x, dim, keepdim: _pick_extreme(x, dim, keepdim, np.min),
    "binary_cross_entropy_with_logits": lambda z, t, divisor: _reduce(
        _log_one_plus_exp(z) - z * t, divisor
    ),
    "clamp_max": lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
    "clamp_min": lambda a, b: np.where(np.real(a) >= np.real(b), a, b),
    "elu": _elu,
    "gelu": lambda x: x * _normal_cdf(x),
    "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "hypot": lambda a, b: np.sqrt(a * a + b * b),
    "leaky_relu": lambda x, slope: np.where(x.real > 0, x, slope * x),
    "logsigmoid": lambda x: -_log_one_plus_exp(-x),
    "max_pool": _max_pool,
    "mish": lambda x: x * np.tanh(_log_one_plus_exp(x)),
    "relu": lambda x: np.where(x.real > 0, x, 0),
    "scale_to_one": _scale_to_one,
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x, beta, threshold: np.where(
        (beta * x).real > threshold, x, _log_one_plus_exp(beta * x) / beta
    ),
    "solve": np.linalg.solve,
    "standardise": _standardise,
}


def _reduce(terms: Array, divisor: float) -> Array:
    return terms if divisor == 0 else terms.sum() / divisor


def _pick_extreme(x: Array, dim: Any, keepdim: bool, extreme: Any) -> Array:
    hit = x.real == extreme(x.real, axis=dim, keepdims=True)
    mean = np.sum(np.where(hit, x, 0), axis=dim, keepdims=keepdim)
    return mean / np.sum(hit, axis=dim, keepdims=keepdim)


class Reevaluation:
    """The scalar that a tensor's graph computes, as a function of the values of its leaves.

    Everything is computed in double precision (or complex, if a leaf is), whatever the precision in
    which the graph was recorded.

    Args:
        loss: the tensor; its graph must not have been freed.
    """

    def __init__(self, loss: Tensor) -> None:
        self.root = root_of(loss)
        self.nodes = ancestors(self.root)
        self.leaves = {
            node: np.asarray(node.saved[0], np.float64)
            for node in self.nodes
            if node.primitive is None and node.saved is not None
        }
        self.steps: list[tuple[Node, list[Any], tuple[Any, ...]]] = []
        for node in self.nodes:
            if node.primitive is None:
                continue
            given = inputs_of(node, dict.fromkeys(self.nodes))
            constants = [np.asarray(v, np.float64) if _is_float(v) else v for v in given]
            self.steps.append((node, constants, params_of(node)))

    def not_analytic(self) -> str | None:
        """Name an operation that cannot take complex values, if there is one.

        Whether it can is tried: each of its operands by itself, and all together, is moved along
        the imaginary axis, and what comes out must move as it does along the real one. A forward
        function that drops imaginary parts, or that takes an absolute value, is found out so.
        """
        values = self.values({})
        rng = np.random.default_rng(0)
        for node, constants, params in self.steps:
            if node.name == "cast":
                continue
            given = [
                c if p is None else values[p] for p, c in zip(node.inputs, constants, strict=True)
            ]
            moved = [k for k, p in enumerate(node.inputs) if p is not None]
            # Beside the values that it has here: these may lie on a kink (zeros that a relu made).
            given = [_nearby(v, rng) if k in moved else v for k, v in enumerate(given)]
            for chosen in [*([k] for k in moved), moved] if len(moved) > 1 else [moved]:
                if not _moves_alike(node, given, params, chosen, rng):
                    return node.name
        return None

    def __call__(self, changed: Mapping[Node, Array]) -> Any:
        """Return the scalar with some leaves replaced."""
        return self.values(changed)[self.root].reshape(())[()]

    def values(self, changed: Mapping[Node, Array]) -> dict[Node, Array]:
        """Return the value of every node with some values, of leaves or on the way, replaced."""
        values: dict[Node, Array] = dict(self.leaves)
        values.update(changed)
        analytic = any(np.iscomplexobj(v) for v in changed.values())
        for node, constants, params in self.steps:
            if node in changed:
                continue
            primitive = node.primitive
            assert primitive is not None
            given = [
                c if p is None else values[p] for p, c in zip(node.inputs, constants, strict=True)
            ]
            if primitive.name == "cast":
                values[node] = given[0]
                continue
            values[node] = _computed(node, given, params, analytic)
        return values

    def engine_gradients(self) -> dict[Node, Array]:
        """Return the leaves' gradients by the engine's own rules, run in double precision.

        What they differ by from those of the recorded graph is rounding: of its forward pass, too.
        Nothing is returned for a graph with custom operations, which stand in no table.
        """
        if any(node.name not in operators for node, _, _ in self.steps):
            return {}
        made: dict[Node, Any] = {n: tensor(v, requires_grad=True) for n, v in self.leaves.items()}
        for node, constants, params in self.steps:
            given = tuple(
                (attach(c, None) if isinstance(c, np.ndarray) else c) if p is None else made[p]
                for p, c in zip(node.inputs, constants, strict=True)
            )
            primitive = node.primitive
            assert primitive is not None
            if primitive.name == "cast":
                made[node] = given[0]
            elif primitive.name == "output":
                made[node] = given[0][params[0]]
            elif primitive.variadic:
                made[node] = operators[primitive.name](given, *params)
            else:
                made[node] = operators[primitive.name](*given, *params)
        found = gradients(made[self.root])
        return {n: found[made[n]._node] for n in self.leaves if made[n]._node in found}


def _computed(node: Node, given: list[Any], params: tuple[Any, ...], analytic: bool) -> Any:
    """Return what an operation makes of its operands."""
    primitive = node.primitive
    assert primitive is not None
    forward = primitive.forward
    if analytic:
        forward = ANALYTIC.get(primitive.name, forward)
        # Memory for the result is often made with the dtype of the first operand.
        if any(isinstance(v, np.ndarray | np.generic) and v.dtype.kind == "c" for v in given):
            given = [np.asarray(v, np.complex128) if _is_float(v) else v for v in given]
    value = forward(tuple(given), *params) if primitive.variadic else forward(*given, *params)
    return value if primitive.several else np.asarray(value)


# How far an operation is moved to see whether it is analytic, and how unlike the two slopes may be
# (the real one is a difference, right to about the square of the step).
_STEP = 1e-6
_UNLIKE = 1e-4


def _moves_alike(
    node: Node, given: list[Any], params: tuple[Any, ...], chosen: list[int], rng: Any
) -> bool:
    """Tell whether an operation's slopes along the real and the imaginary axis are the same."""
    ways = {k: _direction(given[k], rng) for k in chosen}

    def slope(step: complex, analytic: bool) -> Any:
        parts = [_moved(v, step, ways[k]) if k in ways else v for k, v in enumerate(given)]
        found = _computed(node, parts, params, analytic)
        return found if isinstance(found, tuple) else (found,)

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            imaginary = [np.imag(v) / _TINY for v in slope(_TINY * 1j, True)]
            pairs = zip(slope(_STEP, False), slope(-_STEP, False), strict=True)
            real = [
                (np.asarray(up, float) - np.asarray(down, float)) / (2 * _STEP)
                for up, down in pairs
            ]
        except Exception:
            # Forward functions raise whatever they like on complex numbers.
            return False
    for a, b in zip(imaginary, real, strict=True):
        finite = np.isfinite(b)
        size = 1 + float(np.max(np.abs(b), initial=0, where=finite))
        if a.shape != b.shape or not np.all(np.abs(a - b)[finite] <= _UNLIKE * size):
            return False
    return True


_TINY = 1e-40


def _nearby(value: Any, rng: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_nearby(part, rng) for part in value)
    size = float(np.max(np.abs(value), initial=0, where=np.isfinite(value)))
    return np.asarray(value + 1e-3 * size * rng.standard_normal(np.shape(value)))


def _direction(value: Any, rng: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_direction(part, rng) for part in value)
    return rng.standard_normal(np.shape(value))


def _moved(value: Any, step: complex, way: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_moved(part, step, w) for part, w in zip(value, way, strict=True))
    return np.asarray(value + step * way) if np.asarray(value).dtype.kind == "f" else value


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"
