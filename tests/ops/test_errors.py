"""Wrong arguments are refused as PyTorch refuses them, in words that people know."""

import re

import pytest
import torch

import chainrule as cr

# Each call is made with either library; the words stand in both messages.
REFUSED = {
    "matmul of sizes that do not fit": (
        lambda library: library.ones(2, 3) @ library.ones(2, 3),
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    ),
    "matmul of a number": (
        lambda library: library.tensor(2.0) @ library.ones(2),
        RuntimeError,
        "both arguments to matmul need to be at least 1D",
    ),
    "linear with other features": (
        lambda library: library.nn.functional.linear(library.ones(4, 3), library.ones(2, 5)),
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (4x3 and 5x2)",
    ),
    "sum over a dimension that is not there": (
        lambda library: library.sum(library.ones(2, 3), dim=2),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    "softmax over a dimension that is not there": (
        lambda library: library.softmax(library.ones(2, 3), dim=-3),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got -3)",
    ),
    "a dimension twice": (
        lambda library: library.sum(library.ones(2, 3), dim=(0, -2)),
        RuntimeError,
        "dim 0 appears multiple times in the list of dims",
    ),
    "mean of integers": (
        lambda library: library.mean(library.tensor([1, 2])),
        RuntimeError,
        "mean(): could not infer output dtype",
    ),
    "std of integers": (
        lambda library: library.std(library.tensor([1, 2])),
        RuntimeError,
        "std and var only support floating point and complex dtypes",
    ),
    "max of nothing": (
        lambda library: library.max(library.zeros(0)),
        RuntimeError,
        "max(): Expected reduction dim to be specified for input.numel() == 0",
    ),
    "amin along nothing": (
        lambda library: library.amin(library.zeros(2, 0), dim=1),
        IndexError,
        "amin(): Expected reduction dim 1 to have non-zero size",
    ),
    "argmax along nothing": (
        lambda library: library.argmax(library.zeros(2, 0), dim=1),
        IndexError,
        "argmax(): Expected reduction dim 1 to have non-zero size",
    ),
    "argmax of bools": (
        lambda library: library.argmax(library.tensor([True])),
        RuntimeError,
        "argmax(): does not support bool input",
    ),
    "reshape to another size": (
        lambda library: library.ones(2, 3).reshape(4),
        RuntimeError,
        "shape '[4]' is invalid for input of size 6",
    ),
    "reshape with two unknown sizes": (
        lambda library: library.ones(2, 3).reshape(-1, -1),
        RuntimeError,
        "only one dimension can be inferred",
    ),
    "view of what lies apart in memory": (
        lambda library: library.ones(2, 3).t().view(6),
        RuntimeError,
        "view size is not compatible with input tensor's size and stride (at least one "
        "dimension spans across two contiguous subspaces)",
    ),
    "flatten from behind": (
        lambda library: library.flatten(library.ones(2, 3), 1, 0),
        RuntimeError,
        "flatten() has invalid args: start_dim",
    ),
    "t of three dimensions": (
        lambda library: library.t(library.ones(2, 3, 4)),
        RuntimeError,
        "t() expects a tensor with <= 2 dimensions, but self is 3D",
    ),
    "permute with too few dimensions": (
        lambda library: library.permute(library.ones(2, 3), (0,)),
        RuntimeError,
        "number of dimensions in the tensor input does not match the length of the desired "
        "ordering of dimensions i.e. input.dim() = 2 is not equal to len(dims) = 1",
    ),
    "permute with a dimension twice": (
        lambda library: library.permute(library.ones(2, 3), (0, 0)),
        RuntimeError,
        "permute(): duplicate dims are not allowed",
    ),
    "expand of a size that is not 1": (
        lambda library: library.ones(2, 3).expand(2, 4),
        RuntimeError,
        "The expanded size of the tensor (4) must match the existing size (3) at non-singleton "
        "dimension 1.",
    ),
    "expand to fewer dimensions": (
        lambda library: library.ones(2, 3).expand(3),
        RuntimeError,
        "the number of sizes provided (1) must be greater or equal to the number of dimensions in "
        "the tensor (2)",
    ),
    "expand with an unknown new dimension": (
        lambda library: library.ones(3).expand(-1, 3),
        RuntimeError,
        "isn't allowed in a leading, non-existing dimension",
    ),
    "cat of nothing": (
        lambda library: library.cat([]),
        (RuntimeError, ValueError),
        "expected a non-empty list of Tensors",
    ),
    "cat of other sizes": (
        lambda library: library.cat([library.ones(2, 3), library.ones(2, 4)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for "
        "tensor number 1 in the list",
    ),
    "cat of other dimensions": (
        lambda library: library.cat([library.ones(2, 3), library.ones(2)]),
        RuntimeError,
        "Tensors must have same number of dimensions: got 2 and 1",
    ),
    "cat of numbers": (
        lambda library: library.cat([library.tensor(1.0), library.tensor(2.0)]),
        RuntimeError,
        "zero-dimensional tensor (at position 0) cannot be concatenated",
    ),
    "stack of other sizes": (
        lambda library: library.stack([library.ones(2), library.ones(3)]),
        RuntimeError,
        "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1",
    ),
    "stack of nothing": (
        lambda library: library.stack([]),
        RuntimeError,
        "stack expects a non-empty TensorList",
    ),
    "split into sizes of another sum": (
        lambda library: library.split(library.ones(5), [2, 2]),
        RuntimeError,
        "split_with_sizes expects split_sizes to sum exactly to 5 (input tensor's size at "
        "dimension 0), but got split_sizes=[2, 2]",
    ),
    "chunk into none": (
        lambda library: library.chunk(library.ones(5), 0),
        RuntimeError,
        "chunk expects `chunks` to be greater than 0, got: 0",
    ),
    "clamp without limits": (
        lambda library: library.clamp(library.ones(2)),
        RuntimeError,
        "At least one of 'min' or 'max' must not be None",
    ),
    "div with another rounding": (
        lambda library: library.div(library.ones(2), 2, rounding_mode="up"),
        RuntimeError,
        "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'up'",
    ),
    "an integer divided by zero": (
        lambda library: library.tensor([1]) // library.tensor([0]),
        RuntimeError,
        "ZeroDivisionError",
    ),
    "an integer to a negative power": (
        lambda library: library.tensor([2]) ** -1,
        RuntimeError,
        "Integers to negative integer powers are not allowed",
    ),
    "the difference of bools": (
        lambda library: library.tensor([True]) - 1,
        RuntimeError,
        "Subtraction, the `-` operator, with a bool tensor is not supported",
    ),
    "the negative of a bool": (
        lambda library: -library.tensor([True]),
        RuntimeError,
        "Negation, the `-` operator, on a bool tensor is not supported",
    ),
    "relu of bools": (
        lambda library: library.relu(library.tensor([True])),
        RuntimeError,
        "Boolean inputs not supported for relu",
    ),
    "a fractional alpha for integers": (
        lambda library: library.add(library.tensor([1]), library.tensor([2]), alpha=0.5),
        RuntimeError,
        "For integral input tensors, argument alpha must not be a floating point number",
    ),
    "a mask of integers": (
        lambda library: library.ones(2).masked_fill(library.tensor([1, 0]), 0.0),
        RuntimeError,
        "only supports boolean masks",
    ),
    "filling with several values": (
        lambda library: library.ones(2).masked_fill(
            library.tensor([True, False]), library.tensor([1.0])
        ),
        RuntimeError,
        "only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)",
    ),
    "gather with floats": (
        lambda library: library.gather(library.ones(2), 0, library.ones(1)),
        RuntimeError,
        "gather(): Expected dtype int",
    ),
    "gather with other dimensions": (
        lambda library: library.gather(library.ones(2, 2), 0, library.tensor([0])),
        RuntimeError,
        "Index tensor must have the same number of dimensions as input tensor",
    ),
    "gather beyond the end": (
        lambda library: library.gather(library.ones(2), 0, library.tensor([2])),
        RuntimeError,
        "index 2 is out of bounds for dimension 0 with size 2",
    ),
    "item of several": (
        lambda library: library.ones(2).item(),
        RuntimeError,
        "a Tensor with 2 elements cannot be converted to Scalar",
    ),
    "the truth of several": (
        lambda library: bool(library.ones(2)),
        RuntimeError,
        "Boolean value of Tensor with more than one value is ambiguous",
    ),
    "iterating over a number": (
        lambda library: list(library.tensor(1.0)),
        TypeError,
        "iteration over a 0-d tensor",
    ),
    "len of a number": (
        lambda library: len(library.tensor(1.0)),
        TypeError,
        "len() of a 0-d tensor",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_both_libraries_refuse_in_the_same_words(name):
    call, error, words = REFUSED[name]
    # What is quoted as PyTorch's words must be in this version's message too.
    for library in (torch, cr):
        with pytest.raises(error, match=re.escape(words)):
            call(library)


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "relu", "sigmoid", "sqrt", "abs", "neg"])
def test_what_is_no_tensor_is_refused(name):
    for value in ("a", None, object()):
        with pytest.raises((TypeError, AttributeError)):
            getattr(cr, name)(value)
