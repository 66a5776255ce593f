"""The operations that are timed, written once against PyTorch's interface.

A case is an operation with operands of about a given number of elements: a function of the
library and its tensors. The gradient is taken of every floating operand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Make = Callable[[np.random.Generator, int], list[Any]]
Call = Callable[..., Any]

SIZES = (100, 10_000, 1_000_000)


@dataclass(frozen=True)
class Case:
    """An operation and its operands.

    Attributes:
        call: from the library and the operands (tensors of it) to the result.
        operands: from a generator and a number of elements to arrays; the float32 ones are
            differentiated.
    """

    call: Call
    operands: Make


def side(n: int) -> int:
    """The side of a square with n elements."""
    return round(n**0.5)


def normal(random: np.random.Generator, *shape: int) -> np.ndarray[Any, Any]:
    return random.standard_normal(shape).astype(np.float32)


def square(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, side(n), side(n))]


def positive(random: np.random.Generator, n: int) -> list[Any]:
    return [np.abs(normal(random, side(n), side(n))) + 0.1]


def two(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, side(n), side(n)), normal(random, side(n), side(n))]


def with_row(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, side(n), side(n)), normal(random, side(n))]


def batch(random: np.random.Generator, n: int) -> list[Any]:
    """Two stacks of matrices with rows of 10."""
    count = max(1, n // 100)
    return [normal(random, count, 10, 10), normal(random, count, 10, 10)]


def square_with_places(random: np.random.Generator, n: int) -> list[Any]:
    s = side(n)
    return [normal(random, s, s), random.integers(0, s, (s, s))]


def square_with_rows(random: np.random.Generator, n: int) -> list[Any]:
    s = side(n)
    return [normal(random, s, s), random.integers(0, s, s)]


def with_condition(random: np.random.Generator, n: int) -> list[Any]:
    return [random.random((side(n), side(n))) < 0.5, *two(random, n)]


def probabilities(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, side(n), side(n)), random.random((side(n), side(n)))]


def layer(random: np.random.Generator, n: int) -> list[Any]:
    s = side(n)
    return [normal(random, s, s), normal(random, s, s), normal(random, s)]


def scaled(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, side(n), side(n)), normal(random, side(n)), normal(random, side(n))]


OPERATIONS: dict[str, Case] = {
    "add, a row": Case(lambda lib, x, b: x + b, with_row),
    "mul": Case(lambda lib, x, y: x * y, two),
    "div": Case(lambda lib, x, y: x / y, lambda r, n: [*square(r, n), *positive(r, n)]),
    "pow(3)": Case(lambda lib, x: x**3, square),
    "sqrt": Case(lambda lib, x: lib.sqrt(x), positive),
    "exp": Case(lambda lib, x: lib.exp(x), square),
    "log": Case(lambda lib, x: lib.log(x), positive),
    "sin": Case(lambda lib, x: lib.sin(x), square),
    "tanh": Case(lambda lib, x: lib.tanh(x), square),
    "sigmoid": Case(lambda lib, x: lib.sigmoid(x), square),
    "relu": Case(lambda lib, x: lib.relu(x), square),
    "gelu": Case(lambda lib, x: lib.nn.functional.gelu(x), square),
    "silu": Case(lambda lib, x: lib.nn.functional.silu(x), square),
    "softplus": Case(lambda lib, x: lib.nn.functional.softplus(x), square),
    "erf": Case(lambda lib, x: lib.erf(x), square),
    "abs": Case(lambda lib, x: lib.abs(x), square),
    "clamp": Case(lambda lib, x: lib.clamp(x, -0.5, 0.5), square),
    "maximum": Case(lambda lib, x, y: lib.maximum(x, y), two),
    "where": Case(lambda lib, c, x, y: lib.where(c, x, y), with_condition),
    "sum": Case(lambda lib, x: lib.sum(x), square),
    "sum(dim=0)": Case(lambda lib, x: lib.sum(x, 0), square),
    "mean(dim=1)": Case(lambda lib, x: lib.mean(x, 1), square),
    "var(dim=1)": Case(lambda lib, x: lib.var(x, 1), square),
    "norm": Case(lambda lib, x: lib.linalg.vector_norm(x), square),
    "amax(dim=1)": Case(lambda lib, x: lib.amax(x, 1), square),
    "max(dim=1)": Case(lambda lib, x: lib.max(x, 1)[0], square),
    "softmax": Case(lambda lib, x: lib.softmax(x, 1), square),
    "log_softmax": Case(lambda lib, x: lib.log_softmax(x, 1), square),
    "logsumexp": Case(lambda lib, x: lib.logsumexp(x, 1), square),
    "cumsum": Case(lambda lib, x: lib.cumsum(x, 1), square),
    "sort": Case(lambda lib, x: lib.sort(x, 1)[0], square),
    "topk(5)": Case(lambda lib, x: lib.topk(x, 5)[0], square),
    "matmul": Case(lambda lib, x, y: x @ y, two),
    "bmm": Case(lambda lib, x, y: lib.bmm(x, y), batch),
    "einsum(ij,kj->ik)": Case(lambda lib, x, y: lib.einsum("ij,kj->ik", x, y), two),
    "linear": Case(lambda lib, x, w, b: lib.nn.functional.linear(x, w, b), layer),
    "transposed copy": Case(lambda lib, x: x.t().contiguous(), square),
    "cat": Case(lambda lib, x, y: lib.cat([x, y], 1), two),
    "stack": Case(lambda lib, x, y: lib.stack([x, y]), two),
    "x[rows]": Case(lambda lib, x, rows: x[rows], square_with_rows),
    "gather": Case(lambda lib, x, places: lib.gather(x, 1, places), square_with_places),
    "scatter_add": Case(
        lambda lib, x, places: lib.zeros_like(x).scatter_add(1, places, x), square_with_places
    ),
    "embedding": Case(lambda lib, x, rows: lib.nn.functional.embedding(rows, x), square_with_rows),
    "layer_norm": Case(
        lambda lib, x, w, b: lib.nn.functional.layer_norm(x, (x.shape[1],), w, b), scaled
    ),
    "batch_norm": Case(
        lambda lib, x, w, b: lib.nn.functional.batch_norm(x, None, None, w, b, True), scaled
    ),
    "cross_entropy": Case(
        lambda lib, x, rows: lib.nn.functional.cross_entropy(x, rows), square_with_rows
    ),
    "mse_loss": Case(lambda lib, x, y: lib.nn.functional.mse_loss(x, y), two),
    "bce_with_logits": Case(
        lambda lib, x, p: lib.nn.functional.binary_cross_entropy_with_logits(x, p.to(x.dtype)),
        probabilities,
    ),
}


def images(channels_in: int, channels_out: int, kernel: int, *, groups: int = 1) -> Make:
    """Images of n elements in all, at least one, 14 pixels square, and a kernel."""

    def make(random: np.random.Generator, n: int) -> list[Any]:
        rows = max(1, n // (channels_in * 14 * 14))
        return [
            normal(random, rows, channels_in, 14, 14),
            normal(random, channels_out, channels_in // groups, kernel, kernel) / kernel,
        ]

    return make


def image(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, max(1, n // (16 * 14 * 14)), 16, 14, 14)]


def signal(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, max(1, n // (16 * 64)), 16, 64), normal(random, 32, 16, 3) / 7]


def volume(random: np.random.Generator, n: int) -> list[Any]:
    return [normal(random, max(1, n // (4 * 512)), 4, 8, 8, 8), normal(random, 8, 4, 3, 3, 3) / 10]


def heads(random: np.random.Generator, n: int) -> list[Any]:
    """Queries, keys and values of n elements each: 4 heads, 64 tokens, 32 wide."""
    rows = max(1, n // (4 * 64 * 32))
    return [normal(random, rows, 4, 64, 32) for _ in range(3)]


def _attention(lib: Any, q: Any, k: Any, v: Any, causal: bool) -> Any:
    return lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


LAYERS: dict[str, Case] = {
    "conv2d 3×3, 16→32": Case(
        lambda lib, x, w: lib.nn.functional.conv2d(x, w, padding=1), images(16, 32, 3)
    ),
    "conv2d 5×5, 1→16": Case(
        lambda lib, x, w: lib.nn.functional.conv2d(x, w, padding=2), images(1, 16, 5)
    ),
    "conv2d 1×1, 16→32": Case(lambda lib, x, w: lib.nn.functional.conv2d(x, w), images(16, 32, 1)),
    "conv2d 3×3, stride 2": Case(
        lambda lib, x, w: lib.nn.functional.conv2d(x, w, stride=2, padding=1), images(16, 32, 3)
    ),
    "conv2d 3×3, depthwise": Case(
        lambda lib, x, w: lib.nn.functional.conv2d(x, w, padding=1, groups=16),
        images(16, 16, 3, groups=16),
    ),
    "conv1d 3, 16→32": Case(lambda lib, x, w: lib.nn.functional.conv1d(x, w, padding=1), signal),
    "conv3d 3×3×3, 4→8": Case(lambda lib, x, w: lib.nn.functional.conv3d(x, w, padding=1), volume),
    "conv_transpose2d 3×3, stride 2": Case(
        lambda lib, x, w: lib.nn.functional.conv_transpose2d(x, w.transpose(0, 1), stride=2),
        images(16, 16, 3),
    ),
    "max_pool2d(2)": Case(lambda lib, x: lib.nn.functional.max_pool2d(x, 2), image),
    "max_pool2d(3, stride 2)": Case(
        lambda lib, x: lib.nn.functional.max_pool2d(x, 3, 2, padding=1), image
    ),
    "avg_pool2d(2)": Case(lambda lib, x: lib.nn.functional.avg_pool2d(x, 2), image),
    "adaptive_avg_pool2d(1)": Case(
        lambda lib, x: lib.nn.functional.adaptive_avg_pool2d(x, 1), image
    ),
    "attention": Case(lambda lib, q, k, v: _attention(lib, q, k, v, False), heads),
    "attention, causal": Case(lambda lib, q, k, v: _attention(lib, q, k, v, True), heads),
}

CASES: dict[str, Case] = OPERATIONS | LAYERS
