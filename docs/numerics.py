"""Writes numerics.md: the errors of single-precision results, beside PyTorch's.

``python -m docs.numerics`` measures them on the cases of ``tests/ops/test_stability.py``.
"""

from __future__ import annotations

import platform
import warnings
from pathlib import Path

import numpy as np
import torch

from tests.ops.test_stability import CASES, OPERATIONS, errors

PAGE = Path(__file__).with_suffix(".md")
INTRODUCTION = """# Numerics

The largest relative error of float32 results over wide ranges of inputs, against the same operation
in float64, in units in the last place (2⁻²³ of the result). Written by `python -m docs.numerics`,
which runs the cases of `tests/ops/test_stability.py`; there, no error may exceed one and a half
times PyTorch's by more than three units, the rounding of NumPy's exponential and logarithm, which
are up to 2.5 units off where PyTorch's are half a unit off.

What keeps the errors small: exponentials are taken of differences to the largest element
(softmax, logsumexp, cross-entropy), logarithms of 1 + x near 0 by log1p (softplus, log-sigmoid,
binary cross-entropy of logits), variances of what the mean has been subtracted from, sums pairwise
or in blocks, norms of what has been scaled by the largest element where squares would overflow.
"""


def page() -> str:
    lines = [INTRODUCTION]
    lines.append(
        f"Measured with NumPy {np.__version__} and PyTorch {torch.__version__} on "
        f"{platform.machine()}.\n"
    )
    lines += ["| operation | inputs | chainrule | PyTorch |", "|---|---|---:|---:|"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, kind in CASES:
            operation, ranges = OPERATIONS[name]
            ours, theirs = errors(operation, ranges[kind])
            lines.append(f"| {name} | {kind} | {written(ours)} | {written(theirs)} |")
    return "\n".join(lines) + "\n"


def written(error: float) -> str:
    return f"{error:.2f}" if error < 100 else f"{error:.3g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
