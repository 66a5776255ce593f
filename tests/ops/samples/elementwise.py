"""Operations that work element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import SPECIAL, Index, Operation, Sample, strided, uniform

# --- Of one operand -------------------------------------------------------------------------------


def unary_samples(
    low: float = -2.0, high: float = 2.0, kinks: Iterable[float] = (), **kwargs: Any
) -> tuple[Sample, ...]:
    """Return the shapes and values that every function of one operand is tried on."""
    domain = {"low": low, "high": high}
    samples = [
        Sample("matrix", (uniform(2, 3, **domain),), kwargs),
        Sample("0-d", (np.array((low + high) / 2 + 0.3),), kwargs),
        Sample("one element", (uniform(1, 1, **domain),), kwargs),
        Sample("empty", (np.zeros((0,)),), kwargs),
        Sample("empty of three dimensions", (np.zeros((2, 0, 3)),), kwargs),
        Sample("not contiguous", (strided(2, 3, **domain),), kwargs),
        Sample("expanded", (np.broadcast_to(uniform(3, **domain), (2, 3)),), kwargs, smooth=False),
        Sample("special values", (SPECIAL,), kwargs, smooth=False),
    ]
    kinks = tuple(kinks)
    if kinks:
        samples.append(Sample("kinks", (np.array(kinks),), kwargs, smooth=False))
    return tuple(samples)


def unary(name: str, *, kinks: Iterable[float] = (), ulps: int = 4, **domain: float) -> Operation:
    return Operation(
        name,
        getattr(cr, name),
        getattr(torch, name),
        unary_samples(kinks=kinks, **domain),
        method=name,
        ulps=ulps,
    )


def clamped(name: str, x: Any, smooth: bool = True, **limits: Any) -> Sample:
    return Sample(name, (x,), limits, smooth)


UNARY = (
    unary("neg"),
    unary("abs", kinks=(0.0, -0.0)),
    unary("sign", kinks=(0.0, -0.0)),
    unary("exp"),
    unary("log", low=0.1, high=3.0),
    unary("sqrt", low=0.1, high=3.0),
    unary("relu", kinks=(0.0, -0.0)),
    unary("sigmoid"),
    unary("tanh"),
    unary("clone"),
    unary("isnan"),
    unary("isinf"),
    unary("isfinite"),
    unary("logical_not"),
    Operation(
        "clamp",
        cr.clamp,
        torch.clamp,
        (
            *unary_samples(kinks=(-0.5, 1.0), min=-0.5, max=1.0),
            clamped("lower limit only", uniform(5), min=0.1),
            clamped("upper limit only", uniform(5), max=0.1),
            clamped("limits the wrong way round", uniform(5), smooth=False, min=1.0, max=-1.0),
            clamped("integer limits", uniform(5, low=-3.0, high=3.0), min=1, max=2),
        ),
        method="clamp",
    ),
    Operation(
        "clamp to tensors",
        lambda x, a, b: cr.clamp(x, a, b),
        lambda x, a, b: torch.clamp(x, a, b),
        (
            Sample("same shape", (uniform(6), uniform(6, seed=1) - 1.0, uniform(6, seed=2) + 1.0)),
            Sample("broadcast", (uniform(2, 3), np.array([-1.0, 0.0, 1.9]), np.array(1.2))),
            Sample(
                "at the limits",
                (np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]), np.array([3.0, 2.0, 3.0])),
                smooth=False,
            ),
        ),
    ),
)

# --- Of two operands ------------------------------------------------------------------------------

_GRID = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0])


def binary_samples(
    low: float = -2.0, high: float = 2.0, ties: bool = False, special: bool = True
) -> tuple[Sample, ...]:
    """Return the shapes and values that every function of two operands is tried on."""

    def a(*shape: int) -> Any:
        return uniform(*shape, low=low, high=high, seed=1)

    def b(*shape: int) -> Any:
        return np.asarray(uniform(*shape, low=low, high=high, seed=2) + 0.013)

    samples = [
        Sample("same shape", (a(2, 3), b(2, 3))),
        Sample("row and column", (a(2, 1), b(1, 3))),
        Sample("matrix and row", (a(2, 3), b(3))),
        Sample("row and matrix", (a(3), b(2, 3))),
        Sample("matrix and 0-d", (a(2, 2), b())),
        Sample("0-d and matrix", (a(), b(2, 2))),
        Sample("0-d", (a(), b())),
        Sample("matrix and number", (a(2, 3), 1.25)),
        Sample("number and matrix", (0.75, b(2, 3))),
        Sample("matrix and integer", (a(2, 3), 2)),
        Sample("integer and matrix", (3, b(2, 3))),
        Sample("new leading dimensions", (a(2, 1, 2, 1), b(3, 1, 2))),
        Sample("empty", (a(0, 3), b(3))),
        Sample("empty through broadcasting", (a(2, 1), b(2, 0))),
        Sample("not contiguous", (strided(2, 3, low=low, high=high), b(2, 3))),
    ]
    if special:
        samples.append(Sample("special values", (_GRID[:, None], _GRID), smooth=False))
        samples.append(Sample("special values and number", (_GRID, 2.0), smooth=False))
        samples.append(Sample("number and special values", (2.0, _GRID), smooth=False))
    if ties:
        samples.append(
            Sample("ties", (np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0])), smooth=False)
        )
    return tuple(samples)


def of_tensors(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Leave out the samples with a number in place of the first operand, or of both."""
    return tuple(s for s in samples if isinstance(s.args[0], np.ndarray))


def binary(
    name: str,
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    samples: tuple[Sample, ...] | None = None,
    method: str | None = None,
    **options: Any,
) -> Operation:
    return Operation(
        name, ours, theirs, binary_samples() if samples is None else samples, method, **options
    )


def tensors_only(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Leave out the samples with numbers, for functions that take two tensors."""
    return tuple(s for s in samples if all(isinstance(a, np.ndarray) for a in s.args))


_POWERS = (
    *binary_samples(low=0.2, high=2.5),
    *(
        Sample(f"to the {exponent}", (np.array([0.0, -1.5, 0.7, 2.0]), exponent), smooth=smooth)
        for exponent, smooth in [
            (0, True),
            (1, True),
            (2, True),
            (3, True),
            (1.0, True),
            (2.0, True),
            (0.0, True),
            (0.5, False),
            (-1, False),
            (-2.5, False),
        ]
    ),
    Sample("a base of 0", (0.0, np.array([0.0, 1.0, 2.0, -1.0])), smooth=False),
    Sample("a negative base", (-2.0, np.array([0.0, 1.0, 2.0, 0.5])), smooth=False),
)

BINARY = (
    binary("+", lambda a, b: a + b, lambda a, b: a + b),
    binary("-", lambda a, b: a - b, lambda a, b: a - b),
    binary("*", lambda a, b: a * b, lambda a, b: a * b),
    binary("/", lambda a, b: a / b, lambda a, b: a / b, binary_samples(low=0.5, high=2.5)),
    binary("**", lambda a, b: a**b, lambda a, b: a**b, _POWERS),
    binary(
        "//",
        lambda a, b: a // b,
        lambda a, b: a // b,
        of_tensors(binary_samples(low=0.5, high=2.5)),
    ),
    binary("add", cr.add, torch.add, of_tensors(binary_samples()), "add"),
    binary("sub", cr.sub, torch.sub, of_tensors(binary_samples()), "sub"),
    binary("mul", cr.mul, torch.mul, of_tensors(binary_samples()), "mul"),
    binary("div", cr.div, torch.div, of_tensors(binary_samples(low=0.5, high=2.5)), "div"),
    binary("pow", cr.pow, torch.pow, of_tensors(_POWERS), "pow"),
    Operation(
        "add with alpha",
        lambda a, b: cr.add(a, b, alpha=3),
        lambda a, b: torch.add(a, b, alpha=3),
        tensors_only(binary_samples()),
    ),
    Operation(
        "sub with alpha",
        lambda a, b: cr.sub(a, b, alpha=2),
        lambda a, b: torch.sub(a, b, alpha=2),
        tensors_only(binary_samples()),
    ),
    *(
        Operation(
            f"div rounded: {mode}",
            lambda a, b, mode=mode: cr.div(a, b, rounding_mode=mode),
            lambda a, b, mode=mode: torch.div(a, b, rounding_mode=mode),
            of_tensors(binary_samples(low=0.5, high=2.5)),
        )
        for mode in ("floor", "trunc")
    ),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            tuple(s for s in binary_samples(ties=True) if isinstance(s.args[0], np.ndarray)),
            name,
        )
        for name in ("clamp_min", "clamp_max")
    ),
    binary(
        "maximum", cr.maximum, torch.maximum, tensors_only(binary_samples(ties=True)), "maximum"
    ),
    binary(
        "minimum", cr.minimum, torch.minimum, tensors_only(binary_samples(ties=True)), "minimum"
    ),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            of_tensors(binary_samples(ties=True)),
            name,
        )
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    ),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            tensors_only(binary_samples(ties=True)),
            name,
        )
        for name in ("logical_and", "logical_or", "logical_xor")
    ),
)

_BITS, _OTHER_BITS = Index(np.array([[6, 0, -1], [3, 12, 7]])), Index(np.array([5, 3, 2]))
_BOOLS, _OTHER_BOOLS = Index(np.array([True, True, False])), Index(np.array([[True], [False]]))

BITWISE = (
    *(
        Operation(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (
                Sample("integers", (_BITS, _OTHER_BITS)),
                Sample("bools", (_BOOLS, _OTHER_BOOLS)),
                Sample("integers and a number", (_BITS, 5)),
                Sample("integers and bools", (_BITS, _BOOLS)),
                Sample("floats", (uniform(3), uniform(3))),
            ),
            method=name,
        )
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    ),
    Operation(
        "bitwise_not",
        cr.bitwise_not,
        torch.bitwise_not,
        (Sample("integers", (_BITS,)), Sample("bools", (_BOOLS,)), Sample("floats", (uniform(3),))),
        method="bitwise_not",
    ),
    Operation(
        "&",
        lambda a, b: a & b,
        lambda a, b: a & b,
        (Sample("integers", (_BITS, _OTHER_BITS)), Sample("bools", (_BOOLS, _OTHER_BOOLS))),
    ),
    Operation(
        "|",
        lambda a, b: a | b,
        lambda a, b: a | b,
        (Sample("integers", (_BITS, _OTHER_BITS)), Sample("bools", (_BOOLS, _OTHER_BOOLS))),
    ),
    Operation(
        "^",
        lambda a, b: a ^ b,
        lambda a, b: a ^ b,
        (Sample("integers", (_BITS, _OTHER_BITS)), Sample("bools", (_BOOLS, _OTHER_BOOLS))),
    ),
    Operation(
        "~", lambda a: ~a, lambda a: ~a, (Sample("integers", (_BITS,)), Sample("bools", (_BOOLS,)))
    ),
)

# --- Conversion -----------------------------------------------------------------------------------

# Numbers that float16 holds exactly, so that a conversion changes no value.
_EXACT = np.array([[0.5, -1.25, 2.0], [3.5, -0.125, 0.0]])


def conversion(name: str) -> Operation:
    return Operation(
        name,
        lambda x: getattr(x, name)(),
        lambda x: getattr(x, name)(),
        (Sample("matrix", (_EXACT,), smooth=False), Sample("0-d", (np.array(1.5),), smooth=False)),
    )


CONVERSIONS = (
    *map(conversion, ("float", "double", "half", "int", "long", "bool")),
    Operation(
        "to",
        lambda x, name: x.to(getattr(cr, name)),
        lambda x, name: x.to(getattr(torch, name)),
        tuple(
            Sample(name, (_EXACT, name), smooth=False)
            for name in (
                "float32",
                "float64",
                "float16",
                "int64",
                "int32",
                "int16",
                "int8",
                "uint8",
                "bool",
            )
        ),
        integers=True,
    ),
)

# --- Choosing -------------------------------------------------------------------------------------

_MASK = np.array([[True, False, True], [False, False, True]])

CHOOSING = (
    Operation(
        "where",
        lambda condition, a, b: cr.where(condition, a, b),
        lambda condition, a, b: torch.where(condition, a, b),
        (
            Sample("same shape", (Index(_MASK), uniform(2, 3), uniform(2, 3, seed=1))),
            Sample("broadcast", (Index(_MASK), uniform(2, 1), uniform(3))),
            Sample("broadcast condition", (Index(_MASK[0]), uniform(2, 3), uniform(2, 1))),
            Sample("0-d", (Index(np.array(True)), uniform(), uniform(seed=1))),
            Sample("number elsewhere", (Index(_MASK), uniform(2, 3), 0.0)),
            Sample("number where it holds", (Index(_MASK), -1.5, uniform(2, 3))),
            Sample("two numbers", (Index(_MASK), 1.5, 2)),
            Sample("two integers", (Index(_MASK), 1, 2)),
            Sample("a condition of bytes", (Index(_MASK.astype(np.uint8)), uniform(2, 3), 0.5)),
            Sample("a condition of integers", (Index(_MASK.astype(int)), uniform(2, 3), 0.5)),
            Sample("empty", (Index(np.zeros((0, 3), bool)), uniform(0, 3), uniform(3))),
            Sample(
                "what is not chosen is not finite",
                (Index(_MASK[0]), np.array([1.0, np.nan, 2.0]), np.array([np.inf, 3.0, np.nan])),
                smooth=False,
            ),
        ),
    ),
    Operation(
        "masked_fill",
        lambda x, condition, value: cr.masked_fill(x, condition, value),
        lambda x, condition, value: torch.masked_fill(x, condition, value),
        (
            Sample("same shape", (uniform(2, 3), Index(_MASK), -1.5)),
            Sample("zeros", (uniform(2, 3), Index(_MASK), 0.0)),
            Sample("broadcast condition", (uniform(2, 3), Index(_MASK[1]), 7.0)),
            Sample("broadcast operand", (uniform(3), Index(_MASK), 7.0)),
            Sample("minus infinity", (uniform(2, 3), Index(_MASK), -np.inf), smooth=False),
            Sample("integer", (uniform(2, 3), Index(_MASK), 2)),
            Sample("0-d", (uniform(), Index(np.array(False)), 7.0)),
            Sample("0-d tensor", (uniform(2, 3), Index(_MASK), Index(np.array(7.0)))),
            Sample("tensor of other shape", (uniform(2, 3), Index(_MASK), Index(np.ones(3)))),
            Sample(
                "what is filled is not finite",
                (np.array([np.nan, np.inf, np.nan]), Index(_MASK[0]), 0.0),
                smooth=False,
            ),
        ),
        method="masked_fill",
    ),
)

OPERATIONS = (*UNARY, *BINARY, *BITWISE, *CONVERSIONS, *CHOOSING)
