"""Tables of the page: every number of the summary in its cell, and a reason where there is none."""

from __future__ import annotations

from leanfair.fairness.report import rows
from tests.support.audits import audited


def test_groups_have_their_counts_and_rates() -> None:
    summary = audited("refusals")
    found = rows.group_rows(summary, summary["groupings"][0], "none")
    black = next(row for row in found if row.name == "black")
    group = summary["groups"]["black"]
    assert black.n == "60"
    assert "by_rule" in group
    assert black.counts[0] == str(group["refused"]) != "0"
    assert black.selected.value == f"{100 * (group['selection_rate'] or 0):.1f}%"


def test_outcomes_that_never_came_are_left_out() -> None:
    assert rows.statuses(audited("all rules"), "none") == ["refused", "unparsed"]
    assert rows.statuses(audited("failures"), "none") == ["refused", "unparsed", "failed"]
    assert "abstained" in rows.statuses(audited("abstaining"), "abstain")


def test_reasons_are_told_once_for_all_that_they_hold_for() -> None:
    summary = audited("no positives")
    notes = rows.rule_table(summary, summary["groupings"][0]).notes
    assert any(note.startswith("Group 'black' has no row whose label is 'yes'") for note in notes)
    assert len(notes) == len(set(notes))


def test_without_an_attribute_there_is_no_flip_rate() -> None:
    labels = [
        [label for label, *_ in rows.rule_table(one, one["groupings"][0]).rows]
        for one in (audited("no attribute"), audited("all rules"))
    ]
    assert labels[1] == [*labels[0], "Flip rate"]


def test_a_ratio_of_one_is_the_highest_rate() -> None:
    summary = audited("all rules")
    found = rows.group_rows(summary, summary["groupings"][0], "none")
    assert [row.thumb for row in found if row.name == "white"] == ["highest rate"]


def test_rows_of_unknown_groups_have_a_line_where_there_are_any() -> None:
    def last(name: str) -> str:
        summary = audited(name)
        return rows.group_rows(summary, summary["groupings"][-1], "none")[-1].name

    assert last("odd groups") == "unknown"
    assert last("all rules") != "unknown"
