"""no_grad, enable_grad, set_grad_enabled: as blocks, as decorators, per thread."""

import threading
from typing import Any

import pytest
import torch

import chainrule as cr
from tests.engine.reference import same_in_both


@pytest.fixture(autouse=True)
def _recording_before_and_after() -> Any:
    assert cr.is_grad_enabled()
    yield
    assert cr.is_grad_enabled()


def test_blocks_nest_and_restore() -> None:
    def program(library: Any) -> Any:
        seen = [library.is_grad_enabled()]
        with library.no_grad():
            seen.append(library.is_grad_enabled())
            with library.enable_grad():
                seen.append(library.is_grad_enabled())
                with library.set_grad_enabled(False):
                    seen.append(library.is_grad_enabled())
                seen.append(library.is_grad_enabled())
            seen.append(library.is_grad_enabled())
        seen.append(library.is_grad_enabled())
        return seen

    same_in_both(program)


def test_a_block_restores_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), cr.no_grad():
        1 / 0  # noqa: B018
    assert cr.is_grad_enabled()


def test_one_object_may_be_entered_several_times() -> None:
    mode = cr.no_grad()
    with mode:
        with mode:
            assert not cr.is_grad_enabled()
        assert not cr.is_grad_enabled()
    assert cr.is_grad_enabled()
    with mode:
        assert not cr.is_grad_enabled()


def test_results_inside_require_no_grad_and_leaves_made_inside_may() -> None:
    def program(library: Any) -> Any:
        x = library.ones(2, requires_grad=True)
        with library.no_grad():
            y = x * 2
            leaf = library.ones(2, requires_grad=True)
            z = leaf * x
        return y, z, leaf, leaf.is_leaf, (leaf * 2).requires_grad, y.is_leaf

    same_in_both(program)


def test_enable_grad_records_inside_no_grad() -> None:
    def program(library: Any) -> Any:
        x = library.tensor(3.0, requires_grad=True)
        with library.no_grad(), library.enable_grad():
            y = x * x
        y.backward()
        return x.grad

    same_in_both(program)


def test_backward_runs_under_no_grad() -> None:
    def program(library: Any) -> Any:
        x = library.tensor(3.0, requires_grad=True)
        y = x * x
        with library.no_grad():
            y.backward()
        return x.grad

    same_in_both(program)


def test_create_graph_records_also_under_no_grad() -> None:
    def program(library: Any) -> Any:
        x = library.tensor(3.0, requires_grad=True)
        y = x**3
        with library.no_grad():
            (g,) = library.autograd.grad(y, x, create_graph=True)
            enabled = library.is_grad_enabled()
        return g, enabled, *library.autograd.grad(g, x)

    same_in_both(program)


@pytest.mark.parametrize("with_parentheses", [True, False])
def test_decorators_record_as_they_say(with_parentheses: bool) -> None:
    for name, expected in (("no_grad", False), ("enable_grad", True)):
        for library in (cr, torch):
            decorator = getattr(library, name)

            @(decorator() if with_parentheses else decorator)
            def function(a: int, *, b: int) -> tuple[bool, int]:
                """Say something."""
                return library.is_grad_enabled(), a + b  # noqa: B023

            with library.set_grad_enabled(not expected):
                assert function(1, b=2) == (expected, 3)
                assert library.is_grad_enabled() is not expected
            assert function.__name__ == "function"
            assert function.__doc__ == "Say something."


def test_set_grad_enabled_as_a_decorator_leaves_the_mode_alone() -> None:
    def program(library: Any) -> Any:
        @library.set_grad_enabled(False)
        def function() -> Any:
            return library.is_grad_enabled()

        return library.is_grad_enabled(), function(), library.is_grad_enabled()

    same_in_both(program)


def test_set_grad_enabled_as_a_statement_holds_until_changed() -> None:
    try:
        cr.set_grad_enabled(False)
        assert not cr.is_grad_enabled()
        assert not (cr.ones(1, requires_grad=True) * 2).requires_grad
    finally:
        cr.set_grad_enabled(True)


def test_a_decorated_function_that_raises_restores() -> None:
    @cr.no_grad()
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert cr.is_grad_enabled()


def test_decorated_functions_may_call_themselves() -> None:
    @cr.no_grad()
    def count(n: int) -> list[bool]:
        return [cr.is_grad_enabled(), *(count(n - 1) if n else [])]

    assert count(3) == [False] * 4
    assert cr.is_grad_enabled()


def test_generators_run_in_the_mode_and_leave_the_callers_alone() -> None:
    def program(library: Any) -> Any:
        @library.no_grad()
        def numbers() -> Any:
            yield library.is_grad_enabled()
            yield library.is_grad_enabled()

        seen = []
        for inside in numbers():
            seen += [inside, library.is_grad_enabled()]
        return seen

    same_in_both(program)


def test_generators_receive_values_and_exceptions() -> None:
    def program(library: Any) -> Any:
        @library.no_grad()
        def echo() -> Any:
            heard = []
            try:
                while True:
                    heard.append((yield library.is_grad_enabled()))
            except KeyError:
                yield heard
            return "end"

        conversation = echo()
        seen = [next(conversation), conversation.send(1), conversation.send(2)]
        seen.append(conversation.throw(KeyError))
        try:
            next(conversation)
        except StopIteration as stop:
            seen.append(stop.value)
        return seen

    same_in_both(program)


def test_modes_belong_to_their_thread() -> None:
    inside = threading.Event()
    done = threading.Event()
    seen: dict[str, Any] = {}

    def other() -> None:
        inside.wait()
        seen["other"] = cr.is_grad_enabled()
        with cr.no_grad():
            seen["other inside"] = cr.is_grad_enabled()
            done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with cr.no_grad():
        inside.set()
        done.wait()
        seen["this"] = cr.is_grad_enabled()
    thread.join()
    assert seen == {"other": True, "other inside": False, "this": False}


def test_threads_record_and_sweep_their_own_graphs() -> None:
    failures: list[Any] = []

    def work(seed: int) -> None:
        x = cr.tensor([float(seed), 2.0], requires_grad=True)
        for _ in range(200):
            x.grad = None
            y = x * x
            with cr.no_grad():
                constant = y * 2
            (y * constant + x.exp()).sum().backward()
            expected = [4 * x[k].item() ** 3 + cr.exp(x[k]).item() for k in range(2)]
            if x.grad is None or not cr.tensor(expected).sub(x.grad).abs().max() < 1e-3 * max(
                expected
            ):
                failures.append((seed, x.grad))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_inference_mode_is_no_grad_where_it_exists() -> None:
    x = cr.ones(2, requires_grad=True)
    with cr.inference_mode():
        assert not (x * 2).requires_grad
