"""Who races. A new contestant is an entry in `CONTESTANTS` and, where needed, a file beside this.

A contestant is a function that takes a workload, sets it up in its library and returns the
training step: a function without arguments that does the forward pass, the loss, the backward
pass, the update and whatever resetting of gradients the library asks for, and returns the loss
as something with ``.item()``. It raises `Unsupported` for a workload it is not written for. Each
is written as its library's own documentation teaches, with that library's fastest idiom.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

Step = Callable[[], Any]


class Unsupported(Exception):
    """The contestant has no program for the workload."""


class NotInstalled(Exception):
    """The contestant's library is missing."""


@dataclass(frozen=True)
class Contestant:
    """Where a contestant's program is. It is imported in the worker process alone.

    Args:
        title: Its name in tables.
        program: ``"module:function"``, the module inside this package.
        library: The package it needs, under the name by which it is imported and installed.
    """

    title: str
    program: str
    library: str

    def load(self) -> Callable[[Any], Step]:
        """The function from workload to step.

        Raises:
            NotInstalled: The library is missing.
        """
        if find_spec(self.library) is None:
            raise NotInstalled
        module, function = self.program.split(":")
        return getattr(import_module(f"{__name__}.{module}"), function)


CONTESTANTS: dict[str, Contestant] = {
    "chainrule": Contestant("chainrule", "torch_like:chainrule", "chainrule"),
    "numpy": Contestant("NumPy by hand", "numpy_by_hand:build", "numpy"),
    "torch": Contestant("PyTorch eager", "torch_like:torch", "torch"),
    "autograd": Contestant("HIPS autograd", "hips_autograd:build", "autograd"),
    "mygrad": Contestant("MyGrad", "mygrad_:build", "mygrad"),
}
