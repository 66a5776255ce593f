"""A worker process of a loader: it gets indices through a pipe and sends back batches.

The pipe is read and written by threads of their own, so that neither side ever waits for the other
while it could work: a worker runs ahead by as many batches as it was given indices for, and the
loader can always hand out more. The end of the pipe is the end of the worker, whatever happened to
the process at the other end of it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from chainrule.generator import manual_seed
from chainrule.utils.data.dataset import IterableDataset
from chainrule.utils.data.fetching import Fetch, fetcher

# How long a worker may go on with the sample it is at when its loader is gone, in seconds.
GRACE = 5.0


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What `get_worker_info` tells: which worker this is, of how many, its seed and data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


@dataclass(frozen=True)
class Job:
    """What a worker needs to know: everything in it must be picklable, unless it is forked."""

    id: int
    num_workers: int
    base_seed: int
    dataset: Any
    batched: bool
    collate: Callable[[Any], Any]
    drop_last: bool
    init: Callable[[int], None] | None


@dataclass(frozen=True)
class Ended:
    """The answer when a stream has no more samples."""


@dataclass(frozen=True)
class Failure:
    """The answer when an exception was raised: its type, its traceback, and if possible itself."""

    kind: type[BaseException] | None
    message: str
    original: BaseException | None

    def exception(self) -> BaseException:
        """Return an exception of the type that was raised, whose message has the traceback."""
        # A StopIteration would end the loop over the batches without a word.
        if self.kind is None or issubclass(self.kind, StopIteration):
            return RuntimeError(self.message)
        message = _Verbatim(self.message) if issubclass(self.kind, KeyError) else self.message
        try:
            return self.kind(message)
        except Exception:  # its type asks for other arguments than a message
            if self.original is None:
                return RuntimeError(self.message)
            self.original.add_note(self.message)
            return self.original


class _Verbatim(str):
    """A text that KeyError, which shows its argument as Python would write it, shows as it is."""

    def __repr__(self) -> str:
        return str(self)


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return which worker process this is, or None in the process that made the loader.

    A stream asks in its ``__iter__``, to yield its share of the samples.

    >>> get_worker_info() is None
    True
    """
    return _info


def work(connection: Connection, others: Sequence[Connection], job: Job) -> None:
    """Load what is asked for until the pipe is closed.

    Args:
        connection: this worker's end of the pipe.
        others: ends of pipes that a forked process inherited; as long as they were open here, the
            end of the loader's process would not show at the other workers.
        job: what to load from, and how.
    """
    for other in others:
        other.close()
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    newest = [0]
    threading.Thread(target=_receive, args=(connection, tasks, newest), daemon=True).start()
    sender = threading.Thread(target=_send, args=(connection, answers), daemon=True)
    sender.start()
    # The loader's process is interrupted as well, and reports it.
    with contextlib.suppress(KeyboardInterrupt):
        _answer(job, tasks, answers, newest)
    answers.put(None)
    sender.join()


def _receive(connection: Connection, tasks: queue.SimpleQueue[Any], newest: list[int]) -> None:
    try:
        while True:
            task = connection.recv()
            newest[0] = task[0]
            tasks.put(task)
    except (EOFError, OSError):
        tasks.put(None)
    threading.Event().wait(GRACE)  # a daemon thread: it ends here with the process
    os._exit(1)


def _send(connection: Connection, answers: queue.SimpleQueue[Any]) -> None:
    try:
        while (answer := answers.get()) is not None:
            epoch, number, packed = answer
            connection.send((epoch, number))
            connection.send_bytes(packed)
    except OSError:
        pass  # nobody listens any more


def _answer(
    job: Job, tasks: queue.SimpleQueue[Any], answers: queue.SimpleQueue[Any], newest: list[int]
) -> None:
    failure = _prepare(job)
    fetch: Fetch | None = None
    epoch = -1
    while (task := tasks.get()) is not None:
        asked_in, number, index = task
        if asked_in < newest[0]:
            continue  # of a pass over the data that was broken off
        if asked_in > epoch:
            fetch, epoch = None, asked_in
        answer: Any = failure
        try:
            if failure is None:
                if fetch is None:
                    fetch = fetcher(job.dataset, job.batched, job.collate, job.drop_last)
                answer = fetch(index)
        except Exception as error:
            stopped = isinstance(error, StopIteration) and isinstance(job.dataset, IterableDataset)
            answer = Ended() if stopped else _failure(error, job.id)
        answers.put((epoch, number, _packed(answer, job.id)))


def _prepare(job: Job) -> Failure | None:
    """Seed what draws random numbers and call the user's function."""
    global _info
    import numpy as np

    seed = job.base_seed + job.id
    random.seed(seed)
    manual_seed(seed)
    entropy = [job.id, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))  # noqa: NPY002
    _info = WorkerInfo(job.id, job.num_workers, seed, job.dataset)
    try:
        if job.init is not None:
            job.init(job.id)
    except Exception as error:
        return _failure(error, job.id)
    return None


def _failure(error: Exception, worker: int) -> Failure:
    text = "".join(traceback.format_exception(error))
    message = (
        f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {text}"
    )
    for candidate in (
        Failure(type(error), message, error),
        Failure(type(error), message, None),
    ):
        try:
            ForkingPickler.loads(ForkingPickler.dumps(candidate))
        except Exception:
            continue
        return candidate
    return Failure(None, message, None)


def _packed(answer: Any, worker: int) -> Any:
    try:
        return ForkingPickler.dumps(answer)
    except Exception as error:
        return ForkingPickler.dumps(_failure(error, worker))
