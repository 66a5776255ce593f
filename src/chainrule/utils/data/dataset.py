"""Data sets: indexed collections of samples."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from chainrule.generator import Generator
from chainrule.ops.random import randperm
from chainrule.tensor import Tensor

Sample = TypeVar("Sample", covariant=True)


class Dataset(Generic[Sample]):
    """Base class of data sets: a subclass defines ``__getitem__`` and, usually, ``__len__``.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> Squares()[3]
    (3, 9)
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError(
            f"Subclasses of Dataset should implement __getitem__: {type(self).__name__} does not"
        )

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Samples that are rows of tensors.

    Args:
        *tensors: tensors of the same first size.

    >>> import chainrule as cr
    >>> data = TensorDataset(cr.tensor([[1.0], [2.0]]), cr.tensor([0, 1]))
    >>> data[1]
    (tensor([2.]), tensor(1))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        sizes = [t.shape[0] if t.ndim else None for t in tensors]
        if not tensors or None in sizes or len(set(sizes)) > 1:
            shapes = ", ".join(str(list(t.shape)) for t in tensors) or "no tensors"
            raise AssertionError(
                "Size mismatch between tensors: TensorDataset needs tensors with as many rows "
                f"each, got {shapes}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class Subset(Dataset[Any]):
    """Some samples of a data set.

    Args:
        dataset: the whole.
        indices: which samples.

    >>> Subset([10, 11, 12], [2, 0])[0]
    12
    """

    dataset: Any
    indices: Sequence[int]

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[k] for k in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> Sequence[Any]:
        """Return several samples, at once if the whole can do that."""
        chosen = [self.indices[k] for k in indices]
        if callable(getattr(self.dataset, "__getitems__", None)):
            samples: Sequence[Any] = self.dataset.__getitems__(chosen)
            return samples
        return [self.dataset[k] for k in chosen]

    def __len__(self) -> int:
        return len(self.indices)


class StackDataset(Dataset[Any]):
    """Data sets of one length side by side: a sample has a part of each.

    Args:
        *datasets: the parts; samples are tuples.
        **named: the parts by name instead; samples are dictionaries.

    >>> StackDataset([1, 2], "ab")[1]
    (2, 'b')
    >>> StackDataset(number=[1, 2], letter="ab")[0]
    {'number': 1, 'letter': 'a'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *datasets: Any, **named: Any) -> None:
        if datasets and named:
            raise ValueError(
                "Supported either tuple- (via args) or dict- (via kwargs) like input/output, but "
                "both types are given."
            )
        self.datasets = datasets or named
        if not self.datasets:
            raise ValueError("At least one dataset should be passed")
        sizes = [len(part) for part in self._parts()]
        if len(set(sizes)) > 1:
            raise ValueError(f"Size mismatch between datasets: they have {sizes} samples")
        self._length = sizes[0]

    def _parts(self) -> Iterable[Any]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _sample(self, parts: Iterable[Any]) -> Any:
        if isinstance(self.datasets, dict):
            return dict(zip(self.datasets, parts, strict=True))
        return tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._sample(part[index] for part in self._parts())

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Return several samples, at once from the parts that can do that."""
        columns = []
        for part in self._parts():
            if callable(getattr(part, "__getitems__", None)):
                column = part.__getitems__(indices)
                if len(column) != len(indices):
                    raise ValueError(
                        "Nested dataset's output size mismatch. Expected "
                        f"{len(indices)}, got {len(column)}"
                    )
                columns.append(column)
            else:
                columns.append([part[k] for k in indices])
        return [self._sample(parts) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[Any]):
    """Data sets one after the other.

    Args:
        datasets: the parts.

    >>> whole = ConcatDataset([[1, 2], [3]])
    >>> len(whole), whole[2], whole[-1]
    (3, 3, 3)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range of a data set of {len(self)} samples")
        index %= len(self)
        k = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[k][index - (self.cumulative_sizes[k - 1] if k else 0)]


class IterableDataset(Dataset[Sample]):
    """Base class of data sets that are streams: a subclass defines ``__iter__``."""

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other.

    Args:
        datasets: the streams.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}"
                )
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset]:
    """Split a data set at random into parts without common samples.

    Args:
        dataset: the whole.
        lengths: the sizes of the parts, or fractions that sum to 1; what fractions leave over
            goes one by one to the first parts.
        generator: where the permutation comes from; the default generator if None.

    Raises:
        ValueError: if the lengths do not sum to the size of the data set.

    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    sizes = [*lengths]
    total = len(dataset)
    if math.isclose(sum(sizes), 1) and sum(sizes) <= 1:
        for k, fraction in enumerate(sizes):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {k} is not between 0 and 1: {fraction}")
        sizes = [math.floor(total * fraction) for fraction in sizes]
        for k in range(total - int(sum(sizes))):
            sizes[k % len(sizes)] += 1
        for k, size in enumerate(sizes):
            if not size:
                warnings.warn(
                    f"Length of split at index {k} is 0. This might result in an empty dataset.",
                    stacklevel=2,
                )
    if sum(sizes) != total:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! The lengths "
            f"{list(lengths)} sum to {sum(lengths)}, the data set has {total} samples"
        )
    order = randperm(total, generator=generator).tolist()
    ends = itertools.accumulate(int(size) for size in sizes)
    return [
        Subset(dataset, order[end - int(size) : end]) for size, end in zip(sizes, ends, strict=True)
    ]
