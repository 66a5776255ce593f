"""The step as a competent person writes it by hand: the floor that any engine adds to.

Float32 throughout, in place wherever a value is not needed again, the delta of the output layer
in closed form, no gradient for the inputs. Buffers are not kept between steps: that is the work
of a compiler, not of a notebook.
"""

import numpy as np

from benchmarks.workloads import MLP, Workload

from . import Step, Unsupported


def build(workload: Workload) -> Step:
    if not isinstance(workload, MLP):
        raise Unsupported
    inputs, targets = workload.data()
    layers = list(workload.layers())
    output_delta = sigmoid_cross_entropy if workload.binary else softmax_cross_entropy
    learning_rate = workload.learning_rate

    def step():
        hidden = [inputs]
        for weight, bias in layers[:-1]:
            z = hidden[-1] @ weight
            z += bias
            hidden.append(np.maximum(z, 0, out=z))
        weight, bias = layers[-1]
        z = hidden[-1] @ weight
        z += bias
        loss, delta = output_delta(z, targets)

        for i in range(len(layers) - 1, -1, -1):
            weight, bias = layers[i]
            weight_gradient = hidden[i].T @ delta
            bias_gradient = delta.sum(axis=0)
            if i > 0:
                delta = delta @ weight.T
                delta *= hidden[i] > 0
            weight_gradient *= learning_rate
            weight -= weight_gradient
            bias_gradient *= learning_rate
            bias -= bias_gradient
        return loss

    return step


def sigmoid_cross_entropy(z: np.ndarray, targets: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """Mean binary cross-entropy of sigmoid(z), and its derivative by z, both (rows, out)."""
    probabilities = 1 / (1 + np.exp(-z))
    loss = -np.mean(targets * np.log(probabilities) + (1 - targets) * np.log(1 - probabilities))
    probabilities -= targets
    probabilities /= z.size
    return loss, probabilities


def softmax_cross_entropy(z: np.ndarray, labels: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """Mean cross-entropy of softmax(z), z (rows, classes), and its derivative by z; destroys z."""
    rows = np.arange(len(z))
    z -= z.max(axis=1, keepdims=True)
    picked = z[rows, labels]
    probabilities = np.exp(z, out=z)
    total = probabilities.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - picked)
    probabilities /= total
    probabilities[rows, labels] -= 1
    probabilities /= len(z)
    return loss, probabilities
