"""HIPS autograd: a pure loss function of the parameters and ``value_and_grad``.

Softmax cross-entropy is the product with one-hot rows, as in the library's own examples: its
backward pass is cheaper there than that of fancy indexing.
"""

import autograd.numpy as np
from autograd import value_and_grad
from autograd.scipy.special import logsumexp

from benchmarks.workloads import MLP, Workload

from . import Step, Unsupported


def build(workload: Workload) -> Step:
    if not isinstance(workload, MLP):
        raise Unsupported
    inputs, targets = workload.data()
    layers = list(workload.layers())
    learning_rate = workload.learning_rate
    if not workload.binary:
        targets = np.eye(workload.sizes[-1], dtype=np.float32)[targets]

    def loss_of(layers):
        hidden = inputs
        for weight, bias in layers[:-1]:
            hidden = np.maximum(hidden @ weight + bias, 0)
        weight, bias = layers[-1]
        z = hidden @ weight + bias
        if workload.binary:
            probabilities = 1 / (1 + np.exp(-z))
            return -np.mean(
                targets * np.log(probabilities) + (1 - targets) * np.log(1 - probabilities)
            )
        log_probabilities = z - logsumexp(z, axis=1, keepdims=True)
        return -np.sum(log_probabilities * targets) / len(inputs)

    loss_and_gradients = value_and_grad(loss_of)

    def step():
        loss, gradients = loss_and_gradients(layers)
        for parameters, slopes in zip(layers, gradients, strict=True):
            for parameter, slope in zip(parameters, slopes, strict=True):
                parameter -= learning_rate * slope
        return loss

    return step
