"""What modules record belongs to a line of the user's program."""

import inspect

import pytest

import chainrule as cr
from chainrule import nn
from chainrule.graph import source_line
from chainrule.replay import ancestors


def here() -> int:
    return inspect.currentframe().f_back.f_lineno


def lines(tensor):
    """The line of every operation that a tensor was computed by."""
    return [source_line(n)[1] for n in ancestors(tensor._node) if n.primitive is not None]


class Doubling(nn.Module):
    line = 0

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        y = nn.functional.relu(self.inner(x)); self.line = here()  # fmt: skip  # noqa: E702
        return y


def test_a_module_of_ours_records_at_the_line_that_calls_it():
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 1)))
    y = net(cr.ones(1, 2)); line = here()  # fmt: skip  # noqa: E702
    assert lines(y) == [line] * 3


def test_a_users_module_records_at_its_own_lines_also_inside_one_of_ours():
    own = Doubling()
    y = nn.Sequential(nn.Linear(2, 2), own, nn.Sigmoid())(cr.ones(1, 2)); line = here()  # fmt: skip  # noqa: E702
    assert lines(y) == [line, own.line, own.line, line]


def test_with_hooks_too():
    own = Doubling()
    own.register_forward_hook(lambda module, inputs, output: None)
    net = nn.Sequential(own, nn.Sigmoid())
    net.register_forward_hook(lambda module, inputs, output: None)
    y = net(cr.ones(1, 2)); line = here()  # fmt: skip  # noqa: E702
    assert lines(y) == [own.line, own.line, line]


def test_operations_after_a_module_are_at_their_own_lines():
    layer = nn.Linear(2, 2)
    y = layer(cr.ones(1, 2)); first = here()  # fmt: skip  # noqa: E702
    z = nn.functional.relu(y).sum(); second = here()  # fmt: skip  # noqa: E702
    assert lines(z) == [first, second, second]


def test_an_error_inside_a_module_leaves_nothing_behind():
    layer = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        layer(cr.ones(1, 3))
    w = cr.ones(2, requires_grad=True)
    z = nn.functional.softmax(w, 0); line = here()  # fmt: skip  # noqa: E702
    assert lines(z) == [line]
