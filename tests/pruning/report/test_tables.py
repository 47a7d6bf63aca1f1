"""The tables of a run hold what its summary holds."""

from __future__ import annotations

import pytest

from leanfair.html import formats as f
from leanfair.pruning.report.tables import cost_rows, facts, journey, round_rows
from tests.support.summaries import produced, without_labels


@pytest.mark.parametrize("kind", ["images", "plain", "language"])
def test_a_round_has_its_line_in_the_table_and_its_place_in_the_chart(kind: str) -> None:
    found = produced(kind)
    assert [row.index for row in round_rows(found)] == [s["index"] for s in found["steps"]]
    whole = found["macs"]["before"]
    shown = [each.removed for each in journey(found).rounds]
    assert shown == pytest.approx([1 - step["macs"] / whole for step in found["steps"]])


def test_the_target_is_in_the_chart_only_where_it_counts_what_is_shown() -> None:
    assert journey(produced("images")).target == produced("images")["settings"]["cut"]
    assert journey(produced("memory")).target is None


def test_costs_are_told_before_and_after_with_the_share_left() -> None:
    found = produced("images")
    rows = {row.label: row for row in cost_rows(found)}
    params = rows["Parameters"]
    assert (params.before, params.after) == tuple(
        f.exact(found["params"][when]) for when in ("before", "after")
    )
    assert params.share == pytest.approx(found["params"]["after"] / found["params"]["before"])
    timed = [label for label in rows if label.startswith("Latency")]
    assert timed == ["Latency, batch 1", "Latency, batch 2"]
    assert not any(r.label.startswith("Latency") for r in cost_rows(without_labels(found)))


def test_facts_name_every_setting_and_the_seed() -> None:
    found = produced("images")
    groups = {name: dict(rows) for name, rows in facts(found)}
    assert groups["Run"]["seed"] == str(found["settings"]["seed"])
    assert {name.partition(".")[0] for name in groups["Settings"]} == set(found["settings"])
