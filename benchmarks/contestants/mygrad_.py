"""MyGrad, with its ``nnet`` functions and without memory guarding, as its manual advises for speed.

MyGrad drops a tensor's gradient when the tensor next enters a computation, so nothing resets it.
"""

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.workloads import MLP, Workload

from . import Step, Unsupported


def build(workload: Workload) -> Step:
    if not isinstance(workload, MLP):
        raise Unsupported
    mg.turn_memory_guarding_off()
    inputs, targets = workload.data()
    layers = [(mg.tensor(weight), mg.tensor(bias)) for weight, bias in workload.layers()]
    learning_rate = workload.learning_rate
    one = np.float32(1)  # a plain 1 is an int64 array to MyGrad, and the gradients float64

    def loss_of(z):
        if workload.binary:
            probabilities = sigmoid(z)
            return -mg.mean(
                targets * mg.log(probabilities) + (one - targets) * mg.log(one - probabilities)
            )
        return softmax_crossentropy(z, targets)

    def step():
        hidden = inputs
        for weight, bias in layers[:-1]:
            hidden = relu(mg.matmul(hidden, weight) + bias)
        weight, bias = layers[-1]
        loss = loss_of(mg.matmul(hidden, weight) + bias)
        loss.backward()
        for parameters in layers:
            for parameter in parameters:
                parameter.data -= learning_rate * parameter.grad
        return loss

    return step
