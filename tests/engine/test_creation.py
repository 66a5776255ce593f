"""Making tensors from all kinds of data, and the data that is refused."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

DATA: list[Any] = [
    1,
    1.5,
    True,
    [],
    [[]],
    [[], []],
    [1, 2],
    [1, 2.5],
    [True, False],
    [True, 2],
    [True, 2.5],
    [[1, 2], [3, 4]],
    ((1.0, 2.0), [3, 4]),
    [2**40],
    [-(2**63), 2**63 - 1],
    range(4),
    [range(2), range(2)],
    float("inf"),
    [float("nan"), 1],
    np.float64(1.5),
    np.float32(1.5),
    np.int16(3),
    np.bool_(True),
    [np.float64(1.5)],
    [np.float32(1.5), np.float32(2.5)],
    [np.int32(1), 2],
    np.arange(3),
    np.arange(3.0),
    np.arange(6.0, dtype=np.float16).reshape(2, 3).T,
    np.zeros((2, 0)),
    np.array(3),
    [np.arange(2.0), np.arange(2.0)],
]


def representable(data: Any, dtype: str | None) -> bool:
    """Tell whether PyTorch takes the data, and gives it a defined value in a dtype."""
    numbers = np.array(data, np.float64)
    if dtype in ("int64", "uint8", "bool"):
        scalars = data if isinstance(data, list) else [data]
        if any(isinstance(s, np.generic) and not isinstance(s, np.integer) for s in scalars):
            return False
    if dtype == "uint8" and numbers.size and (numbers.max() > 255 or numbers.min() < 0):
        return False
    return dtype not in ("int64", "uint8") or bool(np.isfinite(numbers).all())


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        pytest.param(data, dtype, id=f"{repr(data)[:40]} as {dtype}")
        for data in DATA
        for dtype in (None, "float32", "float64", "int64", "bool", "uint8")
        if representable(data, dtype)
    ],
)
def test_tensor_of_data_and_dtype_is_pytorchs(data: Any, dtype: str | None) -> None:
    def program(library: Any) -> Any:
        return library.tensor(data, dtype=dtype and getattr(library, dtype))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_in_both(program)


def test_tensors_inside_lists_count_by_their_values() -> None:
    def program(library: Any) -> Any:
        a, b = library.tensor(1.0), library.tensor(2.0)
        return library.tensor([a, b]), library.tensor([[a, 3], [b, 4]])

    same_in_both(program)


def test_data_is_copied() -> None:
    array = np.zeros(2)
    t = cr.tensor(array)
    wrapped = cr.Tensor(array)
    shared = cr.from_numpy(array)
    also_shared = cr.as_tensor(array)
    array[0] = 5
    assert t.tolist() == wrapped.tolist() == [0, 0]
    assert shared.tolist() == also_shared.tolist() == [5, 0]
    again = cr.tensor(shared)
    shared[1] = 7
    assert again.tolist() == [5, 0] and array.tolist() == [5, 7]


def test_the_constructor_takes_numbers_and_arrays() -> None:
    assert cr.Tensor(2.0).dtype is cr.float32
    assert cr.Tensor(2).dtype is cr.float32
    assert cr.Tensor([1, 2]).dtype is cr.float32
    assert cr.Tensor(np.array([1.0])).dtype is cr.float64
    assert cr.Tensor(np.array([[1.0], [2.0]]), requires_grad=True).requires_grad
    assert cr.Tensor().shape == (0,)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([[1, 2], [3]], ValueError, "expected a sequence of equal lengths"),
        ([1, [2, 3]], ValueError, "expected a sequence of equal lengths"),
        (["a"], TypeError, "cannot make a tensor of list"),
        ("text", TypeError, "cannot make a tensor of str 'text'"),
        (None, TypeError, "cannot make a tensor of NoneType"),
        ([None, 1.0], TypeError, "cannot make a tensor"),
        (1 + 2j, TypeError, "cannot make a tensor of complex"),
        ([1j], TypeError, "cannot make a tensor"),
        (np.array([1j]), TypeError, "dtype complex128 is not supported"),
        (np.array(["a"]), TypeError, "dtype <U1 is not supported"),
        (np.array([None]), TypeError, "dtype object is not supported"),
        (np.zeros(2, "datetime64[s]"), TypeError, "is not supported"),
        (object(), TypeError, "cannot make a tensor of object"),
        ({"a": 1}, TypeError, "cannot make a tensor of dict"),
        ({1, 2}, TypeError, "cannot make a tensor of set"),
        (
            [2**70],
            (TypeError, RuntimeError, OverflowError),
            "cannot make a tensor|too large|overflow",
        ),
    ],
    ids=lambda v: type(v).__name__,
)
def test_other_data_is_refused_with_what_was_expected(data: Any, error: Any, message: str) -> None:
    for make in (cr.tensor, cr.Tensor, cr.as_tensor):
        with pytest.raises(error, match=message):
            make(data)


def test_data_that_pytorch_refuses_too() -> None:
    for data in ([[1, 2], [3]], ["a"], None, object()):
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            torch.tensor(data)


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_only_floats_can_require_gradients(dtype: str) -> None:
    message = refused_in_both(
        lambda library: library.tensor([1], dtype=getattr(library, dtype), requires_grad=True),
        "Only Tensors of floating point",
    )
    assert "1.0" in message
    refused_in_both(
        lambda library: library.zeros(2, dtype=getattr(library, dtype)).requires_grad_(),
        "(?i)only Tensors of floating point",
    )
    with pytest.raises(RuntimeError, match="Only Tensors of floating point"):
        cr.zeros(2, dtype=getattr(cr, dtype), requires_grad=True)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps", "meta"])
def test_other_devices_are_refused_by_name(device: str) -> None:
    for make in (
        lambda: cr.tensor([1.0], device=device),
        lambda: cr.zeros(2, device=device),
        lambda: cr.arange(3, device=device),
        lambda: cr.randn(2, device=device),
        lambda: cr.ones_like(cr.zeros(2), device=device),
        lambda: cr.ones(2).to(device=device),
    ):
        with pytest.raises(RuntimeError, match=f"device '{device}' is not available"):
            make()
    with pytest.raises(RuntimeError, match=f"device '{device}' is not available"):
        cr.ones(2).to(device)
    with pytest.raises(RuntimeError, match="device 'cuda' is not available"):
        cr.ones(2).cuda()


def test_the_cpu_is_a_device() -> None:
    for device in ("cpu", None, cr.ones(1).device):
        assert cr.tensor([1.0], device=device).device == cr.device("cpu")
    x = cr.ones(2)
    assert x.to("cpu") is x and x.cpu() is x


FILLED = {
    "zeros": lambda lib: lib.zeros(2, 3),
    "zeros of a tuple": lambda lib: lib.zeros((2, 3)),
    "zeros of a list": lambda lib: lib.zeros([2]),
    "zeros of nothing": lambda lib: lib.zeros(()),
    "zeros of a Size": lambda lib: lib.zeros(lib.ones(2, 1).shape),
    "ones with dtype": lambda lib: lib.ones(2, dtype=lib.int32),
    "full": lambda lib: lib.full((2, 2), 3.5),
    "full of an integer": lambda lib: lib.full((2,), 3),
    "full of a bool": lambda lib: lib.full((2,), True),
    "full with dtype": lambda lib: lib.full((2,), 3, dtype=lib.float64),
    "eye": lambda lib: lib.eye(3),
    "eye, oblong": lambda lib: lib.eye(2, 3, dtype=lib.float64),
    "arange": lambda lib: lib.arange(5),
    "arange from": lambda lib: lib.arange(1, 4),
    "arange of floats": lambda lib: lib.arange(0.0, 1.0, 0.25),
    "arange, uneven": lambda lib: lib.arange(1, 2.5, 0.5),
    "arange backwards": lambda lib: lib.arange(5, 0, -2),
    "arange with dtype": lambda lib: lib.arange(3, dtype=lib.float32),
    "arange, empty": lambda lib: lib.arange(0),
    "linspace": lambda lib: lib.linspace(-1, 1, 5),
    "linspace of one": lambda lib: lib.linspace(3, 10, 1),
    "linspace of none": lambda lib: lib.linspace(0, 1, 0),
    "zeros_like": lambda lib: lib.zeros_like(lib.ones(2, dtype=lib.float64)),
    "ones_like with dtype": lambda lib: lib.ones_like(lib.ones(2), dtype=lib.int64),
    "full_like": lambda lib: lib.full_like(lib.ones(2, dtype=lib.int64), 7),
    "new_zeros": lambda lib: lib.ones(1, dtype=lib.float64).new_zeros(2, 2),
    "new_ones": lambda lib: lib.ones(1, dtype=lib.int64).new_ones((3,)),
    "new_full": lambda lib: lib.ones(1).new_full((2,), 5),
    "new_tensor": lambda lib: lib.ones(1, dtype=lib.float64).new_tensor([1, 2]),
    "requires_grad": lambda lib: lib.ones(2, requires_grad=True),
    "like requires_grad": lambda lib: lib.zeros_like(lib.ones(2), requires_grad=True),
}


@pytest.mark.parametrize("name", FILLED)
def test_filled_tensors_are_pytorchs(name: str) -> None:
    if name == "new_tensor":
        # PyTorch takes the dtype of the data; here the tensor's is kept, as new_zeros does.
        assert FILLED[name](cr).dtype is cr.float64
        return
    same_in_both(FILLED[name])


def test_refusals_of_shapes_steps_and_ranges() -> None:
    refused_in_both(lambda library: library.ones(-1), "negative dimension")
    refused_in_both(lambda library: library.zeros(2.5), "shape consists of integers", "")
    refused_in_both(lambda library: library.arange(0, 5, 0), "step must be nonzero")
    refused_in_both(
        lambda library: library.arange(0, 5, -1), "upper bound and lower bound inconsistent"
    )
    refused_in_both(lambda library: library.linspace(0, 1, -1), "number of steps must be non-neg")


def test_empty_has_a_shape_and_a_dtype() -> None:
    assert cr.empty(2, 3, dtype=cr.float64).shape == (2, 3)
    assert cr.empty_like(cr.ones(2, dtype=cr.int64)).dtype is cr.int64
