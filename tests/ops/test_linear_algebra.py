"""What linear algebra promises beyond PyTorch's values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.ops.samples.description import strided, uniform

SQUARE = uniform(3, 3) + np.diag([1.0, 3.0, 6.0])


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_gradient_of_a_determinant_is_right_for_singular_matrices(rank):
    factors = uniform(3, rank), uniform(rank, 3, seed=1)
    x = cr.tensor(factors[0] @ factors[1], requires_grad=True)
    cr.linalg.det(x).backward()
    minors = [
        [np.linalg.det(np.delete(np.delete(x.detach().numpy(), i, 0), j, 1)) for j in range(3)]
        for i in range(3)
    ]
    signs = (-1.0) ** np.add.outer(np.arange(3), np.arange(3))
    np.testing.assert_allclose(x.grad.numpy(), signs * minors, atol=1e-12)


def test_one_singular_matrix_in_a_stack_leaves_the_others_right():
    x = cr.tensor(np.stack([np.diag([1.0, 0.0]), np.diag([2.0, 4.0])]), requires_grad=True)
    cr.linalg.det(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [np.diag([0.0, 1.0]), np.diag([4.0, 2.0])])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ord", [2, 3, 1.5])
def test_norms_neither_overflow_nor_vanish(dtype, ord):
    limits = np.finfo(dtype)
    for size in (float(limits.max) / 16, float(limits.tiny) * 16):
        x = cr.tensor(np.array([3, -4], dtype) * np.dtype(dtype).type(size))
        expected = size * (3**ord + 4**ord) ** (1 / ord)
        assert float(cr.linalg.vector_norm(x, ord).item()) == pytest.approx(expected, rel=1e-6)


def test_errors_are_one_class_that_code_for_pytorch_catches():
    assert issubclass(cr.linalg.LinAlgError, RuntimeError)
    with pytest.raises(cr.linalg.LinAlgError, match=r"\(Batch element 1\).*diagonal element 2"):
        cr.linalg.inv(cr.tensor(np.stack([np.eye(2), np.ones((2, 2))])))
    with pytest.raises(cr.linalg.LinAlgError, match="leading minor of order 2"):
        cr.linalg.cholesky(cr.tensor([[1.0, 2.0], [2.0, 1.0]]))


@pytest.mark.parametrize("name", ["eig", "eigvals"])
def test_complex_results_are_refused(name):
    with pytest.raises(NotImplementedError, match="complex"):
        getattr(cr.linalg, name)(cr.eye(2))


def test_a_complete_qr_that_has_no_gradient_is_refused():
    x = cr.tensor(uniform(3, 2), requires_grad=True)
    with pytest.raises(RuntimeError, match="not differentiable"):
        cr.linalg.qr(x, mode="complete")
    Q, R = cr.linalg.qr(x.detach(), mode="complete")
    np.testing.assert_allclose((Q @ R).numpy(), x.detach().numpy())


def test_equal_rows_in_order_are_factored_without_exchanges():
    x = np.array([[1.0, 2.0, 0.5], [1.0, 3.0, 1.0], [-1.0, 1.0, 4.0]])
    P, L, U = cr.linalg.lu(cr.tensor(x, requires_grad=True))
    np.testing.assert_allclose((P @ L @ U).detach().numpy(), x)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("matrix_power", (3,)),
        ("cholesky_inverse", ()),
        ("cholesky_solve", (uniform(3, 3),)),
        ("qr", ()),
        ("svd", ()),
        ("lu", ()),
        ("triangular_solve", (SQUARE,)),
    ],
)
def test_methods_are_the_functions(name, arguments):
    assert hasattr(torch.Tensor, name)
    x, others = cr.tensor(SQUARE), [cr.tensor(a) if np.ndim(a) else a for a in arguments]
    found, expected = getattr(x, name)(*others), getattr(cr, name)(x, *others)
    several = isinstance(found, tuple)
    for a, b in zip(found, expected, strict=True) if several else [(found, expected)]:
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_the_methods_of_factors():
    x = cr.tensor(SQUARE @ SQUARE.T)
    np.testing.assert_array_equal(x.cholesky().numpy(), cr.cholesky(x).numpy())
    b, packed = cr.ones(3, 1, dtype=cr.float64), cr.linalg.lu_factor(x)
    np.testing.assert_allclose(b.lu_solve(*packed).numpy(), cr.linalg.solve(x, b).numpy())


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("addmm_", [(2, 2), (2, 3), (3, 2)]),
        ("addmv_", [(2,), (2, 3), (3,)]),
        ("addr_", [(2, 3), (2,), (3,)]),
        ("baddbmm_", [(2, 2, 2), (2, 2, 3), (2, 3, 2)]),
        ("addbmm_", [(2, 2), (2, 2, 3), (2, 3, 2)]),
    ],
)
def test_products_are_added_in_place(name, shapes):
    arrays = [uniform(*shape, seed=k) for k, shape in enumerate(shapes)]
    ours, theirs = ([make(a.copy()) for a in arrays] for make in (cr.tensor, torch.tensor))
    for target, *factors in (ours, theirs):
        for x in factors:
            x.requires_grad_()
        assert getattr(target, name)(*factors, beta=2, alpha=-1) is target
        (target * target).sum().backward()
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy())
    np.testing.assert_allclose(ours[0].detach().numpy(), theirs[0].detach().numpy())


def test_results_have_pytorchs_names():
    x = torch.tensor(SQUARE), cr.tensor(SQUARE)
    for name in ("eigh", "svd", "qr", "slogdet", "lu", "lu_factor", "inv_ex", "lu_factor_ex"):
        theirs, ours = (getattr(lib.linalg, name)(a) for lib, a in zip((torch, cr), x, strict=True))
        for field in ours._fields:
            assert hasattr(theirs, field)
        assert type(ours).__name__ == type(theirs).__name__


def test_views_that_do_not_lie_in_order_are_decomposed():
    x = strided(4, 4)
    U, s, Vh = cr.linalg.svd(cr.tensor(x).mT)
    np.testing.assert_allclose((U * s @ Vh).numpy(), x.T)
