"""detect_anomaly: the operation and the user's line that first made a NaN gradient."""

import threading
from typing import Any

import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both


def test_the_operation_and_the_line_are_named() -> None:
    x = cr.tensor([-1.0, 4.0], requires_grad=True)
    scaled = x * 2
    root = scaled.sqrt()  # the culprit
    total = (root * 1.0).sum()
    with pytest.raises(RuntimeError) as raised, cr.autograd.detect_anomaly():
        total.backward()
    text = str(raised.value)
    line = test_the_operation_and_the_line_are_named.__code__.co_firstlineno + 3
    assert "Function 'sqrt' returned nan values" in text
    assert f"test_anomaly.py:{line}" in text
    assert "root = scaled.sqrt()  # the culprit" in text


def test_pytorch_refuses_the_same_program() -> None:
    def program(library: Any) -> None:
        with library.autograd.detect_anomaly():
            x = library.tensor([0.0], requires_grad=True)
            (x.sqrt() * 0).sum().backward()

    refused_in_both(program, "returned nan values")


def test_which_input_is_named() -> None:
    x = cr.tensor([1.0], requires_grad=True)
    b = cr.tensor([0.0], requires_grad=True)
    y = (x * 0 / b).sum()
    blamed = "'div' returned nan values in the gradient of its second"
    with pytest.raises(RuntimeError, match=blamed), cr.autograd.detect_anomaly():
        y.backward()


def test_a_nan_that_arrives_is_not_blamed_on_those_below() -> None:
    x = cr.tensor([1.0], requires_grad=True)
    with cr.autograd.detect_anomaly():
        (x * 2).backward(cr.tensor([float("nan")]))
    assert x.grad is not None and x.grad.isnan().all()


def test_infinity_is_no_anomaly() -> None:
    x = cr.tensor([0.0], requires_grad=True)
    with cr.autograd.detect_anomaly():
        x.sqrt().sum().backward()
    assert x.grad is not None and x.grad.isinf().all()


def test_without_it_nan_passes() -> None:
    x = cr.tensor([0.0], requires_grad=True)
    (x.sqrt() * 0).sum().backward()
    assert x.grad is not None and x.grad.isnan().all()
    with cr.autograd.detect_anomaly(check_nan=False):
        (x.sqrt() * 0).sum().backward()


def test_it_watches_recorded_and_custom_backward_passes_too() -> None:
    class Broken(cr.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: cr.Tensor) -> cr.Tensor:
            return g * float("nan")

    x = cr.tensor([1.0], requires_grad=True)
    for create_graph in (False, True):
        with (
            pytest.raises(RuntimeError, match="'Broken' returned nan"),
            cr.autograd.detect_anomaly(),
        ):
            Broken.apply(x).sum().backward(create_graph=create_graph)


def test_it_concerns_its_thread_only() -> None:
    failures: list[BaseException] = []

    def other() -> None:
        try:
            x = cr.tensor([0.0], requires_grad=True)
            (x.sqrt() * 0).sum().backward()
        except BaseException as error:
            failures.append(error)

    with cr.autograd.detect_anomaly():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert failures == []


def test_the_mode_ends_with_its_block() -> None:
    x = cr.tensor([0.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="nan"), cr.autograd.detect_anomaly():
        (x.sqrt() * 0).sum().backward()
    (x.sqrt() * 0).sum().backward()


def test_set_detect_anomaly_switches_at_once() -> None:
    x = cr.tensor([0.0], requires_grad=True)
    try:
        cr.autograd.set_detect_anomaly(True)
        with pytest.raises(RuntimeError, match="nan"):
            (x.sqrt() * 0).sum().backward()
    finally:
        cr.autograd.set_detect_anomaly(False)
    (x.sqrt() * 0).sum().backward()
