"""A user's columns stay as they are."""

from __future__ import annotations

from leanfair.fairness.tables.columns import apart, told


def test_ours_get_a_prefix_where_theirs_are_called_so() -> None:
    theirs = ["decision", "Status", "leanfair_decision", "age"]
    called = apart(["decision", "status", "note"], theirs)
    assert called == {
        "decision": "leanfair_leanfair_decision", "status": "leanfair_status", "note": "note",
    }  # fmt: skip
    assert not {name.casefold() for name in called.values()} & {n.casefold() for n in theirs}


def test_what_is_called_otherwise_is_told_once() -> None:
    assert told(apart(["decision"], ["age"])) == ""
    assert "'decision'" in told(apart(["decision", "note"], ["decision"]))
    sentence = told(apart(["decision", "note"], ["decision", "note"]))
    assert "leanfair_decision, leanfair_note" in sentence
