"""Values numbered by layer: the lecture's numbers, and no others."""

import copy
import pickle
import re

import numpy as np
import pytest

from chainrule.textbook import ByLayer

A = ByLayer("a", ["input", "hidden", "output"], first=0)
Z = ByLayer("z", ["hidden", "output"], first=1)


def test_indices_are_layer_numbers() -> None:
    assert [A[layer] for layer in (0, 1, 2)] == ["input", "hidden", "output"]
    assert [Z[layer] for layer in (1, 2)] == ["hidden", "output"]
    assert Z[np.int64(2)] == "output"


def test_iteration_runs_from_the_first_layer_to_the_last() -> None:
    assert list(Z) == ["hidden", "output"]
    assert list(reversed(Z)) == ["output", "hidden"]
    assert len(Z) == 2


@pytest.mark.parametrize(("values", "layer"), [(A, 3), (Z, 0), (Z, 3)])
def test_numbers_outside_are_refused(values: ByLayer[str], layer: int) -> None:
    name = repr(values)[0]
    with pytest.raises(IndexError, match=re.escape(f"{name}[{layer}] does not exist")):
        values[layer]


def test_the_index_minus_one_does_not_wrap_round_to_the_last_layer() -> None:
    with pytest.raises(IndexError, match=r"negative numbers do not wrap round, the last is a\[2\]"):
        A[-1]


@pytest.mark.parametrize("index", [slice(1, None), 1.0, "1"])
def test_anything_but_a_number_is_refused(index: object) -> None:
    with pytest.raises(TypeError, match=r"indexed by a layer's number.*list\(a\) gives all"):
        A[index]


def test_it_prints_with_its_numbers() -> None:
    assert repr(Z) == "z[1] = 'hidden'\nz[2] = 'output'"


def test_it_is_copied_and_pickled() -> None:
    for twin in (copy.deepcopy(Z), pickle.loads(pickle.dumps(Z))):
        assert (twin[1], repr(twin)) == (Z[1], repr(Z))
