"""Group columns as they come: spellings, single people, unknown values, what is no group at all."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.tables.groups import group_named, groupings_of_rows


def grouped(values: list[Any], **given: Any) -> tuple[Grouping, list[str]]:
    groupings, notes = groupings_of_rows([{"race": v} for v in values], ["race"], given)
    return groupings[-1], notes


def test_spellings_of_one_group_are_one_and_told() -> None:
    found, notes = grouped(["White"] * 5 + ["white", "WHITE ", " White", "Black", "Black"])
    assert found.names == ("Black", "White")
    assert found.sizes.tolist() == [2, 8]
    assert notes == [
        "In the column 'race', 'White' is also written 'white' (1), 'WHITE' (1): "
        "taken as one group."
    ]
    assert grouped(["M\u00e9tis", "Me\u0301tis", "White", "White"])[0].sizes.tolist() == [2, 2]


def test_numbers_are_the_same_group_from_every_table() -> None:
    assert grouped([1.0, 1, "1", 2.0, "2", float("nan")])[0].sizes.tolist() == [3, 2]


def test_a_single_person_of_a_group_stops_nothing() -> None:
    found, _ = grouped(["White", "Black"] * 5 + ["Other", None, "Not Specified"])
    assert found.names == ("Black", "White")
    assert found.alone == ("Other",)
    assert found.unknown == 2


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["White"] * 4, "one group only, 'White'"),
        (["White"] * 4 + ["Black"], "and 1 of a single row"),
        ([None, "", "N/A"], "no group at all"),
        ([f"g{i // 2}" for i in range(120)], "60 groups, and 50 are the most"),
        (["a", "a", "b", "b", *(f"name {i}" for i in range(60))], "62 groups"),
    ],
)
def test_what_cannot_be_compared_is_refused(values: list[Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        grouped(values)


def test_classes_of_numbers_and_their_intersections() -> None:
    rows = [{"age": 20 + i, "sex": "fm"[i % 2]} for i in range(40)]
    made, notes = groupings_of_rows(rows, ["age", "sex"], {"age": (40.0,)})
    assert [grouping.name for grouping in made] == ["age", "sex", "age & sex"]
    assert made[0].names == ("40 and above", "below 40")
    assert len(made[2].names) == 4
    assert not notes
    with pytest.raises(InputError, match="no column of groups"):
        groupings_of_rows(rows, ["sex"], {"age": (40.0,)})


def test_intersections_of_single_rows_are_told_and_not_compared() -> None:
    rows = [{"a": "xy"[i // 2], "b": "st"[i % 2]} for i in range(4)]
    made, notes = groupings_of_rows(rows, ["a", "b"], {})
    assert [grouping.name for grouping in made] == ["a", "b"]
    assert notes == ["No intersection by a & b has two rows: none is compared."]


def test_a_group_is_found_in_any_case() -> None:
    found, _ = grouped(["White", "Black"] * 2)
    assert group_named([found], "WHITE ") == "White"
    with pytest.raises(InputError, match="no group 'Green': there are Black, White"):
        group_named([found], "Green")
