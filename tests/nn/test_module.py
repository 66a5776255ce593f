"""Module: attributes, traversal, modes, conversion, text; PyTorch runs beside where it can."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import nn


def net(library: Any) -> Any:
    """A network with nesting, a shared layer, a buffer and a missing bias, of either library."""
    tensor = library.tensor

    class Inner(library.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = library.nn.Parameter(tensor(2.0))
            self.register_buffer("mean", tensor([1.0, 2.0]))
            self.register_buffer("scratch", tensor([3.0]), persistent=False)
            self.register_buffer("absent", None)

        def forward(self, x: Any) -> Any:
            return (x - self.mean) * self.scale

    class Outer(library.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = library.nn.Linear(2, 2, bias=False)
            self.inner = Inner()
            self.again = self.first
            self.last = library.nn.Sequential(library.nn.Linear(2, 1), library.nn.ReLU())

        def forward(self, x: Any) -> Any:
            return self.last(self.again(self.inner(self.first(x))))

    return Outer()


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


@pytest.mark.parametrize("recurse", [True, False])
@pytest.mark.parametrize("remove_duplicate", [True, False])
@pytest.mark.parametrize("prefix", ["", "model"])
def test_parameters_and_buffers_have_the_names_and_order_of_pytorch(
    recurse: bool, remove_duplicate: bool, prefix: str
) -> None:
    options: dict[str, Any] = {
        "prefix": prefix,
        "recurse": recurse,
        "remove_duplicate": remove_duplicate,
    }
    ours, theirs = net(cr), net(torch)
    assert names(ours.named_parameters(**options)) == names(theirs.named_parameters(**options))
    assert names(ours.named_buffers(**options)) == names(theirs.named_buffers(**options))


@pytest.mark.parametrize("remove_duplicate", [True, False])
def test_modules_are_traversed_in_the_order_of_pytorch(remove_duplicate: bool) -> None:
    ours, theirs = net(cr), net(torch)
    options: dict[str, Any] = {"prefix": "m", "remove_duplicate": remove_duplicate}
    assert names(ours.named_modules(**options)) == names(theirs.named_modules(**options))
    assert names(ours.named_children()) == names(theirs.named_children())
    assert len(list(ours.modules())) == len(list(theirs.modules()))
    assert len(list(ours.children())) == len(list(theirs.children()))


def test_a_shared_parameter_is_yielded_once_and_gets_the_sum_of_its_gradients() -> None:
    ours, theirs = net(cr), net(torch)
    theirs.load_state_dict({name: torch.tensor(t.numpy()) for name, t in ours.state_dict().items()})
    assert len(list(ours.parameters())) == len(list(theirs.parameters())) == 4
    ours(cr.ones(3, 2)).sum().backward()
    theirs(torch.ones(3, 2)).sum().backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-5)


def test_repr_is_that_of_pytorch() -> None:
    assert repr(net(cr)) == repr(net(torch))


def test_repr_with_several_lines_of_extra_text_is_that_of_pytorch() -> None:
    def build(library: Any) -> Any:
        class Wordy(library.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = library.nn.ReLU()

            def extra_repr(self) -> str:
                return "a=1\nb=2"

        return library.nn.Sequential(Wordy())

    assert repr(build(cr)) == repr(build(torch))


def test_attributes_are_plain_instance_attributes() -> None:
    layer = nn.Linear(2, 1)
    assert layer.__dict__["weight"] is layer.weight
    assert "__getattr__" not in vars(nn.Module)


def test_reassigning_a_parameter_keeps_its_place() -> None:
    layer = nn.Linear(2, 1)
    layer.weight = nn.Parameter(cr.ones(1, 2))
    assert names(layer.named_parameters()) == ["weight", "bias"]


def test_setting_a_parameter_to_none_removes_it_until_it_is_set_again() -> None:
    layer = nn.Linear(2, 1)
    layer.bias = None
    assert names(layer.named_parameters()) == ["weight"]
    assert layer(cr.ones(1, 2)).shape == (1, 1)
    layer.bias = nn.Parameter(cr.ones(1))
    assert names(layer.named_parameters()) == ["weight", "bias"]


def test_a_name_changes_its_kind_as_in_pytorch() -> None:
    def build(library: Any) -> Any:
        module = library.nn.Module()
        module.a = 3
        module.a = library.nn.Parameter(library.ones(1))
        module.register_buffer("b", library.ones(1))
        module.b = library.nn.ReLU()
        module.d = library.nn.ReLU()
        module.d = library.nn.Parameter(library.ones(1))
        module.register_buffer("c", library.ones(1))
        module.c = library.nn.Parameter(library.ones(1))
        return module

    ours, theirs = build(cr), build(torch)
    assert names(ours.named_parameters()) == names(theirs.named_parameters()) == ["a", "d", "c"]
    assert names(ours.named_children()) == names(theirs.named_children()) == ["b"]
    assert names(ours.named_buffers()) == names(theirs.named_buffers()) == []


def test_deleting_an_attribute_forgets_it() -> None:
    module = net(cr)
    del module.again
    del module.inner.mean
    del module.inner.scale
    assert "again" not in names(module.named_children())
    assert names(module.inner.named_buffers()) == ["scratch"]
    assert names(module.inner.named_parameters()) == []
    with pytest.raises(AttributeError, match="scale"):
        _ = module.inner.scale


def test_the_registries_of_pytorch_are_live_mappings() -> None:
    module = nn.Module()
    module._modules["0"] = nn.ReLU()
    module._parameters["w"] = nn.Parameter(cr.ones(1))
    module._buffers["b"] = cr.ones(2)
    assert names(module.named_children()) == ["0"]
    assert names(module.named_parameters()) == ["w"]
    assert module.b is module._buffers["b"]
    assert list(module._parameters.items()) == [("w", module.w)]
    del module._modules["0"]
    assert len(module._modules) == 0
    with pytest.raises(KeyError):
        module._buffers["w"]


def test_buffer_objects_become_buffers() -> None:
    module = nn.Module()
    module.seen = nn.Buffer(cr.ones(2))
    module.passing = nn.Buffer(cr.ones(1), persistent=False)
    assert names(module.named_buffers()) == ["seen", "passing"]
    assert list(module.state_dict()) == ["seen"]
    module.seen = cr.zeros(2)
    assert list(module.state_dict()) == ["seen"]
    other = nn.Module()
    other.passing = copy.deepcopy(module.passing)
    assert names(other.named_buffers()) == ["passing"]
    assert list(other.state_dict()) == []


@pytest.mark.parametrize(
    ("error", "message", "act"),
    [
        (TypeError, r"cannot assign '.*Tensor' as parameter 'weight' \(.*Parameter or None",
         lambda m: setattr(m, "weight", cr.ones(1, 2))),
        (TypeError, r"cannot assign '.*ReLU' as parameter 'weight'",
         lambda m: setattr(m, "weight", nn.ReLU())),
        (TypeError, r"cannot assign 'int' as child module 'child' \(.*Module or None expected\)",
         lambda m: setattr(m, "child", 3)),
        (TypeError, r"cannot assign 'int' as buffer 'buffer' \(.*Tensor or None expected\)",
         lambda m: setattr(m, "buffer", 3)),
        (KeyError, "attribute 'forward' already exists",
         lambda m: m.register_parameter("forward", None)),
        (KeyError, "attribute 'training' already exists",
         lambda m: m.register_buffer("training", None)),
        (KeyError, "attribute 'training' already exists",
         lambda m: m.add_module("training", nn.ReLU())),
        (KeyError, "parameter name can.*t contain", lambda m: m.register_parameter("a.b", None)),
        (KeyError, "module name can.*t contain", lambda m: m.register_module("a.b", nn.ReLU())),
        (KeyError, "buffer name can.*t be empty string", lambda m: m.register_buffer("", None)),
        (TypeError, "module name should be a string. Got int",
         lambda m: m.add_module(3, nn.ReLU())),
        (TypeError, r"cannot assign '.*Tensor' object to parameter 'x' \(.*Parameter or None requ",
         lambda m: m.register_parameter("x", cr.ones(1))),
        (TypeError, r"cannot assign 'int' object to buffer 'x' \(.*Tensor or None required\)",
         lambda m: m.register_buffer("x", 3)),
        (TypeError, "int is not a Module subclass", lambda m: m.add_module("x", 3)),
        (TypeError, "ReLU is not a Module subclass: .*not classes",
         lambda m: m.add_module("x", nn.ReLU)),
        (ValueError, "training mode is expected to be boolean", lambda m: m.train(1)),
        (TypeError, "nn.Module.to only accepts floating point.*desired dtype=int64",
         lambda m: m.to(cr.int64)),
        (RuntimeError, "cuda.*not available", lambda m: m.to("cuda")),
        (TypeError, "dtyp", lambda m: m.to(dtyp=cr.float64)),
        (RuntimeError, "cuda.*not available", lambda m: m.cuda()),
        (AttributeError, "Linear has no attribute `nope`", lambda m: m.get_submodule("nope.x")),
        (AttributeError, "`weight` is not an nn.Module", lambda m: m.get_submodule("weight")),
        (AttributeError, "`in_features` is not an nn.Parameter",
         lambda m: m.get_parameter("in_features")),
        (AttributeError, "`weight` is not a buffer", lambda m: m.get_buffer("weight")),
        (AttributeError, "Linear has no attribute `gone`", lambda m: m.get_parameter("gone")),
        (AttributeError, "no attribute 'foo'", lambda m: m.foo),
        (AttributeError, "no attribute 'foo'", lambda m: delattr(m, "foo")),
        (NotImplementedError, r'Module \[Module\] is missing the required "forward" function',
         lambda m: nn.Module()(3)),
    ],
)  # fmt: skip
def test_misuse_is_refused_and_changes_nothing(error: Any, message: str, act: Any) -> None:
    module = nn.Linear(2, 1)
    module.child = nn.ReLU()
    module.register_buffer("buffer", cr.ones(1))
    before = dict(vars(module))
    with pytest.raises(error, match=message):
        act(module)
    assert vars(module) == before
    assert list(module.state_dict()) == ["weight", "bias", "buffer"]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: nn.Parameter(cr.ones(1)), "parameters"),
        (nn.ReLU, "module"),
        (lambda: nn.Buffer(cr.ones(1)), "buffer"),
    ],
)
def test_assigning_before_init_is_refused(make: Any, kind: str) -> None:
    class Hasty(nn.Module):
        def __init__(self) -> None:
            self.part = make()

    with pytest.raises(
        AttributeError, match=rf"cannot assign {kind} before Module.__init__\(\) call.*Hasty"
    ):
        Hasty()


def test_a_parameter_that_was_computed_is_refused() -> None:
    module = nn.Module()
    parameter = nn.Parameter(cr.ones(1))
    parameter.data = cr.ones(1)
    computed = parameter * 2
    fake = nn.Parameter(cr.ones(1))
    fake._node = computed._node
    module.w = nn.ReLU()
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'w'"):
        module.w = fake
    assert list(dict(module.named_children())) == ["w"]


def test_parts_are_found_by_their_dotted_names() -> None:
    module = net(cr)
    assert module.get_submodule("") is module
    assert module.get_submodule("last.0") is module.last[0]
    assert module.get_parameter("last.0.weight") is module.last[0].weight
    assert module.get_buffer("inner.mean") is module.inner.mean


def test_train_and_eval_reach_every_module() -> None:
    module = net(cr)
    assert module.eval() is module
    assert not any(m.training for m in module.modules())
    assert module.train() is module
    assert all(m.training for m in module.modules())


def test_requires_grad_freezes_and_thaws() -> None:
    module = net(cr)
    assert module.requires_grad_(False) is module
    assert not module(cr.ones(1, 2)).requires_grad
    module.requires_grad_()
    assert module(cr.ones(1, 2)).requires_grad


def test_zero_grad_forgets_or_zeroes() -> None:
    module = net(cr)
    module(cr.ones(1, 2)).sum().backward()
    held = module.first.weight.grad
    module.zero_grad(set_to_none=False)
    assert (module.first.weight.grad == 0).all()
    assert (held == 0).all()
    module.zero_grad()
    assert all(p.grad is None for p in module.parameters())


def test_apply_visits_inner_modules_first() -> None:
    def order(library: Any) -> list[str]:
        seen: list[str] = []
        module = net(library)
        assert module.apply(lambda m: seen.append(type(m).__name__)) is module
        return seen

    assert order(cr) == order(torch)


@pytest.mark.parametrize(
    "convert",
    [
        lambda m: m.double(),
        lambda m: m.to(cr.float64),
        lambda m: m.to(dtype="float64"),
        lambda m: m.to("cpu", cr.float64),
        lambda m: m.to(cr.zeros(1, dtype=cr.float64)),
    ],
)
def test_conversion_keeps_identity_and_converts_gradients_and_float_buffers(convert: Any) -> None:
    module = net(cr)
    module.register_buffer("count", cr.tensor(0))
    module(cr.ones(1, 2)).sum().backward()
    weight = module.first.weight
    assert convert(module) is module
    assert module.first.weight is weight is module.again.weight
    assert {p.dtype for p in module.parameters()} == {cr.float64}
    assert {p.grad.dtype for p in module.parameters()} == {cr.float64}
    assert module.inner.mean.dtype == cr.float64
    assert module.count.dtype == cr.int64
    module.zero_grad()
    module(cr.ones(1, 2, dtype=cr.float64)).sum().backward()
    assert weight.grad.dtype == cr.float64
    assert module.float().first.weight.dtype == cr.float32
    assert module.half().first.weight.dtype == cr.float16


def test_a_deep_copy_shares_nothing_with_the_original_and_keeps_sharing_inside() -> None:
    module = net(cr)
    module(cr.ones(1, 2)).sum().backward()
    twin = copy.deepcopy(module)
    assert twin.first is twin.again
    assert names(twin.named_parameters()) == names(module.named_parameters())
    for mine, copied in zip(module.parameters(), twin.parameters(), strict=True):
        assert copied is not mine
        assert isinstance(copied, nn.Parameter)
        assert not np.shares_memory(copied.detach().numpy(), mine.detach().numpy())
        assert (copied.grad == mine.grad).all()
    with cr.no_grad():
        twin.first.weight.zero_()
    assert (module.first.weight != 0).any()
    twin.first.weight = nn.Parameter(cr.ones(2, 2))
    assert (module.first.weight != 1).any()


def test_a_pickled_module_computes_the_same() -> None:
    module = nn.Sequential(
        OrderedDict(a=nn.Linear(2, 3), b=nn.Dropout(0.5), c=nn.ModuleList([nn.ReLU()])[0])
    ).eval()
    again = pickle.loads(pickle.dumps(module))
    x = cr.randn(4, 2)
    assert (again(x) == module(x)).all()
    assert repr(again) == repr(module)
    assert not again.training


def test_a_module_is_freed_without_the_garbage_collector() -> None:
    module = net(cr)
    module.register_forward_hook(lambda m, args, output: None)
    module(cr.ones(1, 2)).sum().backward()
    gone = weakref.ref(module)
    gc.disable()
    try:
        del module
        assert gone() is None
    finally:
        gc.enable()


def test_parameter_prints_and_behaves_as_in_pytorch() -> None:
    assert repr(nn.Parameter(cr.ones(2))) == repr(torch.nn.Parameter(torch.ones(2)))
    frozen, other = nn.Parameter(cr.ones(2), False), torch.nn.Parameter(torch.ones(2), False)
    assert repr(frozen) == repr(other)
    parameter = nn.Parameter(cr.ones(2))
    assert type(parameter * 2) is type(parameter.data) is type(parameter.detach()) is cr.Tensor
    data = cr.ones(2)
    assert np.shares_memory(nn.Parameter(data).detach().numpy(), data.numpy())
    with pytest.raises(RuntimeError, match="Only Tensors of floating point"):
        nn.Parameter(cr.tensor([1, 2]))
