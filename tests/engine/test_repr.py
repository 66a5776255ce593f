"""repr: PyTorch's text, up to how dtypes and operations are called."""

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr

INF, NAN = float("inf"), float("nan")


@pytest.fixture(autouse=True)
def _options() -> Iterator[None]:
    yield
    for library in (cr, torch):
        library.set_printoptions(profile="default")


def in_pytorch(array: np.ndarray) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.from_numpy(np.array(array))


def numbers_of(text: str) -> str:
    """Return a repr without its dtype, whose length decides where the line breaks before it."""
    return re.sub(r",\s*dtype=[\w.]+", "", text)


def assert_same_text(array: np.ndarray) -> None:
    ours, theirs = repr(cr.from_numpy(array)), repr(in_pytorch(array))
    assert numbers_of(ours) == numbers_of(theirs)
    assert ("dtype=" in ours) == ("dtype=" in theirs)


FLOATS: list[Any] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    1e10,
    1e-10,
    123456.0,
    123456.789,
    NAN,
    INF,
    -INF,
    [],
    [0.0],
    [0.0, 0.0],
    [1.0, 2.0, 3.0],
    [1.0, -2.0, 3.0],
    [1.5, -2.25, 3.0],
    [1.0, 10.0, 100.0],
    [1.0, 1000.0],
    [1.0, 1001.0],
    [1.0, 2000.0],
    [0.5, 500.0],
    [0.5, 501.0],
    [1e-4, 1.0],
    [1e-5, 1e-5],
    [0.00009, 0.0],
    [0.0001, 0.0],
    [0.00011, 0.0002],
    [1e8, 1e8],
    [1.0001e8, 1.0001e8],
    [2e8, 0.0],
    [99999999.0, 5.0],
    [1.0, NAN],
    [1.5, NAN],
    [0.0, NAN],
    [NAN, NAN],
    [1.0, INF],
    [1.0, -INF, 2.0],
    [1.5, -INF, 2.0],
    [123.456, INF, -INF, NAN, 0.0],
    [1e20, NAN, -1e-20],
    [INF, INF],
    [[1.0, 2.0], [3.0, 4.0]],
    [[1.5], [-2.0], [1e3]],
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.25]]],
    [[[[1.0]]]],
    [[]],
    [[[]], [[]]],
    list(range(30)),
    [x / 7 for x in range(40)],
    [[x / 7 for x in range(25)] for _ in range(2)],
    [[x * 1e5 for x in range(25)] for _ in range(2)],
]
SHAPES = [
    (1000,),
    (1001,),
    (5000,),
    (40, 40),
    (2, 1000),
    (1000, 2),
    (7, 7, 30),
    (6, 6, 60),
    (3, 2, 500),
    (2000, 1, 1),
    (11, 10, 10),
    (1, 1, 1, 1500),
    (8, 8, 8, 8),
    (0, 3),
    (3, 0, 2),
    (0,),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("data", FLOATS, ids=lambda d: str(d)[:30])
def test_floats(data: Any, dtype: str) -> None:
    with np.errstate(over="ignore"):
        assert_same_text(np.array(data, dtype=dtype))


@pytest.mark.parametrize(
    "data",
    [
        0,
        -7,
        [1, 2, 3],
        [-1, 10, -100],
        [[1, -200], [30, 4]],
        [],
        [[]],
        list(range(-40, 40)),
        [2**62, 1],
        True,
        [True, False],
        [[False], [False]],
        [True] * 30,
    ],
    ids=lambda d: str(d)[:30],
)
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "uint8", "int8", "bool"])
def test_integers_and_bools(data: Any, dtype: str) -> None:
    assert_same_text(np.array(data).astype(dtype))


@pytest.mark.parametrize(
    "kind", ["whole", "fraction", "far apart", "negative", "integers", "bools"]
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_and_abridged_tensors(shape: tuple[int, ...], kind: str) -> None:
    count = int(np.prod(shape))
    values = {
        "whole": np.arange(count, dtype=np.float32),
        "fraction": np.arange(count, dtype=np.float32) / 7,
        "far apart": np.float32(10.0) ** (np.arange(count) % 9 - 4),
        "negative": (-1.0) ** np.arange(count) * np.arange(count) % 13 / 4,
        "integers": np.arange(count) - count // 2,
        "bools": np.arange(count) % 3 == 0,
    }[kind]
    assert_same_text(values.reshape(shape))


@given(
    hnp.arrays(
        dtype=st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.bool_]),
        shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
    )
)
def test_any_array(array: np.ndarray) -> None:
    assert_same_text(array)


@given(
    st.lists(
        st.one_of(
            st.floats(width=32),
            st.integers(-1000, 1000).map(float),
            st.sampled_from([0.0, NAN, INF, -INF, 1e-4, 1e8]),
        ),
        max_size=20,
    )
)
def test_any_mixture_of_numbers(values: list[float]) -> None:
    assert_same_text(np.array(values, np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"precision": 8},
        {"precision": 0},
        {"threshold": 5},
        {"threshold": 5, "edgeitems": 1},
        {"linewidth": 40},
        {"linewidth": 10},
        {"sci_mode": True},
        {"sci_mode": False},
        {"profile": "short"},
        {"profile": "full"},
        {"profile": "full", "precision": 1},
        {"edgeitems": 5, "threshold": 20},
    ],
    ids=str,
)
def test_print_options(options: dict[str, Any]) -> None:
    for library in (cr, torch):
        library.set_printoptions(**options)
    for data in (
        np.arange(30) / 7,
        np.array([1e-6, 1e6, 2.0]),
        np.array([1.0, 2.0]),
        np.arange(60.0).reshape(3, 20),
        np.arange(12).reshape(2, 6),
        np.arange(1500),
        np.array(0.123456789),
    ):
        assert_same_text(data)


def test_options_are_kept_until_changed_and_profiles_are_named() -> None:
    cr.set_printoptions(precision=2)
    cr.set_printoptions(linewidth=40)
    assert repr(cr.tensor(0.12345)) == "tensor(0.12)"
    with pytest.raises(ValueError, match="profile must be one of default, short, full"):
        cr.set_printoptions(profile="long")


# --- What stands after the numbers ----------------------------------------------------------------


def test_dtypes_are_named_when_they_are_not_the_usual_ones() -> None:
    for dtype in ("float16", "float64", "int8", "int32", "uint8"):
        assert repr(cr.ones(1, dtype=getattr(cr, dtype))).endswith(f"dtype={dtype})")
    for dtype in ("float32", "int64", "bool"):
        assert "dtype" not in repr(cr.ones(1, dtype=getattr(cr, dtype)))


def test_another_default_dtype_is_the_usual_one() -> None:
    try:
        for library in (cr, torch):
            library.set_default_dtype(library.float64)
        assert repr(cr.ones(1)) == repr(torch.ones(1)) == "tensor([1.])"
        assert repr(cr.ones(1, dtype=cr.float32)) == "tensor([1.], dtype=float32)"
        assert repr(cr.ones(0, dtype=cr.int64)) == "tensor([], dtype=int64)"
    finally:
        for library in (cr, torch):
            library.set_default_dtype(library.float32)


@pytest.mark.parametrize("count", [1, 5, 6, 7, 8, 9, 10, 11, 12, 30])
def test_requires_grad_is_on_the_line_where_pytorch_has_it(count: int) -> None:
    texts = [repr((library.arange(count) / 7).requires_grad_()) for library in (cr, torch)]
    assert texts[0] == texts[1]
    assert "requires_grad=True" in texts[0]


def test_size_of_empty_tensors() -> None:
    for shape in ((0,), (0, 3), (2, 0)):
        assert repr(cr.zeros(shape)) == repr(torch.zeros(shape))
    assert repr(cr.zeros(0, 3, requires_grad=True)) == repr(torch.zeros(0, 3, requires_grad=True))


def test_the_operation_that_made_a_tensor_is_named() -> None:
    x = cr.ones(2, requires_grad=True)
    assert repr(x * 2) == "tensor([2., 2.], grad_fn=<mul>)"
    assert repr(x.exp().sum()) == "tensor(5.4366, grad_fn=<sum>)"
    assert repr(x.detach()) == "tensor([1., 1.])"


def test_str_and_format() -> None:
    for value in (cr.tensor(0.5), cr.tensor([1.0, 2.0])):
        assert str(value) == repr(value)
    assert f"{cr.tensor([1.0])}" == "tensor([1.])"
    assert f"{cr.tensor(0.1)}" == f"{torch.tensor(0.1)}" == "0.10000000149011612"
    for spec in (".3f", "8.2e", ">10", "d"):
        number = 3 if spec == "d" else 3.14159
        assert format(cr.tensor(number), spec) == format(torch.tensor(number), spec)
    x = cr.tensor(2.0, requires_grad=True)
    assert f"{x:.2f}" == "2.00"
    with pytest.raises(TypeError, match="unsupported format string"):
        format(cr.tensor([1.0, 2.0]), ".3f")


def test_views_and_non_contiguous_tensors_print_their_own_order() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert repr(cr.tensor(array).T[1:]) == repr(torch.tensor(array).T[1:]).replace("torch.", "")
