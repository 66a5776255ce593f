"""The delta recursion: backpropagation through a stack of dense layers, as lectures derive it.

For the layers ``l = 1 … L``, forward

    a[0] = x        z[l] = W[l] a[l-1] + b[l]        a[l] = f_l(z[l])

and backward, with ``delta[l] = dL/dz[l]``,

    delta[L] = dL/da[L] * f_L'(z[L])
    delta[l] = (W[l+1]^T delta[l+1]) * f_l'(z[l])
    dL/dW[l] = delta[l] a[l-1]^T      dL/db[l] = delta[l] summed over the batch

(Rumelhart, Hinton, Williams: Learning representations by back-propagating errors, Nature 323,
1986; in this notation Nielsen: Neural Networks and Deep Learning, 2015, chapter 2).

This module is plain NumPy and shares no code with the engine, so that it can vouch for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.textbook import notation, validation
from chainrule.textbook.activations import Activation, Array
from chainrule.textbook.by_layer import ByLayer
from chainrule.textbook.layout import Layout, SampleLayout, WeightLayout
from chainrule.textbook.losses import ClosedForm, Loss, Reduction


@dataclass(frozen=True, eq=False, repr=False)
class Forward:
    """Everything a forward pass computed, laid out as its arguments. Printing it shows equations.

    With N samples, layer sizes n[0] … n[L], and ``samples="rows"`` (for ``"columns"`` transpose the
    batches, for a single sample drop N):

    Attributes:
        a: activations, ``a[0]`` (the input) to ``a[L]`` (the output), of shape (N, n[l]).
        z: pre-activations, ``z[1]`` to ``z[L]``, of shape (N, n[l]).
        W: weights, ``W[1]`` to ``W[L]``, of shape (n[l], n[l-1]), or (n[l-1], n[l]) with
            ``weights="in_out"``.
        b: biases, ``b[1]`` to ``b[L]``, in the shape given, None for a layer without.
        activations: the activation of each layer, ``activations[1]`` to ``activations[L]``.
        loss: the loss, a scalar; None without targets.
        losses: the loss of each sample, of shape (N,), () for a single sample; ``loss`` is their
            mean or sum. None without targets.
        loss_function: the loss function; None without targets.
        targets: the targets in the shape of the outputs, classes one-hot; None without targets.
        reduction: how ``losses`` become ``loss``.
        layout: the layout of weights and samples.

    All arrays are read-only copies: a later update of the weights cannot change the record that
    the backward pass reads.
    """

    a: ByLayer[Array]
    z: ByLayer[Array]
    W: ByLayer[Array]
    b: ByLayer[Array | None]
    activations: ByLayer[Activation]
    loss: np.floating[Any] | None
    losses: Array | None
    loss_function: Loss | None
    targets: Array | None
    reduction: Reduction
    layout: Layout

    @property
    def x(self) -> Array:
        """The input ``a[0]``, of shape (N, n[0])."""
        return self.a[0]

    @property
    def y_hat(self) -> Array:
        """The output ``a[L]``, of shape (N, n[L])."""
        return self.a[len(self.z)]

    @property
    def closed_form(self) -> ClosedForm | None:
        """What output activation and loss simplify to together, if they do."""
        if self.loss_function is None:
            return None
        return self.loss_function.closed_form_after(self.activations[len(self.z)])

    def __repr__(self) -> str:
        return notation.forward_equations(self)


@dataclass(frozen=True, eq=False, repr=False)
class Backward:
    """All gradients of one forward pass, laid out as it was. Printing it shows the equations.

    Each gradient has the shape of what it belongs to:

    Attributes:
        delta: ``delta[1]`` to ``delta[L]``, the gradients ``dL/dz[l]``.
        da: ``da[0]`` to ``da[L]``, the gradients ``dL/da[l]``.
        dW: ``dW[1]`` to ``dW[L]``, the gradients ``dL/dW[l]``.
        db: ``db[1]`` to ``db[L]``, the gradients ``dL/db[l]``, None for a layer without bias.
        forward: the forward pass these gradients belong to.
        closed_form: the closed form that gave ``delta[L]``; None where the plain chain did.
    """

    delta: ByLayer[Array]
    da: ByLayer[Array]
    dW: ByLayer[Array]
    db: ByLayer[Array | None]
    forward: Forward
    closed_form: ClosedForm | None

    @property
    def dx(self) -> Array:
        """``dL/dx``, the gradient of the input, ``da[0]``."""
        return self.da[0]

    @property
    def dy_hat(self) -> Array:
        """``dL/dŷ``, the gradient of the output, ``da[L]``."""
        return self.da[len(self.delta)]

    def __repr__(self) -> str:
        return notation.backward_equations(self)


def forward(
    x: ArrayLike,
    W: Iterable[ArrayLike],
    b: Iterable[ArrayLike | None] | None = None,
    *,
    activations: str | Activation | Iterable[str | Activation],
    targets: ArrayLike | None = None,
    loss: str | Loss | None = None,
    reduction: Reduction = "mean",
    weights: WeightLayout = "out_in",
    samples: SampleLayout = "rows",
) -> Forward:
    """The forward pass of a network of dense layers, every intermediate value kept.

    Args:
        x: the input: one sample of shape (n[0],), or a batch of shape (N, n[0]), with
            ``samples="columns"`` (n[0], N).
        W: one matrix per layer, of shape (n[l], n[l-1]), with ``weights="in_out"``
            (n[l-1], n[l]).
        b: one vector per layer, of shape (n[l],) or a row (1, n[l]), with ``samples="columns"`` a
            column (n[l], 1); None for a layer without bias, or for all.
        activations: one for all layers, or one per layer: names from ``textbook.ACTIVATIONS``, or
            :class:`Activation`.
        targets: of the shape of the output; for the cross-entropies also class indices, integers
            of shape (N,), a single one for a single sample. With one output also (N,).
        loss: a name from ``textbook.LOSSES``, or a :class:`Loss`. ``half_squared_error`` and
            ``squared_error`` sum over the outputs; ``mse``, ``bce`` and ``bce_with_logits`` are
            PyTorch's, whose mean is over samples *and* outputs. ``bce`` and ``cross_entropy`` take
            probabilities, ``nll`` takes log-probabilities, ``bce_with_logits`` and
            ``softmax_cross_entropy`` (PyTorch's ``CrossEntropyLoss``) take logits.
        reduction: ``"mean"`` or ``"sum"`` over the batch.
        weights: ``"out_in"`` or ``"in_out"``.
        samples: ``"rows"`` or ``"columns"``.

    Returns:
        The :class:`Forward` record. Its dtype is the widest floating dtype among the arrays of
        ``x``, ``W`` and ``b``; lists and integers follow, and alone are float64. ``bce`` after
        ``sigmoid`` and ``cross_entropy`` after ``softmax`` are computed from the logits, which is
        the same function without saturation.

    Raises:
        ValueError: for shapes that do not fit, unknown names, and targets or outputs the loss is
            not defined for.
        TypeError: for arrays that are not real numbers, classes that are not integers, and
            targets without a loss.

    >>> from chainrule import textbook
    >>> W = [[[0.2, 0.5], [0.2, 0.4]], [[0.5, 0.7], [0.6, 0.8]], [[0.9], [1.0]]]
    >>> f = textbook.forward([0, 1], W, activations="relu", weights="in_out",
    ...                      targets=1, loss="squared_error")
    >>> f.z[2].round(3), f.y_hat.round(3), round(float(f.loss), 6)
    (array([0.34, 0.46]), array([0.766]), 0.054756)
    >>> print(f)
    Forward pass, 1 sample, 3 layers, weights (inputs, outputs)
    a[0] = x                                   (2,)
    z[1] = W[1]ᵀ a[0]                          (2,)
    a[1] = relu(z[1])                          (2,)
    z[2] = W[2]ᵀ a[1]                          (2,)
    a[2] = relu(z[2])                          (2,)
    z[3] = W[3]ᵀ a[2]                          (1,)
    a[3] = relu(z[3])                          (1,)
    L = Σₖ (ŷ − y)², ŷ = a[3]                  0.054756
    """
    x_array = validation.real_array(x, "x")
    layout = validation.layout_of(x_array, weights, samples)
    validation.check_reduction(reduction)
    W_given = validation.per_layer(W, "W", dimensions=2)
    b_given = None if b is None else validation.per_layer(b, "b", dimensions=1)
    W_arrays = validation.weight_arrays(W_given)
    validation.check_chain(x_array, W_arrays, layout)
    outputs = [layout.out_in(matrix).shape[0] for matrix in W_arrays]
    b_arrays = validation.bias_arrays(b_given, outputs, layout)
    functions = validation.activation_list(activations, len(W_arrays))
    loss_function = validation.loss_of(loss, targets)
    dtype = validation.common_dtype([x, *W_given, *(b_given or [])])

    W_kept = [validation.frozen_copy(matrix, dtype) for matrix in W_arrays]
    b_kept = [None if bias is None else validation.frozen_copy(bias, dtype) for bias in b_arrays]
    z: list[Array] = []
    a: list[Array] = [layout.to_rows(validation.frozen_copy(x_array, dtype))]
    for matrix, bias, function in zip(W_kept, b_kept, functions, strict=True):
        z_l = a[-1] @ layout.out_in(matrix).T
        if bias is not None:
            z_l = z_l + bias.reshape(-1)
        z_l.flags.writeable = False
        a_l = np.asarray(function.f(z_l), dtype)
        if a_l.shape != z_l.shape:
            raise ValueError(
                f"layer {len(a)}: activation {function.name!r} gave shape {a_l.shape} for a "
                f"pre-activation of shape {z_l.shape}, expected the same shape (one sample a row); "
                "correct its f"
            )
        a_l.flags.writeable = False
        z.append(z_l)
        a.append(a_l)

    loss_value, losses, y = None, None, None
    if loss_function is not None and targets is not None:
        y = validation.target_rows(targets, layout.from_rows(a[-1]), layout, loss_function)
        closed = loss_function.closed_form_after(functions[-1])
        if closed is None:
            validation.check_outputs(a[-1], loss_function, functions[-1])
            errors = loss_function.e(a[-1], y)
        else:
            errors = closed.on_logits.e(z[-1], y)
        losses = _per_sample(errors, loss_function, reduction)
        loss_value = _reduce(losses, reduction)
        losses.flags.writeable = False

    return Forward(
        a=ByLayer("a", map(layout.from_rows, a), first=0),
        z=ByLayer("z", map(layout.from_rows, z), first=1),
        W=ByLayer("W", W_kept, first=1),
        b=ByLayer("b", b_kept, first=1),
        activations=ByLayer("activations", functions, first=1),
        loss=loss_value,
        losses=losses[0] if losses is not None and layout.single else losses,
        loss_function=loss_function,
        targets=None if y is None else layout.from_rows(y),
        reduction=reduction,
        layout=layout,
    )


def _per_sample(errors: Array, loss: Loss, reduction: Reduction) -> Array:
    """The losses ``(N,)`` of the samples from ``e``, ``(N, K)``."""
    total: Array = np.sum(errors, axis=1)
    if loss.mean_over == "elements" and reduction == "mean":
        # The mean over no outputs is NaN, as in PyTorch, and no cause for a warning.
        with np.errstate(invalid="ignore"):
            total = total / errors.shape[1]
    return total


def _reduce(losses: Array, reduction: Reduction) -> np.floating[Any]:
    if reduction == "mean" and not losses.size:
        # The same over no samples, where np.mean would warn.
        nan: np.floating[Any] = losses.dtype.type(np.nan)
        return nan
    reduced: np.floating[Any] = np.mean(losses) if reduction == "mean" else np.sum(losses)
    return reduced


def backward(
    forward: Forward, *, dy_hat: ArrayLike | None = None, closed_form: bool = True
) -> Backward:
    """The backward pass: the delta recursion from the output down to the input.

    Args:
        forward: what :func:`forward` returned.
        dy_hat: ``dL/dŷ`` in the shape of the output, for a forward pass without loss.
        closed_form: whether ``delta[L]`` of ``sigmoid`` with ``bce`` and of ``softmax`` with
            ``cross_entropy`` is their simplification ``ŷ - y`` (divided as the loss is). False
            multiplies ``dL/dŷ`` by the activation's derivative instead, which is the same in exact
            arithmetic and loses everything where the probabilities saturate.

    Returns:
        The :class:`Backward` record, in the layout and dtype of ``forward``.

    Raises:
        TypeError: without both a loss and ``dy_hat``, or with both.
        ValueError: for a ``dy_hat`` that has not the shape of the output.

    >>> from chainrule import textbook
    >>> W = [[[0.2, 0.5], [0.2, 0.4]], [[0.5, 0.7], [0.6, 0.8]], [[0.9], [1.0]]]
    >>> f = textbook.forward([0, 1], W, activations="relu", weights="in_out",
    ...                      targets=1, loss="squared_error")
    >>> gradients = textbook.backward(f)
    >>> gradients.delta[3].round(3), gradients.dW[2].round(5).tolist()
    (array([-0.468]), [[-0.08424, -0.0936], [-0.16848, -0.1872]])
    >>> print(gradients)
    Backward pass, L = Σₖ (ŷ − y)²
    da[3] = 2 (ŷ − y)                          (1,)
    δ[3]  = da[3] ∘ relu′(z[3])                (1,)
    dW[3] = a[2] δ[3]ᵀ                         (2, 1)
    da[2] = W[3] δ[3]                          (2,)
    δ[2]  = da[2] ∘ relu′(z[2])                (2,)
    dW[2] = a[1] δ[2]ᵀ                         (2, 2)
    da[1] = W[2] δ[2]                          (2,)
    δ[1]  = da[1] ∘ relu′(z[1])                (2,)
    dW[1] = a[0] δ[1]ᵀ                         (2, 2)
    dx    = W[1] δ[1]                          (2,)
    """
    layout = forward.layout
    z = [layout.to_rows(value) for value in forward.z]
    a = [layout.to_rows(value) for value in forward.a]
    W = [layout.out_in(matrix) for matrix in forward.W]
    functions = list(forward.activations)
    closed = forward.closed_form if closed_form else None

    da = [_output_gradient(forward, dy_hat)]
    delta: list[Array] = []
    dW: list[Array] = []
    db: list[Array | None] = []
    # In Python's numbering z[l], W[l] and functions[l] belong to layer l + 1, as does a[l + 1];
    # a[l] is what that layer was given.
    for l in reversed(range(len(W))):
        if closed is not None and l == len(W) - 1:
            delta_l = _loss_gradient(forward, closed.on_logits, z[l])
        else:
            delta_l = np.asarray(functions[l].pull_back(da[0], z[l], a[l + 1]), z[l].dtype)
        bias = forward.b[l + 1]
        delta.insert(0, delta_l)
        dW.insert(0, layout.out_in(delta_l.T @ a[l]))
        db.insert(0, None if bias is None else np.sum(delta_l, axis=0).reshape(bias.shape))
        da.insert(0, delta_l @ W[l])

    return Backward(
        delta=ByLayer("delta", map(layout.from_rows, delta), first=1),
        da=ByLayer("da", map(layout.from_rows, da), first=0),
        dW=ByLayer("dW", dW, first=1),
        db=ByLayer("db", db, first=1),
        forward=forward,
        closed_form=closed,
    )


def _output_gradient(forward: Forward, dy_hat: ArrayLike | None) -> Array:
    """``dL/dŷ`` as ``(N, K)``: the loss's derivative, or the one given in its place."""
    layout, y_hat = forward.layout, forward.y_hat
    if forward.loss_function is None or forward.targets is None:
        if dy_hat is None:
            raise TypeError(
                "the forward pass has no loss to differentiate; pass targets= and loss= to "
                "textbook.forward, or dy_hat=, the gradient of the loss by the output"
            )
        given = validation.real_array(dy_hat, "dy_hat")
        if given.shape != y_hat.shape:
            raise ValueError(
                f"dy_hat has shape {given.shape}, expected the shape of the output, {y_hat.shape}; "
                "a gradient has the shape of what it belongs to"
            )
        return layout.to_rows(np.array(given, y_hat.dtype))
    if dy_hat is not None:
        raise TypeError(
            f"dy_hat= is given, but the forward pass has the loss {forward.loss_function.name!r}, "
            "whose derivative it is; leave out one of the two"
        )
    return _loss_gradient(forward, forward.loss_function, layout.to_rows(y_hat))


def _loss_gradient(forward: Forward, loss: Loss, predictions: Array) -> Array:
    """The gradient ``(N, K)`` of the reduced loss by ``predictions``: outputs, or their logits."""
    assert forward.targets is not None, "a forward pass with a loss has targets"
    y = forward.layout.to_rows(forward.targets)
    samples, outputs = predictions.shape
    divisor = loss.divisor((samples, outputs), forward.reduction)
    return np.asarray(loss.derivative(predictions, y) / divisor, predictions.dtype)
