"""Decisions that exist, of people or machines, are a judge; what they are not is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.base import clone

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.judge.recorded import Recorded

YES_NO = ["yes", "no"]


def statuses(values: list[Any], **given: Any) -> list[tuple[str | None, str]]:
    judge = Recorded("d", **{"options": YES_NO, **given})
    return [(one.label, one.status) for one in judge.decide([{"d": value} for value in values])]


def test_a_recorded_decision_is_read_as_it_stands() -> None:
    assert statuses(["yes", "NO ", "Yes, since the income is stable.", "", None, float("nan")]) == [
        ("yes", "answered"), ("no", "answered"), ("yes", "answered"),
        (None, "unparsed"), (None, "unparsed"), (None, "unparsed"),
    ]  # fmt: skip
    assert statuses(["I cannot judge people.", "perhaps", "Nope: see above"]) == [
        (None, "refused"), (None, "unparsed"), (None, "unparsed"),
    ]  # fmt: skip
    assert statuses(["Nope: see above"], refusals=["see above"]) == [(None, "refused")]


def test_a_status_says_how_it_went() -> None:
    judge = Recorded("d", status="s", options=YES_NO)
    told = [("yes", "answered"), ("yes", "Refused"), ("", "failed"), ("no", ""), ("", "abstained")]
    found = judge.decide([{"d": d, "s": s} for d, s in told])
    assert [one.status for one in found] == [
        "answered", "refused", "failed", "answered", "abstained",
    ]  # fmt: skip
    with pytest.raises(InputError, match="Row 7 of the table: the status 'lost' is none"):
        judge.decide([{"d": "yes", "s": "lost"}], rows=[7])


def test_options_are_what_the_column_holds() -> None:
    rows = [{"d": value} for value in ("Denied", "Approved", "denied", "", "I cannot decide that.")]
    assert Recorded("d").among(rows, "approved").options == ["Approved", "Denied"]
    assert Recorded("d").among(rows[1:2], "Approved").options == ["Approved", "not Approved"]
    with pytest.raises(InputError, match="no decision 'yes', which is to be favourable"):
        Recorded("d").among(rows, "yes")
    with pytest.raises(InputError, match="30 different decisions"):
        Recorded("d").among([{"d": f"text {i}"} for i in range(30)], "text 1")
    with pytest.raises(InputError, match="need options"):
        Recorded("d").decide(rows)


def test_what_was_decided_about_others_is_not_known() -> None:
    judge = Recorded("d", options=YES_NO)
    with pytest.raises(InputError, match="cannot be asked about variations"):
        leanfair.mitigate(judge, "race")
    rows = [{"race": "ab"[i % 2], "d": "yes"} for i in range(8)]
    with pytest.raises(InputError, match="cannot be asked about variations"):
        leanfair.audit(judge, rows, group="race", favourable="yes", attribute="race")
    with pytest.raises(InputError, match="has no column 'e'"):
        leanfair.audit(Recorded("e"), rows, group="race", favourable="yes")


def test_it_is_an_estimator_like_all_judges() -> None:
    judge = leanfair.Recorded("d", probability="p", options=YES_NO)
    assert clone(judge).get_params() == judge.get_params()
    assert judge.fit([]) is judge
    assert judge.predict([{"d": "no", "p": 1}]).tolist() == ["no"]
    assert judge.forward_passes == 0
    assert judge.describe()["identity"]["decision"] == "d"


def test_recorded_decisions_are_audited_as_those_of_a_model_would_be() -> None:
    """The rates, intervals and tests are those of a judge that decides the same."""
    rows = [
        {
            "race": "ab"[i % 2],
            "x": i,
            "y": "yes" if i % 3 else "no",
            "d": "yes" if i % 5 < 3 - i % 2 else "no",
        }
        for i in range(60)
    ]
    given = {"label": "y", "group": "race", "favourable": "yes", "bootstrap": 100}
    said = {str(row["x"]): row["d"] for row in rows}
    model = leanfair.Judge(
        lambda texts: [[1.0, 0.0] if said[t] == "yes" else [0.0, 1.0] for t in texts], "{x}", YES_NO
    )
    one = leanfair.audit(leanfair.Recorded("d"), rows, **given).summary
    other = leanfair.audit(model, rows, **given).summary
    for key in ("metrics", "groups", "accuracy", "outcomes"):
        assert one[key] == other[key]  # type: ignore[literal-required]
    assert one["forward_passes_now"] == 0
    assert one["model"] is None
