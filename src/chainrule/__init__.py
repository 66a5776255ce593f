"""chainrule: backpropagation you can see through, prove, and run at full speed.

PyTorch's interface on NumPy arrays. Import it as ``cr`` (or as ``torch``).

>>> import chainrule as cr
>>> x = cr.tensor([1.0, 2.0], requires_grad=True)
>>> loss = (x * x).sum()
>>> loss.backward()
>>> x.grad
tensor([2., 4.])
"""

from __future__ import annotations

import builtins
import importlib
import warnings
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import TYPE_CHECKING, Any

from chainrule import autograd as autograd
from chainrule._version import __version__ as __version__
from chainrule.devices import device as device
from chainrule.devices import get_default_device as get_default_device
from chainrule.devices import set_default_device as set_default_device
from chainrule.dtypes import *
from chainrule.memory import keep_freed_arrays as _keep_freed_arrays
from chainrule.modes import *
from chainrule.ops.arithmetic import *
from chainrule.ops.assembly import *
from chainrule.ops.cast import *
from chainrule.ops.comparison import *
from chainrule.ops.creation import *
from chainrule.ops.dimensions import *
from chainrule.ops.exponential import *
from chainrule.ops.extrema import *
from chainrule.ops.indexing import *
from chainrule.ops.linear_algebra import *
from chainrule.ops.picking import *
from chainrule.ops.pieces import *
from chainrule.ops.quotients import *
from chainrule.ops.random import *
from chainrule.ops.ranges import *
from chainrule.ops.reductions import *
from chainrule.ops.shape import *
from chainrule.printing import set_printoptions as set_printoptions
from chainrule.tensor import Size as Size
from chainrule.tensor import Tensor as Tensor

newaxis = None

if TYPE_CHECKING:
    from chainrule import accelerator as accelerator
    from chainrule import amp as amp
    from chainrule import backends as backends
    from chainrule import cuda as cuda
    from chainrule import func as func
    from chainrule import linalg as linalg
    from chainrule import mps as mps
    from chainrule import nn as nn
    from chainrule import optim as optim
    from chainrule import random as random
    from chainrule import return_types as return_types
    from chainrule import special as special
    from chainrule import textbook as textbook
    from chainrule import utils as utils
    from chainrule import verify as verify
    from chainrule import xpu as xpu
    from chainrule.amp import GradScaler as GradScaler
    from chainrule.amp import autocast as autocast
    from chainrule.explanation import Explanation
    from chainrule.func import vmap as vmap
    from chainrule.interop.checkpoints import load as load
    from chainrule.interop.checkpoints import save as save
    from chainrule.interop.pytorch import from_torch as from_torch
    from chainrule.interop.pytorch import to_torch as to_torch
    from chainrule.layouts import *
    from chainrule.limits import *
    from chainrule.ops.activation_functions import *
    from chainrule.ops.adaptive_pooling import *
    from chainrule.ops.bilinear_maps import *
    from chainrule.ops.buffers import *
    from chainrule.ops.convolution import *
    from chainrule.ops.diagonals import *
    from chainrule.ops.differences import *
    from chainrule.ops.distances import *
    from chainrule.ops.dropping import *
    from chainrule.ops.einsum import *
    from chainrule.ops.embeddings import *
    from chainrule.ops.factorizations import *
    from chainrule.ops.function_forms import *
    from chainrule.ops.histograms import *
    from chainrule.ops.in_place_functions import *
    from chainrule.ops.index_updates import *
    from chainrule.ops.integers import *
    from chainrule.ops.legacy_linear_algebra import *
    from chainrule.ops.matrix_functions import *
    from chainrule.ops.normalisation import *
    from chainrule.ops.norms import *
    from chainrule.ops.pooling import *
    from chainrule.ops.predicates import *
    from chainrule.ops.products import *
    from chainrule.ops.quantiles import *
    from chainrule.ops.real_numbers import *
    from chainrule.ops.rearrangement import *
    from chainrule.ops.repetition import *
    from chainrule.ops.rounding import *
    from chainrule.ops.sampling import *
    from chainrule.ops.scans import *
    from chainrule.ops.scatter import *
    from chainrule.ops.searching import *
    from chainrule.ops.shuffling import *
    from chainrule.ops.signs import *
    from chainrule.ops.similarity import *
    from chainrule.ops.solving import *
    from chainrule.ops.sorting import *
    from chainrule.ops.special import *
    from chainrule.ops.statistics import *
    from chainrule.ops.ternary import *
    from chainrule.ops.trigonometric import *
    from chainrule.ops.vector_products import *
    from chainrule.ops.window_functions import *
    from chainrule.settings import *
    from chainrule.tensor_types import *
    from chainrule.verify import check as check
    from chainrule.verify import check_functions as check_functions

# Rooms that are imported when they are first used.
_ROOMS = (
    "accelerator",
    "amp",
    "backends",
    "cuda",
    "func",
    "linalg",
    "mps",
    "nn",
    "optim",
    "random",
    "return_types",
    "special",
    "textbook",
    "utils",
    "verify",
    "xpu",
)
# Functions that are part of a room, with the room they live in.
_FROM_ROOMS = {
    "GradScaler": "amp",
    "autocast": "amp",
    "check": "verify",
    "check_functions": "verify",
    "from_torch": "interop.pytorch",
    "load": "interop.checkpoints",
    "save": "interop.checkpoints",
    "to_torch": "interop.pytorch",
    "vmap": "func",
}
# Rooms all of whose names are the package's.
_OPEN_ROOMS = ("layouts", "limits", "settings", "tensor_types")
# Families of the table beyond the ones every program needs, imported together when the first name
# that is not found above is asked for. What they offer is their `__all__`.
_FAMILIES: tuple[str, ...] = (
    "activation_functions",
    "adaptive_pooling",
    "bilinear_maps",
    "buffers",
    "convolution",
    "diagonals",
    "differences",
    "distances",
    "dropping",
    "einsum",
    "embeddings",
    "factorizations",
    "function_forms",
    "histograms",
    "in_place_functions",
    "index_updates",
    "integers",
    "legacy_linear_algebra",
    "matrix_functions",
    "normalisation",
    "norms",
    "pooling",
    "predicates",
    "products",
    "quantiles",
    "real_numbers",
    "rearrangement",
    "repetition",
    "rounding",
    "sampling",
    "scans",
    "scatter",
    "searching",
    "shuffling",
    "signs",
    "similarity",
    "solving",
    "sorting",
    "special",
    "statistics",
    "ternary",
    "trigonometric",
    "vector_products",
    "window_functions",
)


_keep_freed_arrays()
# Infinities and NaNs are results, as in PyTorch: NumPy's remarks on how they came about are not
# shown for what the library itself computes.
warnings.filterwarnings(
    "ignore",
    r"(divide by zero|invalid value|overflow) encountered",
    RuntimeWarning,
    module=r"chainrule\.",
)


def from_dlpack(source: Any) -> Tensor:
    """Return a tensor that shares the memory of another library's CPU tensor through DLPack.

    >>> import numpy as np
    >>> from_dlpack(np.arange(3.0))
    tensor([0., 1., 2.], dtype=float64)
    """
    import numpy as np

    from chainrule.ops import creation

    if not hasattr(source, "__dlpack_device__"):
        raise TypeError(
            f"from_dlpack: a {type(source).__name__} does not speak DLPack; use cr.tensor(...)"
        )
    kind, _ = source.__dlpack_device__()
    if kind != 1:
        raise RuntimeError(
            f"from_dlpack: the tensor is not on the CPU (DLPack device type {kind}); move it there "
            "first, with .cpu() in PyTorch"
        )
    return creation.from_numpy(np.from_dlpack(source))


def explain(
    loss: Tensor,
    model: Any = None,
    names: Any = None,
    *,
    convention: str | None = None,
    precision: builtins.int = 4,
    max_entries: builtins.int = 64,
) -> Explanation:
    """Explain every gradient of a tensor: the forward pass and the chain rule, with its numbers.

    `chainrule.explanation.explain` describes the arguments.

    >>> x = tensor(3.0, requires_grad=True)
    >>> loss = x * x
    >>> print(explain(loss).text().splitlines()[0])
    The derivation of L (your loss)
    """
    from chainrule.explanation import explain

    return explain(
        loss, model, names, convention=convention, precision=precision, max_entries=max_entries
    )


def is_tensor(value: Any) -> Any:
    """Tell whether a value is a Tensor.

    >>> is_tensor(zeros(1))
    True
    """
    return isinstance(value, Tensor)


def _load_families() -> None:
    for room in (*_OPEN_ROOMS, *(f"ops.{family}" for family in _FAMILIES)):
        module = importlib.import_module(f"chainrule.{room}")
        globals().update((name, getattr(module, name)) for name in module.__all__)


def _public_names() -> list[str]:
    _load_families()
    hidden = {"Any", "TYPE_CHECKING", "annotations", "builtins", "importlib"}
    rooms = {
        name
        for name, value in globals().items()
        if isinstance(value, type(importlib)) and name != "autograd"
    }
    present = {name for name in globals() if not name.startswith("_")} - hidden - rooms
    return sorted({*present, *_ROOMS, *_FROM_ROOMS, "__version__"})


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"chainrule.{name}")
    if name in _FROM_ROOMS:
        return getattr(importlib.import_module(f"chainrule.{_FROM_ROOMS[name]}"), name)
    if name == "__all__":
        return _public_names()
    if not name.startswith("_"):
        _load_families()
        if name in globals():
            return globals()[name]
    from chainrule.absences import why_absent

    raise AttributeError(f"module 'chainrule' has no attribute {name!r}{why_absent(name)}")


def __dir__() -> list[str]:
    return _public_names()
