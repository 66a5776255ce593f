"""What PyTorch has for each operation of the derivative table, and on what they can be compared.

A counterpart takes PyTorch's tensors for the operation's inputs and the operation's own static
parameters. Where PyTorch has no such function it is written in those that it has; an operation that
is the transpose of a linear map is PyTorch's derivative of that map. Tests compare every entry
with the table, and fail when an operation is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.verify import written_in_pytorch as written

Function = Callable[..., Any]

SAME_IN_TORCH = (
    "abs", "acos", "acosh", "add",
    "angle", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "broadcast_to", "ceil", "clone", "copysign", "cos", "cosh", "det", "digamma",
    "div", "dot", "eq", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "floor",
    "floor_divide", "fmax", "fmin", "fmod", "frac", "gcd", "ge", "gt", "hypot", "i0",
    "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "lcm", "le", "lerp",
    "lgamma", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logcumsumexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "log_softmax",
    "lt", "matmul", "matrix_exp", "maximum", "median", "minimum", "mm", "mul", "mv",
    "nanmedian", "ne", "neg", "outer", "permute", "pow", "reciprocal", "relu",
    "remainder", "reshape", "roll", "rsqrt", "sigmoid", "sign", "signbit", "sin", "sinc",
    "sinh", "softmax", "sqrt", "square", "squeeze", "stack", "sub", "tan", "tanh",
    "transpose", "tril", "triu", "trunc", "where", "xlogy",
)  # fmt: skip
SAME_IN_SPECIAL = (
    "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "entr", "erfcx", "i0e", "i1", "i1e",
    "log_ndtr", "modified_bessel_k0", "modified_bessel_k1", "ndtr", "ndtri",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "xlog1py", "zeta",
)  # fmt: skip
SAME_IN_FUNCTIONAL = (
    "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "linear", "logsigmoid",
    "mish", "silu", "softplus",
)  # fmt: skip
SAME_IN_LINALG = ("cholesky", "inv", "solve", "svdvals")


@cache
def table() -> dict[str, Function]:
    """Return PyTorch's counterpart of each operation, by the operation's name."""
    import torch

    f, linalg = torch.nn.functional, torch.linalg
    found: dict[str, Function] = {}
    for room, names in (
        (torch, SAME_IN_TORCH),
        (torch.special, SAME_IN_SPECIAL),
        (f, SAME_IN_FUNCTIONAL),
        (linalg, SAME_IN_LINALG),
    ):
        found.update((name, getattr(room, name)) for name in names)
    found.update(
        adaptive_avg_pool=written.adaptive_avg_pool,
        adaptive_avg_unpool=lambda x, shape: written.adjoint(
            lambda at: written.adaptive_avg_pool(at, x.shape[2:]), x, shape
        ),
        add_strided=lambda x, size, stride, offset, shape: written.adjoint(
            lambda at: torch.as_strided(at, size, stride, offset), x, shape
        ),
        addcdiv=lambda a, b, c, value: a + value * b / c,
        addcmul=lambda a, b, c, value: a + value * b * c,
        amax=lambda x, dim, keepdim: torch.amax(x, written.over(x, dim), keepdim),
        amin=lambda x, dim, keepdim: torch.amin(x, written.over(x, dim), keepdim),
        as_strided=torch.as_strided,
        at_least=lambda x, limit: x.clamp(min=limit),
        avg_pool=written.avg_pool,
        avg_unpool=lambda x, *options: written.adjoint(
            lambda at: written.avg_pool(at, *options[:-1]), x, options[-1]
        ),
        binary_cross_entropy=lambda p, t, d: written.reduced(
            f.binary_cross_entropy(p, t, reduction="none"), d
        ),
        binary_cross_entropy_with_logits=lambda z, t, d: written.reduced(
            f.binary_cross_entropy_with_logits(z, t, reduction="none"), d
        ),
        block_diag=lambda xs: torch.block_diag(*xs),
        cat=lambda xs, dim, bounds: torch.cat(xs, dim),
        cast=lambda x, *_: x,
        clamp_max=torch.minimum,
        clamp_min=torch.maximum,
        cofactor=written.cofactor,
        col2im=lambda x, size, kernel, dilation, padding, stride: f.fold(
            x, size, kernel, dilation, padding, stride
        ),
        contiguous=torch.clone,
        convolution=written.convolution,
        convolution_transpose=lambda x, w, *options: written.adjoint(
            lambda at: written.convolution(at, w, None, *options[:-1]), x, options[-1]
        ),
        convolution_weight=lambda x, u, *options: written.adjoint(
            lambda at: written.convolution(x, at, None, *options[:-1]), u, options[-1]
        ),
        convolution_without_bias=lambda x, w, *options: written.convolution(x, w, None, *options),
        cross=lambda a, b, dim: linalg.cross(a, b, dim=dim),
        cross_entropy=lambda z, index, d: written.reduced(
            f.cross_entropy(z, written.indices(index), reduction="none"), d
        ),
        cumprod=written.either_way(torch.cumprod),
        cumprod_gradient=written.cumulative_product_gradient,
        cumsum=written.either_way(torch.cumsum),
        diag_embed=lambda x, offset, dim1, dim2, shape: written.adjoint(
            lambda at: torch.diagonal(at, offset, dim1, dim2), x, shape
        ),
        diagonal=torch.diagonal,
        eigh=written.eigh,
        eigvalsh=lambda x, uplo: linalg.eigvalsh(x, UPLO=uplo),
        einsum=lambda xs, equation: torch.einsum(equation, *xs),
        elu=written.elu,
        embedding=lambda weight, index, factors: weight[written.indices(index)],
        euclidean_distances=lambda a, b: torch.cdist(
            a, b, compute_mode="donot_use_mm_for_euclid_dist"
        ),
        flip=torch.flip,
        fold_copies=lambda x, widths, mode: written.adjoint(
            lambda at: written.with_copies(at, widths, mode),
            x,
            [n - sum(pair) for n, pair in zip(x.shape, widths, strict=True)],
        ),
        gather=lambda x, index, dim: x.gather(dim, written.indices(index)),
        gelu_tanh=lambda x: f.gelu(x, approximate="tanh"),
        getitem=written.slices,
        gru_step=written.gru_step,
        heaviside=lambda a, b: torch.where(a > 0, 1.0, torch.where(a == 0, b, 0.0)),
        huber_loss=lambda x, t, delta, d: written.reduced(
            f.huber_loss(x, t, reduction="none", delta=delta), d
        ),
        igamma=lambda a, b: torch.special.gammainc(a, b),
        igammac=lambda a, b: torch.special.gammaincc(a, b),
        im2col=f.unfold,
        index=lambda x, index: x[written.as_index(index)],
        index_put=written.replaced,
        inner=lambda a, b, dim: (a * b).sum(dim, keepdim=True),
        l1_loss=lambda x, t, d: written.reduced(f.l1_loss(x, t, reduction="none"), d),
        largest_difference=lambda x: linalg.vector_norm(x, math.inf, -1),
        linear_without_bias=f.linear,
        logit=lambda x, eps: torch.logit(x, eps),
        logsumexp=lambda x, dim, keepdim: torch.logsumexp(x, written.over(x, dim), keepdim),
        lstm_memory=written.lstm_memory,
        lstm_output=lambda z, c, size: written.lstm(z, size)[3].sigmoid() * c.tanh(),
        lstsq=written.least_squares,
        lu=written.lu,
        masked_fill=lambda x, condition, value: torch.where(condition.bool(), value, x),
        matrix_exp_along=written.exponential_along,
        max=written.extreme("max"),
        max_pool=written.max_pool,
        max_pool_indices=written.max_pool_indices,
        max_unpool=lambda x, index, shape: written.put(
            torch.zeros(shape, dtype=x.dtype).flatten(2).flatten(0, 1),
            x,
            np.asarray(index).reshape(math.prod(shape[:2]), -1)
            + np.arange(math.prod(shape[:2]))[:, None] * math.prod(shape[2:]),
        ).reshape(shape),
        mean=lambda x, dim, keepdim: torch.mean(x, written.over(x, dim), keepdim),
        min=written.extreme("min"),
        minus_one_hot=lambda x, index: x - f.one_hot(written.indices(index), x.shape[1]),
        mse_loss=lambda x, t, d: written.reduced(f.mse_loss(x, t, reduction="none"), d),
        nan_to_num=torch.nan_to_num,
        output=lambda values, k, count: values[k],
        overlap_add=lambda x, dim, step, shape: written.adjoint(
            lambda at: at.unfold(dim, x.shape[-1], step), x, shape
        ),
        pad=written.padded("constant"),
        pad_with_copies=written.with_copies,
        pick=written.pick,
        prelu=lambda x, weight: torch.where(x > 0, x, weight * x),
        place=lambda x, index, dim, shape: written.adjoint(
            lambda at: at.gather(dim, written.indices(index)), x.reshape(np.shape(index)), shape
        ),
        pinv=lambda x, atol, rtol: linalg.pinv(x, atol=atol, rtol=rtol),
        polygamma=lambda x, n: torch.polygamma(n, x),
        prod=lambda x, dim, keepdim: (
            x.prod(dim if isinstance(dim, int) else dim[0], keepdim)
            if dim is not None
            else x.prod().reshape((1,) * x.ndim if keepdim else ())
        ),
        prod_of_others=written.products_of_others,
        product_sum=lambda a, b, dims: (a * b).sum(dims),
        put=written.put,
        put_into_zeros=lambda x, positions, shape: written.adjoint(
            lambda at: at.reshape(-1)[written.indices(positions)], x, shape
        ),
        qr=lambda x: tuple(linalg.qr(x)),
        reciprocal_gaps=written.reciprocal_gaps,
        recurrence=written.recurrence,
        repeat=lambda x, counts: x.repeat(counts),
        repeat_interleave=lambda x, repeats, dim: x.repeat_interleave(
            repeats if isinstance(repeats, int) else written.indices(repeats), dim
        ),
        resample=written.resampled,
        resample_transpose=lambda x, dim, mode, size, *options: written.adjoint(
            lambda at: written.resampled(at, dim, mode, x.shape[dim], *options),
            x,
            (*x.shape[:dim], size, *x.shape[dim + 1 :]),
        ),
        round=lambda x, decimals: torch.round(x, decimals=decimals),
        scale_and_shift=lambda x, w, b, shape, dims: x * w.reshape(shape) + b.reshape(shape),
        scale_to_one=lambda x, dims, eps: x / (x * x).mean(dims, keepdim=True).add(eps).sqrt(),
        scatter=lambda x, value, index, dim: x.scatter(
            dim, written.indices(index), written.beside(value, written.indices(index))
        ),
        scatter_along_dim=lambda x, index, dim, shape: torch.zeros(
            shape, dtype=x.dtype
        ).scatter_add(dim, written.indices(index), x),
        scatter_amax=written.scattered("amax"),
        scatter_amin=written.scattered("amin"),
        scatter_into_zeros=lambda x, index, shape: torch.zeros(shape, dtype=x.dtype).index_put(
            written.places(shape, index), x, accumulate=True
        ),
        scatter_prod=lambda value, index, dim, shape: torch.ones(
            shape, dtype=value.dtype
        ).scatter_reduce(
            dim, written.indices(index), written.beside(value, written.indices(index)), "prod"
        ),
        scatter_spatial=lambda x, index, shape: written.adjoint(
            lambda at: written.spatial(at, index), x, shape
        ),
        shift=written.shift,
        slogdet=lambda x: tuple(linalg.slogdet(x)),
        smooth_l1_loss=lambda x, t, beta, d: written.reduced(
            f.smooth_l1_loss(x, t, reduction="none", beta=beta), d
        ),
        solve_triangular=lambda a, b, upper, unit: linalg.solve_triangular(
            a, b, upper=upper, unitriangular=unit
        ),
        split=lambda x, dim, bounds: tuple(
            x.narrow(dim, start, stop - start) for start, stop in pairwise(bounds)
        ),
        standardise=written.standardised,
        std=lambda x, dim, c, keepdim: torch.std(
            x, written.over(x, dim), correction=c, keepdim=keepdim
        ),
        sum=lambda x, dim, keepdim: torch.sum(x, written.over(x, dim), keepdim),
        sum_to=lambda x, shape: x.sum_to_size(shape),
        svd=lambda x, full: tuple(linalg.svd(x, full_matrices=full)),
        take=lambda x, positions: x.reshape(-1)[written.indices(positions)],
        take_spatial=lambda x, index, dims: written.spatial(x, index),
        tangent=written.tangent,
        trunc_divide=lambda a, b: torch.div(a, b, rounding_mode="trunc"),
        unbind=lambda x, dim, count: x.unbind(dim),
        unfold=lambda x, dim, size, step: x.unfold(dim, size, step),
        unsqueeze=lambda x, dims: written.unsqueezed(x, dims),
        var=lambda x, dim, c, keepdim: torch.var(
            x, written.over(x, dim), correction=c, keepdim=keepdim
        ),
        vector_norm=lambda x, order, dim, keepdim: linalg.vector_norm(x, order, dim, keepdim),
    )
    return found
