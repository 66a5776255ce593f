"""A network of layers in the column convention of lecture notes, on tensors.

A sample is a column: ``x`` is (n, 1), a layer computes ``W x + b`` with W (outputs, inputs) and b
(outputs, 1), and several columns side by side are a batch. Unlike the rest of the textbook this
module computes with tensors, so a single ``backward()`` differentiates the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Layer(Protocol):
    """Anything with a forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output for the columns ``x``."""


class LinearLayer:
    """``W x + b``, with parameters that require grad.

    Args:
        W: the weights, of shape (outputs, inputs); an array, nested lists or a tensor.
        b: the biases, of shape (outputs, 1) or (outputs,); None for a layer without.

    Raises:
        ValueError: for weights that are no matrix, or biases that do not fit them.

    >>> from chainrule import textbook
    >>> import chainrule as cr
    >>> layer = textbook.LinearLayer([[1.0, 2.0], [3.0, 4.0]], [[1.0], [2.0]])
    >>> layer.forward(cr.tensor([[1.0], [2.0]])).detach()
    tensor([[ 6.],
            [13.]])
    """

    def __init__(self, W: Any, b: Any = None) -> None:
        self.W = _parameter(W)
        if len(self.W.shape) != 2:
            raise ValueError(
                f"LinearLayer: W has shape {list(self.W.shape)}, expected (outputs, inputs)"
            )
        self.b: Tensor | None = None
        if b is not None:
            outputs = self.W.shape[0]
            self.b = _parameter(b)
            if tuple(self.b.shape) == (outputs,):
                self.b = _parameter(np.reshape(b, (outputs, 1)))
            if tuple(self.b.shape) != (outputs, 1):
                raise ValueError(
                    f"LinearLayer: b has shape {list(self.b.shape)}, expected ({outputs}, 1), a "
                    f"column with an entry for each of the {outputs} rows of W"
                )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``W x + b`` for columns of shape (inputs, N)."""
        z = self.W @ x
        return z if self.b is None else z + self.b


class ReLU:
    """``max(x, 0)``, entry by entry, with derivative 0 at 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the positive part of ``x``."""
        return x.relu()


class Sigmoid:
    """``1 / (1 + exp(-x))``, entry by entry."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the sigmoid of ``x``."""
        return x.sigmoid()


class Network:
    """Layers one after the other.

    >>> import numpy as np
    >>> from chainrule import textbook
    >>> import chainrule as cr
    >>> network = textbook.Network()
    >>> network.add_layer(textbook.LinearLayer(np.eye(2)))
    >>> network.add_layer(textbook.ReLU())
    >>> loss = textbook.CrossEntropyLoss().forward(network.forward(cr.tensor([[0.0], [0.0]])), 1)
    >>> loss.backward()
    >>> round(loss.item(), 4)
    0.6931
    """

    def __init__(self) -> None:
        self.layers: list[Any] = []

    def add_layer(self, layer: Layer) -> None:
        """Append a layer."""
        self.layers.append(layer)

    def forward(self, x: Any) -> Tensor:
        """Return the output of the last layer for columns of shape (inputs, N)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x  # type: ignore[no-any-return]

    __call__ = forward

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """Return the parameters with names such as ``0.W``: the layer's number, then its own."""
        return [
            (f"{k}.{name}", tensor)
            for k, layer in enumerate(self.layers)
            for name in ("W", "b")
            if (tensor := getattr(layer, name, None)) is not None
        ]


class CrossEntropyLoss:
    """``−log softmax(output)[target]``, the mean over the columns."""

    def forward(self, output: Tensor, target: Any) -> Tensor:
        """Return the loss, a scalar.

        Args:
            output: logits of shape (classes, N).
            target: the class of each column: an integer, or N of them.

        Raises:
            ValueError: for logits of another shape, or a number of classes that is not N.
            IndexError: for a class that does not exist.
        """
        if len(output.shape) != 2:
            raise ValueError(
                f"CrossEntropyLoss: the output has shape {list(output.shape)}, expected "
                "(classes, N): a column of logits for each sample"
            )
        classes, samples = output.shape
        index = np.asarray(getattr(target, "_array", target)).reshape(-1)
        if index.shape != (samples,):
            raise ValueError(
                f"CrossEntropyLoss: {index.size} targets for {samples} columns; expected one each"
            )
        if index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= classes:
            raise IndexError(
                f"CrossEntropyLoss: targets are integers from 0 to {classes - 1}, got {target!r}"
            )
        chosen = output[index, np.arange(samples)]
        return (output.logsumexp(0) - chosen).mean()


def _parameter(value: Any) -> Tensor:
    # The engine is loaded only by those who build a network.
    from chainrule.tensor import Tensor

    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind != "f":
        value = value.astype(np.float64)
    return Tensor(value, requires_grad=True)
