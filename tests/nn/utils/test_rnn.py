"""Packed and padded sequences beside PyTorch's: values, layouts, gradients, refusals."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr


def utils(library: Any) -> Any:
    return library.nn.utils.rnn


def sequences(library: Any, lengths: list[int], inner: tuple[int, ...] = ()) -> list[Any]:
    generator = np.random.default_rng(0)
    return [
        library.tensor(generator.standard_normal((n, *inner))).requires_grad_() for n in lengths
    ]


def listed(value: Any) -> Any:
    if isinstance(value, cr.Tensor | torch.Tensor):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value


Lengths = st.lists(st.integers(1, 5), min_size=1, max_size=5)
Inner = st.sampled_from([(), (2,), (2, 3)])


@given(Lengths, Inner, st.booleans(), st.sampled_from(["left", "right"]), st.integers(-2, 2))
def test_padding_is_that_of_pytorch(
    lengths: list[int], inner: tuple[int, ...], batch_first: bool, side: str, value: int
) -> None:
    results = []
    for library in (cr, torch):
        given_ = sequences(library, lengths, inner)
        padded = utils(library).pad_sequence(given_, batch_first, value, side)
        (padded * padded).sum().backward()
        results.append((listed(padded), [listed(s.grad) for s in given_]))
        if side == "right":
            parts = utils(library).unpad_sequence(
                padded.detach().clone(), library.tensor(lengths), batch_first
            )
            results[-1] = (*results[-1], listed(parts))
    assert results[0] == results[1]


@given(Lengths, Inner, st.booleans(), st.booleans(), st.integers(0, 2))
def test_packing_and_back_is_that_of_pytorch(
    lengths: list[int], inner: tuple[int, ...], batch_first: bool, sort: bool, more: int
) -> None:
    if sort:
        lengths = sorted(lengths, reverse=True)
    results = []
    for library in (cr, torch):
        # Equal lengths in one order, which PyTorch's unstable sort does not promise.
        given_ = sequences(library, lengths, inner)
        padded = utils(library).pad_sequence(given_, batch_first).detach().requires_grad_()
        packed = utils(library).pack_padded_sequence(padded, lengths, batch_first, sort)
        back, counts = utils(library).pad_packed_sequence(
            packed, batch_first, -1.0, max(lengths) + more
        )
        (back * back).sum().backward()
        results.append((listed(tuple(packed)), listed(back), listed(counts), listed(padded.grad)))
    assert results[0] == results[1]


@given(Lengths)
def test_packing_sequences_and_back_changes_nothing(lengths: list[int]) -> None:
    given_ = sequences(cr, lengths, (2,))
    packed = utils(cr).pack_sequence(given_, enforce_sorted=False)
    back = utils(cr).unpack_sequence(packed)
    assert listed(back) == listed(given_)
    theirs = utils(torch).pack_sequence(sequences(torch, lengths, (2,)), enforce_sorted=False)
    assert listed(tuple(packed)) == listed(tuple(theirs))


def test_a_packed_sequence_is_a_tuple_that_converts_and_pickles() -> None:
    for library in (cr, torch):
        packed = utils(library).pack_sequence([library.ones(1), library.ones(2)], False)
        assert packed.double().data.dtype == library.float64
        assert packed.half().float().data.dtype == library.float32
        assert packed.long().data.dtype == library.int64
        assert packed.int().data.dtype == library.int32
        assert packed.to(library.float32) is packed
        assert packed.cpu() is packed
        assert not packed.is_cuda
        assert packed.to(library.float64).unsorted_indices.tolist() == [1, 0]
        data, sizes, order, _ = packed
        again = utils(library).PackedSequence(data, sizes, order)
        assert listed(tuple(again)) == listed(tuple(packed))
        pair = utils(library).PackedSequence((data, sizes))
        assert pair.sorted_indices is None
        with pytest.raises(AssertionError, match="Expected data to be a list or tuple of length 2"):
            utils(library).PackedSequence(data)
        copied = pickle.loads(pickle.dumps(packed))
        assert type(copied) is utils(library).PackedSequence
        assert listed(tuple(copied)) == listed(tuple(packed))
        assert utils(library).invert_permutation(None) is None
    ours, theirs = (
        repr(utils(library).pack_sequence([library.arange(3.0)])) for library in (cr, torch)
    )
    assert ours == theirs


def refused(act: Any) -> tuple[type[BaseException], str]:
    with pytest.raises((RuntimeError, ValueError, IndexError)) as caught:
        act()
    return caught.type, str(caught.value)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda u, t: u.pack_padded_sequence(t.zeros(3, 2), [3, 0]), 40),
        (lambda u, t: u.pack_padded_sequence(t.zeros(3, 2), [2, 3]), 40),
        (lambda u, t: u.pack_padded_sequence(t.zeros(3, 2), [3]), 60),
        (lambda u, t: u.pack_padded_sequence(t.zeros(3, 0), t.zeros(0, dtype=t.int64)), 20),
        (lambda u, t: u.pack_padded_sequence(t.zeros(3), [3]), 20),
        (lambda u, t: u.pad_sequence([]), 30),
        (lambda u, t: u.pad_sequence([t.zeros(2), t.zeros(2, 3)]), 0),
        (lambda u, t: u.pad_sequence(3), 30),
        (lambda u, t: u.pad_sequence([t.zeros(2)], padding_side="top"), 30),
        (lambda u, t: u.pad_packed_sequence(u.pack_sequence([t.zeros(3)]), total_length=2), 60),
        (lambda u, t: u.unpad_sequence(t.zeros(2, 3), t.tensor([1, 2])), 0),
    ],
)
def test_refusals_are_those_of_pytorch(act: Any, words: int) -> None:
    ours = refused(lambda: act(utils(cr), cr))
    theirs = refused(lambda: act(utils(torch), torch))
    assert ours[0] is theirs[0]
    assert ours[1][:words] == theirs[1][:words]


def test_lengths_beyond_the_input_are_refused() -> None:
    with pytest.raises(RuntimeError, match="has an element 5, but the input has 3 steps"):
        utils(cr).pack_padded_sequence(cr.zeros(3, 2), [5, 2])
