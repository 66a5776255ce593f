"""Data sets, samplers, collation and loaders, beside PyTorch's where both run."""

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils import data as theirs

import chainrule as cr
from chainrule.utils import data as ours


def plain(value: Any) -> Any:
    """Return tensors of either library, in any structure, as lists with their dtype."""
    if isinstance(value, cr.Tensor | torch.Tensor):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value).__name__, [plain(part) for part in value]
    return value


@given(
    st.integers(0, 12),
    st.one_of(st.none(), st.integers(1, 5)),
    st.booleans(),
    st.sampled_from(["tensors", "subset", "samples"]),
)
def test_batches_in_order_are_those_of_pytorch(
    n: int, batch_size: int | None, drop_last: bool, kind: str
) -> None:
    if batch_size is None:
        drop_last = False

    def batches(library: Any, data: Any) -> Any:
        x, y = library.arange(n * 2).reshape(n, 2), library.arange(n)
        if kind == "samples":
            dataset: Any = [(float(k), k, str(k)) for k in range(n)]
        else:
            dataset = data.TensorDataset(x, y)
            if kind == "subset":
                dataset = data.Subset(dataset, list(range(0, n, 2)))
        loader = data.DataLoader(dataset, batch_size, drop_last=drop_last)
        result = [plain(batch) for batch in loader]
        assert len(result) == len(loader)
        return result

    assert batches(cr, ours) == batches(torch, theirs)


def test_shuffling_visits_every_sample_once_in_an_order_that_a_seed_repeats() -> None:
    loader = ours.DataLoader(ours.TensorDataset(cr.arange(50)), batch_size=7, shuffle=True)

    def one_pass() -> list[int]:
        return [k for (batch,) in loader for k in batch.tolist()]

    cr.manual_seed(0)
    first, second = one_pass(), one_pass()
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert first != list(range(50))
    cr.manual_seed(0)
    assert one_pass() == first


def test_a_generator_of_its_own_leaves_the_default_one_alone() -> None:
    generator = cr.Generator().manual_seed(1)
    loader = ours.DataLoader(range(20), batch_size=20, shuffle=True, generator=generator)
    cr.manual_seed(0)
    expected = cr.rand(2)
    cr.manual_seed(0)
    (order,) = loader
    assert (cr.rand(2) == expected).all()
    generator.manual_seed(1)
    assert (next(iter(loader)) == order).all()


def test_the_batch_taken_by_indexing_is_the_one_collated_from_samples() -> None:
    dataset = ours.TensorDataset(cr.randn(10, 3), cr.arange(10))
    nested = ours.Subset(ours.Subset(dataset, range(9, 0, -1)), [3, 1, 4, 1, 5])
    for whole in (dataset, nested):
        quick = ours.DataLoader(whole, batch_size=4)
        slow = ours.DataLoader(whole, batch_size=4, collate_fn=lambda b: ours.default_collate(b))
        assert [plain(b) for b in quick] == [plain(b) for b in slow]


def test_batches_do_not_share_memory_with_the_data() -> None:
    x = cr.zeros(4, 2)
    for (batch,) in ours.DataLoader(ours.TensorDataset(x), batch_size=4):
        batch += 1
    assert (x == 0).all()


def test_a_subclass_of_tensor_dataset_keeps_its_own_samples() -> None:
    class Negated(ours.TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(-t for t in super().__getitem__(index))

    ((batch,),) = ours.DataLoader(Negated(cr.tensor([1.0, 2.0])), batch_size=2)
    assert batch.tolist() == [-1.0, -2.0]


def test_a_dataset_may_load_a_whole_batch_itself() -> None:
    class Whole(ours.Dataset):
        def __len__(self) -> int:
            return 3

        def __getitems__(self, indices: list[int]) -> list[int]:
            return [10 * k for k in indices]

    assert [b.tolist() for b in ours.DataLoader(Whole(), batch_size=2)] == [[0, 10], [20]]


def test_streams_are_batched_in_their_order() -> None:
    def batches(data: Any) -> Any:
        class Stream(data.IterableDataset):
            def __iter__(self) -> Any:
                return iter(range(5))

        return [
            [plain(b) for b in data.DataLoader(Stream(), **options)]
            for options in (
                {},
                {"batch_size": 2},
                {"batch_size": 2, "drop_last": True},
                {"batch_size": None},
            )
        ]

    assert batches(ours) == batches(theirs)


def test_samplers_of_indices_and_of_batches() -> None:
    def batches(data: Any) -> Any:
        return [
            [plain(b) for b in data.DataLoader(range(10), **options)]
            for options in (
                {"sampler": [3, 1, 2], "batch_size": 2},
                {"batch_sampler": [[1], [2, 3]]},
                {"sampler": [3, 1], "batch_size": None},
            )
        ]

    assert batches(ours) == batches(theirs)


@pytest.mark.filterwarnings("ignore:Length of split")
@pytest.mark.parametrize("with_generator", [False, True])
@settings(max_examples=20)
@given(st.integers(1, 20), st.integers(1, 70), st.booleans(), st.integers(0, 2**63))
def test_orders_are_those_of_pytorch(
    with_generator: bool, n: int, count: int, replacement: bool, seed: int
) -> None:
    def orders(library: Any, data: Any) -> Any:
        library.manual_seed(seed)
        g = library.Generator().manual_seed(seed + 1) if with_generator else None
        weights = [k % 3 + 0.5 for k in range(n)]
        samplers = [
            data.RandomSampler(range(n), generator=g),
            data.RandomSampler(range(n), replacement, count, g),
            data.SubsetRandomSampler(range(100, 100 + n), g),
            data.WeightedRandomSampler(weights, count, True, g),
            data.WeightedRandomSampler(weights, min(n, count), False, g),
            data.BatchSampler(data.RandomSampler(range(n), generator=g), 3, replacement),
            data.DataLoader(range(n), 4, shuffle=True, generator=g),
            data.DataLoader(range(n), None, shuffle=True, generator=g),
        ]
        drawn = [plain([*sampler]) for sampler in samplers for _ in range(2)]
        parts = data.random_split(range(n), [n - n // 3, n // 3], g or library.default_generator)
        iter(data.DataLoader(range(n), shuffle=True, generator=g))  # draws a seed at once
        return drawn, [[*part] for part in parts], library.rand(1).item()

    assert orders(cr, ours) == orders(torch, theirs)


@given(st.integers(1, 20), st.integers(1, 50), st.booleans())
def test_random_samplers_draw_as_many_as_asked(n: int, count: int, replacement: bool) -> None:
    sampler = ours.RandomSampler(range(n), replacement, count)
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == count
    assert set(drawn) <= set(range(n))
    if not replacement:
        assert max((drawn.count(k) for k in drawn), default=0) <= -(-count // n)


def test_samplers_of_subsets_and_of_weighted_samples() -> None:
    assert sorted(ours.SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    cr.manual_seed(0)
    drawn = list(ours.WeightedRandomSampler([3.0, 0.0, 1.0], 4000))
    assert 1 not in drawn
    assert abs(drawn.count(0) / 4000 - 0.75) < 0.03
    once = ours.WeightedRandomSampler([1.0, 0.0, 1.0], 2, replacement=False)
    assert sorted(once) == [0, 2]


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "samples",
    [
        [1, 2],
        [1.5, 2.5],
        [True, False],
        ["a", "b"],
        [np.float32(1), np.float32(2)],
        [np.ones(2, np.float32), np.zeros(2, np.float32)],
        [np.int64(3), np.int64(4)],
        [(1, 2.0), (3, 4.0)],
        [[1, (2, "a")], [3, (4, "b")]],
        [{"a": 1, "b": (2.0, "x")}, {"a": 3, "b": (4.0, "y")}],
        [Point(1, 2), Point(3, 4)],
    ],
    ids=str,
)
def test_collation_is_that_of_pytorch(samples: Any) -> None:
    assert plain(ours.default_collate(samples)) == plain(theirs.default_collate(samples))


@pytest.mark.parametrize(
    "sample",
    [3, "a", np.ones(2, np.float32), (1, np.int64(2)), {"a": [np.zeros(1)]}, Point(1, np.ones(1))],
    ids=str,
)
def test_single_samples_are_converted_as_in_pytorch(sample: Any) -> None:
    assert plain(ours.default_convert(sample)) == plain(theirs.default_convert(sample))


def test_collation_stacks_tensors_and_keeps_their_graph() -> None:
    rows = [cr.ones(2, requires_grad=True), cr.ones(2, requires_grad=True)]
    batch = ours.default_collate(rows)
    assert batch.shape == (2, 2)
    (batch * cr.tensor([[1.0], [2.0]])).sum().backward()
    assert rows[1].grad.tolist() == [2.0, 2.0]


@given(
    st.integers(0, 40),
    st.sampled_from([[0.5, 0.5], [0.9, 0.1], [0.3, 0.3, 0.4], [1.0], [0.34, 0.33, 0.33]]),
)
@pytest.mark.filterwarnings("ignore:Length of split")
def test_fractions_give_the_sizes_of_pytorch(n: int, fractions: list[float]) -> None:
    parts = ours.random_split(range(n), fractions)
    assert [len(p) for p in parts] == [len(p) for p in theirs.random_split(range(n), fractions)]
    assert sorted(k for part in parts for k in part) == list(range(n))


def test_a_split_of_given_sizes_is_repeatable() -> None:
    first, second = (
        ours.random_split(range(10), [7, 3], cr.Generator().manual_seed(3)) for _ in range(2)
    )
    assert [list(p) for p in first] == [list(p) for p in second]
    assert [len(p) for p in first] == [7, 3]
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        ours.random_split(range(1), [0.9, 0.1])


def test_concatenated_datasets() -> None:
    whole = ours.TensorDataset(cr.arange(3)) + ours.TensorDataset(cr.arange(10, 12))
    assert [t.item() for (t,) in (whole[k] for k in range(len(whole)))] == [0, 1, 2, 10, 11]
    assert whole[-1][0].item() == 11
    with pytest.raises(IndexError, match="index 5 is out of range"):
        whole[5]


def test_stacked_datasets_are_pytorchs() -> None:
    class Whole(ours.Dataset):
        def __len__(self) -> int:
            return 4

        def __getitems__(self, indices: list[int]) -> list[int]:
            return [10 * k for k in indices]

        def __getitem__(self, index: int) -> int:
            return 10 * index

    def samples(data: Any) -> Any:
        for stacked in (
            data.StackDataset(range(4), Whole(), "abcd"),
            data.StackDataset(number=Whole(), letter="abcd"),
        ):
            yield len(stacked), stacked[2], stacked.__getitems__([3, 0])
            yield plain([*data.DataLoader(stacked, 3)])
            yield plain([*data.DataLoader(data.Subset(stacked, [2, 0, 1]), 2)])

    assert [*samples(ours)] == [*samples(theirs)]


def test_chained_streams_come_one_after_the_other() -> None:
    chain = Stream() + Stream()
    assert isinstance(chain, ours.ChainDataset)
    assert [b.tolist() for b in ours.DataLoader(chain, 2)] == [[1, 1]]
    with pytest.raises(AssertionError, match="only supports IterableDataset, got list"):
        list(ours.ChainDataset([[1]]))


def test_a_loader_keeps_the_options_it_was_made_with() -> None:
    loader = ours.DataLoader([1, 2])
    for name in ("batch_size", "dataset", "sampler", "drop_last"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after"):
            setattr(loader, name, None)


class Stream(ours.IterableDataset):
    def __iter__(self) -> Any:
        return iter([1])


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: ours.StackDataset(), ValueError, "At least one dataset should be passed"),
        (lambda: ours.StackDataset([1], [1, 2]), ValueError, "Size mismatch between datasets"),
        (lambda: ours.StackDataset([1], x=[1]), ValueError, "both types are given"),
        (lambda: ours.RandomSampler([]), ValueError, "num_samples=0"),
        (lambda: ours.DataLoader([1], num_workers=-1), ValueError, "should be non-negative"),
        (lambda: ours.DataLoader([1], timeout=-1), ValueError, "timeout option should be non-neg"),
        (lambda: ours.DataLoader([1], prefetch_factor=2), ValueError, "prefetch_factor option"),
        (lambda: ours.DataLoader([1], persistent_workers=True), ValueError, "num_workers > 0"),
        (lambda: ours.DataLoader([1], batch_size=0), ValueError, "batch_size should be a positive"),
        (lambda: ours.DataLoader([1], batch_size=2.0), ValueError, "batch_size should be a posit"),
        (lambda: ours.DataLoader([1], sampler=[0], shuffle=True), ValueError, "mutually exclusive"),
        (lambda: ours.DataLoader([1], batch_sampler=[[0]], batch_size=2), ValueError, "mutually"),
        (lambda: ours.DataLoader([1], None, drop_last=True), ValueError, "disables auto-batching"),
        (lambda: ours.DataLoader(Stream(), shuffle=True), ValueError, "unspecified shuffle option"),
        (lambda: ours.DataLoader(Stream(), sampler=[0]), ValueError, "unspecified sampler"),
        (lambda: ours.TensorDataset(cr.ones(2), cr.ones(3)), AssertionError, "Size mismatch.*3"),
        (lambda: ours.TensorDataset(), AssertionError, "no tensors"),
        (lambda: ours.TensorDataset(cr.tensor(1.0)), AssertionError, "Size mismatch"),
        (lambda: ours.Dataset()[0], NotImplementedError, "should implement __getitem__"),
        (lambda: ours.ConcatDataset([]), AssertionError, "should not be an empty iterable"),
        (lambda: ours.random_split([1, 2], [1, 2]), ValueError, "Sum of input lengths does not eq"),
        (lambda: ours.random_split([1], [1.5, -0.5]), ValueError, "Fraction at index 0 is not"),
        (lambda: ours.RandomSampler([1], replacement=1), TypeError, "should be a boolean value"),
        (lambda: ours.RandomSampler([1], num_samples=-1), ValueError, "positive integer"),
        (lambda: ours.BatchSampler([1], 1, 0), ValueError, "drop_last should be a boolean value"),
        (lambda: ours.WeightedRandomSampler([1.0], 0), ValueError, "should be a positive integer"),
        (lambda: ours.WeightedRandomSampler([[1.0]], 1), ValueError, "should be a 1d sequence"),
        (lambda: ours.default_collate([object()]), TypeError, "batch must contain tensors"),
        (lambda: ours.default_collate([[1], [1, 2]]), RuntimeError, "should be of equal size"),
    ],
)
def test_misuse_is_refused(act: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        act()
