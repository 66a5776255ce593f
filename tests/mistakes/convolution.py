"""Convolutional networks by hand: two convolutions, one of them strided, and a max pooling."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from tests.mistakes.corpus import Problem, one_hot, right, softmax, wrong

F = cr.nn.functional


def convolutional_loss(p, x, y):
    z1 = F.conv2d(cr.as_tensor(x), p["W1"], p["b1"], padding=1)
    a1 = F.max_pool2d(F.relu(z1), 2)
    z2 = F.conv2d(a1, p["W2"], p["b2"], stride=2, padding=1)
    flat = F.relu(z2).flatten(1)
    return F.cross_entropy(flat @ p["W3"] + p["b3"], cr.as_tensor(y))


def make_convolutional(random):
    p = {
        "W1": random.standard_normal((3, 2, 3, 3)) / 3,
        "b1": random.standard_normal(3),
        "W2": random.standard_normal((4, 3, 3, 3)) / 4,
        "b2": random.standard_normal(4),
        "W3": random.standard_normal((16, 3)),
        "b3": random.standard_normal(3),
    }
    return p, (random.standard_normal((5, 2, 8, 8)), random.integers(0, 3, 5))


convolutional = Problem("convolutional", convolutional_loss, make_convolutional)


def padded(x, by):
    return np.pad(x, ((0, 0), (0, 0), (by, by), (by, by)))


def convolve(x, w, b, stride):
    x = padded(x, 1)
    n = (x.shape[2] - 3) // stride + 1
    out = np.zeros((len(x), len(w), n, n))
    for i in range(n):
        for j in range(n):
            window = x[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3]
            out[:, :, i, j] = np.tensordot(window, w, ((1, 2, 3), (1, 2, 3))) + b
    return out


def convolve_backward(x, w, d, stride):
    x = padded(x, 1)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(d.shape[2]):
        for j in range(d.shape[3]):
            at = (..., slice(i * stride, i * stride + 3), slice(j * stride, j * stride + 3))
            dw += np.tensordot(d[:, :, i, j], x[at], (0, 0))
            dx[at] += np.tensordot(d[:, :, i, j], w, (1, 0))
    return dx[:, :, 1:-1, 1:-1], dw


def blocks(a):
    """(n, c, h, w) as windows of 2 × 2: (n, c, h / 2, w / 2, 4)."""
    n, c, h, w = a.shape
    return (
        a.reshape(n, c, h // 2, 2, w // 2, 2)
        .transpose(0, 1, 2, 4, 3, 5)
        .reshape(n, c, h // 2, w // 2, 4)
    )


def unblocked(windows):
    n, c, h, w, _ = windows.shape
    parts = windows.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return parts.reshape(n, c, 2 * h, 2 * w)


def largest(a):
    return np.eye(4)[blocks(a).argmax(-1)]


def forward(p, x, y):
    z1 = convolve(x, p["W1"], p["b1"], 1)
    r1 = np.maximum(z1, 0)
    a1 = blocks(r1).max(-1)
    z2 = convolve(a1, p["W2"], p["b2"], 2)
    flat = np.maximum(z2, 0).reshape(len(x), -1)
    d = (softmax(flat @ p["W3"] + p["b3"]) - one_hot(y, 3)) / len(y)
    dz2 = (d @ p["W3"].T).reshape(z2.shape) * (z2 > 0)
    return z1, r1, a1, flat, d, dz2


def backward(
    p, x, y, *, second=convolve_backward, first=convolve_backward, route=None, bias=None, mask=True
):
    """The whole backward pass, with its steps to be replaced one by one."""
    z1, r1, a1, flat, d, dz2 = forward(p, x, y)
    bias = bias or (lambda d: d.sum((0, 2, 3)))
    route = route or (lambda g, a: unblocked(largest(a) * g[..., None]))
    da1, dW2 = second(a1, p["W2"], dz2, 2)
    dz1 = route(da1, r1)
    if mask:
        dz1 = dz1 * (z1 > 0)
    _, dW1 = first(x, p["W1"], dz1, 1)
    return {
        "W1": dW1,
        "b1": bias(dz1),
        "W2": dW2,
        "b2": dz2.sum((0, 2, 3)),
        "W3": flat.T @ d,
        "b3": d.sum(0),
    }


# --- Right ----------------------------------------------------------------------------------------


@right(convolutional)
def window_by_window(p, x, y):
    return backward(p, x, y)


def by_offsets(x, w, d, stride):
    """The same, one offset of the kernel at a time."""
    x = padded(x, 1)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    n = stride * (d.shape[2] - 1) + 1
    for i in range(3):
        for j in range(3):
            at = (..., slice(i, i + n, stride), slice(j, j + n, stride))
            dw[:, :, i, j] = np.einsum("nohw,nchw->oc", d, x[at])
            dx[at] += np.einsum("nohw,oc->nchw", d, w[:, :, i, j])
    return dx[:, :, 1:-1, 1:-1], dw


@right(convolutional)
def offset_by_offset(p, x, y):
    return backward(p, x, y, first=by_offsets, second=by_offsets)


def by_full_convolution(x, w, d, stride, turn=True):
    """The input's gradient as a convolution of the spread gradient with the turned kernel."""
    _, dw = convolve_backward(x, w, d, stride)
    spread = np.zeros((*d.shape[:2], x.shape[2], x.shape[3]))
    spread[:, :, ::stride, ::stride] = d
    kernel = w.transpose(1, 0, 2, 3)
    if turn:
        kernel = kernel[:, :, ::-1, ::-1]
    return convolve(spread, kernel, np.zeros(len(kernel)), 1), dw


@right(convolutional)
def full_convolution_with_the_turned_kernel(p, x, y):
    return backward(p, x, y, second=by_full_convolution)


@right(convolutional)
def maximum_found_by_comparison(p, x, y):
    def route(g, a):
        windows = blocks(a)
        hit = windows == windows.max(-1, keepdims=True)
        # After a ReLU whole windows are 0: the first of equal elements has the gradient.
        first = hit & (hit.cumsum(-1) == 1)
        return unblocked(first * g[..., None])

    return backward(p, x, y, route=route)


# --- Wrong ----------------------------------------------------------------------------------------


@wrong(convolutional, "kernel_flip", "W1", "b1")
def kernel_not_turned_on_the_way_back(p, x, y):
    return backward(p, x, y, second=lambda *given: by_full_convolution(*given, turn=False))


@wrong(convolutional, "kernel_flip", "W2")
def kernel_gradient_turned(p, x, y):
    g = backward(p, x, y)
    return {**g, "W2": g["W2"][:, :, ::-1, ::-1]}


@wrong(convolutional, "stride_ignored", "W2")
def stride_forgotten_for_the_kernel(p, x, y):
    def second(x, w, d, stride):
        dx, _ = convolve_backward(x, w, d, stride)
        x, dw = padded(x, 1), np.zeros_like(w)
        for i in range(d.shape[2]):
            for j in range(d.shape[3]):
                dw += np.tensordot(d[:, :, i, j], x[:, :, i : i + 3, j : j + 3], (0, 0))
        return dx, dw

    return backward(p, x, y, second=second)


@wrong(convolutional, "stride_ignored", "W1", "b1")
def stride_forgotten_for_the_input(p, x, y):
    def second(x, w, d, stride):
        _, dw = convolve_backward(x, w, d, stride)
        dx = np.zeros_like(padded(x, 1))
        for i in range(d.shape[2]):
            for j in range(d.shape[3]):
                dx[:, :, i : i + 3, j : j + 3] += np.tensordot(d[:, :, i, j], w, (1, 0))
        return dx[:, :, 1:-1, 1:-1], dw

    return backward(p, x, y, second=second)


@wrong(convolutional, "bias_positions", "b1")
def bias_not_summed_over_positions(p, x, y):
    return backward(p, x, y, bias=lambda d: d.sum(0))


@wrong(convolutional, "bias_positions", "b1")
def bias_of_one_position(p, x, y):
    return backward(p, x, y, bias=lambda d: d.sum(0)[:, 0, 0])


@wrong(convolutional, "bias_positions", "b1")
def bias_not_summed_over_samples(p, x, y):
    return backward(p, x, y, bias=lambda d: d.sum((2, 3)))


@wrong(convolutional, "scale", "b1")
def bias_averaged_over_positions(p, x, y):
    return backward(p, x, y, bias=lambda d: d.mean((2, 3)).sum(0))


@wrong(convolutional, "max_routed", "W1", "b1")
def maximum_routed_to_the_whole_window(p, x, y):
    return backward(p, x, y, route=lambda g, a: unblocked(np.repeat(g[..., None], 4, axis=-1)))


@wrong(convolutional, "max_routed", "W1", "b1")
def maximum_shared_like_a_mean(p, x, y):
    return backward(p, x, y, route=lambda g, a: unblocked(np.repeat(g[..., None], 4, axis=-1) / 4))


@wrong(convolutional, "max_routed", "W1", "b1")
def maximum_routed_to_the_first_element(p, x, y):
    def route(g, a):
        out = np.zeros_like(a)
        out[:, :, ::2, ::2] = g
        return out

    return backward(p, x, y, route=route)


@wrong(convolutional, "max_routed", "W1", "b1")
def maximum_routed_to_the_smallest(p, x, y):
    return backward(
        p, x, y, route=lambda g, a: unblocked(np.eye(4)[blocks(a).argmin(-1)] * g[..., None])
    )


@wrong(convolutional, "max_routed", "W1", "b1")
def maximum_routed_with_row_and_column_exchanged(p, x, y):
    def route(g, a):
        where = blocks(a).argmax(-1)
        return unblocked(np.eye(4)[2 * (where % 2) + where // 2] * g[..., None])

    return backward(p, x, y, route=route)


@wrong(convolutional, "relu_mask", "W1", "b1")
def relu_before_the_pooling_forgotten(p, x, y):
    return backward(p, x, y, mask=False)


@wrong(convolutional, "sign", "W2")
def kernel_gradient_with_a_minus(p, x, y):
    g = backward(p, x, y)
    return {**g, "W2": -g["W2"]}
