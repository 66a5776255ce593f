"""dtypes: what operations on mixed operands give, as PyTorch decides it."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SHAPES: list[tuple[int, ...]] = [(), (1,), (2,), (2, 1)]
NUMBERS: list[Any] = [True, 3, -2, 0.5, 2**40]
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">=": operator.ge,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


def dtype_of(program: Callable[[Any], Any], library: Any) -> Any:
    """Return the dtype a program gives, or that it is refused."""
    try:
        result = program(library)
    except (RuntimeError, TypeError, NotImplementedError, OverflowError):
        return "refused"
    return str(result.dtype).removeprefix("torch.")


def make(library: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    return library.ones(shape, dtype=getattr(library, dtype))


def _fits(number: Any, dtype: str) -> bool:
    kind = np.dtype(dtype)
    if kind.kind not in "iu" or isinstance(number, float):
        return True
    limits = np.iinfo(kind)
    return bool(limits.min <= number <= limits.max)


tensors = st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES))


@given(tensors, tensors, st.sampled_from(list(OPERATIONS)))
def test_tensors_of_any_dtypes_and_dimensions(
    left: tuple[str, Any], right: tuple[str, Any], name: str
) -> None:
    def program(library: Any) -> Any:
        return OPERATIONS[name](make(library, *left), make(library, *right))

    assert dtype_of(program, cr) == dtype_of(program, torch)


@given(tensors, st.sampled_from(NUMBERS), st.sampled_from(list(OPERATIONS)), st.booleans())
def test_python_numbers_next_to_tensors(
    tensor: tuple[str, Any], number: Any, name: str, reflected: bool
) -> None:
    def program(library: Any) -> Any:
        operands = make(library, *tensor), number
        return OPERATIONS[name](*(operands[::-1] if reflected else operands))

    expected = dtype_of(program, torch)
    if not _fits(number, tensor[0]):
        # PyTorch lets such a number wrap around; here it is refused.
        assert dtype_of(program, cr) in (expected, "refused")
    else:
        assert dtype_of(program, cr) == expected


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_values_of_every_pair_of_dtypes(left: str, right: str) -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1, 0, 1], dtype=getattr(library, left))
        b = library.tensor([1, 1, 0], dtype=getattr(library, right))
        return a + b, a * b, a / (b + 1), library.maximum(a, b), a == b, library.cat([a, b])

    same_in_both(program)


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_promote_types_is_pytorchs_table(left: str, right: str) -> None:
    ours = cr.promote_types(getattr(cr, left), getattr(cr, right))
    theirs = torch.promote_types(getattr(torch, left), getattr(torch, right))
    assert str(ours) == str(theirs).removeprefix("torch.")
    assert str(cr.promote_types(getattr(cr, right), getattr(cr, left))) == str(ours)


@given(
    st.lists(tensors, min_size=1, max_size=4), st.lists(st.sampled_from([True, 3, 0.5]), max_size=1)
)
def test_three_and_more_operands(operands: list[tuple[str, Any]], numbers: list[Any]) -> None:
    def program(library: Any) -> Any:
        total: Any = numbers[0] if numbers else 0
        for operand in operands:
            total = total * make(library, *operand)
        return total

    assert dtype_of(program, cr) == dtype_of(program, torch)


@given(tensors, tensors)
def test_where_and_clamp_promote_their_values(
    left: tuple[str, Any], right: tuple[str, Any]
) -> None:
    def program(library: Any) -> Any:
        return library.where(
            make(library, "bool", (2, 2)), make(library, *left), make(library, *right)
        )

    assert dtype_of(program, cr) == dtype_of(program, torch)


@given(tensors, st.sampled_from([True, 3, 0.5]))
def test_where_with_a_number(tensor: tuple[str, Any], number: Any) -> None:
    def program(library: Any) -> Any:
        return library.where(make(library, "bool", (2, 2)), make(library, *tensor), number)

    assert dtype_of(program, cr) == dtype_of(program, torch)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "tanh", "sigmoid", "sum", "mean", "neg", "abs", "isnan"]
)
def test_functions_of_one_tensor(name: str, dtype: str) -> None:
    def program(library: Any) -> Any:
        return getattr(library, name)(make(library, dtype, (2,)))

    assert dtype_of(program, cr) == dtype_of(program, torch)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_pass_back_through_the_promotion(dtype: str) -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0], requires_grad=True)
        b = library.tensor([1, 1], dtype=getattr(library, dtype))
        if dtype.startswith("float"):
            b.requires_grad_()
        (a * b + b).sum().backward()
        return a.grad, b.grad

    same_in_both(program)


def test_a_zero_dimensional_tensor_raises_the_category_but_not_the_width() -> None:
    def program(library: Any) -> Any:
        wide, narrow = library.tensor(1.0, dtype=library.float64), library.ones(2)
        integers = library.ones(2, dtype=library.int64)
        return wide * narrow, wide * integers, wide * library.tensor(1), wide * 1.0

    same_in_both(program)


def test_another_default_dtype_is_what_integers_become() -> None:
    def program(library: Any) -> Any:
        library.set_default_dtype(library.float64)
        try:
            return (
                library.tensor([1.0]),
                library.tensor([1, 2]) / 2,
                library.tensor([1]).exp(),
                library.tensor([1]) * 0.5,
                library.ones(1, dtype=library.float32) * 0.5,
                library.tensor(np.array([1.0], np.float32)),
            )
        finally:
            library.set_default_dtype(library.float32)

    same_in_both(program)


def test_only_floats_may_be_the_default() -> None:
    refused_in_both(
        lambda library: library.set_default_dtype(library.int64),
        "only floating-point types are supported as the default type",
    )


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_conversions_of_every_pair(source: str, target: str) -> None:
    def program(library: Any) -> Any:
        x = library.tensor([0, 1, 2, 100], dtype=getattr(library, source))
        return x.to(getattr(library, target)), x.type(getattr(library, target))

    same_in_both(program)


def test_conversion_methods() -> None:
    def program(library: Any) -> Any:
        x = library.tensor([0.0, 1.75, -2.5])
        methods = ("float", "double", "half", "int", "long", "bool")
        return [getattr(x, name)() for name in methods]

    same_in_both(program)


def test_conversion_to_the_same_dtype_is_the_tensor_itself() -> None:
    def program(library: Any) -> Any:
        x = library.ones(2, requires_grad=True)
        return (
            x.to(library.float32) is x,
            x.float() is x,
            x.to(x) is x,
            x.to("cpu") is x,
            x.cpu() is x,
            x.to(library.float32, copy=True) is x,
            x.to(dtype=library.float64).requires_grad,
            x.long().requires_grad,
            x.type_as(library.ones(1, dtype=library.float64)).dtype == library.float64,
        )

    same_in_both(program)


@pytest.mark.parametrize(
    "dtype", ["complex64", "complex128", "uint16", "uint32", "uint64", "U3", "O", "datetime64[s]"]
)
def test_dtypes_that_are_not_supported_are_refused_by_name(dtype: str) -> None:
    with pytest.raises(TypeError, match=r"dtype .* is not supported; supported are"):
        cr.zeros(2, dtype=np.dtype(dtype))
    with pytest.raises(TypeError, match=r"is not supported|cannot make a tensor"):
        cr.tensor(np.zeros(2, dtype))


@pytest.mark.parametrize("spelled", [np.float32, "float32", np.dtype("<f4"), np.dtype(">f4")])
def test_dtypes_may_be_spelled_as_numpy_does(spelled: Any) -> None:
    x = cr.tensor([1, 2], dtype=spelled)
    assert x.dtype is cr.float32
    assert (x * cr.ones(2)).tolist() == [1, 2]


def test_foreign_byte_order_is_converted() -> None:
    x = cr.tensor(np.array([1.0, 2.0], ">f8"))
    assert x.dtype is cr.float64
    assert (x * 2).tolist() == [2, 4]
    with pytest.raises(ValueError, match="byte order different from the native byte order"):
        cr.from_numpy(np.array([1.0], ">f4"))
    assert (cr.ones(2) * np.array([1.0, 2.0], ">f4")).dtype is cr.float32


def test_other_names_of_one_dtype_are_that_dtype() -> None:
    x = cr.from_numpy(np.arange(3, dtype=np.longlong))
    assert x.dtype is cr.int64
    assert (x + cr.arange(3)).tolist() == [0, 2, 4]
    assert cr.tensor(np.arange(3, dtype=np.longlong)).dtype is cr.int64


def test_nonsense_is_no_dtype() -> None:
    with pytest.raises(TypeError, match=r"is not a dtype; use for example cr\.float32"):
        cr.zeros(2, dtype="nonsense")
