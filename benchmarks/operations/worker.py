"""One library with all operations in a process of its own, driven over pipes by `harness`.

``python -m benchmarks.operations.worker LIBRARY`` sets up an operation for each
``{"case": name, "elements": n}`` it reads and answers with what it computes, then times it:
``{"time": calls, "warm_up": calls}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.operations.cases import CASES
from benchmarks.worker import rest, seconds, version


def prepare(library: Any, name: str, elements: int) -> Callable[[], Any]:
    """A function that runs the operation and its backward pass, as a user would."""
    case = CASES[name]
    random = np.random.default_rng([*name.encode(), elements])
    operands = [library.tensor(a) for a in case.operands(random, elements)]
    active = [t.requires_grad_() for t in operands if t.dtype == library.float32]
    shape = case.call(library, *operands).shape
    arriving = library.tensor(random.standard_normal(shape).astype(np.float32))

    def run() -> Any:
        for operand in active:
            operand.grad = None
        result = case.call(library, *operands)
        result.backward(arriving)
        return result

    run.operands = active  # type: ignore[attr-defined]
    return run


def summary(run: Callable[[], Any]) -> list[float]:
    """What identifies the results: size and weighted sum of the output and of each gradient."""
    arrays = [run().detach().numpy(), *(x.grad.numpy() for x in run.operands)]  # type: ignore[attr-defined]
    found = []
    for a in arrays:
        a = np.asarray(a, np.float64)
        weights = np.cos(np.arange(a.size)).reshape(a.shape)
        found += [float(np.abs(a).sum()), float((a * weights).sum())]
    return found


def serve(library_name: str) -> None:
    # Libraries may print: what they print goes to standard error, the answers to the pipe.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(message: dict[str, Any]) -> None:
        rest()
        print(json.dumps(message), file=answers)

    library = import_module(library_name)
    answer({"version": version(library_name)})
    run: Callable[[], Any] = lambda: None  # noqa: E731
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            run = prepare(library, request["case"], request["elements"])
            answer({"summary": summary(run)})
        else:
            answer({"seconds": seconds(run, request["time"], request["warm_up"])})


if __name__ == "__main__":
    serve(*sys.argv[1:])
