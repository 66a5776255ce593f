"""What a thread records: gradients or not, anomalies or not."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from types import CodeType
from typing import Any

__all__ = [
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]


class Modes(threading.local):
    """What the current thread records: gradients by default, anomalies on request.

    While one of the library's own modules runs, ``site`` is the user's code and instruction that
    called it: what the module records happened there.
    """

    grad = True
    inference = False
    anomaly = False
    site: tuple[CodeType, int] | None = None


modes = Modes()


class _Mode:
    """A context manager and decorator that sets one mode of this thread and restores it."""

    def __init__(self, value: bool, attribute: str = "grad") -> None:
        self._value = value
        self._attribute = attribute
        self._previous: list[bool] = []

    def __enter__(self) -> None:
        self._previous.append(getattr(modes, self._attribute))
        setattr(modes, self._attribute, self._value)

    def __exit__(self, *exception: object) -> None:
        setattr(modes, self._attribute, self._previous.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapped

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Run a generator's own steps in the mode, and what happens between them outside."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            steps = function(*args, **kwargs)
            resume = functools.partial(next, steps)
            while True:
                try:
                    with self._again():
                        value = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    received = yield value
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(steps.throw, error)
                else:
                    resume = functools.partial(steps.send, received)

        return wrapped

    def _again(self) -> _Mode:
        """Return the same mode with a history of its own: one for each call, in any thread."""
        return _Mode(self._value, self._attribute)


class no_grad(_Mode):
    """Record nothing inside: for evaluation and for parameter updates.

    A context manager and a decorator; it concerns the current thread only.

    >>> import chainrule as cr
    >>> x = cr.tensor(2.0, requires_grad=True)
    >>> with cr.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        super().__init__(False)

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return super().__new__(cls) if function is None else _Mode(False)(function)


class enable_grad(_Mode):
    """Record inside, whatever the surrounding mode is.

    >>> import chainrule as cr
    >>> x = cr.tensor(2.0, requires_grad=True)
    >>> with cr.no_grad(), cr.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        super().__init__(True)

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return super().__new__(cls) if function is None else _Mode(True)(function)


class inference_mode(_Mode):
    """Record nothing inside, as `no_grad`; PyTorch's name for it in programs that only predict.

    >>> import chainrule as cr
    >>> with cr.inference_mode():
    ...     cr.is_grad_enabled()
    False
    """

    def __new__(cls, mode: Any = True) -> Any:
        return cls()(mode) if callable(mode) else super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode)
        self._inference = _Mode(mode, "inference")

    def __enter__(self) -> None:
        super().__enter__()
        self._inference.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._inference.__exit__(*exception)
        super().__exit__(*exception)

    def _again(self) -> inference_mode:
        return inference_mode(not self._value)


class _Switch(_Mode):
    """A mode that is set at once, and set back at the end of a block."""

    def __init__(self, mode: bool, attribute: str) -> None:
        super().__init__(bool(mode), attribute)
        self._before = getattr(modes, attribute)
        setattr(modes, attribute, self._value)

    def __enter__(self) -> None:
        self._previous.append(self._before)
        setattr(modes, self._attribute, self._value)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(modes, self._attribute, self._before)
        return super().__call__(function)


class set_grad_enabled(_Switch):
    """Switch recording on or off: at once, and back at the end of a ``with`` block.

    >>> import chainrule as cr
    >>> with cr.set_grad_enabled(False):
    ...     cr.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(mode, "grad")


class detect_anomaly(_Mode):
    """Raise at the first operation whose gradient rule makes a NaN, with the user's line.

    It costs a look at every gradient, so it is for debugging.

    >>> import chainrule as cr
    >>> x = cr.tensor(0.0, requires_grad=True)
    >>> with cr.autograd.detect_anomaly():  # doctest: +ELLIPSIS
    ...     (x.sqrt() * 0).backward()
    Traceback (most recent call last):
    RuntimeError: Function 'sqrt' returned nan values in the gradient of its first input; ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(check_nan, "anomaly")


class set_detect_anomaly(_Switch):
    """Switch `detect_anomaly` on or off: at once, and back at the end of a ``with`` block.

    >>> import chainrule as cr
    >>> with cr.autograd.set_detect_anomaly(True):
    ...     cr.tensor(1.0, requires_grad=True).exp().backward()
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(mode and check_nan, "anomaly")


def is_grad_enabled() -> bool:
    """Tell whether the current thread records operations."""
    return modes.grad
