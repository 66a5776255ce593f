"""Convolutions and pooling: kernels turned around, strides forgotten, maxima misplaced."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.ops.columns import correlate_windows, spread
from chainrule.symbol import Symbol
from chainrule.verify.catalogue.broadcasting import noted
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.diagnosis.hypothesis import Hypothesis, Reading, View
from chainrule.verify.diagnosis.recording import Array, Edge

_CONVOLUTIONS = frozenset(("convolution", "convolution_without_bias"))


def _convolutions(view: View) -> Iterator[tuple[Node, Array, Array, tuple[Any, ...]]]:
    """Yield convolutions whose gradients matter, with their maps, kernels and parameters."""
    for node in view.recording.nodes:
        if node.name in _CONVOLUTIONS and node in view.recording.gradients and node in view.reach:
            x, w = (np.asarray(v) for v in view.recording.inputs(node)[:2])
            yield node, x, w, view.recording.params(node)


def _hypothesis(
    view: View,
    edge: Edge,
    name: str,
    compute: Callable[[Array], Array],
    message: str,
    claimed: str,
    prior: float,
) -> Iterator[Hypothesis]:
    """Yield that an edge carries something else, unless it is the same."""
    node, k = edge
    target = node.inputs[k]
    if target is None or target not in view.reach:
        return
    found = np.asarray(compute(np.asarray(view.recording.gradients[node])))
    right = view.recording.contribution(edge)
    if found.shape == right.shape and np.allclose(found, right, rtol=1e-9, atol=0):
        return
    if found.shape == right.shape:
        change = view.replace(edge, compute)
    else:
        change = noted(view, target, found)
    if change is None:
        return
    gradient = view.gradient_name(target)
    reading = Reading(
        name,
        lambda: message.format(gradient=gradient),
        lambda: f"{gradient} = {view.names.rule(edge)}",
        lambda: f"{gradient} = {claimed}",
        prior,
    )
    yield Hypothesis(node, change, reading)


def spatial(parts: Iterable[slice]) -> Any:
    """Return the index that takes these parts of the spatial dimensions, which stand last."""
    return (..., *parts)


def _turned(w: Array) -> Array:
    """Turn kernels around: every spatial dimension runs the other way."""
    return np.flip(w, tuple(range(2, w.ndim)))


@kind(
    "kernel_flip",
    summary="a kernel is not turned around where it must be, or turned where it must not be",
    right="dx = conv(pad(dy), turned W)",
    wrong="dx = conv(pad(dy), W)",
)
def kernel_flip(view: View) -> Iterator[Hypothesis]:
    """Yield input gradients from unturned kernels, and turned kernel gradients."""
    for node, x, w, params in _convolutions(view):
        own = view.names.text(node.inputs[1], w)
        yield from _hypothesis(
            view,
            (node, 0),
            "kernel_flip",
            lambda g, x=x, w=w, p=params: spread(g, _turned(w), *p, x.shape),  # type: ignore[misc]
            f"{{gradient}} is a full convolution of the arriving gradient with {own} as it stands; "
            "on the way back the kernel is turned around in every spatial dimension.",
            view.names.rule((node, 0), inputs={1: Symbol(f"flip({own})")}),
            0.9,
        )
        yield from _hypothesis(
            view,
            (node, 1),
            "kernel_flip",
            lambda g, x=x, w=w, p=params: _turned(correlate_windows(x, g, *p, w.shape)),  # type: ignore[misc]
            "{gradient} is turned around: a convolution in deep learning slides the kernel as it "
            "stands, so its gradient is not turned.",
            f"flip({view.names.rule((node, 1))})",
            0.85,
        )


@kind(
    "stride_ignored",
    summary="the stride of the forward pass is not taken on the way back",
    right="dx[i·s : i·s + k] += dy[i] W",
    wrong="dx[i : i + k] += dy[i] W",
)
def stride_ignored(view: View) -> Iterator[Hypothesis]:
    """Yield gradients of strided convolutions that walk in steps of 1."""
    for node, x, w, params in _convolutions(view):
        stride, padding, dilation, groups = params
        if max(stride) == 1:
            continue
        ones = (1,) * len(stride)
        how = (
            f"steps in steps of 1, but the forward pass takes every {_steps(stride)} position; "
            "the arriving gradient belongs to those positions only."
        )

        def onto_input(g: Array, x: Array = x, w: Array = w, p: Any = padding, d: Any = dilation,
                       n: int = groups) -> Array:  # fmt: skip
            # The windows begin where the padding does, side by side.
            whole = tuple(
                m + t * (k - 1) for m, t, k in zip(g.shape[2:], d, w.shape[2:], strict=True)
            )
            zero = (0,) * len(p)
            part = spread(g, w, (1,) * len(p), zero, d, n, (*x.shape[:2], *whole))
            part = part[spatial(slice(q, None) for q in p)]
            out = np.zeros_like(x)
            inside = tuple(
                slice(0, min(a, b)) for a, b in zip(part.shape[2:], x.shape[2:], strict=True)
            )
            out[spatial(inside)] = part[spatial(inside)]
            return out

        def onto_kernel(g: Array, x: Array = x, w: Array = w, p: Any = padding, d: Any = dilation,
                        n: int = groups) -> Array:  # fmt: skip
            padded = np.pad(x, [(0, 0), (0, 0), *((q, q) for q in p)])
            reach = tuple(
                slice(0, m + t * (k - 1))
                for m, t, k in zip(g.shape[2:], d, w.shape[2:], strict=True)
            )
            zero = (0,) * len(p)
            windows = padded[spatial(reach)]
            return np.asarray(correlate_windows(windows, g, (1,) * len(p), zero, d, n, w.shape))

        for k, compute in ((0, onto_input), (1, onto_kernel)):
            rule = view.names.rule((node, k))
            yield from _hypothesis(
                view,
                (node, k),
                "stride_ignored",
                compute,
                f"{{gradient}} {how}",
                rule.replace(f"stride={_written(stride)}", f"stride={_written(ones)}"),
                0.88,
            )


def _written(stride: tuple[int, ...]) -> str:
    return str(stride[0]) if len(set(stride)) == 1 else str(stride)


def _steps(stride: tuple[int, ...]) -> str:
    names = {2: "second", 3: "third"}
    return " by ".join(names.get(s, f"{s}th") for s in dict.fromkeys(stride))


@kind(
    "bias_positions",
    summary="the gradient of a convolution's bias is not summed over all positions and samples",
    right="db = Σ_{n, i, j} dy[n, :, i, j]",
    wrong="db = Σ_n dy[n]   or   Σ_{i, j} dy[0, :, i, j]",
)
def bias_positions(view: View) -> Iterator[Hypothesis]:
    """Yield bias gradients that leave out samples or positions."""
    for node, x, _, _ in _convolutions(view):
        if node.name != "convolution" or node.inputs[2] is None:
            continue
        places = tuple(range(2, x.ndim))
        first = (0,) * len(places)
        last = (-1,) * len(places)
        variants: list[tuple[Callable[[Array], Array], str, str, float]] = [
            (lambda g: g, "is not summed at all", "{g}", 0.9),
            (lambda g: g.sum(0), "is not summed over the positions", "sum₀({g})", 0.9),
            (
                lambda g, p=places: g.sum(p),  # type: ignore[misc]
                "is not summed over the samples",
                "sum₂‚₃({g})",
                0.9,
            ),
            (
                lambda g, p=places: g[0].sum(tuple(d - 1 for d in p)),  # type: ignore[misc]
                "is that of the first sample only",
                "sum({g}[0])",
                0.85,
            ),
            (
                lambda g, f=first: g.sum(0)[(slice(None), *f)],  # type: ignore[misc]
                "is that of the first position only",
                "sum({g}[:, :, 0, 0])",
                0.85,
            ),
            (
                lambda g, f=last: g.sum(0)[(slice(None), *f)],  # type: ignore[misc]
                "is that of the last position only",
                "sum({g}[:, :, −1, −1])",
                0.85,
            ),
            (
                lambda g: np.broadcast_to(g.sum(), (g.shape[1],)),
                "is summed over the channels too",
                "sum({g})",
                0.8,
            ),
        ]
        upstream = view.gradient_name(node)
        for compute, how, formula, prior in variants:
            yield from _hypothesis(
                view,
                (node, 2),
                "bias_positions",
                compute,
                f"{{gradient}} {how}: one bias is added at every position of every sample, so its "
                "gradient is the sum over all of them.",
                formula.format(g=upstream),
                prior,
            )


# --- Maxima ---------------------------------------------------------------------------------------


class _Windows:
    """The windows of a max pooling: what each offset in them meets."""

    def __init__(self, x: Array, params: tuple[Any, ...], y: Array) -> None:
        self.kernel, self.stride, self.padding, self.dilation = (tuple(p) for p in params[:4])
        self.shape = x.shape
        out = y.shape[2:]
        reach = [
            s * (m - 1) + d * (k - 1) + 1
            for s, m, d, k in zip(self.stride, out, self.dilation, self.kernel, strict=True)
        ]
        widths = [
            (p, max(0, r - n - p)) for p, r, n in zip(self.padding, reach, x.shape[2:], strict=True)
        ]
        self.padded = np.pad(x, [(0, 0), (0, 0), *widths], constant_values=-np.inf)
        self.offsets = list(itertools.product(*(range(k) for k in self.kernel)))
        self.parts = np.stack([self.padded[self.at(o, out)] for o in self.offsets])
        self.out = out

    def at(self, offset: tuple[int, ...], out: tuple[int, ...]) -> tuple[Any, ...]:
        """Return the index of the elements that lie at an offset of every window."""
        return (
            ...,
            *(
                slice(o * d, o * d + s * (m - 1) + 1, s)
                for o, d, s, m in zip(offset, self.dilation, self.stride, out, strict=True)
            ),
        )

    def routed(self, shares: Array, g: Array) -> Array:
        """Send each gradient to its window, in shares per offset (offsets, *outputs)."""
        into = np.zeros(self.padded.shape, g.dtype)
        inside = np.isfinite(self.padded)
        for offset, share in zip(self.offsets, shares, strict=True):
            into[self.at(offset, self.out)] += share * g
        into[~inside] = 0
        start = tuple(slice(p, p + n) for p, n in zip(self.padding, self.shape[2:], strict=True))
        return np.asarray(into[spatial(start)])

    def only(self, which: Array) -> Array:
        """Return shares that give everything to one offset, chosen per window."""
        return np.asarray(
            which[None] == np.arange(len(self.offsets)).reshape(-1, *[1] * which.ndim)
        )

    def turned(self, which: Array) -> Array:
        """Return the offsets with rows and columns exchanged."""
        grid = np.unravel_index(which, self.kernel)
        return np.asarray(np.ravel_multi_index(grid[::-1], self.kernel))


@kind(
    "max_routed",
    summary="the gradient of a maximum goes to other elements than the largest",
    right="dx at the largest element of each window = dy, 0 elsewhere",
    wrong="dx everywhere in the window = dy",
)
def max_routed(view: View) -> Iterator[Hypothesis]:
    """Yield max poolings whose gradient goes to the wrong elements of the windows."""
    for node in view.recording.nodes:
        if (
            node.name != "max_pool"
            or node not in view.recording.gradients
            or node not in view.reach
        ):
            continue
        x = np.asarray(view.recording.inputs(node)[0])
        y = np.asarray(view.recording.gradients[node])
        windows = _Windows(x, view.recording.params(node), y)
        parts = windows.parts
        count = len(windows.offsets)
        best = parts.argmax(0)
        lowest = np.where(np.isfinite(parts), parts, np.inf).argmin(0)
        every = np.ones_like(parts)
        ties = (parts == parts.max(0)).astype(parts.dtype)
        variants: list[tuple[Array, str, float]] = [
            (every, "goes to every element of a window", 0.9),
            (every / count, "is shared by all elements of a window, as that of a mean is", 0.85),
            (
                windows.only(np.zeros_like(best)),
                "goes to the first element of a window, wherever the largest is",
                0.85,
            ),
            (
                windows.only(np.full_like(best, count - 1)),
                "goes to the last element of a window, wherever the largest is",
                0.7,
            ),
            (windows.only(lowest), "goes to the smallest element of a window", 0.8),
            (ties, "goes to every one of several equal elements, each time whole", 0.88),
            (ties / ties.sum(0), "is shared by several equal elements", 0.6),
            (
                windows.only(count - 1 - parts[::-1].argmax(0)),
                "goes to the last of several equal elements",
                0.6,
            ),
        ]
        if len(set(windows.kernel)) == 1 and len(windows.kernel) > 1:
            swapped = windows.only(windows.turned(best))
            variants.append(
                (swapped, "goes to the largest element's place with row and column exchanged", 0.75)
            )
        for shares, how, prior in variants:
            yield from _hypothesis(
                view,
                (node, 0),
                "max_routed",
                lambda g, s=shares, w=windows: w.routed(s, g),  # type: ignore[misc]
                f"The gradient of max_pool {how}; only the largest element made the output, so it "
                "alone has the gradient.",
                f"{view.gradient_name(node)}, to other elements",
                prior,
            )
