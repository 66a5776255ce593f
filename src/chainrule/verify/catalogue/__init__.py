"""The catalogue of human mistakes in hand-written backward passes, a family of kinds per file.

A kind is one entry: a name, the right and the wrong formula, and a generator that yields a
hypothesis for every place of a graph where somebody could have made the mistake. A new kind needs
nothing else:

    @kind("sign", right="dz = y − t", wrong="dz = t − y", summary="the sign is reversed")
    def sign(view: View) -> Iterator[Hypothesis]: ...
"""

from __future__ import annotations

from chainrule.verify.catalogue.registry import KINDS, Kind, kind

from chainrule.verify.catalogue import (  # isort: skip  (each adds its kinds to the registry)
    activations,
    broadcasting,
    convolutions,
    losses,
    paths,
    products,
    scaling,
    state,
)

__all__ = [
    "KINDS",
    "Kind",
    "activations",
    "broadcasting",
    "convolutions",
    "kind",
    "losses",
    "paths",
    "products",
    "scaling",
    "state",
]
