"""Bridges to PyTorch: memory is shared, modules compute and learn the same under the same names."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import chainrule as cr
from chainrule.interop.pytorch import from_torch, to_torch
from tests.nn.twins import assert_close

# --- Tensors --------------------------------------------------------------------------------------

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_share_their_memory_both_ways(dtype: str) -> None:
    theirs = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype)).T
    ours = cr.from_torch(theirs)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert str(ours.dtype) == dtype
    theirs[0, 0] = 1
    assert ours[0, 0].item() == 1
    back = cr.to_torch(ours)
    assert back.dtype == theirs.dtype
    assert back.data_ptr() == theirs.data_ptr()


def test_leaves_and_parameters_stay_such() -> None:
    for theirs in (torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))):
        ours = from_torch(theirs)
        assert ours.requires_grad and ours.is_leaf
        assert isinstance(ours, cr.nn.Parameter) == isinstance(theirs, torch.nn.Parameter)
        again = to_torch(ours)
        assert again.requires_grad and again.is_leaf
        assert type(again) is type(theirs)
    assert not from_torch(torch.ones(2)).requires_grad


def test_layouts_that_pytorch_does_not_have_are_copied() -> None:
    flipped = cr.from_numpy(np.arange(3.0)[::-1])
    assert to_torch(flipped).tolist() == [2, 1, 0]
    assert to_torch(cr.ones(1).expand(3)).tolist() == [1, 1, 1]


def test_state_dicts_and_containers() -> None:
    theirs = torch.nn.Linear(2, 1)
    ours = cr.nn.Linear(2, 1)
    ours.load_state_dict(from_torch(theirs.state_dict()))
    np.testing.assert_array_equal(ours.weight.detach().numpy(), theirs.weight.detach().numpy())
    theirs.load_state_dict(to_torch(ours.state_dict()))
    assert isinstance(from_torch(theirs.state_dict()), OrderedDict)
    found = from_torch({"a": [torch.ones(1), 2], "b": (None, "x")})
    assert found["a"][0].item() == 1 and found["b"] == (None, "x")


def test_dlpack_both_ways_without_copies() -> None:
    theirs = torch.arange(3.0)
    ours = cr.from_dlpack(theirs)
    ours[0] = 7.0
    assert theirs[0] == 7
    again = torch.from_dlpack(ours)
    assert again.data_ptr() == theirs.data_ptr()


def test_what_cannot_cross_is_refused() -> None:
    with pytest.raises(RuntimeError, match="bfloat16 is not available"):
        from_torch(torch.ones(1, dtype=torch.bfloat16))
    with pytest.raises(RuntimeError, match="to_dense"):
        from_torch(torch.eye(2).to_sparse())
    with pytest.raises(TypeError, match="expected a torch"):
        from_torch({1, 2})
    with pytest.raises(TypeError, match="state_dict"):
        to_torch(cr.nn.Linear(1, 1))
    with pytest.raises(TypeError, match="expected a chainrule Tensor"):
        to_torch(np.ones(2))


# --- Modules --------------------------------------------------------------------------------------


def assert_same(theirs: Any, *inputs: Any, **options: Any) -> Any:
    """Convert a module; compare names, output and every gradient."""
    torch.manual_seed(0)
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    ours = from_torch(copy.deepcopy(theirs))  # running statistics are updated by either
    expected = theirs(*leaves, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert ours.training == theirs.training
    mine = [from_torch(x) for x in leaves]
    actual = ours(*mine, **options)
    while isinstance(expected, tuple):
        actual, expected = actual[0], expected[0]
    assert_close(actual, expected, rtol=1e-4, atol=1e-5)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    weight = weight.to(expected.dtype)
    (expected * weight).sum().backward()
    (actual * from_torch(weight)).sum().backward()
    for a, b in zip(mine, leaves, strict=True):
        if b.requires_grad:
            assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        if b.grad is not None:
            assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)
    return ours


nn = torch.nn
LAYERS: list[tuple[Any, tuple[int, ...]]] = [
    (nn.Linear(3, 4), (2, 3)),
    (nn.Linear(3, 4, bias=False), (2, 3)),
    (nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), (2, 2, 8)),
    (nn.Conv2d(2, 3, 3, padding="same", padding_mode="reflect"), (2, 2, 5, 5)),
    (nn.Conv3d(1, 2, 2), (1, 1, 3, 3, 3)),
    (nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1), (2, 2, 4, 4)),
    (nn.MaxPool2d(2, ceil_mode=True), (1, 2, 5, 5)),
    (nn.AvgPool2d(3, 2, count_include_pad=False, padding=1), (1, 2, 5, 5)),
    (nn.AdaptiveAvgPool2d((2, None)), (1, 2, 5, 5)),
    (nn.BatchNorm2d(2), (3, 2, 4, 4)),
    (nn.BatchNorm1d(2).eval(), (3, 2)),
    (nn.LayerNorm(4), (3, 4)),
    (nn.GroupNorm(2, 4), (3, 4, 5)),
    (nn.InstanceNorm2d(2, affine=True), (3, 2, 4, 4)),
    (nn.RMSNorm(4), (3, 4)),
    (nn.PReLU(3), (2, 3)),
    (nn.GELU("tanh"), (2, 3)),
    (nn.Softplus(2.0, 5.0), (2, 3)),
    (nn.LeakyReLU(0.3), (2, 3)),
    (nn.Softmax(dim=1), (2, 3)),
    (nn.Flatten(), (2, 3, 4)),
    (nn.Unflatten(1, (2, 2)), (2, 4)),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (1, 2, 3, 3)),
    (nn.PixelShuffle(2), (1, 4, 3, 3)),
    (nn.ReflectionPad2d((1, 2, 0, 1)), (1, 2, 4, 4)),
    (nn.Dropout(0.5).eval(), (2, 3)),
    (nn.RNN(3, 4, 2, bidirectional=True), (5, 2, 3)),
    (nn.LSTM(3, 4, batch_first=True), (2, 5, 3)),
    (nn.GRU(3, 4, 2), (5, 2, 3)),
    (nn.LSTMCell(3, 4), (2, 3)),
    (nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True), (2, 3, 8)),
    (nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 1))), (2, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda v: type(v).__name__)
def test_layers_become_their_namesakes(layer: Any, shape: tuple[int, ...]) -> None:
    ours = assert_same(layer, torch.randn(shape, generator=torch.Generator().manual_seed(2)))
    assert type(ours) is getattr(cr.nn, type(layer).__name__)


def test_layers_of_two_inputs_and_of_indices() -> None:
    assert_same(nn.Bilinear(2, 3, 4), torch.randn(5, 2), torch.randn(5, 3))
    assert_same(nn.Embedding(5, 3, padding_idx=0), torch.tensor([[0, 1], [4, 1]]))
    assert_same(nn.MultiheadAttention(8, 2), *(torch.randn(4, 2, 8) for _ in range(3)))
    assert_same(nn.HuberLoss(delta=0.5), torch.randn(5), torch.randn(5))


class Block(nn.Module):
    """A residual block with functions, methods, operators and constants of every kind."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.5))
        self.register_buffer("shift", torch.ones(width))
        self.register_buffer("hidden", torch.zeros(1), persistent=False)

    def forward(self, x: Any, gain: float = 2.0) -> Any:
        h = F.gelu(self.up(self.norm(x)), approximate="tanh")
        h = self.down(h) * self.scale + self.shift - self.hidden
        h = torch.where(h > 0, h, h * 0.1).clamp(max=10.0)
        h = torch.cat([h[:, :1], h[:, 1:]], dim=1)
        return x + gain * torch.softmax(h, -1).view(x.shape[0], -1)


class Net(nn.Module):
    """A network of one's own, with layers of one's own, lists of them, and shared weights."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(4), Block(4)])
        self.head = nn.Linear(4, 4, bias=False)
        self.head.weight = self.blocks[0].scale_weight = nn.Parameter(torch.eye(4) * 0.7)
        self.unused = nn.Linear(1, 1)

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        out = self.head(x)
        return out.reshape(-1, 4).mean(dim=1, keepdim=True), torch.linalg.vector_norm(out)


def test_a_network_of_ones_own_is_traced_under_its_names() -> None:
    torch.manual_seed(0)
    assert_same(Block(4), torch.randn(3, 4))
    ours = assert_same(Net(), torch.randn(3, 4))
    assert ours.head.weight is ours.blocks[0].scale_weight
    assert "from Net" in repr(ours)


def test_arguments_of_a_traced_module_go_by_position_and_name() -> None:
    theirs = Block(4)
    ours, x = from_torch(theirs), torch.randn(2, 4)
    for args, kwargs in [((x, 3.0), {}), ((x,), {"gain": 3.0}), ((), {"x": x, "gain": 3.0})]:
        mine = [from_torch(a) if isinstance(a, torch.Tensor) else a for a in args]
        named = {k: from_torch(v) for k, v in kwargs.items()}
        assert_close(ours(*mine, **named), theirs(*args, **kwargs))
    with pytest.raises(TypeError, match="missing the argument 'x'"):
        ours()
    with pytest.raises(TypeError, match=r"takes 2 arguments \(x, gain\), got 3"):
        ours(1, 2, 3)


def test_training_one_trains_the_other() -> None:
    theirs = nn.Linear(2, 1)
    ours = from_torch(theirs)
    ours(cr.ones(3, 2)).sum().backward()
    before = theirs.weight.detach().clone()
    cr.optim.SGD(ours.parameters(), lr=0.1).step()
    np.testing.assert_allclose(theirs.weight.detach(), before - 0.3, rtol=1e-6)


def test_the_gradients_of_a_converted_module_are_explained_and_checked() -> None:
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    ours = from_torch(theirs)
    x = torch.randn(4, 3)
    loss = ours(from_torch(x)).pow(2).mean()
    text = cr.explain(loss, ours).text()
    assert "0.weight" in text and "tanh" in text
    theirs(x).pow(2).mean().backward()
    claims = {name: p.grad.numpy() for name, p in theirs.named_parameters()}
    assert cr.check(loss, claims, model=ours).ok
    claims["0.bias"] = claims["0.bias"] / 4
    assert not cr.check(loss, claims, model=ours).ok


def test_what_cannot_be_converted_is_named() -> None:
    class Branching(nn.Module):
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    class Strange(nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.fft.fft(x)

    class Method(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.sparse_mask(x)

    with pytest.raises(RuntimeError, match="Branching cannot be traced"):
        from_torch(Branching())
    with pytest.raises(TypeError, match=r"no counterpart of torch.*fft"):
        from_torch(Strange())
    with pytest.raises(TypeError, match="no method 'sparse_mask'"):
        from_torch(Method())
    with pytest.raises(TypeError, match=r"no chainrule\.nn\.SyncBatchNorm"):
        from_torch(nn.SyncBatchNorm(2))


def test_without_pytorch_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="from_torch needs PyTorch"):
        from_torch(None)
