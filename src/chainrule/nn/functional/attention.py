"""Attention: queries that look values up by their keys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.nn.functional.dropout import dropout
from chainrule.ops.arithmetic import plus, times
from chainrule.ops.comparison import filled_where
from chainrule.ops.exponential import softmax_along
from chainrule.ops.linear_algebra import linear, matmul
from chainrule.ops.shape import transpose
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "multi_head_attention_forward",
    "scaled_dot_product_attention",
]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(Q Kᵀ / √E + mask) V: for each query the mean of the values, by likeness.

    Args:
        query: (…, Hq, L, E).
        key: (…, H, S, E).
        value: (…, H, S, Ev).
        attn_mask: bool, true where a query may look, or numbers that are added to the scores;
            broadcast to (…, L, S). A query that may look nowhere gets 0.
        dropout_p: the probability that a weight is dropped.
        is_causal: query i looks at keys 0 … i only.
        scale: the factor of the scores; 1/√E if None.
        enable_gqa: several query heads share a key and value head: Hq is a multiple of H.

    Shapes: → (…, Hq, L, Ev).

    Raises:
        RuntimeError: for a mask together with ``is_causal``, and for shapes or dtypes that do not
            fit.

    Source: Vaswani et al., "Attention is all you need", 2017; shared heads: Ainslie et al., "GQA",
    2023.

    >>> import chainrule as cr
    >>> q = k = v = cr.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> cr.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    tensor([[1.0000, 0.0000],
            [0.3302, 0.6698]])
    """
    _check_operands(query, key, value)
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True: make the mask causal, or leave one of them out"
        )
    if enable_gqa:
        key, value = (_shared_heads(query, x) for x in (key, value))
    factor = 1 / math.sqrt(query._array.shape[-1]) if scale is None else scale
    scores = matmul(times(query, float(factor)), transpose(key, -2, -1))
    weights = _masked_softmax(scores, attn_mask, is_causal)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return matmul(weights, value)


def _check_operands(query: Tensor, key: Tensor, value: Tensor) -> None:
    kinds = [t._array.dtype for t in (query, key, value)]
    if len(set(kinds)) > 1:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{kinds[0]}, key.dtype: {kinds[1]}, and value.dtype: {kinds[2]} instead; convert them "
            "with .to(dtype)"
        )
    for role, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor._array.ndim < 2:
            raise RuntimeError(
                "Expected query, key, and value to all be at least 2 dimensional, but got a "
                f"{role} of shape {list(tensor.shape)}"
            )


def _shared_heads(query: Tensor, x: Tensor) -> Tensor:
    """Repeat each key or value head for the query heads that share it."""
    heads, given = query._array.shape[-3], x._array.shape[-3]
    if heads % given:
        raise RuntimeError(
            f"Number of heads in key and value must divide the number of heads in query: got "
            f"{given} and {heads}"
        )
    shape = x._array.shape
    spread = x.unsqueeze(-3).expand(*shape[:-3], given, heads // given, *shape[-2:])
    return spread.reshape(*shape[:-3], heads, *shape[-2:])


def _masked_softmax(scores: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    s = scores._array
    last = s.ndim - 1
    if causal:
        hidden = ~np.tri(s.shape[-2], s.shape[-1], dtype=np.bool_)
        scores = filled_where(scores, attach(np.broadcast_to(hidden, s.shape), None), -math.inf)
        return softmax_along(scores, last)
    if mask is None:
        return softmax_along(scores, last)
    m = mask._array
    if m.dtype == np.bool_:
        hidden = np.broadcast_to(~m, np.broadcast_shapes(m.shape, s.shape))
        scores = filled_where(scores, attach(hidden, None), -math.inf)
    elif m.dtype != s.dtype:
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {m.dtype} and query.dtype: {s.dtype} instead."
        )
    else:
        scores = plus(scores, mask)
    blind = (scores._array == -math.inf).all(-1, keepdims=True)
    if not blind.any():
        return softmax_along(scores, last)
    # A query that may look nowhere: its scores are taken as equal and its weights as 0.
    blind = attach(np.broadcast_to(blind, scores._array.shape), None)
    return filled_where(softmax_along(filled_where(scores, blind, 0.0), last), blind, 0.0)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return attention of several heads, and its weights if asked for.

    Args:
        query: (L, N, E) or (L, E).
        key: (S, N, Ek) or (S, Ek).
        value: (S, N, Ev) or (S, Ev).
        embed_dim_to_check: E.
        num_heads: how many heads share the E features.
        in_proj_weight: the projections of query, key and value, one above the other, (3 E, E).
        in_proj_bias: their biases, (3 E).
        bias_k: a key that is added to the sequence, (1, 1, E).
        bias_v: its value.
        add_zero_attn: add a key and a value of zeros.
        dropout_p: the probability that a weight is dropped in training.
        out_proj_weight: the projection of the result, (E, E).
        out_proj_bias: its bias.
        training: whether to drop.
        key_padding_mask: (N, S) or (S): bool, true for keys to ignore, or numbers to add.
        need_weights: return the weights too.
        attn_mask: (L, S) or (N·heads, L, S): bool, true where a query must *not* look, or numbers
            to add.
        use_separate_proj_weight: use the following three weights in place of ``in_proj_weight``.
        q_proj_weight: (E, E).
        k_proj_weight: (E, Ek).
        v_proj_weight: (E, Ev).
        static_k: projected keys to use instead, (N·heads, S, E/heads).
        static_v: projected values to use instead.
        average_attn_weights: return the mean of the heads' weights.
        is_causal: a hint that ``attn_mask`` is causal; without weights it stands for the mask.

    Shapes: → (L, N, E) and weights (N, L, S), or (N, heads, L, S) unless averaged.

    Raises:
        RuntimeError, AssertionError: for shapes that do not fit.

    Source: Vaswani et al., "Attention is all you need", 2017.

    >>> import chainrule as cr
    >>> x, eye = cr.tensor([[1.0, 0.0], [0.0, 1.0]]), cr.eye(2)
    >>> W = cr.cat([eye, eye, eye])
    >>> y, weights = cr.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 2, 1, W, None, None, None, False, 0.0, eye, None
    ... )
    >>> weights
    tensor([[0.6698, 0.3302],
            [0.3302, 0.6698]])
    """
    batched = query._array.ndim == 3
    if query._array.ndim not in (2, 3) or key._array.ndim != query._array.ndim:
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor, and key and value alike: got "
            f"{query._array.ndim}-D query and {key._array.ndim}-D key"
        )
    if not batched:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, batch, features = query._array.shape
    if features != embed_dim_to_check:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {features}"
        )
    size = features // num_heads
    if size * num_heads != features:
        raise AssertionError(f"embed_dim {features} not divisible by num_heads {num_heads}")
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint: give multi_head_attention_forward "
            "the causal mask"
        )
    weights = (
        (q_proj_weight, k_proj_weight, v_proj_weight)
        if use_separate_proj_weight
        else _thirds(in_proj_weight, features)
    )
    biases = _thirds(in_proj_bias, features)
    q, k, v = (
        linear(x, w, b)
        for x, w, b in zip((query, key, value), weights, biases, strict=True)
        if w is not None
    )
    additive = _as_numbers(attn_mask, q)
    padding = _as_numbers(key_padding_mask, q)
    if bias_k is not None and bias_v is not None:
        k, v = (
            _appended(x, b.expand(1, batch, features), 0) for x, b in ((k, bias_k), (v, bias_v))
        )
        additive, padding = _one_more(additive), _one_more(padding)
    q, k, v = (
        x.reshape(x._array.shape[0], batch * num_heads, size).transpose(0, 1) for x in (q, k, v)
    )
    k, v = (k if static_k is None else static_k), (v if static_v is None else static_v)
    if add_zero_attn:
        zeros = attach(np.zeros((batch * num_heads, 1, size), k._array.dtype), None)
        k, v = (_appended(x, zeros, 1) for x in (k, v))
        additive, padding = _one_more(additive), _one_more(padding)
    source = k._array.shape[1]
    mask = _joint_mask(additive, padding, batch, num_heads, length, source)
    q, k, v = (x.reshape(batch, num_heads, x._array.shape[1], size) for x in (q, k, v))
    scores = matmul(times(q, 1 / math.sqrt(size)), transpose(k, -2, -1))
    shares = (
        softmax_along(scores if mask is None else plus(scores, mask), 3)
        if need_weights
        else _masked_softmax(scores, mask, False)
    )
    if training and dropout_p > 0:
        shares = dropout(shares, dropout_p)
    mixed = matmul(shares, v)
    y = mixed.permute(2, 0, 1, 3).reshape(length * batch, features)
    y = linear(y, out_proj_weight, out_proj_bias).reshape(length, batch, -1)
    if not batched:
        y = y.squeeze(1)
    if not need_weights:
        return y, None
    if average_attn_weights:
        shares = shares.mean(1)
    return y, shares if batched else shares.squeeze(0)


def _thirds(packed: Tensor | None, features: int) -> tuple[Any, Any, Any]:
    if packed is None:
        return None, None, None
    return packed[:features], packed[features : 2 * features], packed[2 * features :]


def _as_numbers(mask: Tensor | None, like: Tensor) -> Tensor | None:
    """Return a mask as numbers to add: −∞ where a bool mask is true."""
    if mask is None:
        return None
    m, kind = mask._array, like._array.dtype
    if m.dtype == np.bool_:
        return attach(np.where(m, -math.inf, 0).astype(kind), None)
    if m.dtype.kind != "f":
        raise AssertionError(
            f"only bool and floating types of masks are supported, got {m.dtype}; convert with "
            ".bool()"
        )
    return mask


def _appended(x: Tensor, more: Tensor, dim: int) -> Tensor:
    from chainrule.ops.assembly import cat

    return cat((x, more), dim)


def _one_more(mask: Tensor | None) -> Tensor | None:
    """Return a mask with a last column that hides nothing."""
    if mask is None:
        return None
    column = attach(np.zeros((*mask._array.shape[:-1], 1), mask._array.dtype), None)
    return _appended(mask, column, mask._array.ndim - 1)


def _joint_mask(
    additive: Tensor | None,
    padding: Tensor | None,
    batch: int,
    heads: int,
    length: int,
    source: int,
) -> Tensor | None:
    """Return what is added to the scores of shape (N, heads, L, S)."""
    if additive is not None:
        shape = additive._array.shape
        if shape == (length, source):
            additive = additive.reshape(1, 1, length, source)
        elif shape == (batch * heads, length, source):
            additive = additive.reshape(batch, heads, length, source)
        else:
            raise RuntimeError(
                f"The shape of the attn_mask is {shape}, but should be {(length, source)} or "
                f"{(batch * heads, length, source)}."
            )
    if padding is None:
        return additive
    if padding._array.shape != (batch, source):
        raise AssertionError(
            f"expecting key_padding_mask shape of {(batch, source)}, but got {padding._array.shape}"
        )
    padding = padding.reshape(batch, 1, 1, source)
    return padding if additive is None else additive + padding
