"""Random numbers are PyTorch's, bit by bit: each call of a program draws from the same stream.

The arithmetic is PyTorch's on processors with AVX2 and fused multiply-adds. Where it runs on
another one its last bits differ, and floating-point numbers are compared up to those.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "bool"]
# On both sides of the blocks of 16, of a block of the Mersenne Twister and of one of ours.
SIZES = [0, 1, 2, 15, 16, 17, 18, 31, 32, 33, 625, 5003]
VECTORS = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")

Program = Callable[[Any], Any]


def dtype(library: Any, name: str) -> Any:
    return getattr(library, name)


def assert_same(ours: Any, theirs: torch.Tensor, what: object) -> None:
    actual, expected = ours.numpy(), theirs.numpy()
    assert actual.dtype == expected.dtype, what
    assert actual.shape == expected.shape, what
    if VECTORS or actual.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected, err_msg=str(what))
    else:
        np.testing.assert_allclose(actual, expected, 1e-3, 1e-3, err_msg=str(what))


def run_both(seed: int, programs: dict[Any, Program]) -> None:
    """Run calls one after the other here and in PyTorch; compare the results and the end states."""
    cr.manual_seed(seed)
    torch.manual_seed(seed)
    for what, program in programs.items():
        assert_same(program(cr), program(torch), what)
    assert_same(cr.get_rng_state(), torch.get_rng_state(), "the state afterwards")


def filled(method: str, *args: Any, shape: Any, kind: str, layout: str) -> Program:
    def program(library: Any) -> Any:
        columns = library.zeros(*shape, 3, dtype=dtype(library, kind))
        target = {
            "contiguous": lambda: library.zeros(*shape, dtype=dtype(library, kind)),
            "column": lambda: columns[..., 1],
            "transposed": lambda: columns.transpose(0, -1),
        }[layout]()
        assert getattr(target, method)(*args) is target
        return target

    return program


CONTINUOUS = [
    ("uniform_",),
    ("uniform_", -0.37, 1.9),
    ("uniform_", 1.0, 1.0 + 2.0**-22),  # often rounded up to the end that is not included
    ("uniform_", 2, 2),
    ("normal_",),
    ("normal_", 0.3, 1.7),
    ("normal_", -2, 0),
    ("exponential_", 1.7),
    ("cauchy_", 0.3, 1.7),
    ("log_normal_", 0.3, 1.7),
    ("geometric_", 0.05),
    ("bernoulli_", 0.3),
    ("random_",),
    ("random_", 2000),
    ("random_", 3, 90),
    ("random_", 3, None),
]


@pytest.mark.parametrize("layout", ["contiguous", "column", "transposed"])
@pytest.mark.parametrize("kind", FLOATS)
def test_filling_draws_pytorchs_numbers(kind: str, layout: str) -> None:
    for seed in (0, 2**40 + 7):
        run_both(
            seed,
            {
                (call, n): filled(*call, shape=(n,), kind=kind, layout=layout)
                for n in SIZES
                for call in CONTINUOUS
            },
        )


@pytest.mark.parametrize("kind", INTEGERS)
def test_filling_integers_draws_pytorchs_numbers(kind: str) -> None:
    calls: list[tuple[Any, ...]] = [("random_",), ("random_", 0, None), ("bernoulli_", 0.3)]
    if kind == "bool":
        calls += [("random_", 0, 1), ("random_", 1, 2)]
    else:
        highest = np.iinfo(kind).max
        calls += [("random_", 5, highest), ("random_", 3, None), ("geometric_", 0.2)]
        calls += [("random_", np.iinfo(kind).min, highest)]
    if kind == "int64":
        calls += [("random_", -(2**63), None), ("random_", -5, 2**28 - 6), ("random_", -5, 2**28)]
    run_both(
        3,
        {
            (call, n): filled(*call, shape=(n,), kind=kind, layout=layout)
            for n in SIZES[:-1]
            for call in calls
            for layout in ("contiguous", "transposed")
        },
    )


@pytest.mark.parametrize("kind", FLOATS)
def test_new_tensors_have_pytorchs_numbers(kind: str) -> None:
    def program(n: int) -> dict[Any, Program]:
        def wide(library: Any) -> Any:
            return library.zeros(n, 3, dtype=dtype(library, kind)).t()

        return {
            ("rand", n): lambda library: library.rand(n, dtype=dtype(library, kind)),
            ("randn", n): lambda library: library.randn(n, dtype=dtype(library, kind)),
            ("normal", n): lambda library: library.normal(
                0.3, 1.7, (n, 2), dtype=dtype(library, kind)
            ),
            ("rand_like", n): lambda library: library.rand_like(wide(library)),
            ("randn_like", n): lambda library: library.randn_like(wide(library)),
            ("randint_like", n): lambda library: library.randint_like(wide(library), 2, 9),
        }

    for n in SIZES:
        run_both(n, program(n))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 10), (-5, 2**28 - 6), (-5, 2**28 - 5), (0, 2**32), (-(2**63), 0)]
)
def test_randint_is_pytorchs(low: int, high: int) -> None:
    for n in SIZES:
        run_both(1, {n: lambda library: library.randint(low, high, (n,))})  # noqa: B023


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 1000])
def test_randperm_is_pytorchs(n: int) -> None:
    run_both(
        9,
        {
            "int64": lambda library: library.randperm(n),
            "int16": lambda library: library.randperm(n, dtype=library.int16),
            "float32": lambda library: library.randperm(n, dtype=library.float32),
        },
    )


def given_numbers(kind: str, *shape: int) -> Any:
    return np.random.default_rng(0).uniform(0.01, 1, shape).astype(kind)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
@pytest.mark.parametrize("kind", FLOATS)
def test_drawing_by_tensors_is_pytorchs(kind: str, n: int) -> None:
    p, pairs = given_numbers(kind, n), given_numbers(kind, 3, n)
    few = min(n, 4)
    run_both(
        5,
        {
            "bernoulli": lambda library: library.bernoulli(library.tensor(p)),
            "bernoulli, p": lambda library: library.bernoulli(library.tensor(p), 0.3),
            "bernoulli_, p": lambda library: library.zeros(3, n).bernoulli_(library.tensor(p)),
            "bernoulli_, transposed": lambda library: (
                library.zeros(n, 3).t().bernoulli_(library.tensor(p))
            ),
            "means": lambda library: library.normal(library.tensor(p), 1.7),
            "spreads": lambda library: library.normal(0.3, library.tensor(p)),
            "both": lambda library: library.normal(library.tensor(p), library.tensor(pairs)),
            "poisson": lambda library: library.poisson(library.tensor(p) * 30),
            "one category": lambda library: library.tensor(p).multinomial(1),
            "categories": lambda library: library.tensor(p).multinomial(few),
            "rows": lambda library: library.tensor(pairs).multinomial(few),
            "columns": lambda library: library.multinomial(library.tensor(pairs).t(), 2),
            "again": lambda library: library.tensor(p).multinomial(20, True),
            "again in rows": lambda library: library.tensor(pairs).multinomial(
                20, replacement=True
            ),
            "one with replacement": lambda library: library.tensor(pairs).multinomial(1, True),
            "dropout": lambda library: library.nn.functional.dropout(library.tensor(pairs), 0.3),
            "dropout, transposed": lambda library: library.nn.functional.dropout(
                library.tensor(pairs).t(), 0.9
            ),
            "no dropout": lambda library: library.nn.functional.dropout(library.tensor(p), 0.0),
            "nothing left": lambda library: library.nn.functional.dropout(library.tensor(p), 1.0),
        },
    )


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("dropout", (3, 20)),
        ("dropout1d", (3, 4, 5)),
        ("dropout2d", (3, 4, 5, 2)),
        ("dropout3d", (3, 4, 2, 3, 2)),
        ("alpha_dropout", (3, 20)),
        ("feature_alpha_dropout", (3, 4, 5)),
    ],
)
@pytest.mark.parametrize("p", [0.0, 0.3, 0.75, 1.0])
def test_dropouts_drop_what_pytorch_drops(name: str, shape: Any, p: float) -> None:
    x = given_numbers("float32", *shape)
    run_both(
        2, {name: lambda library: getattr(library.nn.functional, name)(library.tensor(x), p, True)}
    )


def test_a_million_numbers_are_pytorchs() -> None:
    n = 10**6 + 3
    run_both(
        11,
        {
            "rand": lambda library: library.rand(n),
            "randn": lambda library: library.randn(n),
            "permutation": lambda library: library.randperm(n // 10),
        },
    )


CALLS = st.one_of(
    st.tuples(st.sampled_from(["rand", "randn"]), st.integers(0, 40).map(lambda n: (n,))),
    st.tuples(st.just("randperm"), st.integers(0, 40).map(lambda n: (n,))),
    st.tuples(
        st.just("randint"),
        st.tuples(st.integers(-9, 9), st.integers(10, 2**33), st.tuples(st.integers(0, 9))),
    ),
    st.tuples(
        st.just("normal"),
        st.tuples(st.floats(-9, 9), st.floats(0, 9), st.tuples(st.integers(0, 40))),
    ),
)
FILLS = st.tuples(
    st.sampled_from(CONTINUOUS),
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
    st.sampled_from(FLOATS),
    st.sampled_from(["contiguous", "column", "transposed"]),
)


@settings(max_examples=60)
@given(st.integers(-(2**63), 2**64 - 1), st.lists(st.one_of(CALLS, FILLS), max_size=12))
def test_programs_of_random_calls_stay_in_step(seed: int, steps: list[Any]) -> None:
    programs: dict[Any, Program] = {}
    for k, step in enumerate(steps):
        if isinstance(step[0], str):
            name, args = step
            programs[k, name] = lambda library, name=name, args=args: getattr(library, name)(*args)
        else:
            call, shape, kind, layout = step
            programs[(k, call, kind, layout, *shape)] = filled(
                *call, shape=shape, kind=kind, layout=layout
            )
    run_both(seed, programs)
