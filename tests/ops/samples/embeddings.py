"""Embeddings, bags of them, bilinear maps, attention and temporal classification."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform

F, FT = cr.nn.functional, torch.nn.functional


def functional(
    name: str, samples: Iterable[Sample], run: Any = None, once: bool = False
) -> Operation:
    """Describe a function of `nn.functional`; ``run(library, ...)`` calls it another way."""
    return Operation(
        name,
        getattr(F, name) if run is None else lambda *a, **k: run(F, *a, **k),
        getattr(FT, name) if run is None else lambda *a, **k: run(FT, *a, **k),
        tuple(samples),
        integers=False,
        ulps=16,
        summing=True,
        once=once,
    )


# --- Embeddings -----------------------------------------------------------------------------------

_TABLE = uniform(4, 3)
_ROWS = Index(np.array([[1, 2, 1], [3, 0, 1]]))
_FLAT = Index(np.array([1, 2, 1, 3, 0, 1]))
_OFFSETS = Index(np.array([0, 2, 2, 5]))


def embeddings() -> Iterable[Sample]:
    yield Sample("matrix of rows", (_ROWS, _TABLE))
    yield Sample("0-d", (Index(np.array(2)), _TABLE))
    yield Sample("nothing", (Index(np.zeros((0, 2), np.int64)), _TABLE))
    yield Sample("int32", (Index(np.array([1, 0], np.int32)), _TABLE))
    # What PyTorch gives up at the padding is not seen by finite differences.
    yield Sample("padding", (_ROWS, _TABLE), {"padding_idx": 1}, smooth=False)
    yield Sample("padding, negative", (_ROWS, _TABLE), {"padding_idx": -3}, smooth=False)
    yield Sample("by frequency", (_ROWS, _TABLE), {"scale_grad_by_freq": True}, smooth=False)
    yield Sample("out of range", (Index(np.array([4])), _TABLE))
    yield Sample("negative", (Index(np.array([-1])), _TABLE))
    yield Sample("floats", (Index(np.array([1.0])), _TABLE))


def bags() -> Iterable[Sample]:
    for mode in ("sum", "mean", "max"):
        options = {"mode": mode}
        yield Sample(f"rows, {mode}", (_ROWS, _TABLE), options)
        yield Sample(f"offsets, {mode}", (_FLAT, _TABLE, _OFFSETS), options)
        yield Sample(
            f"last offset, {mode}",
            (_FLAT, _TABLE, Index(np.array([0, 4, 6]))),
            {**options, "include_last_offset": True},
        )
        yield Sample(f"padding, {mode}", (_ROWS, _TABLE), {**options, "padding_idx": 1})
    yield Sample("another mode", (_ROWS, _TABLE), {"mode": "min"})
    yield Sample("no offsets", (_FLAT, _TABLE))
    yield Sample("offsets of rows", (_ROWS, _TABLE, _OFFSETS))


def weighted_bag(library: Any, table: Any, weights: Any) -> Any:
    index = np.array([[1, 2, 1], [3, 0, 1]])
    positions = cr.from_numpy(index) if library is F else torch.from_numpy(index)
    return library.embedding_bag(positions, table, mode="sum", per_sample_weights=weights)


# --- Bilinear maps --------------------------------------------------------------------------------


def pairs() -> Iterable[Sample]:
    weight = uniform(2, 3, 4)
    yield Sample("rows", (uniform(5, 3), uniform(5, 4), weight, uniform(2)))
    yield Sample("without bias", (uniform(2, 3), uniform(2, 4), weight))
    yield Sample("vectors", (uniform(3), uniform(4), weight))
    yield Sample("stacks", (uniform(2, 2, 3), uniform(2, 2, 4), weight, uniform(2)))
    yield Sample("no rows", (np.zeros((0, 3)), np.zeros((0, 4)), weight))
    yield Sample("wrong sizes", (uniform(5, 4), uniform(5, 4), weight))
    yield Sample("wrong batches", (uniform(5, 3), uniform(4, 4), weight))


# --- Attention ------------------------------------------------------------------------------------

_HIDDEN = np.array([[True, False, True], [False, True, True]])


def heads(*lead: int, queries: int = 2, keys: int = 3) -> tuple[Any, Any, Any]:
    return (
        uniform(*lead, queries, 4),
        uniform(*lead, keys, 4, seed=1),
        uniform(*lead, keys, 2, seed=2),
    )


def attentions() -> Iterable[Sample]:
    yield Sample("matrices", heads())
    yield Sample("heads", heads(2, 2))
    yield Sample("causal", heads(1, 2, queries=3), {"is_causal": True})
    yield Sample("causal, fewer queries", heads(), {"is_causal": True})
    yield Sample("scaled", heads(2), {"scale": 0.3})
    yield Sample("bool mask", (*heads(2), Index(_HIDDEN)))
    yield Sample("mask of numbers", (*heads(2), uniform(2, 3, seed=3)))
    yield Sample("mask of minus infinity", heads(2), {"attn_mask": np.where(_HIDDEN, 0, -np.inf)})
    yield Sample("blind query", (*heads(2), Index(_HIDDEN & [[True], [False]])))
    yield Sample(
        "shared heads",
        (uniform(1, 4, 2, 4), *(uniform(1, 2, 3, 4, seed=k) for k in (1, 2))),
        {"enable_gqa": True},
    )
    yield Sample("not contiguous", (strided(2, 4), uniform(3, 4), uniform(3, 4)))
    yield Sample("causal and mask", (*heads(), Index(_HIDDEN)), {"is_causal": True})
    yield Sample("vectors", (uniform(4), uniform(4), uniform(4)))


def many_heads(**options: Any) -> Callable[..., Any]:
    def run(library: Any, q: Any, k: Any, v: Any, w: Any, b: Any, out: Any, *rest: Any) -> Any:
        arrays = dict(zip(rest[::2], rest[1::2], strict=True))
        biases = [arrays.pop(name, None) for name in ("bias_k", "bias_v")]
        result, weights = library.multi_head_attention_forward(
            *(q, k, v, 4, 2, w, b, *biases),
            *(options.get("add_zero_attn", False), 0.0, out, None),
            **{key: value for key, value in options.items() if key != "add_zero_attn"},
            **arrays,
        )
        return result if weights is None else (result, weights)

    return run


def projected(*rest: Any, batch: tuple[int, ...] = (2,)) -> tuple[Sample, ...]:
    q, k, v = (uniform(n, *batch, 4, seed=s) for s, n in enumerate((2, 3, 3)))
    return (Sample("sequences", (q, k, v, uniform(12, 4), uniform(12), uniform(4, 4), *rest)),)


_PADDING = Index(np.array([[False, False, True], [False, False, False]]))
_BLOCKED = Index(~_HIDDEN)
MANY_HEADS = tuple(
    Operation(
        f"multi_head_attention_forward, {name}",
        lambda *a, run=run: run(F, *a),
        lambda *a, run=run: run(FT, *a),
        samples,
        integers=False,
        ulps=32,
        summing=True,
    )
    for name, run, samples in (
        ("with weights", many_heads(), projected()),
        ("of each head", many_heads(average_attn_weights=False), projected()),
        ("without weights", many_heads(need_weights=False), projected()),
        ("one sample", many_heads(), projected(batch=())),
        ("masked", many_heads(), projected("attn_mask", _BLOCKED, "key_padding_mask", _PADDING)),
        (
            "masked without weights",
            many_heads(need_weights=False),
            projected("attn_mask", _BLOCKED, "key_padding_mask", _PADDING),
        ),
        (
            "with a learned key",
            many_heads(add_zero_attn=True),
            projected("bias_k", uniform(1, 1, 4), "bias_v", uniform(1, 1, 4, seed=1)),
        ),
    )
)

# --- Sequences ------------------------------------------------------------------------------------


def classified(library: Any, x: Any, *args: Any, **options: Any) -> Any:
    return library.ctc_loss(library.log_softmax(x, -1), *args, **options)


def index(*values: Any) -> Index:
    return Index(np.array(values))


def sequences() -> Iterable[Sample]:
    x = uniform(4, 2, 3)
    lengths = (index(4, 3), index(2, 1))
    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction}
        yield Sample(f"rows, {reduction}", (x, index([1, 2], [2, 1]), *lengths), options)
        yield Sample(f"one after another, {reduction}", (x, index(1, 2, 2), *lengths), options)
    yield Sample("repeated labels", (x, index([1, 1], [2, 2]), index(4, 4), index(2, 2)))
    yield Sample("last class is blank", (x, index([1, 0], [0, 1]), *lengths), {"blank": 2})
    yield Sample("no labels", (x, index([1, 1], [2, 2]), index(4, 4), index(0, 1)))
    yield Sample("one sample", (uniform(3, 3), index(1, 2), Index(np.array(3)), Index(np.array(2))))
    yield Sample(
        "too long, counted as 0",
        (x, index([1, 1], [2, 1]), index(2, 4), index(2, 2)),
        {"zero_infinity": True},
        smooth=False,
    )
    yield Sample("too few steps", (x, index([1, 2], [2, 1]), index(5, 3), index(2, 1)))
    yield Sample("no such blank", (x, index([1, 2], [2, 1]), *lengths), {"blank": 3})


OPERATIONS = (
    functional("embedding", embeddings()),
    functional("embedding_bag", bags()),
    functional("weighted bag", [Sample("rows", (_TABLE, uniform(2, 3)))], weighted_bag),
    functional("bilinear", pairs()),
    functional("scaled_dot_product_attention", attentions()),
    *MANY_HEADS,
    functional("ctc_loss", sequences(), classified, once=True),
    Operation(
        "cr.embedding",
        cr.embedding,
        torch.embedding,
        (Sample("rows", (_TABLE, _ROWS)), Sample("padding", (_TABLE, _ROWS, 1), smooth=False)),
        integers=False,
    ),
    Operation("cr.bilinear", cr.bilinear, torch.bilinear, tuple(pairs())[:2], integers=False),
)
