"""CKA of batches is CKA of the whole, in memory that does not grow with the samples."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.similarity import cka, streamed_cka
from leanfair.similarity.alignment import Pair
from tests.support.oracles import alignment

SEEDS = st.integers(0, 2**32 - 1)


def _in_batches(x: np.ndarray, y: np.ndarray, sizes: list[int]) -> Iterator[Pair]:
    """Batches of these sizes in turn, until all is given."""
    at, turn = 0, 0
    while at < len(x):
        size = sizes[turn % len(sizes)]
        yield x[at : at + size], y[at : at + size]
        at, turn = at + size, turn + 1


@settings(max_examples=80, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(4, 60),
    p=st.integers(1, 8),
    q=st.integers(1, 8),
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    debiased=st.booleans(),
)
def test_equals_cka_of_the_whole_however_it_is_cut_into_batches(seed, n, p, q, sizes, debiased):
    x, y = alignment.pair(seed, n, p, q)
    found = streamed_cka(_in_batches(x, y, sizes), debiased)
    assert found == pytest.approx(cka(x, y, debiased), abs=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
def test_many_samples_are_reckoned_in_slices_to_the_same_result(monkeypatch, debiased):
    x, y = alignment.pair(6, 90, 3, 4)
    whole = cka(x, y, debiased)
    monkeypatch.setattr("leanfair.similarity.alignment.SLICE", 16)
    assert cka(x, y, debiased) == pytest.approx(whole, abs=1e-9)
    assert (
        cka(x[:, :1], y.repeat(40, axis=1), debiased)
        == pytest.approx(  # rows are less
            streamed_cka([(x[:, :1], y.repeat(40, axis=1))], debiased), abs=1e-9
        )
    )


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(5, 8), debiased=st.booleans())
def test_equals_the_definition_where_rows_are_not_kept(seed, n, debiased):
    x, y = alignment.pair(seed, n, 2, 1)
    found = streamed_cka(_in_batches(x, y, [2]), debiased)
    assert found == pytest.approx(alignment.cka(x, y, debiased), abs=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
def test_memory_does_not_grow_with_the_samples(debiased):
    def peak(batches: int) -> int:
        generator = np.random.default_rng(0)
        tracemalloc.start()
        streamed_cka(((generator.normal(size=(64, 8)),) * 2 for _ in range(batches)), debiased)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(4)  # what is imported and cached once
    assert peak(200) < 1.2 * peak(20)


@pytest.mark.parametrize("debiased", [False, True])
def test_a_large_offset_and_sorted_samples_lose_nothing(debiased):
    x, y = alignment.pair(1, 400, 3, 4)
    x = x[np.argsort(x[:, 0])]  # the first batch is far from the mean of all
    y = y[np.argsort(x[:, 0])]
    found = streamed_cka(_in_batches(1e5 + x, y - 1e5, [32]), debiased)
    assert found == pytest.approx(cka(1e5 + x, y - 1e5, debiased), abs=1e-8)


@pytest.mark.parametrize("scale", [1e-60, 1e60, 1e200])
@pytest.mark.parametrize("debiased", [False, True])
def test_very_small_and_very_large_values_count_like_any_other(scale, debiased):
    x, y = alignment.pair(2, 60, 3, 3)
    found = streamed_cka(_in_batches(x * scale, y, [16]), debiased)
    assert found == pytest.approx(cka(x, y, debiased), abs=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_a_constant_shares_nothing_and_constant_features_change_nothing(value, debiased):
    x, y = alignment.pair(3, 60, 3, 2)
    constant = np.full((60, 2), value)
    assert streamed_cka(_in_batches(constant, x, [7]), debiased) == 0.0
    assert streamed_cka(_in_batches(constant, constant, [7]), debiased) == 0.0
    wider = np.concatenate([x, constant], axis=1)
    found = streamed_cka(_in_batches(wider, y, [7]), debiased)
    assert found == pytest.approx(cka(x, y, debiased), abs=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
def test_features_that_are_dead_at_first_count_once_they_live(debiased):
    x, y = alignment.pair(4, 60, 3, 3)
    x[:20] = 0.0
    found = streamed_cka(_in_batches(x, y, [10]), debiased)
    assert found == pytest.approx(cka(x, y, debiased), abs=1e-9)


def test_maps_are_flattened_and_low_precision_is_reckoned_in_double():
    x, y = (torch.tensor(each).to(torch.bfloat16) for each in alignment.pair(5, 60, 4, 4))
    batches = [(x[i : i + 9].reshape(-1, 2, 2), y[i : i + 9]) for i in range(0, 60, 9)]
    assert streamed_cka(batches) == pytest.approx(cka(x, y), abs=1e-12)


@pytest.mark.parametrize(
    ("batches", "debiased", "message"),
    [
        ([], False, "at least one batch"),
        ([(np.ones((3, 2)), np.ones((4, 2)))], False, "3 and 4"),
        ([(np.ones((1, 4)), np.ones((1, 4)))], False, "at least 2"),
        ([(np.ones((1, 1)), np.ones((1, 1)))] * 3, True, "at least 4"),
        (
            [(np.ones((9, 2)), np.ones((9, 2))), (np.ones((9, 3)),) * 2],
            False,
            "same in every batch",
        ),
        ([(np.ones((9, 1)),) * 2, (np.full((9, 1), np.nan),) * 2], False, "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(batches, debiased, message):
    with pytest.raises(InputError, match=message):
        streamed_cka(iter(batches), debiased)
