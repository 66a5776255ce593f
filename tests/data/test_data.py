"""The digits that ship with the package: complete, unaltered, and split the same way everywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Digits, load_digits


def rows(digits: Digits) -> list[tuple[int, ...]]:
    """Every (label, 64 pixels in 0..16) of both parts, sorted, to compare as a multiset."""
    images = np.concatenate([digits.train_images, digits.test_images]) * 16
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    return sorted(map(tuple, np.column_stack([labels, images]).astype(int).tolist()))


def test_a_fifth_is_held_out():
    digits = load_digits()
    assert digits.train_images.shape == (1437, 64)
    assert digits.train_labels.shape == (1437,)
    assert digits.test_images.shape == (360, 64)
    assert digits.test_labels.shape == (360,)


def test_dtypes_are_those_a_network_and_a_cross_entropy_loss_take():
    digits = load_digits()
    assert digits.train_images.dtype == digits.test_images.dtype == np.float32
    assert digits.train_labels.dtype == digits.test_labels.dtype == np.int64


def test_the_numbers_are_those_of_the_uci_set():
    # Class counts of optdigits.tes as its documentation (optdigits.names) states them, and the sum
    # of all pixels of scikit-learn's copy.
    digits = load_digits()
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    pixels = 16 * np.concatenate([digits.train_images, digits.test_images]).astype(np.float64)
    assert pixels.min() == 0
    assert pixels.max() == 16
    assert pixels.sum() == 561718


@settings(max_examples=20)
@given(seed=st.integers(0, 2**64))
def test_every_split_holds_every_digit_once(seed: int):
    assert rows(load_digits(seed)) == rows(load_digits(0))


def test_the_split_depends_on_the_seed_alone():
    first, again, other = load_digits(3), load_digits(3), load_digits(4)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.test_labels, other.test_labels)


def test_the_default_split_never_changes():
    assert load_digits().test_labels[:12].tolist() == [0, 6, 3, 8, 1, 8, 4, 1, 5, 8, 9, 7]


def test_every_call_returns_arrays_of_its_own():
    load_digits().train_images[:] = 0
    assert load_digits().train_images.any()


@pytest.mark.parametrize("seed", [0.5, "0", None])
def test_a_seed_that_is_no_integer_is_refused(seed: object):
    with pytest.raises(TypeError, match="seed must be an integer"):
        load_digits(seed)  # type: ignore[arg-type]


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be 0 or larger, got -1"):
        load_digits(-1)
