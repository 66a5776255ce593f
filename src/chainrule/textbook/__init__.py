"""Backpropagation as lecture notes write it: plain NumPy, every intermediate value in sight.

:func:`forward` keeps all pre-activations and activations of a network of dense layers,
:func:`backward` runs the delta recursion over them. Both follow the conventions of the lecture at
hand: weights as (outputs, inputs) or (inputs, outputs), samples as rows or columns, one sample or
a batch, with or without biases. Nothing there uses the engine, so the two can check each other.

:class:`Network` with its layers is the other way round: a lecture's column convention on tensors.

>>> import numpy as np
>>> from chainrule import textbook
>>> f = textbook.forward(
...     np.array([1.0, 2.0]), W=[np.array([[0.5, -0.25]])], b=[np.array([0.1])],
...     activations="sigmoid", targets=1, loss="bce",
... )
>>> gradients = textbook.backward(f)
>>> print(gradients)
Backward pass, L = 1/K Σₖ [−y log ŷ − (1 − y) log(1 − ŷ)]
da[1] = (ŷ − y) / (ŷ (1 − ŷ)) / K          (1,)
δ[1]  = (ŷ − y) / K                        (1,)
dW[1] = δ[1] a[0]ᵀ                         (1, 2)
db[1] = δ[1]                               (1,)
dx    = W[1]ᵀ δ[1]                         (2,)
>>> gradients.dW[1].round(4)
array([[-0.475, -0.95 ]])
"""

from chainrule.textbook.activations import ACTIVATIONS, Activation, elu, leaky_relu
from chainrule.textbook.by_layer import ByLayer
from chainrule.textbook.losses import LOSSES, ClosedForm, Loss
from chainrule.textbook.network import CrossEntropyLoss, LinearLayer, Network, ReLU, Sigmoid
from chainrule.textbook.recursion import Backward, Forward, backward, forward

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "Activation",
    "Backward",
    "ByLayer",
    "ClosedForm",
    "CrossEntropyLoss",
    "Forward",
    "LinearLayer",
    "Loss",
    "Network",
    "ReLU",
    "Sigmoid",
    "backward",
    "elu",
    "forward",
    "leaky_relu",
]
