"""From indices to a batch: what a loader does in its own process and in each of its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chainrule.utils.data.collate import default_collate
from chainrule.utils.data.dataset import IterableDataset, Subset, TensorDataset

Fetch = Callable[[Any], Any]


def fetcher(dataset: Any, batched: bool, collate: Callable[[Any], Any], drop_last: bool) -> Fetch:
    """Return the function that loads what an index, or a list of them if ``batched``, stands for.

    That of a stream raises StopIteration when the stream has ended; of its indices only the number
    counts.
    """
    if isinstance(dataset, IterableDataset):
        return _fetcher_of_stream(iter(dataset), batched, collate, drop_last)
    if not batched:
        return lambda index: collate(dataset[index])
    if collate is default_collate:
        rows = _rows_of_tensors(dataset)
        if rows is not None:
            return rows
    if getattr(dataset, "__getitems__", None) is not None:
        return lambda indices: collate(dataset.__getitems__(indices))
    return lambda indices: collate([dataset[index] for index in indices])


def _fetcher_of_stream(
    samples: Iterator[Any], batched: bool, collate: Callable[[Any], Any], drop_last: bool
) -> Fetch:
    if not batched:
        return lambda _: collate(next(samples))
    ended = False

    def fetch(indices: list[Any]) -> Any:
        nonlocal ended
        batch: list[Any] = []
        while not ended and len(batch) < len(indices):
            try:
                batch.append(next(samples))
            except StopIteration:
                ended = True
        if not batch or (drop_last and len(batch) < len(indices)):
            raise StopIteration
        return collate(batch)

    return fetch


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
