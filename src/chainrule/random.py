"""The state of the default generator: PyTorch's `torch.random`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from chainrule.generator import Generator as Generator
from chainrule.generator import default_generator as default_generator
from chainrule.generator import get_rng_state as get_rng_state
from chainrule.generator import initial_seed as initial_seed
from chainrule.generator import manual_seed as manual_seed
from chainrule.generator import seed as seed
from chainrule.generator import set_rng_state as set_rng_state


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, **names: Any
) -> Iterator[None]:
    """Restore the default generator afterwards, as though nothing had been drawn within.

    Args:
        devices: of other generators, of which there are none here.
        enabled: False: nothing is restored.
        **names: PyTorch's private names for its messages, without effect.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> with cr.random.fork_rng():
    ...     drawn = cr.rand(2)
    >>> bool((cr.rand(2) == drawn).all())
    True
    """
    if not enabled:
        yield
        return
    state = default_generator.get_state()
    try:
        yield
    finally:
        default_generator.set_state(state)
