"""gradcheck and gradgradcheck: the gradients of a function against central finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.differentiate import grad
from chainrule.tensor import Tensor, wrap
from chainrule.verify.gradient_check import GradcheckError, GradientCheck, requires_grad
from chainrule.verify.jacobian import as_tuple

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check the gradients of a function against central finite differences.

    Every entry of the Jacobian is compared: ``|analytical − numerical| ≤ atol + rtol·|numerical|``.
    The backward pass must also give the same values twice, be linear in the gradient arriving at
    the outputs (0 for 0 in particular), give gradients of the inputs' shapes, and change neither
    the inputs nor the arriving gradient.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple; the float64 ones that require grad are checked. They are
            changed by ``eps`` in place while the check runs, and restored.
        eps: how far each entry is moved.
        atol: absolute tolerance.
        rtol: relative tolerance.
        raise_exception: raise when the check fails; otherwise return False.
        nondet_tol: by how much two backward passes over the same values may differ.
        check_undefined_grad: check that an output left out of the backward pass counts as 0.
        check_grad_dtypes: check that each gradient has its input's dtype.
        check_batched_grad: not supported, like the two other forward and batched checks.
        check_batched_forward_grad: not supported.
        check_forward_ad: not supported.
        check_backward_ad: check the gradients of the backward pass.
        fast_mode: compare one random projection of the Jacobian instead of all entries: the cost
            no longer grows with the number of entries.
        masked: without effect; tensors are dense.

    Returns:
        True if all gradients are right.

    Raises:
        GradcheckError: if one is wrong. The message names the function, the input, the entry, and
            both values, and says where the function is not smooth or not deterministic.
        ValueError: if no input requires grad.

    >>> import chainrule as cr
    >>> x = cr.tensor([0.5, -2.0], dtype=cr.float64, requires_grad=True)
    >>> cr.autograd.gradcheck(lambda x: (x * x).sum(), x)
    True
    """
    _refuse(
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
    )
    if not check_backward_ad:
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True; only "
            "check_backward_ad is supported"
        )
    given = as_tuple(inputs)
    check = GradientCheck(
        func,
        given,
        name=_name_of(func),
        input_names=[f"input {k}" for k in range(len(given))],
        output_name="output {}",
        eps=eps,
        atol=atol,
        rtol=rtol,
        nondet_tol=nondet_tol,
        undefined=check_undefined_grad,
        dtypes=check_grad_dtypes,
        fast=fast_mode,
    )
    return check.run(raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check second derivatives: the gradients of the backward pass against finite differences.

    The backward pass, recorded with ``create_graph=True``, is a function of the inputs and of the
    gradients arriving at the outputs; `gradcheck` is applied to it.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: as in `gradcheck`.
        grad_outputs: the gradients arriving at the outputs; drawn from [−1, 1] with a fixed seed
            if None.
        eps: as in `gradcheck`.
        atol: as in `gradcheck`.
        rtol: as in `gradcheck`.
        gen_non_contig_grad_outputs: let the drawn gradients not be contiguous in memory.
        raise_exception: as in `gradcheck`.
        nondet_tol: as in `gradcheck`.
        check_undefined_grad: as in `gradcheck`.
        check_grad_dtypes: as in `gradcheck`.
        check_batched_grad: not supported.
        check_fwd_over_rev: not supported.
        check_rev_over_rev: check the backward pass of the backward pass.
        fast_mode: as in `gradcheck`.
        masked: without effect.

    >>> import chainrule as cr
    >>> x = cr.tensor([0.5, -2.0], dtype=cr.float64, requires_grad=True)
    >>> cr.autograd.gradgradcheck(lambda x: x**3, x)
    True
    """
    _refuse(check_batched_grad=check_batched_grad, check_fwd_over_rev=check_fwd_over_rev)
    if not check_rev_over_rev:
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True; only "
            "check_rev_over_rev is supported"
        )
    given = as_tuple(inputs)
    if grad_outputs is None:
        outputs = _differentiable(func(*given))
        upstream: tuple[Any, ...] = _draw_upstream(outputs, gen_non_contig_grad_outputs)
    else:
        upstream = as_tuple(grad_outputs)
    wanted = [k for k, x in enumerate(given) if requires_grad(x)]
    count = len(given)

    def backward_pass(*args: Any) -> tuple[Tensor, ...]:
        outputs = _differentiable(func(*args[:count]))
        gradients = grad(
            outputs,
            [args[k] for k in wanted],
            args[count:],
            create_graph=True,
            allow_unused=True,
        )
        return tuple(g for g in gradients if g is not None)

    check = GradientCheck(
        backward_pass,
        given + upstream,
        name=f"the backward pass of {_name_of(func)}",
        input_names=[
            *(f"input {k}" for k in range(count)),
            *(f"grad_output {k}" for k in range(len(upstream))),
        ],
        output_name="gradient {}",
        eps=eps,
        atol=atol,
        rtol=rtol,
        nondet_tol=nondet_tol,
        undefined=check_undefined_grad,
        dtypes=check_grad_dtypes,
        fast=fast_mode,
    )
    return check.run(raise_exception)


def _refuse(**options: bool) -> None:
    for name, value in options.items():
        if value:
            raise NotImplementedError(
                f"{name}=True is not supported: only backward-mode derivatives, one at a time, are "
                "checked; leave it False"
            )


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(o for o in as_tuple(outputs) if requires_grad(o))


def _draw_upstream(outputs: tuple[Tensor, ...], spread_out: bool) -> tuple[Tensor, ...]:
    rng = np.random.default_rng(0)
    drawn = []
    for output in outputs:
        array = rng.uniform(-1, 1, output._array.shape).astype(output._array.dtype)
        if spread_out and array.ndim:
            array = np.repeat(array, 2, axis=-1)[..., ::2]
        tensor = wrap(array)
        tensor.requires_grad = True
        drawn.append(tensor)
    return tuple(drawn)


def _name_of(func: Callable[..., Any]) -> str:
    """Return what to call a function in a message; a lambda is called by its place."""
    name = getattr(func, "__qualname__", None) or type(func).__name__
    owner = getattr(func, "__self__", None)
    if isinstance(owner, type):  # the apply of a Function, which its base class defines
        name = f"{owner.__name__}.{func.__name__}"
    code = getattr(func, "__code__", None)
    if code is not None and "<lambda>" in name:
        return f"the lambda at {code.co_filename}:{code.co_firstlineno}"
    return str(name)
