"""Writes pytorch.md: what of PyTorch exists here, what does not and why.

``python -m docs.pytorch`` writes the page. The tables compare PyTorch's public names with ours, so
that the page says what the library has; a name that is missing without a reason is an error.
"""

from __future__ import annotations

import importlib
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

import chainrule as cr
from chainrule.absences import family_of

PAGE = Path(__file__).with_suffix(".md")

NAMESPACES = (
    "",
    "Tensor",
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "nn.utils.rnn",
    "nn.utils.parametrize",
    "nn.utils.parametrizations",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "utils.data",
    "autograd",
    "autograd.functional",
    "func",
    "linalg",
    "special",
    "fft",
    "random",
    "amp",
)

_OF_MODULES = "names of PyTorch's own modules and type annotations"
_HARDWARE = "other libraries' kernels, other hardware"
_SPARSE = "sparse tensors"
_NOT_YET = "operations not written yet"
_PROCESSES = "several machines and processes"
_STORAGE = "storages"

# Why names of a namespace are missing, beside the reasons for the top level.
REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "": ((_OF_MODULES, "torch functional functools CompleteArgumentSpec types version"),),
    "Tensor": (
        (
            _SPARSE,
            "coalesce is_coalesced dense_dim sparse_dim to_dense to_sparse* indices values "
            "to_padded_tensor",
        ),
        (_HARDWARE, "ipu is_ipu is_maia is_mtia is_xla xpu to_mkldnn record_stream"),
        (_STORAGE, "storage_type module_load as_subclass grad_dtype new_empty_strided"),
        ("operations that PyTorch removed or replaced", "index reinforce volatile"),
    ),
    "nn": (
        (_OF_MODULES, "common_types factory_kwargs grad modules"),
        (_PROCESSES, "DataParallel SyncBatchNorm parallel"),
        ("quantised tensors", "intrinsic qat quantizable quantized"),
        ("operations that PyTorch removed or replaced", "Container NLLLoss2d"),
        (_NOT_YET, "CrossMapLRN2d LinearCrossEntropyOptions attention"),
    ),
    "nn.functional": (
        (
            _OF_MODULES,
            "BroadcastingList* GRID_SAMPLE_* TYPE_CHECKING Tensor assert_int_or_pair "
            "boolean_dispatch grad handle_torch_function has_torch_function* *_notes torch",
        ),
        (_HARDWARE, "grouped_mm scaled_grouped_mm scaled_mm ScalingType SwizzleType"),
        (_NOT_YET, "conv_tbc"),
    ),
    "nn.utils": (
        (_HARDWARE, "convert_conv*_weight_memory_format"),
        (_OF_MODULES, "stateless"),
    ),
    "optim": (
        (_SPARSE, "SparseAdam"),
        (_OF_MODULES, "swap_in_optimizer_params_and_state"),
    ),
    "utils.data": (
        (_PROCESSES, "DistributedSampler"),
        (
            "data pipes, which PyTorch no longer develops",
            "*DataPipe DataChunk argument_validation functional_datapipe *determinism* "
            "non_deterministic runtime_validation*",
        ),
    ),
    "autograd": (
        (
            _OF_MODULES,
            "NestedIOFunction enforce_grad_layout_policy grad_mode *multithreading* variable",
        ),
    ),
    "func": (
        (
            "tools of PyTorch's compilers",
            "debug_unwrap functionalize replace_all_batch_norm_modules_ rearrange",
        ),
    ),
    "linalg": (
        (_NOT_YET, "householder_product ldl_*"),
        (_OF_MODULES, "common_notes"),
    ),
    "special": (
        (
            _NOT_YET,
            "airy_ai *chebyshev_polynomial_* hermite_polynomial_* laguerre_polynomial_l "
            "legendre_polynomial_p spherical_bessel_j0",
        ),
        (_OF_MODULES, "Tensor *common*"),
    ),
    "fft": (
        ("complex numbers", "*fft*"),
        (_OF_MODULES, "Tensor"),
    ),
}


def title(namespace: str) -> str:
    """PyTorch's name of a namespace."""
    return f"torch.{namespace}" if namespace else "torch"


def public_names(namespace: str) -> list[str]:
    """PyTorch's public names of a namespace, without the modules of Python that it imports."""
    room: Any = torch.Tensor
    if namespace != "Tensor":
        room = importlib.import_module(title(namespace))
    listed = namespace not in ("", "Tensor") and hasattr(room, "__all__")
    return sorted(n for n in set(room.__all__ if listed else dir(room)) if is_its_own(room, n))


def is_its_own(room: Any, name: str) -> bool:
    if name.startswith("_"):
        return False
    value = getattr(room, name, None)
    if isinstance(value, ModuleType):
        return value.__name__.startswith("torch")
    origin = getattr(value, "__module__", None) or ""
    return not origin.startswith(("typing", "collections", "functools", "copy", "enum"))


def ours(namespace: str) -> Any:
    """Our room of the same name, None if there is none."""
    if namespace == "Tensor":
        return cr.Tensor
    try:
        return importlib.import_module(f"chainrule.{namespace}" if namespace else "chainrule")
    except ModuleNotFoundError:
        return None


def missing(namespace: str) -> list[str]:
    """The public names of PyTorch's namespace that ours has not."""
    room = ours(namespace)
    return [n for n in public_names(namespace) if not hasattr(room, n)]


def reason(namespace: str, name: str) -> str:
    """Why a name is missing.

    Raises:
        LookupError: if nobody has said why.
    """
    for family, patterns in REASONS.get(namespace, ()):
        if any(fnmatchcase(name, pattern) for pattern in patterns.split()):
            return family
    found = family_of(name)
    if found is None:
        raise LookupError(
            f"{title(namespace)}.{name} is missing here: write it, or say why not in "
            "docs/pytorch.py"
        )
    return found[0]


def coverage() -> list[str]:
    """A table of how many names of each namespace there are, then what is missing from each."""
    lines = ["| namespace | names in PyTorch | here |", "|---|---:|---:|"]
    details: list[str] = []
    for namespace in NAMESPACES:
        absent = missing(namespace)
        count = len(public_names(namespace))
        lines.append(f"| `{title(namespace)}` | {count} | {count - len(absent)} |")
        if absent:
            details += absences(namespace, absent)
    return [*lines, "", *details]


def absences(namespace: str, names: list[str]) -> list[str]:
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(reason(namespace, name), []).append(name)
    lines = [f"### Not in `{title(namespace)}`", "", "| reason | names |", "|---|---|"]
    for family, found in sorted(families.items()):
        lines.append(f"| {family} | {' '.join(f'`{n}`' for n in found)} |")
    return [*lines, ""]


def instead() -> list[str]:
    """What to use in place of the families that are missing."""
    from chainrule.absences import ABSENT

    lines = ["| missing | instead |", "|---|---|"]
    return [*lines, *(f"| {family} | {advice} |" for family, advice, _ in ABSENT)]


def page() -> str:
    """The whole page: what is written by hand, with the tables in their places."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = {"coverage": coverage(), "instead": instead(), "dtypes": dtypes()}
    text = PAGE.with_name("pytorch.in.md").read_text(encoding="utf-8")
    for name, lines in tables.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines).rstrip())
    return text


def dtypes() -> list[str]:
    """The dtypes that exist here, by all their names."""
    names: dict[Any, list[str]] = {}
    for name in dir(cr):
        value = getattr(cr, name)
        if isinstance(value, cr.dtype):
            names.setdefault(value, []).append(name)
    found = [f"`{d.name}`" + also(d.name, names[d]) for d in sorted(names, key=lambda d: d.name)]
    return [f"{', '.join(found)}."]


def also(name: str, names: list[str]) -> str:
    others = [f"`{n}`" for n in names if n != name]
    return f" ({', '.join(others)})" if others else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
