"""What an audit asks is checked before anything is paid for, and heard before it is counted."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.audit.auditing import audit, concluded
from leanfair.fairness.audit.hearing import Question, checked, heard
from tests.support.judges import FAST, RACE, Scripted, biased, judge, people, said

ASKED: dict[str, Any] = {"label": "hired", "attribute": RACE, "rules": (), "bootstrap": FAST}


def test_what_is_heard_and_concluded_is_an_audit() -> None:
    rows, asked = people(40), Question("race", "yes", **ASKED)
    found = concluded(heard(judge(biased("black", 0.3)), rows, asked))
    whole = audit(judge(biased("black", 0.3)), rows, group="race", favourable="yes", **ASKED)
    assert found.summary["metrics"] == whole.summary["metrics"]
    assert found.decisions == whole.decisions


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"group": "rase"}, "rase"),
        ({"favourable": "maybe"}, "none of the options"),
        ({"label": "fired"}, "fired"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_asked(changed: Any, told: str) -> None:
    one = Scripted(lambda _: said("yes"))
    asked = Question(**{"group": "race", "favourable": "yes", **ASKED, **changed})
    with pytest.raises(InputError, match=told):
        checked(one, people(20), asked)
    assert one.seen == []
