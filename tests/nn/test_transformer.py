"""Attention and transformers are PyTorch's: outputs, weights, gradients, initial parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.nn.twins import assert_close, here

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")


def twins(name: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The same module here and in PyTorch."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*args, **kwargs)
    ours = getattr(cr.nn, name)(*args, **kwargs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for p in theirs.parameters():  # biases, too, shall matter
        torch.nn.init.normal_(p, std=0.3)
    ours.load_state_dict(here(dict(theirs.state_dict())))
    return ours, theirs


def assert_same(ours: Any, theirs: Any, *inputs: Any, **options: Any) -> None:
    leaves = [x.clone().requires_grad_() for x in inputs]
    mine = [here(x) for x in leaves]
    expected = theirs(*leaves, **options)
    actual = ours(*mine, **{k: here(v) for k, v in options.items()})
    if isinstance(expected, tuple):
        if expected[1] is None:
            assert actual[1] is None
        else:
            assert_close(actual[1], expected[1])
        expected, actual = expected[0], actual[0]
    assert_close(actual, expected, rtol=1e-4, atol=1e-5)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    (expected * weight).sum().backward()
    (actual * here(weight)).sum().backward()
    for a, b in zip(mine, leaves, strict=True):
        assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        if b.grad is not None:
            assert a.grad is not None, name
            assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)


def causal(n: int) -> torch.Tensor:
    return torch.nn.Transformer.generate_square_subsequent_mask(n)


ATTENTION: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"bias": False}, {"need_weights": False}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"average_attn_weights": False}),
    ({"batch_first": True}, {}),
    ({}, {"attn_mask": causal(4)}),
    ({}, {"attn_mask": causal(4), "is_causal": True, "need_weights": False}),
    ({}, {"attn_mask": causal(4).isinf()}),
]


@pytest.mark.parametrize(("options", "call"), ATTENTION)
def test_attention_to_itself(options: dict[str, Any], call: dict[str, Any]) -> None:
    ours, theirs = twins("MultiheadAttention", 8, 2, **options)
    x = torch.randn(4, 4, 8)

    class Self:
        def __init__(self, module: Any) -> None:
            self.module = module
            self.named_parameters = module.named_parameters

        def __call__(self, x: Any, **options: Any) -> Any:
            return self.module(x, x, x, **options)

    assert_same(Self(ours), Self(theirs), x, **call)


def test_attention_to_others_with_padding_and_other_sizes() -> None:
    padding = torch.tensor([[False, False, True], [False, True, True]])
    for options in ({}, {"kdim": 5, "vdim": 6}):
        ours, theirs = twins("MultiheadAttention", 8, 2, **options)
        k, v = options.get("kdim", 8), options.get("vdim", 8)
        inputs = torch.randn(4, 2, 8), torch.randn(3, 2, k), torch.randn(3, 2, v)
        assert_same(ours, theirs, *inputs, key_padding_mask=padding)
    ours, theirs = twins("MultiheadAttention", 8, 2)
    assert_same(ours, theirs, *(torch.randn(n, 8) for n in (4, 3, 3)))


LAYERS: list[dict[str, Any]] = [
    {},
    {"norm_first": True, "batch_first": True},
    {"activation": "gelu", "bias": False},
]


@pytest.mark.parametrize("options", LAYERS)
def test_encoder_and_decoder_layers(options: dict[str, Any]) -> None:
    sizes = {"d_model": 8, "nhead": 2, "dim_feedforward": 12, "dropout": 0.0}
    x, memory = torch.randn(4, 4, 8), torch.randn(4, 4, 8)
    ours, theirs = twins("TransformerEncoderLayer", **sizes, **options)
    assert_same(ours, theirs, x, src_mask=causal(4))
    ours, theirs = twins("TransformerDecoderLayer", **sizes, **options)
    assert_same(ours, theirs, x, memory, tgt_mask=causal(4))


def test_whole_transformers() -> None:
    sizes = {"d_model": 8, "nhead": 2, "dim_feedforward": 12, "dropout": 0.0}
    ours, theirs = twins("Transformer", num_encoder_layers=2, num_decoder_layers=2, **sizes)
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[0, 3:] = True
    x, y = torch.randn(5, 3, 8), torch.randn(4, 3, 8)
    assert_same(ours, theirs, x, y, tgt_mask=causal(4), src_key_padding_mask=padding)
    assert_close(cr.nn.Transformer.generate_square_subsequent_mask(3), causal(3))


def test_layers_of_an_encoder_are_copies_with_parameters_of_their_own() -> None:
    layer = cr.nn.TransformerEncoderLayer(8, 2, 12)
    encoder = cr.nn.TransformerEncoder(layer, 2, norm=cr.nn.LayerNorm(8))
    first, second = (x.linear1.weight for x in encoder.layers)
    assert first is not second
    np.testing.assert_array_equal(first.detach().numpy(), second.detach().numpy())
    assert len(list(encoder.parameters())) == 2 * len(list(layer.parameters())) + 2


def test_initial_parameters_are_pytorchs() -> None:
    for name, args, kwargs in [
        ("MultiheadAttention", (8, 2), {"add_bias_kv": True}),
        ("MultiheadAttention", (8, 2), {"kdim": 5}),
        ("Transformer", (8, 2, 1, 1, 12), {}),
    ]:
        torch.manual_seed(3)
        cr.manual_seed(3)
        theirs = getattr(torch.nn, name)(*args, **kwargs)
        ours = getattr(cr.nn, name)(*args, **kwargs)
        for (key, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), err_msg=key)


@pytest.mark.parametrize(
    ("name", "args", "inputs"),
    [
        ("MultiheadAttention", (7, 2), ()),
        ("MultiheadAttention", (0, 2), ()),
        ("MultiheadAttention", (8, 2), ((2, 2, 7), (2, 2, 7), (2, 2, 7))),
        ("TransformerEncoderLayer", (8, 2, 4, 0.1, "x"), ()),
        ("Transformer", (8, 2, 1, 1, 4), ((2, 2, 8), (2, 3, 8))),
        ("Transformer", (8, 2, 1, 1, 4), ((2, 2, 7), (2, 2, 7))),
    ],
)
def test_refusals_are_pytorchs(name: str, args: Any, inputs: Any) -> None:
    with pytest.raises(Exception, match=r".") as theirs:
        getattr(torch.nn, name)(*args)(*(torch.ones(s) for s in inputs))
    with pytest.raises(type(theirs.value)) as ours:
        getattr(cr.nn, name)(*args)(*(cr.ones(s) for s in inputs))
    assert str(ours.value).startswith(str(theirs.value)[:40])
