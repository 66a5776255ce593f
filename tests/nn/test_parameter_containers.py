"""Dictionaries and lists of parameters, and sequences multiplied, beside PyTorch's."""

from collections import OrderedDict
from typing import Any

import pytest
import torch

import chainrule as cr


def described(module: Any) -> Any:
    return [(name, tuple(p.shape)) for name, p in module.named_parameters()]


@pytest.mark.parametrize("library", [cr, torch])
def test_a_dictionary_of_parameters_is_a_dictionary_and_a_module(library: Any) -> None:
    one, two = library.zeros(1), library.nn.Parameter(library.zeros(2))
    weights = library.nn.ParameterDict({"b": one, "a": two})
    assert list(weights) == ["a", "b"]
    assert weights["a"] is two
    assert isinstance(weights["b"], library.nn.Parameter)
    assert described(weights) == [("a", (2,)), ("b", (1,))]
    assert list(library.nn.ParameterDict(OrderedDict(b=one, a=two))) == ["b", "a"]
    assert list(library.nn.ParameterDict([("b", one), ("a", two)])) == ["b", "a"]
    weights["note"] = "text"
    assert len(weights) == 3
    assert weights.pop("note") == "text"
    assert weights.get("note", 3) == 3
    assert weights.setdefault("b", 3) is weights["b"]
    assert weights.setdefault("c") is None
    assert list(reversed(weights)) == ["c", "b", "a"]
    assert weights.popitem() == ("c", None)
    assert "c" not in weights
    assert [key for key, _ in weights.items()] == list(weights.keys())
    assert [tuple(w.shape) for w in weights.values()] == [(2,), (1,)]
    copied = weights.copy()
    assert copied["a"] is two
    other = library.nn.ParameterDict({"z": library.zeros(3)})
    assert list(weights | other) == ["a", "b", "z"]
    assert list(other | weights) == ["z", "a", "b"]
    weights |= other
    assert list(weights) == ["a", "b", "z"]
    assert list(weights.fromkeys(["x", "y"], 1).items()) == [("x", 1), ("y", 1)]
    del weights["b"]
    weights.clear()
    assert len(weights) == 0
    assert not list(weights.parameters())
    assert list(copied) == ["a", "b"]


@pytest.mark.parametrize("library", [cr, torch])
def test_refusals_of_a_dictionary(library: Any) -> None:
    weights = library.nn.ParameterDict()
    for act, error, message in (
        (lambda: weights.update(3), TypeError, "called with an iterable of key/value pairs"),
        (lambda: weights.update([3]), TypeError, "sequence element #0 should be Iterable"),
        (lambda: weights.update([(1, 2, 3)]), ValueError, "has length 3; 2 is required"),
        (lambda: weights.__setitem__(3, 1), TypeError, "not a string"),
        (lambda: weights["missing"], AttributeError, "missing"),
        (lambda: weights(1), RuntimeError, "ParameterDict should not be called"),
        (lambda: library.nn.ParameterList()(1), RuntimeError, "ParameterList should not be called"),
        (lambda: library.nn.ParameterDict().popitem(), KeyError, "dictionary is empty"),
    ):
        with pytest.raises(error, match=message):
            act()


def test_they_print_as_in_pytorch_but_for_the_names_of_dtypes() -> None:
    texts = []
    for library in (cr, torch):
        module = library.nn.Module()
        module.some = library.nn.ParameterList([library.zeros(2), "text"])
        module.one = library.nn.ParameterList([3])
        module.named = library.nn.ParameterDict({"a": 1, "b": "text"})
        module.none = library.nn.ParameterDict()
        texts.append(repr(module).replace("torch.float32", "float32"))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("library", [cr, torch])
def test_a_sequence_is_multiplied_in_place(library: Any) -> None:
    sequence = library.nn.Sequential(library.nn.ReLU(), library.nn.Tanh())
    same, first = sequence, sequence[0]
    sequence *= 3
    assert sequence is same
    assert [type(m).__name__ for m in sequence] == ["ReLU", "Tanh"] * 3
    assert sequence[4] is first
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0"):
        sequence *= 0
