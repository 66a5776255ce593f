"""The worker processes of a loader, as the loader's process sees them."""

from __future__ import annotations

import multiprocessing
import os
import time
import weakref
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.reduction import ForkingPickler
from typing import Any

from chainrule.utils.data.worker import GRACE, Ended, Failure, Job, work

# The ends of all pipes that this process holds. A process that is forked from it closes them: as
# long as one were open there, the worker at the other end would not notice that this end is gone.
_open: weakref.WeakSet[Connection] = weakref.WeakSet()


class Workers:
    """Processes that load batches ahead.

    Args:
        jobs: one for each process.
        context: how processes are started: a context of `multiprocessing`.
        ahead: how many batches each process loads in advance.
        timeout: how many seconds to wait for a batch; 0 waits as long as it takes.
        in_order: yield batches in the order of their indices, not of their arrival.
    """

    def __init__(
        self, jobs: Sequence[Job], context: Any, ahead: int, timeout: float, in_order: bool
    ) -> None:
        self._ahead, self._timeout, self._in_order = ahead, timeout, in_order
        self._epoch = 0
        self._connections: list[Connection] = []
        self._processes: list[Any] = []
        self.shut_down = weakref.finalize(
            self, _shut_down, self._connections, self._processes, os.getpid()
        )
        forked = context.get_start_method() == "fork"
        try:
            for job in jobs:
                here, there = context.Pipe()
                self._connections.append(here)
                _open.add(here)
                others = tuple(_open) if forked else ()
                process = context.Process(target=work, args=(there, others, job), daemon=True)
                try:
                    process.start()
                finally:
                    there.close()
                self._processes.append(process)
        except BaseException:
            self.shut_down()
            raise

    def start(self, indices: Iterator[Any]) -> None:
        """Begin a pass over indices; what is left of a pass before is dropped."""
        self._epoch += 1
        self._indices = indices
        self._sent = 0
        self._owner: dict[int, int] = {}  # of the batches that are under way
        self._arrived: dict[int, Any] = {}
        for _ in range(self._ahead):
            for worker in range(len(self._processes)):
                self._send(worker)

    def _send(self, worker: int) -> None:
        try:
            index = next(self._indices)
        except StopIteration:
            return
        try:
            self._connections[worker].send((self._epoch, self._sent, index))
        except OSError:
            self._died(worker)
        self._owner[self._sent] = worker
        self._sent += 1

    def next(self) -> Any:
        """Return the next batch, or raise StopIteration, or what was raised in a worker."""
        while True:
            number = self._ready()
            if number is None:
                if not self._owner:
                    raise StopIteration
                self._receive()
                continue
            worker, answer = self._arrived.pop(number)
            if isinstance(answer, Ended):
                continue
            # Who loads what follows from the order of the batches alone, never from timing.
            self._send(worker)
            if isinstance(answer, Failure):
                raise answer.exception()
            return answer

    def _ready(self) -> int | None:
        """Return the number of a batch that can be given out now."""
        if not self._in_order:
            return min(self._arrived, default=None)
        first = min(self._arrived, default=None)
        under_way = min(self._owner, default=self._sent)
        return first if first is not None and first < under_way else None

    def _receive(self) -> None:
        """Take what has arrived, waiting for something to arrive."""
        waiting = {id(self._connections[w]): w for w in set(self._owner.values())}
        connections = [self._connections[w] for w in waiting.values()]
        ready = wait(connections, self._timeout or None)
        if not ready:
            raise RuntimeError(
                f"DataLoader timed out after {self._timeout} seconds: no worker delivered a batch. "
                "Raise timeout, or look for what takes the data set so long"
            )
        for connection in ready:
            worker = waiting[id(connection)]
            try:
                epoch, number = self._connections[worker].recv()
                packed = self._connections[worker].recv_bytes()
            except (EOFError, OSError):
                self._died(worker)
            if epoch != self._epoch:
                continue
            try:
                answer = ForkingPickler.loads(packed)
            except Exception as error:
                answer = Failure(
                    None,
                    f"a batch of DataLoader worker process {worker} cannot be rebuilt in this one: "
                    f"{type(error).__name__}: {error}",
                    None,
                )
            del self._owner[number]
            self._arrived[number] = worker, answer

    def _died(self, worker: int) -> None:
        process = self._processes[worker]
        process.join(GRACE)
        pid, code = process.pid, process.exitcode
        self.shut_down()
        raise RuntimeError(
            f"DataLoader worker (pid(s) {pid}) exited unexpectedly with exit code {code}: it was "
            "killed, ran out of memory or crashed. num_workers=0 runs the same code in this "
            "process, where the error can be seen"
        ) from None


def _shut_down(connections: list[Connection], processes: list[Any], owner: int) -> None:
    """End the workers: gently, then by force."""
    if os.getpid() != owner:
        return  # a forked process, whose parent's workers these are
    for connection in connections:
        _open.discard(connection)
        connection.close()
    deadline = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    for end in ("terminate", "kill"):
        for process in processes:
            if process.is_alive():
                getattr(process, end)()
                process.join(1.0)


def start_method(context: Any) -> Any:
    """Return a context of `multiprocessing` given as such, by name or, by default, as None."""
    if context is None:
        return multiprocessing.get_context()
    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {known!r}, "
                f"but got multiprocessing_context={context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={context}"
        )
    return context
