"""Races: every contestant in its own process, checked against the others, timed in turns.

A machine is never quiet, so times from different minutes cannot be compared. The contestants take
turns in many short rounds, and each round gives one ratio between contestants that ran within
a fraction of a second of each other; the medians over rounds are what is quoted.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class ContestantSkipped(Exception):
    """The library is not installed, or has no program for the workload."""


class ContestantFailed(Exception):
    """The worker process died; the message ends with what it wrote to standard error."""


class LossesDisagree(Exception):
    """The contestants do not train the same net: no time means anything."""


class Worker:
    """A contestant set up on a workload in another process. `launch` makes one."""

    def __init__(self, contestant: str, process: subprocess.Popen[str], errors: TextIO) -> None:
        self.contestant = contestant
        self._process = process
        self._errors = errors
        hello = self._read()
        if "skipped" in hello:
            raise ContestantSkipped(hello["skipped"])
        self.version: str = hello["version"]

    def prepare(self, case: str, elements: int) -> list[float]:
        """What the results of an operation come to, now set up to be timed."""
        return self._ask({"case": case, "elements": elements})["summary"]

    def losses(self, steps: int) -> list[float]:
        """The losses of the next ``steps`` training steps."""
        return self._ask({"losses": steps})["losses"]

    def seconds(self, steps: int, warm_up: int = 0) -> float:
        """Seconds that ``steps`` training steps took, after ``warm_up`` untimed ones."""
        return self._ask({"time": steps, "warm_up": warm_up})["seconds"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with suppress(BrokenPipeError):  # it died; reading says so, with its last words
            self._process.stdin.write(json.dumps(request) + "\n")
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        code = self._process.wait()
        self._errors.seek(0)
        last_words = "".join(self._errors.readlines()[-12:])
        raise ContestantFailed(f"{self.contestant} ended with code {code}:\n{last_words}")


@contextmanager
def launch(contestant: str, module: Sequence[str], threads: int) -> Iterator[Worker]:
    """A worker that lives as long as the context.

    Args:
        contestant: What it is called in messages.
        module: The module that serves, with its arguments.
        threads: For BLAS, OpenMP and their like.

    Raises:
        ContestantSkipped: The library is missing or has no program for the workload.
        ContestantFailed: The set-up raised.
    """
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env=os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)),
        ) as process,
    ):
        try:
            yield Worker(contestant, process, errors)
        finally:
            process.kill()


def start(contestant: str, workload: str, threads: int) -> AbstractContextManager[Worker]:
    """A contestant (a key of `CONTESTANTS`) on a workload (a key of `WORKLOADS`), as `launch`."""
    return launch(contestant, ["benchmarks.worker", contestant, workload], threads)


@dataclass
class Race:
    """The outcome on one workload.

    Attributes:
        workload: Its key.
        seconds: Per contestant, seconds per step of each round, in the order of the rounds.
        versions: Per contestant, the version of its library.
        losses: Per contestant, the losses of the first steps.
        skipped: Per contestant that did not run, the reason.
    """

    workload: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    losses: dict[str, list[float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def race(
    workload: str,
    contestants: Iterable[str],
    *,
    rounds: int,
    round_seconds: float,
    threads: int,
    on_round: Callable[[], None] = lambda: None,
) -> Race:
    """Check that the contestants agree on the losses, then time them in interleaved rounds.

    Args:
        workload: Its key in `benchmarks.workloads.WORKLOADS`.
        contestants: Keys in `benchmarks.contestants.CONTESTANTS`, in the order of their turns.
        rounds: How often each has its turn.
        round_seconds: About how long a turn lasts; a turn is at least one step.
        threads: For BLAS, OpenMP and their like, the same for all.
        on_round: Called after each round, for a progress bar.

    Raises:
        LossesDisagree: Some contestant trains another net than the rest.
        ContestantFailed: A contestant raised or crashed.
    """
    outcome = Race(workload)
    with ExitStack() as processes:
        workers = []
        for contestant in contestants:
            try:
                worker = processes.enter_context(start(contestant, workload, threads))
            except ContestantSkipped as reason:
                outcome.skipped[contestant] = str(reason)
                continue
            workers.append(worker)
            outcome.versions[contestant] = worker.version
            outcome.seconds[contestant] = []

        outcome.losses = {worker.contestant: worker.losses(CHECKED_STEPS) for worker in workers}
        check_losses(outcome.losses)
        steps = {worker.contestant: steps_in(round_seconds, worker) for worker in workers}
        for _ in range(rounds):
            for worker in workers:
                count = steps[worker.contestant]
                elapsed = worker.seconds(count, warm_up=1 + count // 10)
                outcome.seconds[worker.contestant].append(elapsed / count)
            on_round()
    return outcome


CHECKED_STEPS = 6
LOSS_TOLERANCE = 1e-4


def check_losses(losses: dict[str, Sequence[float]], tolerance: float = LOSS_TOLERANCE) -> None:
    """Refuse contestants whose losses differ by more than ``tolerance``, relative, at some step.

    Losses that do not fall are refused too: they would agree whatever the gradients are.

    Raises:
        LossesDisagree: With the losses of all contestants.
    """
    problem = None
    if not all(series[-1] < series[0] for series in losses.values()):
        problem = "the losses do not fall"
    for step_losses in zip(*losses.values(), strict=True):
        low, high = min(step_losses), max(step_losses)
        if not high - low <= tolerance * abs(high):
            problem = f"the losses differ by more than {tolerance:g} of their size"
    if problem:
        table = "\n".join(
            f"  {name:12s}" + " ".join(f"{loss:.6f}" for loss in series)
            for name, series in losses.items()
        )
        raise LossesDisagree(f"{problem}:\n{table}")


def steps_in(duration: float, worker: Worker) -> int:
    """How many steps last about ``duration`` seconds, at least one; warms the worker up."""
    steps = 1
    while (elapsed := worker.seconds(steps)) < duration / 2:
        steps = max(2 * steps, int(steps * duration / elapsed) // 2)
    return max(1, round(steps * duration / elapsed))
