"""One contestant on one workload in a process of its own, driven over pipes by `harness`.

``python -m benchmarks.worker CONTESTANT WORKLOAD`` answers with one line of JSON when it is ready
and then one for every line of JSON it reads: ``{"losses": steps}`` or
``{"time": steps, "warm_up": steps}``. The garbage collector stays as the library leaves it.
An answer comes when the process is at rest: BLAS threads spin for a while after their last task
(OpenBLAS's for more than 0.1 s), and would take a core from whoever is timed next.
"""

import json
import os
import sys
from importlib import metadata
from time import perf_counter, process_time, sleep
from typing import Any

from .contestants import CONTESTANTS, NotInstalled, Step, Unsupported
from .workloads import WORKLOADS


def losses(step: Step, steps: int) -> list[float]:
    return [float(step().item()) for _ in range(steps)]


def seconds(step: Step, steps: int, warm_up: int) -> float:
    for _ in range(warm_up):
        step()
    start = perf_counter()
    for _ in range(steps):
        step()
    return perf_counter() - start


def rest(window: float = 0.01, patience: float = 1.0) -> None:
    """Wait until no thread of this process is busy, ``patience`` seconds at most."""
    give_up = perf_counter() + patience
    while perf_counter() < give_up:
        busy = process_time()
        sleep(window)
        if process_time() - busy < window / 10:
            return


def version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "source tree"


def serve(contestant_name: str, workload_name: str) -> None:
    # Libraries may print: what they print goes to standard error, the answers to the pipe.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(message: dict[str, Any]) -> None:
        rest()
        print(json.dumps(message), file=answers)

    contestant = CONTESTANTS[contestant_name]
    try:
        build = contestant.load()
        step = build(WORKLOADS[workload_name])
    except NotInstalled:
        return answer({"skipped": "is not installed"})
    except Unsupported:
        return answer({"skipped": "has no program for this workload"})
    answer({"version": version(contestant.library)})

    for line in sys.stdin:
        request = json.loads(line)
        if "losses" in request:
            answer({"losses": losses(step, request["losses"])})
        else:
            answer({"seconds": seconds(step, request["time"], request["warm_up"])})


if __name__ == "__main__":
    serve(*sys.argv[1:])
