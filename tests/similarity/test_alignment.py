"""CKA is what its definitions say, has its invariances, and refuses what has no answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.similarity import cka
from tests.support.oracles import alignment

SEEDS = st.integers(0, 2**32 - 1)
FAST = settings(max_examples=40, deadline=None)


def _rotation(seed: int, p: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(p, p)))[0]


@FAST
@given(seed=SEEDS, n=st.integers(3, 9), p=st.integers(1, 12), q=st.integers(1, 12))
def test_equals_the_definition_whichever_of_features_and_samples_is_smaller(seed, n, p, q):
    x, y = alignment.pair(seed, n, p, q)
    assert cka(x, y) == pytest.approx(alignment.cka(x, y), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(5, 7), p=st.integers(1, 9), q=st.integers(1, 9))
def test_debiased_equals_the_u_statistic_over_all_4_tuples(seed, n, p, q):
    x, y = alignment.pair(seed, n, p, q)
    assert cka(x, y, debiased=True) == pytest.approx(alignment.cka(x, y, debiased=True), abs=1e-9)


@FAST
@given(seed=SEEDS, n=st.integers(2, 12), p=st.integers(1, 10), q=st.integers(1, 10))
def test_lies_between_0_and_1_and_is_symmetric(seed, n, p, q):
    x, y = alignment.pair(seed, n, p, q)
    assert 0.0 <= cka(x, y) <= 1.0
    assert cka(x, y) == pytest.approx(cka(y, x), abs=1e-12)


@FAST
@given(
    seed=SEEDS, debiased=st.booleans(), scale=st.floats(1e-6, 1e6), sign=st.sampled_from([-1, 1])
)
def test_unchanged_by_rotations_one_scale_and_offsets(seed, debiased, scale, sign):
    x, y = alignment.pair(seed, 9, 4, 20)
    moved = sign * scale * (x @ _rotation(seed, 4)) + 3.0 * scale
    rotated = y @ _rotation(seed + 1, 20)
    assert cka(moved, rotated, debiased) == pytest.approx(cka(x, y, debiased), abs=1e-8)


@FAST
@given(seed=SEEDS, n=st.integers(5, 12), p=st.integers(1, 30), debiased=st.booleans())
def test_a_representation_is_wholly_like_itself_rotated_and_scaled(seed, n, p, debiased):
    x, _ = alignment.pair(seed, n, p, 1)
    assert cka(x, x, debiased) == pytest.approx(1.0, abs=1e-9)
    assert cka(x, -7.0 * x @ _rotation(seed, p), debiased) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("debiased", [False, True])
def test_not_unchanged_by_a_scale_for_each_feature(debiased):
    x, y = alignment.pair(0, 12, 5, 5)
    assert abs(cka(x * np.array([1, 10, 1, 1, 1]), y, debiased) - cka(x, y, debiased)) > 1e-3


@pytest.mark.parametrize("scale", [1e-150, 1e-60, 1e60, 1e150, 1e300])
@pytest.mark.parametrize("debiased", [False, True])
def test_values_near_the_limits_of_floating_point_count_like_any_other(scale, debiased):
    x, y = alignment.pair(1, 8, 3, 3)
    assert cka(x * scale, y, debiased) == pytest.approx(cka(x, y, debiased), abs=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -3e7, 1e-12])
def test_a_constant_shares_nothing_with_any_representation(value, debiased):
    x, _ = alignment.pair(2, 8, 3, 1)
    for p in (1, 3, 200):
        constant = np.full((8, p), value)
        assert cka(constant, x, debiased) == 0.0
        assert cka(x, constant, debiased) == 0.0
        assert cka(constant, constant, debiased) == 0.0


def test_debiased_where_samples_differ_all_alike_shares_nothing_rather_than_rounding():
    everyone_apart = np.eye(8)  # its unbiased HSIC with itself is exactly 0
    x, _ = alignment.pair(3, 8, 3, 1)
    assert cka(everyone_apart, x, debiased=True) == 0.0
    assert cka(everyone_apart, everyone_apart, debiased=True) == 0.0


def test_orthogonal_representations_share_nothing_and_never_less():
    basis = np.linalg.qr(np.eye(6) - 1 / 6)[0]
    for seed in range(50):
        draw = np.random.default_rng(seed)
        x, y = (np.outer(basis[:, i], draw.normal(size=40)) for i in (0, 1))
        assert 0.0 <= cka(x, y) < 1e-12


def test_debiased_does_not_rise_with_the_features_of_pure_noise():
    draw = np.random.default_rng(0)
    pairs = [(draw.normal(size=(10, 300)), draw.normal(size=(10, 300))) for _ in range(40)]
    assert np.mean([cka(x, y) for x, y in pairs]) > 0.9
    assert abs(np.mean([cka(x, y, debiased=True) for x, y in pairs])) < 0.05
    assert min(cka(x, y, debiased=True) for x, y in pairs) < 0.0


@pytest.mark.parametrize("debiased", [False, True])
def test_arrays_tensors_and_lists_of_any_shape_and_order_are_one(debiased):
    x, y = alignment.pair(4, 9, 6, 4)
    expected = cka(x, y, debiased)
    read_only = np.broadcast_to(x, x.shape)
    for same in (
        torch.tensor(x),
        torch.tensor(x, requires_grad=True),
        torch.tensor(x).T.contiguous().T,
        x.tolist(),
        read_only,
        np.asfortranarray(x),
        x.astype(">f8"),
        x[::-1][::-1],
        x.reshape(9, 2, 3),
        torch.tensor(x).reshape(9, 3, 2, 1),
    ):
        assert cka(same, y, debiased) == pytest.approx(expected, abs=1e-12)
    assert cka(x[::-1], y[::-1], debiased) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
)
def test_every_dtype_is_reckoned_in_double_precision(dtype):
    x, y = alignment.pair(5, 9, 6, 4)
    low = torch.tensor(x * 3).clamp(min=0).to(dtype)
    assert cka(low, y) == pytest.approx(cka(low.double().numpy(), y), abs=1e-12)


def test_a_small_difference_on_a_large_offset_is_not_lost():
    x, y = alignment.pair(6, 9, 3, 3)
    assert cka(1e6 + 1e-2 * x, y) == pytest.approx(cka(x, y), abs=1e-5)


def test_a_vector_is_one_feature():
    x, y = alignment.pair(7, 9, 1, 1)
    correlation = np.corrcoef(x[:, 0], y[:, 0])[0, 1]
    assert cka(x[:, 0], y[:, 0]) == pytest.approx(correlation**2, abs=1e-9)


def test_what_is_given_stays_as_it_is():
    x, y = (torch.tensor(each) for each in alignment.pair(8, 9, 3, 4))
    before = x.clone(), y.clone()
    for debiased in (False, True):
        cka(x, y, debiased)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


@pytest.mark.parametrize(
    ("x", "y", "debiased", "message"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), False, "3 and 4"),
        (np.ones((1, 2)), np.ones((1, 2)), False, "at least 2"),
        (np.ones((3, 2)), np.ones((3, 2)), True, "at least 4"),
        (np.array([[1.0], [np.nan]]), np.ones((2, 1)), False, "X has a value that is not finite"),
        (np.ones((2, 1)), np.array([[1.0], [np.inf]]), False, "Y has a value that is not finite"),
        (np.ones((0, 2)), np.ones((0, 2)), False, "empty"),
        (np.ones((3, 0)), np.ones((3, 1)), False, "empty"),
        (np.float64(3.0), np.ones((3, 1)), False, "number"),
        (np.array(["a", "b"]), np.ones((2, 1)), False, "X has to be numbers"),
        (np.ones((2, 1)), [[1.0], [2.0, 3.0]], False, "Y has to be numbers"),
        (np.array([[1.6e308], [1.7e308]]), np.ones((2, 1)), False, "too large"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(x, y, debiased, message):
    with pytest.raises(InputError, match=message):
        cka(x, y, debiased)
