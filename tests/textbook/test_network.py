"""The column-convention network on tensors, and the figures of the lecture that uses it."""

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import textbook


def lecture_network():
    network = textbook.Network()
    network.add_layer(
        textbook.LinearLayer(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [2.0]]))
    )
    network.add_layer(textbook.ReLU())
    network.add_layer(
        textbook.LinearLayer(
            np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([[1.0], [2.0], [3.0]])
        )
    )
    return network


def test_the_gradients_printed_in_the_lecture():
    network = lecture_network()
    data = cr.Tensor(np.array([[1.0], [2.0]]))
    loss = textbook.CrossEntropyLoss().forward(network.forward(data), 1)
    loss.backward()
    first, _, last = network.layers
    assert np.allclose(first.W.grad.numpy(), [[2, 4], [2, 4]], atol=1e-6)
    assert np.allclose(first.b.grad.numpy(), [[2], [2]], atol=1e-6)
    expected = [[8.00168889e-34, 1.73369926e-33], [-6, -13], [6, 13]]
    assert np.allclose(last.W.grad.numpy(), expected, rtol=1e-6, atol=1e-40)
    assert np.allclose(last.b.grad.numpy(), [[1.33361482e-34], [-1], [1]], rtol=1e-6, atol=1e-40)


def test_a_batch_of_columns_agrees_with_pytorch():
    random = np.random.default_rng(0)
    W, b, x = (random.standard_normal(s) for s in ((4, 3), (4, 1), (3, 6)))
    y = random.integers(0, 4, 6)
    network = textbook.Network()
    network.add_layer(textbook.LinearLayer(W, b))
    network.add_layer(textbook.Sigmoid())
    loss = textbook.CrossEntropyLoss().forward(network(cr.Tensor(x)), y)
    loss.backward()
    Wt, bt = torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)
    logits = torch.sigmoid(Wt @ torch.tensor(x) + bt)
    expected = torch.nn.functional.cross_entropy(logits.T, torch.tensor(y))
    expected.backward()
    assert loss.item() == pytest.approx(expected.item())
    assert np.allclose(network.layers[0].W.grad.numpy(), Wt.grad.numpy())
    assert np.allclose(network.layers[0].b.grad.numpy(), bt.grad.numpy())


def test_biases_may_be_flat_or_absent():
    x = cr.Tensor(np.ones((2, 1)))
    flat = textbook.LinearLayer(np.eye(2), np.array([1.0, 2.0])).forward(x)
    none = textbook.LinearLayer(np.eye(2)).forward(x)
    assert flat.detach().numpy().tolist() == [[2.0], [3.0]]
    assert none.detach().numpy().tolist() == [[1.0], [1.0]]


def test_parameters_have_names():
    assert [name for name, _ in lecture_network().named_parameters()] == [
        "0.W",
        "0.b",
        "2.W",
        "2.b",
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: textbook.LinearLayer(np.ones(3)), r"W has shape \[3\]"),
        (lambda: textbook.LinearLayer(np.eye(2), np.ones((1, 2))), r"expected \(2, 1\)"),
    ],
)
def test_layers_refuse_shapes_that_do_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_loss_refuses_what_is_no_class():
    logits = cr.zeros(3, 2)
    with pytest.raises(IndexError, match="from 0 to 2"):
        textbook.CrossEntropyLoss().forward(logits, [0, 3])
    with pytest.raises(ValueError, match="1 targets for 2 columns"):
        textbook.CrossEntropyLoss().forward(logits, 1)
    with pytest.raises(ValueError, match="expected"):
        textbook.CrossEntropyLoss().forward(cr.zeros(3), 1)
