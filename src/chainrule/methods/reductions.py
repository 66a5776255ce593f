"""Reductions, scans and sorting as methods of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.methods.binding import in_place, on_demand
from chainrule.ops import extrema, reductions

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def _in_own_dtype(operation: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a scan that computes in its operand's dtype: what in-place forms do."""

    def scan(input: Tensor, *args: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        if dtype is not None and dtype != input._array.dtype:
            raise RuntimeError(
                f"Bad in-place call: input tensor dtype {input._array.dtype} and output tensor "
                f"dtype {dtype} should match; use the out-of-place form"
            )
        return operation(input, *args, dtype=input._array.dtype, **kwargs)

    return scan


class Reductions:
    """Reductions, scans and sorting."""

    __slots__ = ()

    sum = reductions.sum
    nansum = reductions.nansum
    mean = reductions.mean
    nanmean = reductions.nanmean
    var = reductions.var
    std = reductions.std
    all = reductions.all
    any = reductions.any
    count_nonzero = reductions.count_nonzero
    max = extrema.max
    min = extrema.min
    amax = extrema.amax
    amin = extrema.amin
    aminmax = extrema.aminmax
    argmax = extrema.argmax
    argmin = extrema.argmin
    prod = on_demand("products", "prod")
    norm = on_demand("norms", "norm")
    dist = on_demand("norms", "dist")
    renorm = on_demand("norms", "renorm")

    median = on_demand("quantiles", "median")
    nanmedian = on_demand("quantiles", "nanmedian")
    mode = on_demand("quantiles", "mode")
    quantile = on_demand("quantiles", "quantile")
    nanquantile = on_demand("quantiles", "nanquantile")
    kthvalue = on_demand("sorting", "kthvalue")

    cov = on_demand("statistics", "cov")
    corrcoef = on_demand("statistics", "corrcoef")
    histc = on_demand("statistics", "histc")
    bincount = on_demand("statistics", "bincount")

    cumsum = on_demand("scans", "cumsum")
    cumprod = on_demand("scans", "cumprod")
    cummax = on_demand("scans", "cummax")
    cummin = on_demand("scans", "cummin")
    logcumsumexp = on_demand("scans", "logcumsumexp")
    diff = on_demand("differences", "diff")

    sort = on_demand("sorting", "sort")
    argsort = on_demand("sorting", "argsort")
    msort = on_demand("sorting", "msort")
    topk = on_demand("sorting", "topk")
    unique = on_demand("searching", "unique")
    unique_consecutive = on_demand("searching", "unique_consecutive")

    # --- In place

    cumsum_ = in_place("cumsum_", _in_own_dtype(cumsum))
    cumprod_ = in_place("cumprod_", _in_own_dtype(cumprod))
    renorm_ = in_place("renorm_", renorm)
