"""DataLoader: batches of a data set."""

from __future__ import annotations

import itertools
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chainrule.generator import Generator
from chainrule.utils.data.collate import default_collate, default_convert
from chainrule.utils.data.dataset import IterableDataset
from chainrule.utils.data.fetching import fetcher
from chainrule.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    random_seed,
)
from chainrule.utils.data.worker import Job
from chainrule.utils.data.workers import Workers, start_method

if TYPE_CHECKING:
    from typing import Self


class DataLoader:
    """Yields batches of a data set, in order or shuffled.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`.
        batch_size: samples a batch; None yields single samples.
        shuffle: a new random order in each pass.
        sampler: yields the indices, in place of ``shuffle``.
        batch_sampler: yields lists of indices, in place of all of these.
        num_workers: how many processes load; 0: this one does.
        collate_fn: makes a batch of a list of samples.
        pin_memory: without effect: there is no device to copy to.
        drop_last: leave out a last batch that is smaller.
        timeout: how many seconds to wait for a batch of a worker; 0: as long as it takes.
        worker_init_fn: called with its number in each worker before it loads.
        multiprocessing_context: how workers are started: ``"fork"``, ``"spawn"``,
            ``"forkserver"`` or a context of `multiprocessing`, whose default is the default. Only
            ``"fork"`` can pass on what cannot be pickled, lambdas for instance.
        generator: where the order, and the seeds of workers, come from; the default generator if
            None.
        prefetch_factor: how many batches each worker loads in advance, 2 if None.
        persistent_workers: keep the workers for the next pass.
        pin_memory_device: without effect.
        in_order: False: yield what the workers deliver first.

    Raises:
        ValueError: for options that exclude each other.

    While iterating: RuntimeError if a worker is killed or nothing arrives in time; what is raised
    in a worker is raised here, with its type and the worker's traceback as the message.

    >>> import chainrule as cr
    >>> from chainrule.utils.data import DataLoader, TensorDataset
    >>> data = TensorDataset(cr.arange(5), cr.arange(5) ** 2)
    >>> for number, square in DataLoader(data, batch_size=2):
    ...     print(number.tolist(), square.tolist())
    [0, 1] [0, 1]
    [2, 3] [4, 9]
    [4] [16]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        streams = isinstance(dataset, IterableDataset)
        if streams:
            if shuffle:
                raise ValueError(
                    "DataLoader with IterableDataset: expected unspecified shuffle option, but got "
                    "shuffle=True: a stream has its own order; shuffle in its __iter__"
                )
            if sampler is not None or batch_sampler is not None:
                raise ValueError(
                    "DataLoader with IterableDataset: expected unspecified sampler and "
                    "batch_sampler options: a stream has no indices"
                )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                    "and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )
        if sampler is None:
            if streams:
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if multiprocessing_context is not None:
            if not num_workers:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading "
                    f"(num_workers > 0), but got num_workers={num_workers}"
                )
            start_method(multiprocessing_context)
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self._iterator: _InWorkers | None = None
        self._announced: int | None = None  # how long the stream said it is
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.generator = generator
        self.pin_memory = pin_memory
        self.collate_fn: Callable[[Any], Any] = (
            collate_fn
            if collate_fn is not None
            else default_convert
            if batch_sampler is None
            else default_collate
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and name in self.__dict__:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized: "
                "make a new loader"
            )
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if not self.num_workers:
            return _InThisProcess(self)
        if not self.persistent_workers:
            return _InWorkers(self)
        if self._iterator is None or not self._iterator.alive:
            self._iterator = _InWorkers(self)
        else:
            self._iterator.restart(self)
        return self._iterator

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._indices)  # type: ignore[arg-type]
        n = self._announced = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    @property
    def _indices(self) -> Iterable[Any]:
        """What stands for the batches, or for the single samples if there are no batches."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_iterator": None}


# What an iterator has taken over when it was made.
_FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}


class _Endless:
    """The indices of a stream: there is always a next one, and it says nothing."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class _Iterator(ABC):
    """One pass over the batches."""

    def __init__(self, loader: DataLoader) -> None:
        # The loader itself is not kept: one that keeps its workers keeps this iterator.
        self._dataset = loader.dataset
        self._begin(loader)
        # After the sampler's iterator, which draws its own seed at its first index, as in PyTorch.
        self._base_seed = random_seed(loader.generator)

    def _begin(self, loader: DataLoader) -> None:
        self._yielded = 0
        self._announced = loader._announced
        self._sampler = loader._indices
        self._indices = iter(self._sampler)

    def __iter__(self) -> Self:
        return self

    def __len__(self) -> int:
        return len(self._sampler)  # type: ignore[arg-type]

    def __next__(self) -> Any:
        batch = self._load()
        self._yielded += 1
        announced = self._announced
        if announced is not None and self._yielded > announced:
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {announced} "
                f"(when accessing len(dataloader)), but {self._yielded} samples have been fetched. "
                "With worker processes, each has to yield its own share of the samples: see "
                "get_worker_info()",
                stacklevel=2,
            )
        return batch

    @abstractmethod
    def _load(self) -> Any: ...


class _InThisProcess(_Iterator):
    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        self._fetch = fetcher(
            loader.dataset, loader.batch_sampler is not None, loader.collate_fn, loader.drop_last
        )

    def _load(self) -> Any:
        return self._fetch(next(self._indices))


class _InWorkers(_Iterator):
    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        jobs = [
            Job(
                id=k,
                num_workers=loader.num_workers,
                base_seed=self._base_seed,
                dataset=loader.dataset,
                batched=loader.batch_sampler is not None,
                collate=loader.collate_fn,
                drop_last=loader.drop_last,
                init=loader.worker_init_fn,
            )
            for k in range(loader.num_workers)
        ]
        self._workers = Workers(
            jobs,
            start_method(loader.multiprocessing_context),
            ahead=loader.prefetch_factor or 1,
            timeout=loader.timeout,
            in_order=loader.in_order,
        )
        self._persistent = loader.persistent_workers
        self._workers.start(self._indices)

    @property
    def alive(self) -> bool:
        """Whether there are processes to go on with."""
        return self._workers.shut_down.alive

    def restart(self, loader: DataLoader) -> None:
        """Begin a new pass with the same processes."""
        self._begin(loader)
        self._workers.start(self._indices)

    def _load(self) -> Any:
        if not self.alive:
            raise StopIteration
        try:
            return self._workers.next()
        except StopIteration:
            if not self._persistent:
                self._workers.shut_down()
            raise


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable "
            "multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if not num_workers and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. Let num_workers > "
            "0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(
            "prefetch_factor option should be non-negative, and at least 1 for a worker to have "
            f"work, got {prefetch_factor}"
        )
    if not num_workers and timeout:
        raise ValueError(f"timeout={timeout} needs num_workers > 0: there is nothing to wait for")
    if not num_workers and persistent_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")
    available = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if num_workers > available:
        warnings.warn(
            f"This DataLoader will create {num_workers} worker processes in total. Our suggested "
            f"max number of worker in current system is {available}, which is smaller than what "
            "this DataLoader is going to create: more processes than processors slow each other "
            "down",
            stacklevel=3,
        )
