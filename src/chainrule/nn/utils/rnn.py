"""Sequences of different lengths as one tensor: padded, or packed for recurrent modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn, Self

import numpy as np

from chainrule.ops.assembly import cat
from chainrule.ops.creation import as_tensor, full
from chainrule.tensor import Tensor, wrap

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences of different lengths, step by step: all first elements, all second ones, …

    `pack_padded_sequence` and `pack_sequence` make them, recurrent modules take and return them.

    Attributes:
        data: the elements, (Σ lengths, …); longer sequences come first in every step.
        batch_sizes: how many sequences have a first element, a second one, …
        sorted_indices: which sequence is the longest, the second longest, …; None if they were
            given in this order.
        unsorted_indices: its inverse: where each sequence is now.

    >>> import chainrule as cr
    >>> packed = pack_sequence([cr.tensor([1, 2, 3]), cr.tensor([4])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Hold parts that belong together, or a pair (data, batch_sizes)."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Return the sequences with data of another dtype."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def double(self) -> Self:
        """Return the sequences in float64."""
        return self._with(self.data.double())

    def float(self) -> Self:
        """Return the sequences in float32."""
        return self._with(self.data.float())

    def half(self) -> Self:
        """Return the sequences in float16."""
        return self._with(self.data.half())

    def int(self) -> Self:
        """Return the sequences in int32."""
        return self._with(self.data.int())

    def long(self) -> Self:
        """Return the sequences in int64."""
        return self._with(self.data.long())

    def cpu(self) -> Self:
        """Return the sequences: they are on the CPU."""
        return self

    def cuda(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there is no device but the CPU."""
        self.data.cuda()

    @property
    def is_cuda(self) -> bool:
        """Whether the data are on a GPU: never."""
        return False

    def _with(self, data: Tensor) -> Self:
        return type(self)(data, *self[1:])


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return where a permutation sends each position; None for None.

    >>> import chainrule as cr
    >>> invert_permutation(cr.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    order = permutation._array
    inverse = np.empty_like(order)
    inverse[order] = np.arange(order.size, dtype=order.dtype)
    return wrap(inverse)


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack padded sequences; gradients flow to the elements within the lengths.

    Args:
        input: (steps, batch, …), or (batch, steps, …) with ``batch_first``.
        lengths: the length of each sequence, at least 1.
        batch_first: whether the batch is the first dimension.
        enforce_sorted: whether the lengths are to fall from sequence to sequence; else they are
            sorted here.

    Raises:
        RuntimeError: if the lengths do not suit the input, or do not fall though they should.

    >>> import chainrule as cr
    >>> padded = cr.tensor([[1, 2, 3], [4, 0, 0]])
    >>> pack_padded_sequence(padded, [3, 1], batch_first=True).data
    tensor([1, 4, 2, 3])
    """
    counts = np.asarray(as_tensor(lengths)._array, dtype=np.int64)
    if input.dim() < 2:
        raise IndexError(
            f"Dimension out of range: the input has {input.dim()} dimensions, pack_padded_sequence "
            "expects at least (steps, batch)"
        )
    batch, steps = input.shape[:2] if batch_first else input.shape[1::-1]
    _check_lengths(counts, batch, steps)
    order = None
    if not enforce_sorted:
        order = np.argsort(-counts, kind="stable")
        counts = counts[order]
    elif (counts[1:] > counts[:-1]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement"
        )
    step, place = _layout(counts)
    row = place if order is None else order[place]
    index = row * steps + step if batch_first else step * batch + row
    flat = input.reshape(batch * steps, *input.shape[2:])
    return PackedSequence(
        flat[wrap(index)],
        wrap(np.bincount(step, minlength=counts[0])),
        None if order is None else wrap(order),
    )


def _check_lengths(counts: Any, batch: int, steps: int) -> None:
    if counts.shape != (batch,):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {counts.size} "
            f"(batch_size={batch})"
        )
    if batch == 0 or steps == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if counts.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if counts.max() > steps:
        raise RuntimeError(
            f"pack_padded_sequence: 'lengths' has an element {counts.max()}, but the input has "
            f"{steps} steps; is batch_first as the input is laid out?"
        )


def _layout(counts: Any) -> tuple[Any, Any]:
    """Return the step of each packed element and its sequence, for lengths that fall."""
    step, place = np.nonzero(np.arange(counts[0])[:, None] < counts)
    return step, place


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Unpack sequences into one padded tensor: the inverse of `pack_padded_sequence`.

    Args:
        sequence: the packed sequences.
        batch_first: whether to return the batch as the first dimension.
        padding_value: what follows the end of a sequence.
        total_length: the number of steps to return; that of the longest sequence, if None.

    Returns:
        The padded tensor, (steps, batch, …) or (batch, steps, …), and the lengths.

    Raises:
        ValueError: if ``total_length`` is shorter than a sequence.

    >>> import chainrule as cr
    >>> packed = pack_sequence([cr.tensor([1, 2, 3]), cr.tensor([4])])
    >>> pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    sizes = sequence.batch_sizes._array
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    counts = np.add.reduce(sizes[:, None] > np.arange(sizes[0]), 0)
    step, place = _layout(counts)
    # Where each element of the result is in the data; the padding follows the data.
    index = np.full((steps, len(counts)), step.size)
    index[step, place] = np.arange(step.size)
    if sequence.unsorted_indices is not None:
        back = sequence.unsorted_indices._array
        index, counts = index[:, back], counts[back]
    padded = _gathered([sequence.data], index.T if batch_first else index, padding_value)
    return padded, wrap(counts)


def _gathered(parts: list[Tensor], index: Any, padding_value: float) -> Tensor:
    """Return elements of the parts, one after the other, at positions; the last means padding."""
    first = parts[0]
    rows = sum(len(part) for part in parts)
    if (index == rows).any():
        padding = full((1, *first.shape[1:]), padding_value, dtype=first.dtype)
        parts = [*parts, padding]
    data = cat(parts) if len(parts) > 1 else parts[0]
    return data[wrap(index)]


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences of different lengths, padded to the longest; differentiable.

    Args:
        sequences: tensors (length, …) that agree in all but the length.
        batch_first: whether to return the batch as the first dimension.
        padding_value: what the shorter ones are filled up with.
        padding_side: "right" to fill up at the end, "left" at the beginning.

    Returns:
        A tensor (steps, batch, …), or (batch, steps, …).

    Raises:
        RuntimeError: if there is no sequence, or their other dimensions differ.

    >>> import chainrule as cr
    >>> pad_sequence([cr.tensor([1, 2]), cr.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    parts = list(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences: give at least one tensor")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    inner = parts[0].shape[1:]
    for k, part in enumerate(parts):
        if part.shape[1:] != inner:
            raise RuntimeError(
                f"pad_sequence: sequence {k} has elements of shape {list(part.shape[1:])}, the "
                f"first has {list(inner)}; sequences may differ in length only"
            )
    counts = np.array([len(part) for part in parts])
    steps = np.arange(counts.max())
    offset = counts.max() - counts[:, None] if padding_side == "left" else 0
    within = steps - offset
    inside = (within >= 0) & (within < counts[:, None])
    starts = np.add.accumulate(counts) - counts
    index = np.where(inside, starts[:, None] + within, counts.sum())
    return _gathered(parts, index if batch_first else index.T, padding_value)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Return the sequences of a padded tensor: the inverse of `pad_sequence`.

    Args:
        padded_sequences: (steps, batch, …), or (batch, steps, …) with ``batch_first``.
        lengths: the length of each sequence.
        batch_first: whether the batch is the first dimension.

    >>> import chainrule as cr
    >>> unpad_sequence(cr.tensor([[1, 2], [3, 0]]), cr.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    counts = as_tensor(lengths)._array.tolist()
    if len(counts) != len(rows):
        raise ValueError(
            f"unpad_sequence: {len(counts)} lengths for {len(rows)} sequences; is batch_first as "
            "the tensor is laid out?"
        )
    return [row[:count] for row, count in zip(rows, counts, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Args:
        sequences: tensors (length, …) that agree in all but the length.
        enforce_sorted: whether the lengths are to fall from sequence to sequence; else they are
            sorted here.

    >>> import chainrule as cr
    >>> pack_sequence([cr.tensor([1]), cr.tensor([2, 3])], enforce_sorted=False).data
    tensor([2, 1, 3])
    """
    counts = [len(sequence) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), counts, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences of a packed one: the inverse of `pack_sequence`.

    >>> import chainrule as cr
    >>> unpack_sequence(pack_sequence([cr.tensor([1, 2]), cr.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
