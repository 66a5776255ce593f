"""Generators: seeds, states that PyTorch understands, and what misuse is refused."""

import copy
import pickle
import re
import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr

SEEDS = st.integers(-(2**63), 2**64 - 1)
# What may have happened to a generator before its state is looked at.
HISTORIES = {
    "nothing": lambda library, g: None,
    "one word": lambda library, g: library.rand(1, generator=g),
    "half a pair of normal numbers": lambda library, g: library.randn(3, generator=g),
    "a block but for one word": lambda library, g: library.rand(623, generator=g),
    "a whole block": lambda library, g: library.rand(624, generator=g),
    "a block and a word": lambda library, g: library.rand(625, generator=g),
    "many blocks": lambda library, g: library.randn(5000, generator=g),
}


def both(seed: int) -> tuple[cr.Generator, torch.Generator]:
    return cr.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def continues_alike(ours: cr.Generator, theirs: torch.Generator) -> bool:
    return bool(
        np.array_equal(cr.randn(9, generator=ours), torch.randn(9, generator=theirs).numpy())
        and np.array_equal(cr.rand(700, generator=ours), torch.rand(700, generator=theirs).numpy())
    )


@pytest.mark.parametrize("history", HISTORIES)
def test_the_state_is_pytorchs_byte_by_byte_and_can_be_exchanged(history: str) -> None:
    ours, theirs = both(2**40 + 5)
    HISTORIES[history](cr, ours)
    HISTORIES[history](torch, theirs)
    np.testing.assert_array_equal(ours.get_state().numpy(), theirs.get_state().numpy())
    from_here, from_there = torch.Generator(), cr.Generator()
    from_here.set_state(torch.from_numpy(ours.get_state().numpy()))
    from_there.set_state(cr.from_numpy(theirs.get_state().numpy()))
    assert from_there.initial_seed() == from_here.initial_seed() == 2**40 + 5
    assert continues_alike(from_there, theirs)
    assert continues_alike(ours, from_here)


@given(SEEDS)
def test_seeds_are_those_of_pytorch(seed: int) -> None:
    ours, theirs = both(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert cr.rand(1, generator=ours).item() == torch.rand(1, generator=theirs).item()


def test_a_generator_starts_at_pytorchs_seed() -> None:
    assert continues_alike(cr.Generator(), torch.Generator())
    assert cr.Generator("cpu").device == cr.device("cpu")


def test_manual_seed_forgets_the_kept_normal_number() -> None:
    g = cr.Generator().manual_seed(3)
    first = cr.randn(1, generator=g)
    assert (cr.randn(1, generator=g.manual_seed(3)) == first).all()


def test_the_default_generator_is_seeded_and_restored() -> None:
    assert cr.manual_seed(7) is cr.default_generator
    assert cr.initial_seed() == 7
    state = cr.get_rng_state()
    drawn = cr.randn(5)
    cr.set_rng_state(state)
    assert (cr.randn(5) == drawn).all()
    assert cr.seed() == cr.initial_seed() != 7
    assert cr.manual_seed(3.7).initial_seed() == 3


def test_fork_rng_leaves_no_trace() -> None:
    cr.manual_seed(1)
    with cr.random.fork_rng():
        drawn = cr.rand(4)
    with pytest.raises(TypeError), cr.random.fork_rng():
        cr.rand(1, generator=cr.rand(1))
    assert (cr.rand(4) == drawn).all()
    state = cr.get_rng_state()
    with cr.random.fork_rng(enabled=False):
        cr.rand(1)
    assert not (cr.get_rng_state() == state).all()


@pytest.mark.parametrize(
    "twin",
    [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), cr.Generator.clone_state],
)
def test_copies_continue_alike_and_apart(twin: Any) -> None:
    g = cr.Generator().manual_seed(4)
    cr.randn(3, generator=g)
    other = twin(g)
    cr.rand(10, generator=other)
    again = twin(g)
    assert (cr.randn(7, generator=g) == cr.randn(7, generator=again)).all()
    assert not (cr.rand(7, generator=g) == cr.rand(7, generator=other)).all()


def test_threads_never_get_the_same_numbers() -> None:
    g = cr.Generator().manual_seed(0)
    drawn: list[Any] = []

    def work() -> None:
        for _ in range(100):
            drawn.append(cr.randint(2**62, (7,), generator=g).tolist())
            drawn.append(cr.randn(3, generator=g, dtype=cr.float64).tolist())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [number for part in drawn for number in part]
    assert len(set(everything)) == len(everything) == 4 * 100 * 10


def test_a_gradient_passes_by_random_values() -> None:
    x = cr.ones(3, requires_grad=True)
    y = x * 2
    y.uniform_()
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    with cr.no_grad():
        x.normal_()


def test_a_refused_filling_draws_nothing() -> None:
    x = cr.ones(3, requires_grad=True)
    cr.manual_seed(0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.normal_()
    with pytest.raises(RuntimeError, match="more than one element"):
        cr.zeros(1).expand(3).uniform_()
    with pytest.raises(RuntimeError):
        cr.zeros(3).uniform_(2, 1)
    assert cr.rand(1).item() == torch.rand(1, generator=torch.Generator().manual_seed(0)).item()


REFUSED = [
    *(f"L.{f}" for f in ("normal_()", "uniform_()", "exponential_()", "cauchy_()")),
    *("L.log_normal_()", "X.normal_(0, -1)", "X.normal_(0, float('nan'))", "X.uniform_(2, 1)"),
    *("X.uniform_(0, float('inf'))", "X.uniform_(float('nan'), 1)", "X.uniform_(-3e38, 3e38)"),
    *("X.half().uniform_(0, 70000)", "X.exponential_(0)", "X.exponential_(-1)", "X.cauchy_(0, 0)"),
    *("X.log_normal_(0, 0)", "X.geometric_(0)", "X.geometric_(1)", "(X > 1).geometric_(0.5)"),
    *("X.bernoulli_(2)", "X.bernoulli_(X + 2)", "X.bernoulli_(L)", "X.random_(3, 3)"),
    *("X.random_(0)", "X.random_(2.5)", "X.random_(**{'from': 3})"),
    *("L.to(torch.int8).random_(0, 300)", "L.to(torch.int8).random_(-200, 3)"),
    *("(X > 1).random_(0, 3)", "X.half().random_(0, 70000)", "torch.randint(3, 3, (2,))"),
    *("torch.randint(300, (2,), dtype=torch.int8)", "torch.randint(2.5, (2,))"),
    *("torch.randint(0, 10)", "torch.rand(2, dtype=torch.int64)", "torch.randn(2, -1)"),
    *("torch.randn(2, dtype=torch.int64)", "torch.rand_like(L)", "torch.randn_like(L)"),
    *("torch.randperm(-1)", "torch.randperm(300, dtype=torch.int8)", "torch.randperm(2.0)"),
    *("torch.randperm(3000, dtype=torch.float16)", "torch.bernoulli(L)", "torch.bernoulli(X + 2)"),
    *("torch.bernoulli(X * float('nan'))", "torch.multinomial(X * 0, 1)"),
    *("torch.multinomial(X, 4)", "torch.multinomial(X, 0)", "torch.multinomial(-X, 1)"),
    *("torch.multinomial(-X, 2, True)", "torch.multinomial(X * 0, 2, True)"),
    *("torch.multinomial(X * float('inf'), 1)", "torch.multinomial(X.reshape(1, 1, 3), 1)"),
    *("torch.multinomial(X[0], 1)", "torch.multinomial(L, 1)", "torch.poisson(-X)"),
    *("torch.poisson(L)", "torch.normal(0.0, 1.0)", "torch.normal(0.0, -1.0, (2,))"),
    *("torch.normal(X, -X)", "torch.normal(X, X[:2])", "torch.normal(L, 1.0)"),
    *("torch.rand(2, generator=5)", "torch.Generator().manual_seed(3.5)"),
    *("torch.Generator().manual_seed(2**64)", "torch.manual_seed(-(2**63) - 1)"),
    *("torch.manual_seed('a')", "torch.set_rng_state(X)", "torch.set_rng_state([1])"),
    *("torch.set_rng_state(torch.zeros(9, dtype=torch.uint8))", "torch.manual_seed(None)"),
    *("torch.set_rng_state(torch.zeros(5056, dtype=torch.uint8))", "torch.Generator('cuda')"),
]


@pytest.mark.parametrize("misuse", REFUSED)
def test_misuse_raises_what_pytorch_raises(misuse: str) -> None:
    def refusal(library: Any) -> Exception:
        names = {"torch": library, "X": library.ones(3), "L": library.tensor([1, 2, 3])}
        with pytest.raises(Exception) as caught:  # noqa: PT011
            eval(misuse, names)
        return caught.value

    expected, actual = refusal(torch), refusal(cr)
    assert type(actual) is type(expected), actual
    start = re.split(r"\n|  \(Could", str(expected))[0]
    # The calls whose arguments fit no signature are explained in our own words.
    if "invalid combination" not in start and "CUDA" not in start:
        words = set(start.replace(".", " ").replace(",", " ").split())
        shared = words & set(str(actual).replace(".", " ").replace(",", " ").split())
        assert len(shared) >= len(words) / 2, (start, str(actual))


def test_floats_beyond_their_contiguous_integers_are_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^24\), 2\^24\]"):
        cr.zeros(2).random_(0, 2**24 + 2)
