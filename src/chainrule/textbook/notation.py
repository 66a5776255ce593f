"""A forward and a backward pass as equations, in the layout of the caller's own arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.textbook.layout import Layout
from chainrule.textbook.losses import Loss

if TYPE_CHECKING:
    from chainrule.textbook.recursion import Backward, Forward

_COLUMN = 42


def forward_equations(forward: Forward) -> str:
    """The equations of a forward pass, each with the shape of its result."""
    layout = forward.layout
    count, _ = layout.size_of(forward.x.shape)
    layers = len(forward.z)
    header = f"Forward pass, {_number(count, 'sample')}"
    if not layout.single:
        header += f" as {layout.samples if count != 1 else layout.samples.removesuffix('s')}"
    order = "(outputs, inputs)" if layout.weights == "out_in" else "(inputs, outputs)"
    lines = [f"{header}, {_number(layers, 'layer')}, weights {order}"]
    lines.append(_line("a[0] = x", forward.x.shape))
    for layer in range(1, layers + 1):
        bias = "" if forward.b[layer] is None else f" + b[{layer}]"
        lines.append(_line(f"z[{layer}] = {_affine(layer, layout)}{bias}", forward.z[layer].shape))
        name = forward.activations[layer].name
        lines.append(_line(f"a[{layer}] = {name}(z[{layer}])", forward.a[layer].shape))
    if forward.loss is not None and forward.loss_function is not None:
        equation = f"{_loss_equation(forward, forward.loss_function)}, ŷ = a[{layers}]"
        lines.append(_line(equation, f"{forward.loss:.6g}"))
    return "\n".join(lines)


def backward_equations(backward: Backward) -> str:
    """The equations of a backward pass, output first, each with the shape of its result."""
    forward = backward.forward
    layout = forward.layout
    layers = len(forward.z)
    loss = forward.loss_function
    header = "Backward pass"
    if loss is not None:
        header += f", {_loss_equation(forward, loss)}"
    lines = [header, _line(f"da[{layers}] = {_output_gradient(backward)}", backward.dy_hat.shape)]
    for layer in range(layers, 0, -1):
        lines.append(_line(f"δ[{layer}]  = {_delta(backward, layer)}", backward.delta[layer].shape))
        lines.append(
            _line(f"dW[{layer}] = {_weight_gradient(layer, layout)}", backward.dW[layer].shape)
        )
        db = backward.db[layer]
        if db is not None:
            summed = f"δ[{layer}]" if layout.single else f"Σₙ δ[{layer}]"
            lines.append(_line(f"db[{layer}] = {summed}", db.shape))
        name = f"da[{layer - 1}]" if layer > 1 else "dx   "
        lines.append(_line(f"{name} = {_passed_back(layer, layout)}", backward.da[layer - 1].shape))
    return "\n".join(lines)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _line(equation: str, result: object) -> str:
    return f"{equation:<{_COLUMN}} {result}"


def _weight(layer: int, *, transposed: bool) -> str:
    return f"W[{layer}]ᵀ" if transposed else f"W[{layer}]"


def _affine(layer: int, layout: Layout) -> str:
    in_out = layout.weights == "in_out"
    if layout.columns:
        return f"{_weight(layer, transposed=in_out)} a[{layer - 1}]"
    return f"a[{layer - 1}] {_weight(layer, transposed=not in_out)}"


def _passed_back(layer: int, layout: Layout) -> str:
    in_out = layout.weights == "in_out"
    if layout.columns:
        return f"{_weight(layer, transposed=not in_out)} δ[{layer}]"
    return f"δ[{layer}] {_weight(layer, transposed=in_out)}"


def _weight_gradient(layer: int, layout: Layout) -> str:
    delta, a = f"δ[{layer}]", f"a[{layer - 1}]"
    first, second = (delta, a) if layout.weights == "out_in" else (a, delta)
    return f"{first} {second}ᵀ" if layout.columns else f"{first}ᵀ {second}"


def _delta(backward: Backward, layer: int) -> str:
    forward = backward.forward
    if backward.closed_form is not None and layer == len(forward.z):
        return _divided(backward.closed_form.delta, forward)
    activation = forward.activations[layer]
    if activation.name == "identity":
        return f"da[{layer}]"
    if activation.derivative is None:
        return f"J_{activation.name}(z[{layer}])ᵀ da[{layer}]"
    return f"da[{layer}] ∘ {activation.name}′(z[{layer}])"


def _output_gradient(backward: Backward) -> str:
    loss = backward.forward.loss_function
    if loss is None:
        return "dL/dŷ as given"
    return _divided(loss.derivative_formula or f"{loss.name}′(ŷ, y)", backward.forward)


def _divided(formula: str, forward: Forward) -> str:
    divisor = _divisor(forward)
    return f"{formula} / {divisor}" if divisor else formula


def _divisor(forward: Forward) -> str:
    """The count that a mean loss is divided by, empty for a sum."""
    loss = forward.loss_function
    if loss is None or forward.reduction == "sum":
        return ""
    if loss.mean_over == "samples":
        return "" if forward.layout.single else "N"
    return "K" if forward.layout.single else "(N K)"


def _loss_equation(forward: Forward, loss: Loss) -> str:
    divisor = _divisor(forward)
    mean = f"1/{divisor} " if divisor else ""
    sums = "Σₖ" if forward.layout.single else "Σₙ Σₖ"
    return f"L = {mean}{sums} {loss.formula or f'{loss.name}(ŷ, y)'}"
