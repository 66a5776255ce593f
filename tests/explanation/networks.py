"""Networks that the tests explain; the first two are those of public lecture notebooks."""

from typing import Any, NamedTuple

import chainrule as cr
import chainrule.nn.functional as F
from tests.explanation import architectures


class Case(NamedTuple):
    loss: cr.Tensor
    scope: dict[str, Any]


def lecture_002() -> Case:
    """Three linear layers without activation, then a sigmoid; one sample as a row."""
    fc1 = cr.tensor(
        [
            [0.2369, 0.4875, -0.0785],
            [-0.1420, 0.5180, -0.4875],
            [-0.0190, -0.2783, 0.3500],
            [0.2950, -0.3992, 0.5065],
        ],
        requires_grad=True,
    )
    fc2 = cr.tensor(
        [[-0.0172, -0.1255, 0.3816, 0.4249], [-0.0027, -0.1248, 0.4886, 0.1373]],
        requires_grad=True,
    )
    fc3 = cr.tensor([[-0.2785, 0.4220]], requires_grad=True)
    x = cr.tensor([[1.0, 2.0, 3.0]])
    y = cr.tensor([[1.0]])
    h3 = F.linear(F.linear(F.linear(x, fc1), fc2), fc3).sigmoid()
    loss = F.binary_cross_entropy(h3, y)
    return Case(loss, {"W1": fc1, "W2": fc2, "W3": fc3, "x": x, "y": y, "loss": loss})


def lecture_001() -> Case:
    """ReLU and sigmoid with cross-entropy; one sample as a row."""
    w1 = cr.tensor(
        [[0.1433, -0.2529, 0.2200, 0.0073], [-0.3766, 0.0989, -0.0612, 0.1814]],
        requires_grad=True,
    )
    w2 = cr.tensor([[-0.5954, 0.5741]], requires_grad=True)
    features = cr.tensor([[-2.0, -0.3, 1.7, 0.2]])
    target = cr.tensor([[1.0]])
    prediction = F.linear(F.linear(features, w1).relu(), w2).sigmoid()
    loss = F.binary_cross_entropy(prediction, target)
    return Case(loss, {"w1": w1, "w2": w2, "features": features, "target": target})


def by_hand() -> Case:
    """x @ W + b with tanh, W.T in the second layer, and a squared error written out."""
    cr.manual_seed(1)
    A, b = cr.randn(3, 5, requires_grad=True), cr.randn(5, requires_grad=True)
    B = cr.randn(2, 5, requires_grad=True)
    X, T = cr.randn(6, 3), cr.randn(6, 2)
    out = cr.tanh(X @ A + b) @ B.T
    loss = ((out - T) ** 2).mean()
    return Case(loss, {"A": A, "b": b, "B": B, "X": X, "T": T, "out": out, "loss": loss})


def columns() -> Case:
    """Samples as columns, weights on the left, and the cross-entropy written out."""
    cr.manual_seed(2)
    W, b = cr.randn(1, 3, requires_grad=True), cr.zeros(1, 1, requires_grad=True)
    X, y = cr.randn(3, 5), cr.tensor([[1.0, 0.0, 1.0, 1.0, 0.0]])
    a = cr.sigmoid(W @ X + b)
    loss = -(y * cr.log(a) + (1 - y) * cr.log(1 - a)).mean()
    return Case(loss, {"W": W, "b": b, "X": X, "y": y, "a": a, "loss": loss})


def recurrent() -> Case:
    """Five steps with shared weights."""
    cr.manual_seed(3)
    W, U = cr.randn(3, 2, requires_grad=True), cr.randn(3, 3, requires_grad=True)
    b, V = cr.zeros(3, requires_grad=True), cr.randn(1, 3, requires_grad=True)
    h = cr.zeros(1, 3)
    states = []
    inputs = [cr.randn(1, 2) for _ in range(5)]
    for step in inputs:
        h = cr.tanh(step @ W.T + h @ U.T + b)
        states.append(h)
    y = cr.tensor([[1.0]])
    loss = ((h @ V.T - y) ** 2).sum()
    scope = {"W": W, "U": U, "b": b, "V": V, "inputs": inputs, "states": states, "y": y}
    return Case(loss, scope)


def attention() -> Case:
    """Scaled dot-product attention of four vectors."""
    cr.manual_seed(4)
    x = cr.randn(4, 6)
    Wq, Wk, Wv = (cr.randn(6, 6, requires_grad=True) for _ in range(3))
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    p = cr.softmax(q @ k.T / 6**0.5, dim=1)
    out = p @ v
    loss = (out * out).mean()
    scope = {"x": x, "Wq": Wq, "Wk": Wk, "Wv": Wv, "q": q, "k": k, "v": v, "p": p, "out": out}
    return Case(loss, scope)


def normalised() -> Case:
    """A batch normalisation written out."""
    cr.manual_seed(5)
    x, g = cr.randn(6, 3, requires_grad=True), cr.rand(3, requires_grad=True)
    mean = x.mean(0, keepdim=True)
    s = (x.var(0, unbiased=False, keepdim=True) + 1e-5).sqrt()
    normal = (x - mean) / s
    loss = (normal * g).exp().sum()
    return Case(loss, {"x": x, "g": g, "mean": mean, "s": s, "normal": normal})


def classifier() -> Case:
    """Softmax with cross-entropy of class labels."""
    cr.manual_seed(6)
    W1, b1 = cr.randn(8, 4, requires_grad=True), cr.zeros(8, requires_grad=True)
    W2, b2 = cr.randn(3, 8, requires_grad=True), cr.zeros(3, requires_grad=True)
    X, labels = cr.randn(5, 4), cr.tensor([0, 2, 1, 1, 0])
    loss = F.cross_entropy(F.linear(F.linear(X, W1, b1).relu(), W2, b2), labels)
    return Case(loss, {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "X": X, "labels": labels})


def scalars() -> Case:
    """Plain numbers, one of them used twice."""
    a, b = cr.tensor(0.5, requires_grad=True), cr.tensor(-0.3, requires_grad=True)
    c = a * b
    loss = ((c + a**2) * c).tanh()
    return Case(loss, {"a": a, "b": b, "c": c})


ALL = {
    case.__name__: case
    for case in (
        lecture_001,
        lecture_002,
        by_hand,
        columns,
        recurrent,
        attention,
        normalised,
        classifier,
        scalars,
    )
}
ALL.update(
    (name, lambda make=make: Case(*make()))  # type: ignore[misc]
    for name, make in architectures.ALL.items()
)
