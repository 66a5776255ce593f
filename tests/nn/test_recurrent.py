"""Recurrent layers and cells are PyTorch's: outputs, states, gradients, refusals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.nn.twins import assert_close, here

LAYERS = ("RNN", "LSTM", "GRU")


def twins(name: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The same layer here and in PyTorch."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*args, **kwargs)
    ours = getattr(cr.nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(here(dict(theirs.state_dict())))
    return ours, theirs


def tensors(value: Any) -> list[Any]:
    if isinstance(value, cr.Tensor | torch.Tensor):
        return [value]
    if hasattr(value, "batch_sizes"):
        return [value.data]
    return [t for part in value or () for t in tensors(part)]


def assert_same(ours: Any, theirs: Any, *inputs: Any) -> None:
    """Compare outputs, states and all gradients."""

    def leaf(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(leaf(v) for v in value)
        return value.clone().requires_grad_() if isinstance(value, torch.Tensor) else value

    def ours_of(value: Any) -> Any:
        return tuple(ours_of(v) for v in value) if isinstance(value, tuple) else here(value)

    given = [leaf(x) for x in inputs]
    mine = [ours_of(x) for x in given]
    expected, actual = tensors(theirs(*given)), tensors(ours(*mine))
    assert len(expected) == len(actual)
    random = torch.Generator().manual_seed(1)
    total_there, total_here = 0, 0
    for a, b in zip(actual, expected, strict=True):
        assert_close(a, b)
        weight = torch.randn(b.shape, generator=random, dtype=b.dtype)
        total_there = total_there + (b * weight).sum()
        total_here = total_here + (a * here(weight)).sum()
    total_there.backward()
    total_here.backward()
    for a, b in zip(tensors(mine), tensors(given), strict=True):
        assert_close(a.grad, b.grad)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-5)


OPTIONS = [
    {},
    {"bias": False},
    {"num_layers": 2},
    {"bidirectional": True},
    {"batch_first": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
    {"dtype": "float64"},
]


@pytest.mark.parametrize(("name", "options"), [*itertools.product(LAYERS, OPTIONS)])
def test_layers_over_their_options(name: str, options: dict[str, Any]) -> None:
    dtype = options.get("dtype", "float32")
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(3, 4, **{**options, "dtype": getattr(torch, dtype)})
    ours = getattr(cr.nn, name)(3, 4, **{**options, "dtype": getattr(cr, dtype)})
    ours.load_state_dict(here(dict(theirs.state_dict())))
    assert repr(ours) == repr(theirs)
    x = torch.randn(5, 2, 3, dtype=getattr(torch, dtype))
    assert_same(ours, theirs, x)
    ours.zero_grad()
    theirs.zero_grad()
    rows = 5 if options.get("batch_first") else 2
    count = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    state = torch.randn(count, rows, 4, dtype=x.dtype)
    assert_same(ours, theirs, x, (state, state * 0.5) if name == "LSTM" else state)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_an_lstm_with_projections(options: dict[str, Any]) -> None:
    ours, theirs = twins("LSTM", 3, 4, proj_size=2, **options)
    assert_same(ours, theirs, torch.randn(5, 2, 3))
    count = 4 if options else 1
    ours.zero_grad()
    theirs.zero_grad()
    assert_same(
        ours, theirs, torch.randn(5, 2, 3), (torch.randn(count, 2, 2), torch.randn(count, 2, 4))
    )


def test_relu_and_sequences_without_a_batch() -> None:
    assert_same(*twins("RNN", 3, 4, nonlinearity="relu"), torch.randn(5, 2, 3))
    for name in LAYERS:
        ours, theirs = twins(name, 3, 4)
        state = torch.randn(1, 4)
        assert_same(ours, theirs, torch.randn(5, 3), (state, state) if name == "LSTM" else state)


def test_dropout_stands_between_layers_and_only_while_training() -> None:
    with pytest.warns(UserWarning, match="all but last"):
        cr.nn.LSTM(3, 4, dropout=0.5)
    layer = cr.nn.GRU(3, 40, num_layers=2, dropout=0.5)
    x = cr.randn(5, 2, 3)
    assert not np.array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())


@pytest.mark.parametrize(("name", "bidirectional"), [*itertools.product(LAYERS, [False, True])])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_sequences(name: str, bidirectional: bool, enforce_sorted: bool) -> None:
    from chainrule.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    theirs_utils = torch.nn.utils.rnn
    lengths = [5, 3, 3, 1] if enforce_sorted else [3, 5, 1, 3]
    ours, theirs = twins(name, 3, 4, num_layers=2, bidirectional=bidirectional)

    def run(module: Any, x: Any, hx: Any, pack: Any, pad: Any) -> Any:
        packed = pack(x, lengths, enforce_sorted=enforce_sorted)
        output, state = module(packed, hx)
        return pad(output)[0], state

    count = 4 if bidirectional else 2
    state = torch.randn(count, 4, 4)
    hx = (state, state * 2) if name == "LSTM" else state

    class Ours:
        parameters = ours.parameters

        def __call__(self, x: Any, hx: Any) -> Any:
            return run(ours, x, hx, pack_padded_sequence, pad_packed_sequence)

    class Theirs:
        parameters = theirs.parameters

        def __call__(self, x: Any, hx: Any) -> Any:
            pack, pad = theirs_utils.pack_padded_sequence, theirs_utils.pad_packed_sequence
            return run(theirs, x, hx, pack, pad)

    assert_same(Ours(), Theirs(), torch.randn(5, 4, 3), hx)


CELLS = [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("LSTMCell", {}), ("GRUCell", {})]


@pytest.mark.parametrize(("name", "options"), CELLS)
@pytest.mark.parametrize("bias", [True, False])
def test_cells(name: str, options: dict[str, Any], bias: bool) -> None:
    ours, theirs = twins(name, 3, 4, bias=bias, **options)
    assert_same(ours, theirs, torch.randn(2, 3))
    for shape in ((2,), ()):
        state = torch.randn(*shape, 4)
        ours.zero_grad()
        theirs.zero_grad()
        hx = (state, state * 2) if name == "LSTMCell" else state
        assert_same(ours, theirs, torch.randn(*shape, 3), hx)


def test_second_derivatives() -> None:
    for name in LAYERS:
        layer = getattr(cr.nn, name)(2, 2, dtype=cr.float64)
        x = cr.randn(3, 1, 2, dtype=cr.float64).requires_grad_()
        assert cr.autograd.gradgradcheck(lambda x, layer=layer: layer(x)[0], (x,))


def test_initial_parameters_are_pytorchs() -> None:
    for name, args in (("LSTM", (3, 4, 2)), ("GRU", (3, 4)), ("RNN", (3, 4)), ("GRUCell", (3, 4))):
        torch.manual_seed(3)
        cr.manual_seed(3)
        theirs, ours = getattr(torch.nn, name)(*args), getattr(cr.nn, name)(*args)
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


x = torch.ones


@pytest.mark.parametrize(
    ("name", "kwargs", "inputs"),
    [
        ("LSTM", {}, (x(2, 2),)),
        ("LSTM", {}, (x(2),)),
        ("LSTM", {}, (x(0, 2, 3),)),
        ("LSTM", {}, (x(2, 2, 3), (x(1, 2, 5), x(1, 2, 4)))),
        ("LSTM", {}, (x(2, 2, 3), (x(1, 2, 4), x(1, 2, 5)))),
        ("LSTM", {}, (x(2, 3), (x(1, 1, 4), x(1, 1, 4)))),
        ("GRU", {}, (x(2, 2, 3), x(1, 3, 4))),
        ("RNN", {}, (x(2, 2, 3).double(),)),
        ("LSTMCell", {}, (x(2, 2),)),
        ("LSTMCell", {}, (x(1, 2, 3),)),
        ("LSTMCell", {}, (x(2, 3), (x(2, 5), x(2, 4)))),
        ("GRUCell", {}, (x(2, 3), x(3, 4))),
        ("LSTM", {"hidden_size": 0}, ()),
        ("LSTM", {"hidden_size": 2.5}, ()),
        ("LSTM", {"num_layers": 0}, ()),
        ("LSTM", {"proj_size": 4}, ()),
        ("LSTM", {"proj_size": -1}, ()),
        ("LSTM", {"dropout": 2}, ()),
        ("RNN", {"nonlinearity": "x"}, ()),
    ],
)
def test_refusals_are_pytorchs(name: str, kwargs: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    def ours_of(value: Any) -> Any:
        return tuple(ours_of(v) for v in value) if isinstance(value, tuple) else here(value)

    options = {"input_size": 3, "hidden_size": 4, **kwargs}
    with pytest.raises(Exception, match=r".") as theirs:
        getattr(torch.nn, name)(**options)(*inputs)
    with pytest.raises(type(theirs.value)) as ours:
        getattr(cr.nn, name)(**options)(*(ours_of(i) for i in inputs))
    start = str(theirs.value).replace("torch.", "")[:40]
    assert str(ours.value).startswith(start)
