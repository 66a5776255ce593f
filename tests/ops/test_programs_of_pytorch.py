"""Functions and methods that PyTorch's programs use beside the operations."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

# --- Neighbours -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nextafter_is_the_neighbour_of_a_number(dtype: str) -> None:
    def program(torch: Any) -> Any:
        a = torch.tensor([1.0, -1.0, 0.0, float("inf"), 2.0], dtype=getattr(torch, dtype))
        b = torch.tensor(1.5, dtype=getattr(torch, dtype))
        return torch.nextafter(a, b).tolist(), a.nextafter(-b).tolist(), a.nextafter_(b).tolist()

    same_in_both(program)
    refused_in_both(lambda lib: lib.nextafter(lib.tensor(1), lib.tensor(2)), "not implemented")


# --- Histograms -----------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-4, 4, width=32), max_size=30),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([None, (-2.0, 2.0), (0.0, 1.0), (1.0, 1.0)]),
)
def test_histograms_are_pytorchs(values: Any, bins: int, density: bool, range: Any) -> None:
    def program(torch: Any) -> Any:
        x = torch.tensor(values, dtype=torch.float32)
        return list(torch.histogram(x, bins, range=range, density=density))

    same_in_both(program)


def test_histograms_of_given_edges_and_weights() -> None:
    def program(torch: Any) -> Any:
        x = torch.tensor([[0.0, 1.0, 2.0], [float("nan"), 1.5, 3.0]])
        edges, weight = torch.tensor([0.0, 1.0, 1.5, 3.0]), torch.arange(6.0).reshape(2, 3)
        return [
            *torch.histogram(x, edges),
            *torch.histogram(x, edges, weight=weight, density=True),
            *x.histogram(3, range=(0.0, 3.0)),
        ]

    same_in_both(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda lib: lib.histogram(lib.tensor([1, 2]), 2),
        lambda lib: lib.histogram(lib.ones(2), 0),
        lambda lib: lib.histogram(lib.ones(2), 2, range=(1.0, 0.0)),
        lambda lib: lib.histogram(lib.ones(2), 2, range=(0.0, float("inf"))),
        lambda lib: lib.histogram(lib.ones(2), 2, weight=lib.ones(3)),
        lambda lib: lib.histogram(lib.ones(2), lib.ones(2, 2)),
        lambda lib: lib.histogram(lib.tensor([1.0, float("nan")]), 2),
    ],
)
def test_histograms_that_are_refused(program: Any) -> None:
    refused_in_both(program, "histogram", "")


# --- Memory ---------------------------------------------------------------------------------------


def test_frombuffer_shares_the_memory_of_a_buffer() -> None:
    def program(torch: Any) -> Any:
        buffer = array.array("f", [1.0, 2.0, 3.0])
        x = torch.frombuffer(buffer, dtype=torch.float32)
        part = torch.frombuffer(buffer, dtype=torch.int32, count=1, offset=4)
        x[1] = 7.0
        return x, part, buffer.tolist()

    same_in_both(program)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (7, {}),
        (0, {}),
        (8, {"count": 3}),
        (8, {"count": 0}),
        (8, {"offset": 8}),
        (8, {"offset": -1}),
        (8, {"offset": 5, "count": 1}),
    ],
)
def test_frombuffer_refuses_what_the_bytes_do_not_hold(size: int, options: Any) -> None:
    refused_in_both(
        lambda lib: lib.frombuffer(bytearray(size), dtype=lib.float32, **options),
        "buffer length|offset",
    )
    refused_in_both(lambda lib: lib.frombuffer(3, dtype=lib.float32), "buffer protocol")


def test_empty_strided_lies_in_memory_as_asked() -> None:
    for size, stride in (((2, 3), (1, 2)), ((2, 3), (6, 1)), ((2, 0), (1, 1)), ((), ())):
        x = cr.empty_strided(size, stride)
        assert (x.shape, x.stride()) == (size, torch.empty_strided(size, stride).stride())
        x.zero_()
    refused_in_both(lambda lib: lib.empty_strided((2, 3), (1,)), "must match dimensionality")
    refused_in_both(lambda lib: lib.empty_strided((2, 3), (1, -2)), "strides")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 10**6))
def test_unravel_index_finds_coordinates(shape: Any, position: int) -> None:
    count = int(np.prod(shape))
    k = position % count

    def program(torch: Any) -> Any:
        found = torch.unravel_index(torch.tensor([[k], [k - count]]), tuple(shape))
        return list(found)

    same_in_both(program)


def test_unravel_index_refuses_floats() -> None:
    refused_in_both(lambda lib: lib.unravel_index(lib.tensor(1.0), (2, 3)), "integer dtype")
    refused_in_both(lambda lib: lib.unravel_index(lib.tensor(1), (2, -3)), "negative")


def test_range_includes_its_end() -> None:
    def program(torch: Any) -> Any:
        return [
            torch.range(0, 3),
            torch.range(1, 2, 0.25),
            torch.range(3, 1, -1, dtype=torch.int64),
            torch.range(0, 0.9, 0.5, dtype=torch.float64),
        ]

    same_in_both(program)
    refused_in_both(lambda lib: lib.range(1, 0), "inconsistent with step sign")
    refused_in_both(lambda lib: lib.range(0, 1, 0), "nonzero")


# --- Methods --------------------------------------------------------------------------------------


def test_methods_beside_the_operations() -> None:
    def program(torch: Any) -> Any:
        x = torch.arange(6.0).reshape(2, 3)
        return [
            x.ndimension(),
            x.name,
            x.output_nr,
            x.dim_order(),
            x.t().dim_order(),
            x.is_set_to(x.view(2, 3)),
            x.is_set_to(x.clone()),
            x.is_conj(),
            x.is_inference(),
            x.new([1, 2]),
            x.new(2, 5).shape,
            x.new().shape,
            x.real,
            x.clone().apply_(lambda v: v * 2),
            x.clone().map_(torch.ones(3), lambda a, b: a - b),
            x.clone().as_strided_((2, 2), (1, 2)),
            x.clone().resize_as_(torch.ones(2, 3)),
            torch.is_conj(x),
            torch.is_neg(x),
            torch.get_device(x),
            torch.is_distributed(x),
        ]

    same_in_both(program)
    assert cr.ones(2).data_ptr() != cr.ones(2)[1:].data_ptr()
    x = cr.ones(4)
    assert x[1:].data_ptr() - x.data_ptr() == 4


def test_methods_that_are_refused() -> None:
    refused_in_both(lambda lib: lib.ones(2, requires_grad=True).apply_(abs), "detach")
    refused_in_both(
        lambda lib: lib.ones(2).map_(lib.ones(2, requires_grad=True), max), "requires grad", ""
    )
    refused_in_both(lambda lib: lib.imag(lib.ones(2)), "non-complex")
    refused_in_both(lambda lib: lib.ones(2).imag, "non-complex")
    refused_in_both(lambda lib: lib.ones(2, 3).sum_to_size(4), "not expandable")
    refused_in_both(lambda lib: lib.ones(3).sum_to_size(2, 3), "not expandable", "")
    for program in (
        lambda: cr.ones(2).share_memory_(),
        lambda: cr.ones(2).storage(),
        lambda: cr.ones(2).untyped_storage(),
    ):
        with pytest.raises(NotImplementedError, match="NumPy"):
            program()


@given(st.sampled_from([(3,), (1,), (2, 1), (1, 3), (2, 3), (1, 1), ()]), st.booleans())
def test_sum_to_size_undoes_broadcasting(shape: Any, apart: bool) -> None:
    def program(torch: Any) -> Any:
        x = torch.arange(6.0).reshape(2, 3).requires_grad_()
        y = x.sum_to_size(*shape) if apart and shape else x.sum_to_size(shape)
        (y * y).sum().backward()
        return y, x.grad

    same_in_both(program)


def test_methods_as_functions() -> None:
    def program(torch: Any) -> Any:
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        value = torch.tensor(5.0, requires_grad=True)
        filled = torch.fill(x, value)
        (filled * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
        y = torch.zeros(4)
        return [
            filled,
            x.grad,
            value.grad,
            torch.fill(torch.tensor([1, 2]), 3),
            torch.detach(x),
            torch.fill_(y[:2], 4.0),
            torch.zero_(y[1:2]),
            torch.index_put_(y, (torch.tensor([3, 3]),), torch.tensor(1.0), True),
            torch.as_strided_(torch.arange(4.0), (2, 2), (1, 2)),
            y,
        ]

    same_in_both(program)
    refused_in_both(lambda lib: lib.fill(lib.ones(2), lib.ones(2)), "0-dimension.* value")


# --- After the gradient arrived -------------------------------------------------------------------


def test_hooks_after_accumulation_see_the_whole_gradient() -> None:
    def program(torch: Any) -> Any:
        seen = []
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        x.register_hook(lambda g: g * 10)
        handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.clone()))
        (x * 3 + x).sum().backward()
        (x * 2).sum().backward(inputs=[x])
        handle.remove()
        (x * 2).sum().backward()
        torch.autograd.grad((x * 2).sum(), x)
        return seen, x.grad

    same_in_both(program)


def test_an_optimizer_may_step_inside_the_backward_pass() -> None:
    def program(torch: Any) -> Any:
        weights = [torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(3)]
        optimizers = {w: torch.optim.SGD([w], lr=0.1) for w in weights}

        def step(w: Any) -> None:
            optimizers[w].step()
            optimizers[w].zero_grad()

        for w in weights:
            w.register_post_accumulate_grad_hook(step)
        for _ in range(3):
            (weights[0] * weights[1] * weights[2]).sum().backward()
        return [w.detach() for w in weights], [w.grad for w in weights]

    same_in_both(program)


def test_hooks_after_accumulation_belong_to_leaves() -> None:
    refused_in_both(
        lambda lib: lib.ones(2).register_post_accumulate_grad_hook(print),
        "doesn't require gradient",
    )
    refused_in_both(
        lambda lib: (lib.ones(2, requires_grad=True) * 2).register_post_accumulate_grad_hook(print),
        "non-leaf tensors",
    )


# --- What is not there ----------------------------------------------------------------------------


def test_a_missing_name_of_pytorchs_says_what_to_use() -> None:
    for name, words in {
        "jit": "cr.save",
        "distributed": "one process",
        "sparse_coo_tensor": "scipy.sparse",
        "complex64": "real numbers",
        "bfloat16": "float16",
        "kl_div": "cr.nn.functional",
        "quantize_per_tensor": "tensors hold",
    }.items():
        with pytest.raises(AttributeError, match=f"no attribute '{name}' .*{words}"):
            getattr(cr, name)
