"""Amounts of energy: sums and differences, and what is said of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.evaluation.energy.reading import Energy, Kind, total
from leanfair.evaluation.energy.schema import EnergyEntry
from leanfair.files.checked_json import checked

amounts = st.builds(
    Energy,
    seconds=st.floats(0, 1e6),
    kwh=st.none() | st.floats(0, 1e3),
    kind=st.sampled_from(["measured", "estimated"]),
    basis=st.sampled_from(["", "By hand.", "By guess."]),
    at_least=st.booleans(),
    processor=st.none() | st.floats(0, 1e3),
)


@given(st.lists(amounts))
def test_a_sum_is_at_least_what_is_known_of_its_parts(parts: list[Energy]) -> None:
    found = total(parts)
    known = [part.kwh for part in parts if part.kwh is not None]
    assert found.kwh == (pytest.approx(sum(known)) if known else None)
    assert found.seconds == pytest.approx(sum(part.seconds for part in parts))
    unsure = len(known) < len(parts) or any(part.at_least for part in parts if part.kwh is not None)
    assert found.at_least == (bool(known) and unsure)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["measured", "measured"], "measured"),
        (["measured", "estimated"], "estimated"),
        (["unknown", "measured"], "measured"),
        (["unknown", "estimated"], "estimated"),
        (["unknown"], "unknown"),
        ([], "unknown"),
    ],
)
def test_a_sum_is_no_better_known_than_its_parts(kinds: list[Kind], expected: Kind) -> None:
    parts = [Energy(1.0, None if kind == "unknown" else 2.0, kind, kind) for kind in kinds]
    found = total(parts)
    assert found.kind == expected
    assert (found.kwh is None) == (expected == "unknown")
    assert all(kind in found.basis for kind in kinds)


def test_what_is_said_twice_is_told_once() -> None:
    assert total([Energy(1.0, 1.0, "measured", "By hand.")] * 3).basis == "By hand."


def test_a_stretch_is_the_difference_of_two_readings() -> None:
    before = Energy(2.0, 1.0, "measured", "By hand.", False, 0.75, None, 0.25)
    after = Energy(5.0, 4.0, "measured", "By hand.", True, 3.0, None, 1.0)
    assert after.since(before) == Energy(3.0, 3.0, "measured", "By hand.", True, 2.25, None, 0.75)


def test_a_stretch_with_a_reading_that_failed_is_not_known() -> None:
    known, failed = Energy(2.0, 1.0, "measured"), Energy(3.0)
    assert failed.since(known).kwh is None
    assert known.since(failed).kwh is None


@given(amounts)
def test_an_amount_comes_back_from_json_and_is_what_the_schema_says(amount: Energy) -> None:
    written = json.loads(json.dumps(amount.to_json()))
    assert Energy.from_json(checked(written, EnergyEntry)) == amount
