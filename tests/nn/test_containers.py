"""Containers: the same program on both libraries gives the same text, names and errors."""

import operator
from collections import OrderedDict
from typing import Any

import pytest
import torch

import chainrule as cr
from chainrule import nn


def described(module: Any) -> Any:
    return repr(module), [name for name, _ in module.named_parameters()], len(module)


SEQUENTIAL = {
    "empty": lambda nn: nn.Sequential(),
    "named": lambda nn: nn.Sequential(OrderedDict(a=nn.Linear(1, 2), b=nn.ReLU())),
    "slice": lambda nn: nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Tanh())[1:],
    "slice of named": lambda nn: nn.Sequential(OrderedDict(a=nn.Linear(1, 2), b=nn.ReLU()))[:1],
    "append": lambda nn: nn.Sequential(nn.ReLU()).append(nn.Linear(1, 2)),
    "extend": lambda nn: nn.Sequential(nn.ReLU()).extend([nn.Tanh(), nn.Linear(1, 2)]),
    "insert": lambda nn: nn.Sequential(nn.ReLU(), nn.Tanh()).insert(1, nn.Linear(1, 2)),
    "insert before the last": lambda nn: nn.Sequential(nn.ReLU(), nn.Tanh()).insert(
        -1, nn.Linear(1, 2)
    ),
    "add": lambda nn: nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Linear(1, 2)),
    "multiply": lambda nn: nn.Sequential(nn.ReLU(), nn.Tanh()) * 2,
    "multiply from the left": lambda nn: 2 * nn.Sequential(nn.ReLU(), nn.Tanh()),
    "delete": lambda nn: without(nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Linear(1, 2)), 0),
    "delete a slice": lambda nn: without(
        nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Linear(1, 2)), slice(0, 2)
    ),
    "set": lambda nn: with_item(nn.Sequential(nn.ReLU(), nn.Tanh()), -1, nn.Linear(1, 2)),
    "list": lambda nn: nn.ModuleList([nn.Linear(1, 2), nn.Linear(1, 2), nn.ReLU(), nn.ReLU()]),
    "list of nested": lambda nn: nn.ModuleList(
        [nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU())]
    ),
    "empty list": lambda nn: nn.ModuleList(),
    "list slice": lambda nn: nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.Linear(1, 2)])[1:],
    "list append": lambda nn: nn.ModuleList([nn.ReLU()]).append(nn.Linear(1, 2)),
    "list extend": lambda nn: nn.ModuleList([nn.ReLU()]).extend(nn.ModuleList([nn.Linear(1, 2)])),
    "list delete": lambda nn: without(nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.Linear(1, 2)]), 1),
    "list add": lambda nn: operator.add(nn.ModuleList([nn.ReLU()]), [nn.Linear(1, 2)]),
    "list set": lambda nn: with_item(nn.ModuleList([nn.ReLU(), nn.Tanh()]), 0, nn.Linear(1, 2)),
    "dict": lambda nn: nn.ModuleDict({"a": nn.ReLU(), "b": nn.Linear(1, 2)}),
    "dict of pairs": lambda nn: nn.ModuleDict([("a", nn.ReLU()), ("b", nn.Linear(1, 2))]),
    "dict delete": lambda nn: without(nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()}), "a"),
    "dict set": lambda nn: with_item(nn.ModuleDict({"a": nn.ReLU()}), "a", nn.Linear(1, 2)),
}


def without(module: Any, index: Any) -> Any:
    del module[index]
    return module


def with_item(module: Any, index: Any, value: Any) -> Any:
    module[index] = value
    return module


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_containers_are_those_of_pytorch(name: str) -> None:
    build = SEQUENTIAL[name]
    assert described(build(nn)) == described(build(torch.nn))


ERRORS = {
    "index": (lambda nn: nn.Sequential(nn.ReLU())[1], IndexError, "index 1 is out of range"),
    "negative": (lambda nn: nn.ModuleList([nn.ReLU()])[-2], IndexError, "index -2 is out of range"),
    "number": (lambda nn: nn.Sequential(nn.ReLU(), 3), TypeError, "int is not a Module subclass"),
    "class": (lambda nn: nn.Sequential(nn.ReLU), TypeError, "ReLU is not a Module subclass"),
    "key": (lambda nn: nn.ModuleDict()["x"], KeyError, "x"),
    "text index": (
        lambda nn: nn.Sequential(nn.ReLU())["0"],
        TypeError,
        "interpreted as an integer",
    ),
    "plus number": (lambda nn: nn.Sequential() + 1, ValueError, "only objects of Sequential class"),
    "plus equals": (
        lambda nn: nn.Sequential().__iadd__(1),
        ValueError,
        "only objects of Sequential class",
    ),
    "times text": (lambda nn: nn.Sequential() * "x", TypeError, "unsupported operand type"),
    "times zero": (lambda nn: nn.Sequential() * 0, ValueError, "Non-positive multiplication fact"),
    "insert far": (lambda nn: nn.Sequential().insert(2, nn.ReLU()), IndexError, "out of range"),
    "insert number": (lambda nn: nn.Sequential().insert(0, 3), AssertionError, "module should be"),
    "extend list": (lambda nn: nn.ModuleList().extend(3), TypeError, "called with an iterable"),
    "update dict": (lambda nn: nn.ModuleDict().update(3), TypeError, "called with an iterable"),
    "extend parameters": (lambda nn: nn.ParameterList().extend(3), TypeError, "with an iterable"),
    "parameter index": (lambda nn: nn.ParameterList()[0], IndexError, "index 0 is out of range"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_misuse_is_refused_in_the_words_of_pytorch(name: str) -> None:
    act, error, message = ERRORS[name]
    for library in (nn, torch.nn):
        with pytest.raises(error, match=message):
            act(library)


def test_a_slice_shares_its_modules() -> None:
    whole = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    assert whole[:1][0] is whole[0]
    assert list(whole) == [whole[0], whole[1]] == [whole[-2], whole[-1]]


def test_a_container_extended_by_itself_doubles() -> None:
    twice = nn.Sequential(nn.ReLU(), nn.Tanh())
    twice += twice
    assert [type(m) for m in twice] == [nn.ReLU, nn.Tanh] * 2


def test_pop_takes_a_module_out() -> None:
    for container in (
        nn.Sequential(nn.ReLU(), nn.Tanh()),
        nn.ModuleList([nn.ReLU(), nn.Tanh()]),
    ):
        assert repr(container.pop(0)) == "ReLU()"
        assert [name for name, _ in container.named_children()] == ["0"]


def test_a_module_dict_is_a_mapping() -> None:
    modules = nn.ModuleDict({"a": nn.ReLU()})
    modules.update(nn.ModuleDict({"b": nn.Tanh()}))
    assert list(modules) == list(modules.keys()) == ["a", "b"]
    assert list(modules.values()) == [modules["a"], modules["b"]]
    assert dict(modules.items()) == {"a": modules["a"], "b": modules["b"]}
    assert "a" in modules
    assert "c" not in modules
    assert repr(modules.pop("a")) == "ReLU()"
    modules.clear()
    assert len(modules) == 0


def test_a_parameter_list_holds_parameters_and_other_things() -> None:
    def build(library: Any) -> Any:
        values = library.nn.ParameterList([library.ones(2), library.nn.Parameter(library.ones(3))])
        values.append("text")
        values += [library.zeros(1)]
        return values

    ours, theirs = build(cr), build(torch)
    assert [name for name, _ in ours.named_parameters()] == ["0", "1", "3"]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert len(ours) == len(theirs) == 4
    assert isinstance(ours[0], nn.Parameter)
    assert ours[-2] == "text"
    assert len(ours[1:3]) == 2
    ours[0] = cr.zeros(2)
    assert isinstance(ours[0], nn.Parameter)
    assert repr(ours) == repr(theirs).replace("torch.", "")


def test_sequential_heeds_hooks_and_modules_that_are_called_in_their_own_way() -> None:
    class Twice(nn.Module):
        def __call__(self, x: Any) -> Any:
            return super().__call__(super().__call__(x))

        def forward(self, x: Any) -> Any:
            return x * 3

    net = nn.Sequential(Twice(), nn.Identity())
    assert net(cr.tensor(1.0)).item() == 9.0
    handle = net[1].register_forward_hook(lambda module, args, output: output + 1)
    assert net(cr.tensor(1.0)).item() == 10.0
    net[0].register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    assert net(cr.tensor(1.0)).item() == 22.0
    handle.remove()
    assert nn.Sequential(Twice())(cr.tensor(1.0)).item() == 9.0


def test_sequential_passes_tuples_on() -> None:
    class Split(nn.Module):
        def forward(self, x: Any) -> Any:
            return x, -x

    class Join(nn.Module):
        def forward(self, pair: Any) -> Any:
            return pair[0] - pair[1]

    assert nn.Sequential(Split(), Join())(cr.tensor([1.0])).item() == 2.0
