"""One run of gradcheck: Jacobians entry by entry, and what else a backward pass must obey."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.differentiate import grad
from chainrule.tensor import Tensor, wrap
from chainrule.verify.jacobian import (
    Array,
    as_tuple,
    evaluated_around,
    numerical_jacobian,
    values_of,
)


class GradcheckError(RuntimeError):
    """What `gradcheck` and `gradgradcheck` raise when a gradient is wrong."""


class GradientCheck:
    """One run of a check: a function, its inputs, what to call them, and what is allowed."""

    def __init__(
        self,
        func: Callable[..., Any],
        inputs: tuple[Any, ...],
        *,
        name: str,
        input_names: list[str],
        output_name: str,
        eps: float,
        atol: float,
        rtol: float,
        nondet_tol: float,
        undefined: bool,
        dtypes: bool,
        fast: bool,
    ) -> None:
        self.func = func
        self.inputs = inputs
        self.name = name
        self.input_names = input_names
        self.output_name = output_name
        self.eps, self.atol, self.rtol, self.nondet_tol = eps, atol, rtol, nondet_tol
        self.undefined, self.dtypes, self.fast = undefined, dtypes, fast
        self.checked = [k for k, x in enumerate(inputs) if requires_grad(x)]
        _check_inputs(inputs, input_names)

    def run(self, raise_exception: bool) -> bool:
        """Check everything; return True, or raise or return False."""
        try:
            self._run()
        except GradcheckError:
            if raise_exception:
                raise
            return False
        return True

    def _run(self) -> None:
        before = [self.inputs[k]._array.copy() for k in self.checked]
        outputs = as_tuple(self.func(*self.inputs))
        positions = [k for k, o in enumerate(outputs) if requires_grad(o)]
        self._check_untouched(before, "the function itself")
        for k in self.checked:
            for j, o in enumerate(outputs):
                if isinstance(o, Tensor) and j not in positions:
                    self._check_constant(k, j)
        differentiable = tuple(outputs[j] for j in positions)
        if self.fast:
            self._compare_projections(differentiable, positions, before)
        else:
            self._compare_jacobians(differentiable, positions, before)
        self._check_zero(differentiable)
        if self.undefined and len(differentiable) > 1:
            self._check_left_out(differentiable, positions)

    # --- Jacobians

    def _compare_jacobians(
        self, outputs: tuple[Tensor, ...], positions: list[int], before: list[Array]
    ) -> None:
        numerical = {
            k: [
                jacobian
                for j, jacobian in enumerate(
                    numerical_jacobian(self.func, self.inputs, k, self.eps)
                )
                if j in positions
            ]
            for k in self.checked
        }
        for row, (output, j) in enumerate(zip(outputs, positions, strict=True)):
            analytical = self._analytical_jacobian(output, j, before)
            for k, jacobian in zip(self.checked, analytical, strict=True):
                self._compare(k, j, jacobian, numerical[k][row])
            self._check_linear(output, j, analytical)

    def _analytical_jacobian(self, output: Tensor, j: int, before: list[Array]) -> list[Array]:
        """Return (entries of the input, entries of the output) for each checked input."""
        size = output._array.size
        jacobians = [np.zeros((self.inputs[k]._array.size, size)) for k in self.checked]
        for entry in range(size):
            seed = np.zeros(output._array.shape, output._array.dtype)
            seed.reshape(-1)[entry] = 1.0
            first = self._gradients(output, j, seed, before)
            second = self._gradients(output, j, seed, before)
            for k, jacobian, a, b in zip(self.checked, jacobians, first, second, strict=True):
                if not np.allclose(a, b, rtol=0.0, atol=self.nondet_tol, equal_nan=True):
                    raise GradcheckError(
                        "Backward is not reentrant, i.e., running backward with same input and "
                        "grad_output multiple times gives different values: "
                        f"{self._place(k, j)} the gradients of two passes differ by "
                        f"{np.abs(a - b).max():.3g} (nondet_tol={self.nondet_tol:g}) in "
                        f"{self.name}. A backward pass must not depend on state that it changes, "
                        "or on random numbers"
                    )
                jacobian[:, entry] = a.reshape(-1)
        return jacobians

    def _gradients(self, output: Tensor, j: int, seed: Array, before: list[Array]) -> list[Array]:
        """Run one backward pass and return the gradients of the checked inputs as arrays."""
        tensors = [self.inputs[k] for k in self.checked]
        upstream = seed.copy()
        found = grad(output, tensors, wrap(upstream), retain_graph=True, allow_unused=True)
        if not np.array_equal(upstream, seed, equal_nan=True):
            raise GradcheckError(
                f"the backward pass of {self.name} changes the gradient arriving at "
                f"{self.output_name.format(j)} in place; other operations still read it"
            )
        self._check_untouched(before, "the backward pass")
        gradients = []
        for k, tensor, gradient in zip(self.checked, tensors, found, strict=True):
            if gradient is None:
                gradients.append(np.zeros(tensor._array.shape))
                continue
            if gradient._array.shape != tensor._array.shape:
                raise GradcheckError(
                    f"Analytical gradient has incorrect size: {self._place(k, j)} it has shape "
                    f"{list(gradient.shape)}, the input {list(tensor.shape)}, in {self.name}"
                )
            if self.dtypes and gradient.dtype != tensor.dtype:
                raise GradcheckError(
                    f"Gradient has dtype mismatch: {self._place(k, j)} it is {gradient.dtype}, the "
                    f"input {tensor.dtype}, in {self.name}"
                )
            gradients.append(gradient._array)
        return gradients

    def _compare(self, k: int, j: int, analytical: Array, numerical: Array) -> None:
        wrong = ~np.isclose(analytical, numerical, rtol=self.rtol, atol=self.atol)
        if not wrong.any():
            return
        error = np.abs(analytical - numerical)
        error[~wrong] = -1
        error[wrong & ~np.isfinite(error)] = np.inf
        row, column = np.unravel_index(int(np.argmax(error)), error.shape)
        a, n = analytical[row, column], numerical[row, column]
        where = np.unravel_index(row, self.inputs[k]._array.shape)
        output = values_of(self.func(*self.inputs))[j]
        to = np.unravel_index(column, output.shape)
        message = (
            f"Jacobian mismatch for {self.output_name.format(j)} with respect to "
            f"{self.input_names[k]} of {self.name}:\n"
            f"  the derivative of {_entry(self.output_name.format(j), to)} by "
            f"{_entry(self.input_names[k], where)}\n"
            f"  analytical: {a:.10g}\n"
            f"  numerical:  {n:.10g}\n"
            f"  difference: {abs(a - n):.3g}, allowed {self.atol + self.rtol * abs(n):.3g}\n"
            f"  {int(wrong.sum())} of {wrong.size} entries of this Jacobian differ"
        )
        raise GradcheckError(message + self._diagnosis(k, j, int(row), int(column), a))

    def _diagnosis(self, k: int, j: int, row: int, column: int, analytical: float) -> str:
        """Return what else could explain a mismatch: precision, chance, or a kink."""
        array = self.inputs[k]._array
        remarks = []
        if array.dtype != np.float64:
            remarks.append(
                f"{self.input_names[k]} is {array.dtype}: finite differences need float64, convert "
                "it with .double()"
            )
        once, again = (values_of(self.func(*self.inputs))[j] for _ in range(2))
        if not np.array_equal(once, again, equal_nan=True):
            remarks.append(
                "two calls of the function with the same inputs differ: draw its random numbers "
                "outside, or seed them inside"
            )
        elif array.dtype == np.float64:
            at = np.unravel_index(row, array.shape)
            up, down = evaluated_around(self.func, self.inputs, array, at, self.eps)
            middle = float(once.reshape(-1)[column])
            right = (float(up[j].reshape(-1)[column]) - middle) / self.eps
            left = (middle - float(down[j].reshape(-1)[column])) / self.eps
            tolerance = 10 * (self.atol + self.rtol * max(abs(left), abs(right)))
            if math.isfinite(left) and math.isfinite(right) and abs(right - left) > tolerance:
                remarks.append(
                    f"the function has a kink here (slope {left:.6g} to the left, {right:.6g} to "
                    "the right), where finite differences prove nothing: choose other inputs"
                )
        return "".join(f"\n  note: {remark}" for remark in remarks)

    def _compare_projections(
        self, outputs: tuple[Tensor, ...], positions: list[int], before: list[Array]
    ) -> None:
        """Compare vᵀ J u for random unit vectors u and v instead of J itself."""
        rng = np.random.default_rng(0)
        for k in self.checked:
            array = self.inputs[k]._array
            u = rng.uniform(0.1, 1, array.shape)
            u /= np.linalg.norm(u) or 1.0
            saved = array.copy()
            try:
                array[...] = saved + self.eps * u
                up = [o.copy() for o in values_of(self.func(*self.inputs))]
                array[...] = saved - self.eps * u
                down = values_of(self.func(*self.inputs))
            finally:
                array[...] = saved
            for output, j in zip(outputs, positions, strict=True):
                v = rng.uniform(0.1, 1, output._array.shape)
                v /= np.linalg.norm(v) or 1.0
                numerical = float((v * (up[j] - down[j])).sum() / (2 * self.eps))
                seed = v.astype(output._array.dtype)
                gradient = self._gradients(output, j, seed, before)[self.checked.index(k)]
                analytical = float((gradient * u).sum())
                # An error of atol in every entry adds up to this much.
                allowed = self.atol * float(u.sum() * v.sum()) + self.rtol * abs(numerical)
                if not abs(analytical - numerical) <= allowed:
                    slow = numerical_jacobian(self.func, self.inputs, k, self.eps)[j]
                    exact = self._analytical_jacobian(output, j, before)
                    self._compare(k, j, exact[self.checked.index(k)], slow)

    # --- What must hold besides

    def _check_constant(self, k: int, j: int) -> None:
        """Check that an output without a gradient really does not depend on an input."""
        output = values_of(self.func(*self.inputs))[j]
        if output.dtype.kind != "f":
            return
        jacobian = numerical_jacobian(self.func, self.inputs, k, self.eps)[j]
        if np.any(jacobian != 0):
            raise GradcheckError(
                "Numerical gradient for function expected to be zero: "
                f"{self.output_name.format(j)} of {self.name} does not require grad, yet it "
                f"depends on {self.input_names[k]}. Something on the way detaches it"
            )

    def _check_untouched(self, before: list[Array], who: str) -> None:
        for k, copy in zip(self.checked, before, strict=True):
            if not np.array_equal(self.inputs[k]._array, copy, equal_nan=True):
                raise GradcheckError(
                    f"{who} changes {self.input_names[k]} of {self.name} in place; it must leave "
                    "its inputs as they are"
                )

    def _check_linear(self, output: Tensor, j: int, jacobians: list[Array]) -> None:
        """Check that the backward pass is linear in the gradient arriving."""
        if not output._array.size:
            return
        v = np.random.default_rng(1).uniform(-2, 2, output._array.shape)
        upstream = v.astype(output._array.dtype)
        tensors = [self.inputs[k] for k in self.checked]
        found = grad(output, tensors, wrap(upstream), retain_graph=True, allow_unused=True)
        for k, gradient, jacobian in zip(self.checked, found, jacobians, strict=True):
            expected = (jacobian @ upstream.reshape(-1)).reshape(self.inputs[k]._array.shape)
            got = np.zeros_like(expected) if gradient is None else gradient._array
            settled = np.isfinite(expected)
            if not np.allclose(got[settled], expected[settled], rtol=self.rtol, atol=self.atol):
                worst = float(np.abs(got[settled] - expected[settled]).max())
                raise GradcheckError(
                    "backward not multiplied by grad_output: the backward pass of "
                    f"{self.name} is not linear in the gradient arriving at "
                    f"{self.output_name.format(j)}; the gradient of {self.input_names[k]} is off "
                    f"by {worst:.3g} for a general one, though right for ones and zeros"
                )

    def _check_zero(self, outputs: tuple[Tensor, ...]) -> None:
        """Check that a gradient of zero arriving gives zero."""
        if not outputs:
            return
        tensors = [self.inputs[k] for k in self.checked]
        zeros = [wrap(np.zeros_like(o._array)) for o in outputs]
        found = grad(outputs, tensors, zeros, retain_graph=True, allow_unused=True)
        for k, gradient in zip(self.checked, found, strict=True):
            if gradient is not None and np.any(gradient._array[np.isfinite(gradient._array)]):
                raise GradcheckError(
                    "backward not multiplied by grad_output: with a gradient of 0 arriving at "
                    f"{self.name}, that of {self.input_names[k]} is not 0"
                )

    def _check_left_out(self, outputs: tuple[Tensor, ...], positions: list[int]) -> None:
        """Check that an output without an arriving gradient counts as one with zeros."""
        tensors = [self.inputs[k] for k in self.checked]
        for chosen, j in enumerate(positions):
            ones = np.ones_like(outputs[chosen]._array)
            filled = [
                wrap(ones if m == chosen else np.zeros_like(o._array))
                for m, o in enumerate(outputs)
            ]
            alone = grad(outputs[chosen], tensors, wrap(ones), retain_graph=True, allow_unused=True)
            complete = grad(outputs, tensors, filled, retain_graph=True, allow_unused=True)
            for k, a, b in zip(self.checked, alone, complete, strict=True):
                left = 0.0 if a is None else a._array
                right = 0.0 if b is None else b._array
                if not np.allclose(left, right, rtol=self.rtol, atol=self.atol, equal_nan=True):
                    raise GradcheckError(
                        "Expected backward function to handle undefined output grads: with a "
                        f"gradient for {self.output_name.format(j)} alone, that of "
                        f"{self.input_names[k]} of {self.name} differs from the one with zeros for "
                        "the other outputs"
                    )

    def _place(self, k: int, j: int) -> str:
        return f"for {self.output_name.format(j)} with respect to {self.input_names[k]}"


def requires_grad(value: Any) -> bool:
    """Tell whether a value is a tensor that gradients are asked for."""
    return isinstance(value, Tensor) and value.requires_grad


def _check_inputs(inputs: tuple[Any, ...], names: list[str]) -> None:
    checked = [k for k, x in enumerate(inputs) if requires_grad(x)]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have requires_grad=True"
        )
    for k in checked:
        array = inputs[k]._array
        if array.dtype != np.float64:
            number = names[k].replace("input ", "Input #")
            warnings.warn(
                f"{number} requires gradient and is not a double precision floating point "
                f"({array.dtype}). This check will likely fail if all the inputs are not of double "
                "precision floating point; convert them with .double()",
                stacklevel=4,
            )
        shared = any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))
        if shared and array.size:
            raise RuntimeError(
                f"{names[k]} has a dimension with stride 0 (it was expanded): its entries share "
                "memory and cannot be moved one by one. Call .clone() on it before gradcheck"
            )
        if not array.flags.writeable:
            raise RuntimeError(
                f"{names[k]} is in read-only memory, so gradcheck cannot move its entries; call "
                ".clone() on it first"
            )


def _entry(name: str, at: Sequence[Any]) -> str:
    return f"{name} at [{', '.join(str(int(i)) for i in at)}]" if len(at) else name
