"""Loading in worker processes: the same batches, and no process left behind."""

import gc
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils import data as theirs

import chainrule as cr
from chainrule.utils import data as ours

# Fast and without the need to pickle; how workers are started otherwise has tests of its own.
FORK = {"multiprocessing_context": "fork"} if sys.platform == "linux" else {}
pytestmark = [
    pytest.mark.skipif(not FORK, reason="these tests fork"),
    # What Python 3.12 and newer say of threads, the ones of NumPy's libraries included.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def plain(value: Any) -> Any:
    if isinstance(value, cr.Tensor | torch.Tensor):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def loader(dataset: Any, num_workers: int = 2, **options: Any) -> ours.DataLoader:
    return ours.DataLoader(dataset, num_workers=num_workers, **(FORK | options))


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


class Squares(ours.Dataset):
    """Numbers, their squares, and the process they were computed in."""

    def __init__(self, n: int = 12) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.n:
            raise IndexError(f"no sample {index}")
        return index, index**2, os.getpid()


@pytest.mark.parametrize("batch_size", [None, 1, 5])
@pytest.mark.parametrize("num_workers", [1, 2])
def test_batches_are_those_of_this_process_in_their_order(
    num_workers: int, batch_size: int | None
) -> None:
    dataset = ours.TensorDataset(cr.randn(23, 2), cr.arange(23))
    here = ours.DataLoader(dataset, batch_size)
    there = loader(dataset, num_workers, batch_size=batch_size)
    assert len(there) == len(here)
    for _ in range(2):
        assert plain(list(there)) == plain(list(here))


def test_batches_larger_than_a_pipe_and_more_indices_than_it_holds() -> None:
    dataset = ours.TensorDataset(cr.arange(200_000))
    batches = [b for (b,) in loader(dataset, batch_size=60_000, prefetch_factor=4)]
    assert [len(b) for b in batches] == [60_000] * 3 + [20_000]
    assert (cr.cat(batches) == dataset.tensors[0]).all()


def test_all_processes_take_part_and_keep_apart_from_this_one() -> None:
    pids = {pid for _, _, pids in loader(Squares(), batch_size=2) for pid in pids.tolist()}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert all(map(is_gone, pids))


def test_shuffling_is_pytorchs_with_and_without_workers() -> None:
    def orders(library: Any, data: Any, **options: Any) -> Any:
        library.manual_seed(5)
        shuffled = data.DataLoader(range(30), batch_size=4, shuffle=True, **options)
        passes = [plain([*shuffled]) for _ in range(2)]
        return passes, library.rand(1).item()

    expected = orders(torch, theirs)
    assert orders(cr, ours) == expected
    assert orders(cr, ours, num_workers=2, **FORK) == expected


class Drawn(ours.Dataset):
    library: Any = cr

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        drawn = self.library.rand(1).item()
        info = (ours if self.library is cr else theirs).get_worker_info()
        others = random.random(), np.random.rand()  # noqa: NPY002
        return *others, drawn, info.seed, info.id, info.num_workers


def test_random_numbers_drawn_in_workers_are_pytorchs() -> None:
    def drawn(library: Any, data: Any) -> Any:
        dataset = Drawn()
        dataset.library = library
        generator = library.Generator().manual_seed(8)
        return plain([*data.DataLoader(dataset, 2, num_workers=2, generator=generator, **FORK)])

    first = drawn(cr, ours)
    assert first == drawn(torch, theirs)
    assert first == drawn(cr, ours)


class Numbers(ours.IterableDataset):
    """The numbers below n, each worker's share of them if they are shared out."""

    def __init__(self, n: int, shared: bool) -> None:
        self.n, self.shared = n, shared

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        info = ours.get_worker_info()
        if self.shared and info is not None:
            return iter(range(info.id, self.n, info.num_workers))
        return iter(range(self.n))


def test_streams_share_out_their_samples_by_worker() -> None:
    stream = loader(Numbers(11, shared=True), batch_size=2)
    assert plain([*stream]) == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]
    assert plain([*stream]) == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]
    dropping = loader(Numbers(11, shared=True), batch_size=2, drop_last=True)
    assert plain([*dropping]) == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10]]
    single = loader(Numbers(5, shared=True), batch_size=None)
    assert [*single] == [0, 1, 2, 3, 4]


def test_a_stream_that_is_not_shared_out_comes_once_from_each_worker_with_a_warning() -> None:
    stream = loader(Numbers(3, shared=False), batch_size=None)
    assert len(stream) == 3
    with pytest.warns(UserWarning, match="was reported to be 3 .* but . samples have been fetched"):
        assert [*stream] == [0, 0, 1, 1, 2, 2]


def test_streams_of_different_lengths_have_one_order() -> None:
    class Uneven(ours.IterableDataset):
        def __iter__(self) -> Iterator[int]:
            info = ours.get_worker_info()
            for k in range(2 if info.id else 7):
                time.sleep(0.002 * random.random())
                yield 100 * info.id + k

    expected = [0, 100, 1, 101, 2, 3, 4, 5, 6]
    assert [[*loader(Uneven(), batch_size=None)] for _ in range(3)] == [expected] * 3


def test_persistent_workers_stay_for_all_passes_and_go_with_the_loader() -> None:
    persistent = loader(Squares(8), batch_size=2, persistent_workers=True)
    pids = [{p for _, _, ps in persistent for p in ps.tolist()} for _ in range(2)]
    assert pids[0] == pids[1]
    for number, (batch, _, _) in enumerate(persistent):
        assert batch.tolist() == [2 * number, 2 * number + 1]
        if number == 1:
            break
    assert [k for batch, _, _ in persistent for k in batch.tolist()] == [*range(8)]
    processes = [*persistent._iterator._workers._processes]
    gc.disable()
    try:
        del persistent
        assert [process.exitcode for process in processes] == [0, 0]
    finally:
        gc.enable()


def test_the_first_batch_to_arrive_may_come_first() -> None:
    class Slow(Squares):
        def __getitem__(self, index: int) -> Any:
            time.sleep(0.3 if index == 0 else 0)
            return index

    order = [*loader(Slow(6), batch_size=None, in_order=False)]
    assert sorted(order) == [*range(6)]
    assert order[0] == 1


class TwoArguments(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code


def raising(error: Exception) -> Any:
    class Failing(Squares):
        def __getitem__(self, index: int) -> Any:
            if index == 3:
                raise error
            return index

    return Failing(6)


class Local:
    """Not an exception: its class below is, and cannot be pickled."""

    class Error(Exception):
        pass


def unpicklable() -> Exception:
    class Hidden(Exception):
        pass

    return Hidden("hidden")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("a bad sample"), ValueError),
        (KeyError("missing"), KeyError),
        (OSError(2, "no such file"), FileNotFoundError),
        (Local.Error("nested"), Local.Error),
        (TwoArguments(7, "jammed"), TwoArguments),
        (unpicklable(), RuntimeError),
        (StopIteration(), RuntimeError),
    ],
    ids=repr,
)
def test_an_exception_in_a_worker_arrives_with_its_type_and_traceback(
    error: Exception, kind: type
) -> None:
    batches = iter(loader(raising(error), batch_size=None))
    assert [next(batches) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(kind) as caught:
        next(batches)
    assert type(caught.value) is kind
    shown = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert f"Caught {type(error).__name__} in DataLoader worker process 1." in shown
    assert "raise error" in shown  # the line of the worker's traceback
    if isinstance(error, TwoArguments):
        assert caught.value.code == 7
    assert [*batches] == [4, 5]  # the others are not lost


def test_exceptions_from_all_that_runs_in_a_worker() -> None:
    def refuse(_: Any) -> Any:
        raise ArithmeticError("refused")

    for options in ({"worker_init_fn": refuse}, {"collate_fn": refuse}):
        with pytest.raises(ArithmeticError, match="in DataLoader worker process 0"):
            next(iter(loader(Squares(), **options)))
    with pytest.raises(Exception, match=r"(?s)in DataLoader worker process 0.*pickle"):
        next(iter(loader(Squares(), collate_fn=lambda _: lambda: None)))
    with pytest.raises(Exception, match="with a graph cannot be pickled"):
        next(iter(loader([cr.ones(1, requires_grad=True) * 2])))


class Fragile:
    """It can be pickled, but not be rebuilt in the process of the test."""

    def __init__(self, home: int) -> None:
        if os.getpid() == home:
            raise ArithmeticError("not at home")

    def __reduce__(self) -> Any:
        return Fragile, (os.getppid(),)


def test_a_batch_that_cannot_be_rebuilt_is_reported_and_the_others_come() -> None:
    def collate(index: int) -> Any:
        return Fragile(0) if index == 1 else index

    batches = iter(loader(range(4), batch_size=None, collate_fn=collate))
    assert next(batches) == 0
    with pytest.raises(RuntimeError, match="cannot be rebuilt in this one: ArithmeticError: not"):
        next(batches)
    assert [*batches] == [2, 3]


def test_a_worker_that_dies_is_reported_and_the_others_end() -> None:
    class Deadly(Squares):
        def __getitem__(self, index: int) -> Any:
            if index == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            return index

    batches = iter(loader(Deadly(), batch_size=None))
    processes = [*batches._workers._processes]
    with pytest.raises(RuntimeError, match=r"worker \(pid\(s\) \d+\) exited unexpectedly with exi"):
        list(batches)
    assert not any(process.is_alive() for process in processes)
    assert next(batches, "over") == "over"


def test_a_worker_that_takes_too_long_is_reported_and_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Sleepy(Squares):
        def __getitem__(self, index: int) -> Any:
            time.sleep(60)

    monkeypatch.setattr("chainrule.utils.data.workers.GRACE", 0.1)
    batches = iter(loader(Sleepy(), timeout=0.05))
    processes = [*batches._workers._processes]
    with pytest.raises(RuntimeError, match=r"timed out after 0\.05 seconds"):
        next(batches)
    del batches
    assert [process.exitcode for process in processes] == [-signal.SIGTERM] * 2


def test_an_early_break_leaves_no_process() -> None:
    gc.disable()
    try:
        for large in (1, 100_000):
            dataset = ours.TensorDataset(cr.zeros(100, large))
            batches = iter(loader(dataset))
            processes = [*batches._workers._processes]
            next(batches)
            del batches
            assert [process.exitcode for process in processes] == [0, 0]
    finally:
        gc.enable()


def test_loaders_side_by_side_end_one_by_one() -> None:
    first, second = iter(loader(Squares())), iter(loader(Squares()))
    processes = [*first._workers._processes]
    next(first)
    next(second)
    del first
    assert [process.exitcode for process in processes] == [0, 0]
    assert len([*second]) == 11


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_may_be_started_in_other_ways(method: str) -> None:
    # Nothing of this file, whose imports take their time.
    dataset = ours.TensorDataset(cr.arange(4))
    batches = loader(dataset, 1, batch_size=2, multiprocessing_context=method)
    assert plain([*batches]) == [[[0, 1]], [[2, 3]]]


PROGRAM = """
    import os, signal, time
    from chainrule.utils.data import DataLoader, Dataset

    class Pids(Dataset):
        def __len__(self):
            return 1000
        def __getitem__(self, index):
            return os.getpid()

    if __name__ == "__main__":
        loader = DataLoader(
            Pids(), num_workers=2, multiprocessing_context="fork", persistent_workers=True
        )
        batches = iter(loader)
        print(next(batches).item(), next(batches).item(), flush=True)
        {end}
"""


@pytest.mark.parametrize(
    "end", ["", "raise SystemExit(3)", "1 / 0", "os._exit(0)", "os.kill(os.getpid(), 9)"]
)
def test_however_the_program_ends_its_workers_end(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM).format(end=end)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(set(pids)) == 2
    assert all(map(is_gone, pids))
    assert ("ZeroDivisionError" in done.stderr) == (end == "1 / 0")
    assert "multiprocessing" not in done.stderr


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"multiprocessing_context": "thread"}, ValueError, "should specify a valid start method"),
        ({"multiprocessing_context": 3}, TypeError, "should be a valid context object"),
        ({"prefetch_factor": 0}, ValueError, "prefetch_factor option should be non-negative"),
        ({"num_workers": 0, "prefetch_factor": 2}, ValueError, "let num_workers|Let num_workers"),
        ({"num_workers": 0, "multiprocessing_context": "fork"}, ValueError, "can only be used wit"),
        ({"num_workers": 0, "timeout": 3}, ValueError, "needs num_workers > 0"),
    ],
)
def test_misuse_is_refused(options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        ours.DataLoader([1], **({"num_workers": 1} | options))


def test_more_workers_than_processors_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="will create 5000 worker processes in total"):
        ours.DataLoader([1], num_workers=5000)
