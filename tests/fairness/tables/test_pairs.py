"""Pairs of rows that differ in the attribute alone: flips of decisions that exist."""

from __future__ import annotations

from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.metrics.groupings import grouping_of
from leanfair.fairness.tables.pairs import pairs_of


def made(values: list[tuple[Any, str | None]], **more: list[Any]) -> Any:
    rows = [
        {"pair": pair, "race": race, **{name: column[i] for name, column in more.items()}}
        for i, (pair, race) in enumerate(values)
    ]
    grouping = grouping_of("race", ["race"], [[race for _, race in values]])
    return pairs_of(rows, "pair", grouping, {"race"})


def test_rows_of_one_value_and_other_groups_are_pairs() -> None:
    found = made([(1, "a"), (2, "a"), (1, "b"), (2, "b"), ("", "a"), (3, "b")])
    assert found.members == [(0, 2), (1, 3), (0, 2), (1, 3), (4,), (5,)]
    assert found.stands == [True, True, False, False, True, True]
    assert found.values == ["a", "a", "b", "b", "a", "b"]
    assert found.notes == ["2 rows are in no pair by 'pair': they count in rates alone."]


def test_what_cannot_be_compared_or_differs_otherwise_is_told() -> None:
    found = made(
        [(1, "a"), (1, "b"), (2, "a"), (2, "a"), (3, None), (3, "b")], age=[3, 4, 5, 5, 6, 6]
    )
    assert found.members == [(0, 1), (0, 1), (2,), (3,), (4,), (5,)]
    assert "2 pairs by 'pair' hold two rows of one group" in found.notes[0]
    assert "some differ in more than the group: 'age' (1)" in found.notes[1]
    with pytest.raises(InputError, match="a pair is two rows that differ in the attribute alone"):
        made([(1, "a"), (2, "b"), (1, "a"), (2, "b")])


def applications(n: int = 60) -> list[dict[str, Any]]:
    """Each application sent twice; white names hear back from every third more."""
    return [
        {
            "pair": i,
            "race": race,
            "d": "yes" if i % 6 == 0 or (race == "white" and i % 3 == 0) else "no",
        }
        for i in range(n)
        for race in ("white", "black")
    ]


def test_pairs_give_flips_each_counted_once() -> None:
    found = leanfair.audit(
        leanfair.Recorded("d"), applications(), group="race", favourable="yes", pair="pair",
        bootstrap=200,
    )  # fmt: skip
    summary = found.summary
    assert (summary["flips"]["comparable"], summary["flips"]["flipped"]) == (60, 10)
    (pair,) = summary["flips"]["pairs"]
    assert pair["values"] == ["white", "black"]
    assert (pair["n"], pair["first_only"], pair["second_only"]) == (60, 10, 0)
    assert pair["p"] == pytest.approx(2 / 2**10)
    assert summary["flip_rate"]["none"] == pytest.approx(1 / 6)
    (parts,) = (summary["groupings"][0]["decomposition"] or {}).values()
    assert parts["direct"]["value"] == pytest.approx(parts["gap"]["value"])
    assert summary["attribute"] == ["race"]
    assert found.exceeds(max_flip_rate=0.1)
    assert not found.exceeds(max_flip_rate=0.2)


def test_pairs_and_variations_are_two_things() -> None:
    judge = leanfair.Judge(lambda texts: [[1.0, 0.0]] * len(texts), "{race}", ["yes", "no"])
    given = {"group": "race", "favourable": "yes", "pair": "pair", "bootstrap": 100}
    with pytest.raises(InputError, match="give one of them"):
        leanfair.audit(judge, applications(), attribute="race", **given)
    assert leanfair.audit(judge, applications(), **given).summary["flip_rate"]["none"] == 0.0
