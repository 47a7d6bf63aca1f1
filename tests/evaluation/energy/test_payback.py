"""After how many samples a saving pays: by hand, and what has to hold for any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leanfair.evaluation.energy.payback import payback_of


def test_it_is_what_was_spent_over_what_a_sample_saves() -> None:
    # The child saves 2, 3 and 4 micro-kWh of a sample: 3 in the mean, and the run took 6 kWh.
    found = payback_of(6.0, [5e-6, 7e-6, 9e-6], [3e-6, 4e-6, 5e-6])
    assert found.samples == pytest.approx(2e6)
    half = stats.t.ppf(0.975, 2) * 1e-6 / 3**0.5
    assert found.low == pytest.approx(6.0 / (3e-6 + half))
    assert found.high == pytest.approx(6.0 / (3e-6 - half))


def test_a_child_that_takes_more_never_pays() -> None:
    found = payback_of(1.0, [1.0, 1.1, 1.0], [2.0, 2.1, 2.0])
    assert (found.samples, found.low, found.high) == (None, None, None)


def test_a_saving_that_may_be_nothing_has_no_upper_end() -> None:
    found = payback_of(1.0, [1.0, 3.0], [0.5, 2.9])
    assert found.samples is not None
    assert found.low is not None
    assert found.low < found.samples
    assert found.high is None


def test_one_block_has_no_interval() -> None:
    found = payback_of(1.0, [1.0], [0.5])
    assert (found.samples, found.low, found.high) == (2.0, None, None)


@given(
    st.floats(1e-3, 1e3),
    st.lists(st.tuples(st.floats(1, 2), st.floats(0.1, 0.9)), min_size=2, max_size=6),
    st.floats(0.1, 10),
)
def test_it_grows_with_what_was_spent(
    spent: float, pairs: list[tuple[float, float]], factor: float
) -> None:
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    one, other = payback_of(spent, before, after), payback_of(factor * spent, before, after)
    assert one.samples is not None
    assert other.samples == pytest.approx(factor * one.samples)
    assert one.low is not None
    assert one.low <= one.samples
    assert one.high is None or one.samples <= one.high
