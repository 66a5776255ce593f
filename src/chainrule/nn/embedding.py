"""Tables of embeddings as modules."""

from __future__ import annotations

from typing import Any

from chainrule.modes import no_grad
from chainrule.nn import init
from chainrule.nn.functional.embedding import embedding, embedding_bag
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.ops.creation import empty
from chainrule.tensor import Tensor

__all__ = [
    "Embedding",
    "EmbeddingBag",
]


class _Table(Module):
    """A table of rows, one of which may stand for padding."""

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None
    max_norm: float | None
    norm_type: float
    scale_grad_by_freq: bool
    sparse: bool
    weight: Parameter

    def _add_table(
        self, padding_idx: int | None, given: Tensor | None, freeze: bool, device: Any, dtype: Any
    ) -> None:
        n, size = self.num_embeddings, self.embedding_dim
        if padding_idx is not None:
            if not -n <= padding_idx < n:
                raise AssertionError(
                    "padding_idx must be within num_embeddings: got "
                    f"{padding_idx} for {n} embeddings"
                )
            padding_idx %= n
        self.padding_idx = padding_idx
        if given is None:
            table = empty((n, size), dtype=dtype, device=device)
            self.weight = Parameter(table, requires_grad=not freeze)
            self.reset_parameters()
        else:
            if given._array.shape != (n, size):
                raise AssertionError(
                    "Shape of weight does not match num_embeddings and embedding_dim: got "
                    f"{list(given.shape)} for ({n}, {size})"
                )
            self.weight = Parameter(given, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw fresh rows; that of the padding is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def _options(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq is not False:
            parts.append(f"scale_grad_by_freq={self.scale_grad_by_freq}")
        return ", ".join(parts)


def _refuse_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise NotImplementedError(
            f"{name}: sparse gradients are not available; leave out sparse=True"
        )


class Embedding(_Table):
    """A table whose rows stand for words, or other things that have a number.

    Args:
        num_embeddings: the number of rows.
        embedding_dim: the size of a row.
        padding_idx: the row that stands for padding: 0 at first, and without gradient.
        max_norm: scale rows down to this norm when they are picked.
        norm_type: the exponent of that norm.
        scale_grad_by_freq: divide gradients by how often their row is picked.
        sparse: not supported.
        _weight: the table to start with.
        _freeze: whether the table is not learned.
        device: only ``"cpu"``.
        dtype: the table's dtype; the default dtype if None.

    Shapes: (*) → (*, embedding_dim). Rows are drawn from the standard normal distribution.

    >>> import chainrule as cr
    >>> cr.nn.Embedding(10, 3)(cr.tensor([[1, 2], [4, 5]])).shape
    chainrule.Size([2, 2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _refuse_sparse("Embedding", sparse)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._add_table(padding_idx, _weight, _freeze, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows at the positions."""
        return embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """Return the settings."""
        if self.padding_idx is None:
            return self._options()
        sizes = f"{self.num_embeddings}, {self.embedding_dim}"
        return f"{sizes}, padding_idx={self.padding_idx}{self._options()[len(sizes) :]}"

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return a module with a given table.

        Args:
            embeddings: the table, (n, D).
            freeze: whether it is not learned.
            padding_idx: see `Embedding`, as the others.
            max_norm: see `Embedding`.
            norm_type: see `Embedding`.
            scale_grad_by_freq: see `Embedding`.
            sparse: not supported.

        >>> import chainrule as cr
        >>> table = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> cr.nn.Embedding.from_pretrained(table)(cr.tensor([1]))
        tensor([[3., 4.]])
        """
        rows, columns = _sizes_of(embeddings)
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )


def _sizes_of(embeddings: Tensor) -> tuple[int, int]:
    shape = embeddings._array.shape
    if len(shape) != 2:
        raise AssertionError(
            f"Embeddings parameter is expected to be 2-dimensional, got shape {list(shape)}"
        )
    rows, columns = shape
    return rows, columns


class EmbeddingBag(_Table):
    """Sums, means or largest values of bags of embeddings.

    Args:
        num_embeddings: the number of rows.
        embedding_dim: the size of a row.
        max_norm: scale rows down to this norm when they are picked.
        norm_type: the exponent of that norm.
        scale_grad_by_freq: divide gradients by how often their row is picked.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: not supported.
        _weight: the table to start with.
        include_last_offset: the last offset is the end of the last bag.
        padding_idx: positions of this row belong to no bag.
        device: only ``"cpu"``.
        dtype: the table's dtype; the default dtype if None.

    Shapes: (B, n), or (N) with offsets (B) → (B, embedding_dim).

    >>> import chainrule as cr
    >>> cr.nn.EmbeddingBag(10, 3)(cr.tensor([1, 2, 4]), cr.tensor([0, 2])).shape
    chainrule.Size([2, 3])
    """

    mode: str
    include_last_offset: bool

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _refuse_sparse("EmbeddingBag", sparse)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._add_table(padding_idx, _weight, False, device, dtype)
        self.mode = mode
        self.include_last_offset = include_last_offset

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        """Return a row for each bag."""
        return embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Return the settings."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self._options()}, mode={self.mode!r}{padding}"

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Return a module with a given table; `Embedding.from_pretrained` describes the rest.

        >>> import chainrule as cr
        >>> table = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> cr.nn.EmbeddingBag.from_pretrained(table)(cr.tensor([[0, 1]]))
        tensor([[2., 3.]])
        """
        rows, columns = _sizes_of(embeddings)
        bag = cls(
            rows,
            columns,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        bag.weight.requires_grad = not freeze
        return bag
