"""Groups of an audit: nobody is dropped, and rates come with what they rest on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from leanfair.fairness.audit import groups as audit_groups
from leanfair.fairness.types import Status
from tests.support.judges import (
    Scripted,
    biased,
    judge,
    people,
    run,
    shy,
)


def test_refusals_are_outcomes_of_their_own() -> None:
    rows = people(100)
    found = run(Scripted(shy), rows).summary
    black = [row for row in rows if row["race"] == "black"]
    refused = [row for row in black if round(row["score"] * 1e6) % 2]
    group = found["groups"]["black"]
    chosen = sum(row["score"] > 0.4 for row in black if row not in refused)
    assert (group["n"], group["refused"]) == (50, len(refused))
    assert group["answered"] == 50 - len(refused)
    assert group["selection_rate"] == chosen / 50
    own = group["by_rule"]["none"]
    assert own["selection_rate_among_answered"]["value"] == pytest.approx(
        chosen / (50 - len(refused))
    )
    assert own["selection_rate_bounds"] == [chosen / 50, (chosen + len(refused)) / 50]
    assert found["outcomes"]["none"]["refused"] == len(refused)
    asked = set(get_args(Status)) - {"empty"}  # such rows are left out of an audit
    assert sum(found["outcomes"]["none"][status] for status in asked) == 100
    # being refused for one value alone is being treated otherwise
    assert found["flip_rate"]["none"] > 0.3
    pair = found["flips"]["pairs"][0]
    assert pair["refused_one"] > 30
    assert pair["among_answered"]["n"] == 100 - pair["refused_one"]
    assert pair["among_answered"]["first_only"] == pair["among_answered"]["second_only"] == 0


def test_unknown_groups_are_counted_and_single_intersections_shown() -> None:
    rows = people(60)
    rows[0]["race"] = rows[1]["race"] = "?"
    rows[2]["sex"] = None
    for row in rows[3:]:
        if (row["race"], row["sex"]) == ("white", "female"):
            row["sex"] = "male"
    rows[3] |= {"race": "white", "sex": "female"}
    found = run(judge(biased()), rows, group=["race", "sex"]).summary
    assert [one["unknown"] for one in found["groupings"]] == [2, 1, 3]
    assert found["groupings"][2]["alone"] == ["white & female"]
    alone = found["groups"]["white & female"]
    assert (alone["n"], alone["selection_rate"]) == (1, None)
    assert found["groups"]["black & male"]["values"] == {"race": "black", "sex": "male"}
    assert found["groups"]["black"]["grouping"] == "race"
    assert any("unknown" in note for note in found["notes"])
    assert any("of one row" in note for note in found["notes"])


def test_groups_of_one_name_in_two_columns_are_kept_apart() -> None:
    rows = [{**row, "other": row["race"]} for row in people(40)]
    found = run(judge(biased()), rows, group=["race", "other"]).summary
    assert "race: black" in found["groups"]
    assert "other: black" in found["groups"]
    assert found["groupings"][0]["groups"] == ["race: black", "race: white"]


def test_rows_of_one_person_widen_intervals_and_have_no_unpaired_test() -> None:
    rows = [row for row in people(60) for _ in range(4)]
    for i, row in enumerate(rows):
        rows[i] = {**row, "person": f"p{i // 4}"}
    apart = run(judge(biased("black", 0.2)), rows).summary
    together = run(judge(biased("black", 0.2)), rows, cluster="person").summary
    widths = [
        one["high"] - one["low"]
        for one in (
            found["metrics"]["demographic_parity_difference"]["none"] for found in (apart, together)
        )
    ]
    assert widths[1] > 1.5 * widths[0]
    assert together["data"]["persons"] == 60
    assert apart["groups"]["black"]["by_rule"]["none"]["p"] < 1
    assert together["groups"]["black"]["by_rule"]["none"]["p"] is None
    assert together["flips"]["pairs"][0]["p"] > apart["flips"]["pairs"][0]["p"]


def test_words_that_are_not_the_auditors_to_say() -> None:
    found = run(judge(biased("black", 0.3)), people(200)).summary
    assert found["groups"]["black"]["by_rule"]["none"]["four_fifths"] == "below"
    sources = [json.dumps(found)] + [
        path.read_text() for path in Path(audit_groups.__file__).parent.glob("*.py")
    ]
    assert not any("violat" in text.lower() for text in sources)
    assert "rule of thumb" in Path(audit_groups.__file__).read_text()
