"""Numbers are rounded, signed and given their unit; what is no number is a dash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.html import formats as f

FORMATS = [
    f.exact,
    f.short,
    f.size,
    f.parameters,
    f.percent,
    f.times,
    f.milliseconds,
    f.duration,
    f.watt_hours,
    f.grams,
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf"), "3", True])
def test_what_is_no_number_is_a_dash(form: Any, value: Any) -> None:
    assert form(value) == f.DASH


@pytest.mark.parametrize("form", [f.change, f.ratio, f.growth, f.span])
def test_a_pair_that_lacks_one_is_a_dash(form: Any) -> None:
    assert form(None, 1.0) == form(1.0, None) == f.DASH


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (f.exact(12345678), "12,345,678"),
        (f.short(125_500_000), "125.5\u00a0M"),
        (f.short(999), "999"),
        (f.short(999_960), "1.00\u00a0M"),
        (f.size(3_420_000), "3.42\u00a0MB"),
        (f.size(12), "12\u00a0B"),
        (f.parameters(7_240_000_000), "7.24\u00a0B"),
        (f.percent(0.612), "61.2%"),
        (f.percent(-0.0001), "0.0%"),
        (f.percent(-0.5), "−50.0%"),
        (f.change(100, 38.8), "−61.2%"),
        (f.change(0, 1), f.DASH),
        (f.signed(0.004, 2), "0.00"),
        (f.points(0.9, 0.896), "−0.40"),
        (f.ratio(258, 100), "2.58×"),
        (f.ratio(1, 0), f.DASH),
        (f.growth(1, 1.49), "+49.0%"),
        (f.growth(1, 3.42), "3.42×"),
        (f.perplexity(16.236), "16.24"),
        (f.perplexity(1024), "1,024"),
        (f.perplexity(2e16), "2.0e16"),
        (f.milliseconds(0.0123), "12.3\u00a0ms"),
        (f.span(0.0119, 0.0134), "11.9–13.4\u00a0ms"),
        (f.duration(4.2), "4.2\u00a0s"),
        (f.duration(59.97), "60\u00a0s"),
        (f.duration(90), "1\u00a0min\u00a030\u00a0s"),
        (f.duration(4320), "1\u00a0h\u00a012\u00a0min"),
        (f.setting(None), "none"),
        (f.setting(True), "yes"),
        (f.setting([1, 0.5, "a"]), "1, 0.5, a"),
        (f.setting([{"a": 1}]), "1\u00a0item"),
        (f.plural(2, "round"), "2\u00a0rounds"),
        (f.moment("2026-01-02T03:04:05+00:00"), "2026-01-02 03:04:05 UTC"),
    ],
)
def test_it_reads_as_a_person_would_write_it(found: str, said: str) -> None:
    assert found == said


@given(st.floats(0, 1), st.floats(0, 1))
def test_shares_and_similarities_that_differ_are_told_apart(one: float, other: float) -> None:
    if abs(one - other) > 2e-6:
        assert len(set(f.apart(one, other))) == 2
    if abs(one - other) > 2e-8:
        assert len(set(f.similarities(one, other))) == 2


@given(st.floats(0, 1 - 2e-8))
def test_a_similarity_below_one_is_never_shown_as_one(value: float) -> None:
    assert float(f.similarities(value, None)[0]) < 1


@given(st.integers(0, 10**18))
def test_a_short_count_is_within_half_a_percent(value: int) -> None:
    number, _, unit = f.short(value, "kMGTP").partition("\u00a0")
    factor = 1000 ** (" kMGTP".index(unit) if unit else 0)
    assert float(number.replace(",", "")) * factor == pytest.approx(value, rel=5.1e-3)


@pytest.mark.parametrize(
    ("kwh", "text"),
    [
        (0.0123, "12.3\u00a0Wh"), (1.2, "1.20\u00a0kWh"), (1234.5, "1.23\u00a0MWh"),
        (0, "0\u00a0Wh"), (4.2e-9, "4.20\u00a0µWh"), (1e-6, "1.00\u00a0mWh"),
        (0.9996, "1.00\u00a0kWh"), (1e-18, "0.00\u00a0nWh"), (None, "—"), (float("nan"), "—"),
    ],
)  # fmt: skip
def test_energy_is_told_in_the_unit_of_its_size(kwh: float | None, text: str) -> None:
    assert f.watt_hours(kwh) == text


@pytest.mark.parametrize(
    ("grams", "text"), [(5.84, "5.84\u00a0g"), (1200, "1.20\u00a0kg"), (0.5, "500\u00a0mg")]
)
def test_carbon_is_told_in_the_unit_of_its_size(grams: float, text: str) -> None:
    assert f.grams(grams) == text
