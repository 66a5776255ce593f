"""DataLoader: batches of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chainrule.ops.random import Generator
from chainrule.utils.data.collate import default_collate, default_convert
from chainrule.utils.data.dataset import IterableDataset, Subset, TensorDataset
from chainrule.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler


class DataLoader:
    """Yields batches of a data set, in order or shuffled.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`.
        batch_size: samples a batch; None yields single samples.
        shuffle: a new random order in each pass.
        sampler: yields the indices, in place of ``shuffle``.
        batch_sampler: yields lists of indices, in place of all of these.
        num_workers: 0: the loading happens in this process.
        collate_fn: makes a batch of a list of samples.
        pin_memory: without effect: there is no device to copy to.
        drop_last: leave out a last batch that is smaller.
        timeout: of workers; must be 0.
        worker_init_fn: of workers, without effect.
        multiprocessing_context: of workers, without effect.
        generator: where the order comes from; the default generator if None.
        prefetch_factor: of workers; must be None.
        persistent_workers: of workers; must be False.
        pin_memory_device: without effect.
        in_order: of workers, without effect.

    Raises:
        ValueError: for options that exclude each other.
        NotImplementedError: for worker processes.

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
        if sampler is None and not streams:
            sampler = (
                RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if batch_size is not None and batch_sampler is None:
            # A stream is cut into batches by the same rule, samples standing for indices.
            batch_sampler = BatchSampler(
                dataset if sampler is None else sampler, batch_size, drop_last
            )
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

    def __iter__(self) -> Iterator[Any]:
        collate = self.collate_fn
        if isinstance(self.dataset, IterableDataset):
            for item in self.dataset if self.batch_sampler is None else self.batch_sampler:
                yield collate(item)
        elif self.batch_sampler is None:
            assert self.sampler is not None
            for index in self.sampler:
                yield collate(self.dataset[index])
        else:
            rows = _rows_of_tensors(self.dataset) if collate is default_collate else None
            for indices in self.batch_sampler:
                if rows is not None:
                    yield rows(indices)
                elif hasattr(self.dataset, "__getitems__"):
                    yield collate(self.dataset.__getitems__(indices))
                else:
                    yield collate([self.dataset[index] for index in indices])

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            n = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable "
            "multiprocessing."
        )
    if num_workers:
        raise NotImplementedError(
            f"num_workers={num_workers}: worker processes are not available yet. Use "
            "num_workers=0, which loads in this process; if loading is slow, put the data into a "
            "TensorDataset, whose batches are taken by indexing"
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. Let num_workers > "
            "0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if persistent_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _rows_of_tensors(dataset: Any) -> Callable[[list[int]], list[Any]] | None:
    """Return a function that takes a whole batch by indexing, where the samples allow it.

    The result is that of collating the single samples, at a cost that does not grow with their
    number.
    """
    if type(dataset) is TensorDataset:
        return lambda indices: list(dataset[indices])
    if type(dataset) is Subset:
        inner = _rows_of_tensors(dataset.dataset)
        if inner is not None:
            return lambda indices: inner([dataset.indices[k] for k in indices])
    return None
