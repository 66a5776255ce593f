"""Transformers: encoder, decoder, and both together.

Source: Vaswani et al., "Attention is all you need", 2017; with the normalisation first: Xiong et
al., "On layer normalization in the transformer architecture", 2020.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from chainrule.nn import functional as F
from chainrule.nn import init
from chainrule.nn.attention import MultiheadAttention
from chainrule.nn.container import ModuleList
from chainrule.nn.dropout import Dropout
from chainrule.nn.linear import Linear
from chainrule.nn.module import Module
from chainrule.nn.normalization import LayerNorm
from chainrule.ops.creation import full
from chainrule.tensor import Tensor

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


def _activation(activation: Activation) -> Callable[[Tensor], Tensor]:
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    function: Callable[[Tensor], Tensor] = getattr(F, activation)
    return function


class _Layer(Module):
    """What the layers of encoder and decoder share: attentions, a two-layer network, residuals."""

    # How many times something is added to the residual: attention and network, or two attentions
    # and the network.
    _residuals: int

    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    dropout1: Dropout
    dropout2: Dropout
    dropout3: Dropout

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        options = {"dropout": dropout, "batch_first": batch_first, "bias": bias, **place}
        self.self_attn = MultiheadAttention(d_model, nhead, **options)
        if self._residuals == 3:
            self.multihead_attn = MultiheadAttention(d_model, nhead, **options)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.norm_first = norm_first
        for k in range(1, self._residuals + 1):
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
            setattr(self, f"norm{k}", norm)
        for k in range(1, self._residuals + 1):
            setattr(self, f"dropout{k}", Dropout(dropout))
        self.activation = _activation(activation)

    def _added(self, x: Tensor, norm: Module, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Add what a part makes of a residual, normalised before it or after the sum."""
        if self.norm_first:
            return x + part(norm(x))
        return norm(x + part(x))  # type: ignore[no-any-return]

    def _network(self, x: Tensor) -> Tensor:
        return self.linear2(  # type: ignore[no-any-return]
            self.dropout(self.activation(self.linear1(x)))
        )


def _attended(
    attention: MultiheadAttention,
    query: Tensor,
    memory: Tensor,
    mask: Tensor | None,
    padding: Tensor | None,
    is_causal: bool,
) -> Tensor:
    attended, _ = attention(
        query,
        memory,
        memory,
        attn_mask=mask,
        key_padding_mask=padding,
        need_weights=False,
        is_causal=is_causal,
    )
    return attended  # type: ignore[no-any-return]


class TransformerEncoderLayer(_Layer):
    """Self-attention and a two-layer network for each step, both with residual connections.

    Args:
        d_model: the size of inputs and outputs.
        nhead: how many heads the attention has.
        dim_feedforward: the hidden size of the two-layer network.
        dropout: the probability of dropout.
        activation: ``"relu"``, ``"gelu"`` or a function.
        layer_norm_eps: of the normalisations.
        batch_first: rows come before steps.
        norm_first: normalise before attention and network instead of after.
        bias: whether layers and normalisations have biases.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: (steps, rows, d_model) → the same.

    >>> import chainrule as cr
    >>> layer = cr.nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(cr.zeros(3, 5, 8)).shape
    chainrule.Size([3, 5, 8])
    """

    _residuals = 2

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return the encoded steps.

        Args:
            src: the steps.
            src_mask: where attention is not allowed, as `MultiheadAttention` takes it.
            src_key_padding_mask: which steps are padding.
            is_causal: ``src_mask`` is the causal mask.
        """

        def attend(x: Tensor) -> Tensor:
            found = _attended(self.self_attn, x, x, src_mask, src_key_padding_mask, is_causal)
            return self.dropout1(found)  # type: ignore[no-any-return]

        x = self._added(src, self.norm1, attend)
        return self._added(x, self.norm2, lambda x: self.dropout2(self._network(x)))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's memory, and a two-layer network for each step.

    Args: as those of `TransformerEncoderLayer`.

    Shapes: tgt (steps, rows, d_model), memory (other steps, rows, d_model) → as tgt.

    >>> import chainrule as cr
    >>> layer = cr.nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> layer(cr.zeros(5, 3, 8), cr.zeros(7, 3, 8)).shape
    chainrule.Size([5, 3, 8])
    """

    _residuals = 3

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the decoded steps; the masks are those of the two attentions."""

        def to_itself(x: Tensor) -> Tensor:
            found = _attended(self.self_attn, x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
            return self.dropout1(found)  # type: ignore[no-any-return]

        def to_memory(x: Tensor) -> Tensor:
            masks = (memory_mask, memory_key_padding_mask, memory_is_causal)
            found = _attended(self.multihead_attn, x, memory, *masks)
            return self.dropout2(found)  # type: ignore[no-any-return]

        x = self._added(tgt, self.norm1, to_itself)
        x = self._added(x, self.norm2, to_memory)
        return self._added(x, self.norm3, lambda x: self.dropout3(self._network(x)))


class TransformerEncoder(Module):
    """Several encoder layers, one after the other; each starts as a copy of the one given.

    Args:
        encoder_layer: the layer to copy.
        num_layers: how many.
        norm: a normalisation at the end.
        enable_nested_tensor: accepted; there are no nested tensors.
        mask_check: accepted likewise.

    >>> import chainrule as cr
    >>> layer = cr.nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)
    >>> cr.nn.TransformerEncoder(layer, num_layers=2)(cr.zeros(5, 3, 8)).shape
    chainrule.Size([5, 3, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Return the encoded steps; the masks are those of every layer."""
        for layer in self.layers:
            src = layer(
                src,
                src_mask=mask,
                src_key_padding_mask=src_key_padding_mask,
                is_causal=bool(is_causal),
            )
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Several decoder layers, one after the other; each starts as a copy of the one given.

    Args:
        decoder_layer: the layer to copy.
        num_layers: how many.
        norm: a normalisation at the end.

    >>> import chainrule as cr
    >>> layer = cr.nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> cr.nn.TransformerDecoder(layer, num_layers=2)(cr.zeros(5, 3, 8), cr.zeros(7, 3, 8)).shape
    chainrule.Size([5, 3, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the decoded steps; the masks are those of every layer."""
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder.

    Args:
        d_model: the size of inputs and outputs.
        nhead: how many heads the attentions have.
        num_encoder_layers: how many layers the encoder has.
        num_decoder_layers: how many layers the decoder has.
        dim_feedforward: the hidden size of the layers' networks.
        dropout: the probability of dropout.
        activation: ``"relu"``, ``"gelu"`` or a function.
        custom_encoder: in place of the encoder.
        custom_decoder: in place of the decoder.
        layer_norm_eps: of the normalisations.
        batch_first: rows come before steps.
        norm_first: normalise before attention and network instead of after.
        bias: whether layers and normalisations have biases.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: src (other steps, rows, d_model), tgt (steps, rows, d_model) → as tgt. Matrices are
    drawn by Glorot's rule.

    >>> import chainrule as cr
    >>> net = cr.nn.Transformer(8, 2, 1, 1, dim_feedforward=16)
    >>> net(cr.zeros(7, 3, 8), cr.zeros(5, 3, 8)).shape
    chainrule.Size([5, 3, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        size = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        rest = (batch_first, norm_first, bias)
        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
            first = TransformerEncoderLayer(*size, *rest, **place)
            self.encoder = TransformerEncoder(first, num_encoder_layers, norm)
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
            second = TransformerDecoderLayer(*size, *rest, **place)
            self.decoder = TransformerDecoder(second, num_decoder_layers, norm)
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the decoded steps of ``tgt``, given those of ``src``."""
        rows = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[rows] != tgt.shape[rows]:
            raise RuntimeError(
                "the batch number of src and tgt must be equal; got "
                f"{src.shape[rows]} and {tgt.shape[rows]}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                "the feature number of src and tgt must be equal to d_model; got "
                f"{src.shape[-1]}, {tgt.shape[-1]} and {self.d_model}"
            )
        memory = self.encoder(
            src,
            mask=src_mask,
            src_key_padding_mask=src_key_padding_mask,
            is_causal=src_is_causal,
        )
        return self.decoder(  # type: ignore[no-any-return]
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the causal mask: −∞ above the diagonal, 0 elsewhere.

        >>> import chainrule as cr
        >>> cr.nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        mask: Tensor = full((sz, sz), float("-inf"), dtype=dtype, device=device).triu(1)
        return mask
