"""Decisions are counted as they come, and told in words."""

from __future__ import annotations

import json

from leanfair.fairness.deciding.tally import Tally
from leanfair.fairness.types import Answer, Decision, Varied
from tests.support.judges import OPTIONS

ALONE = (Varied("", "t", (), True, "no", Answer("answered", {"yes": 0.0, "no": 1.0})),)
YES = Decision("yes", {"yes": 0.9, "no": 0.1}, "answered", flipped=True)
REFUSED = Decision(None, {}, "refused", captured=0.0)
HALF = Decision("no", {}, "answered", variations=ALONE, note="why", unread=("a", "b"))
FAILED = Decision(None, {}, "failed", captured=0.0)


def test_what_came_is_told_in_words() -> None:
    tally = Tally(asked=4)
    tally.add([YES, REFUSED, HALF])
    words = tally.told(OPTIONS)
    assert "3 rows: yes 1, no 1, refused 1." in words
    assert "1 of 1 (100.0%)" in words
    assert "1 rows were not varied, 1 of them since they are half understood (a, b)" in words
    assert "4 prompts" in words


def test_of_decisions_that_were_settled_early_no_share_of_flips_is_told() -> None:
    tally = Tally(asked=4)
    tally.add([YES, Decision("yes", {"yes": 1.0, "no": 0.0}, "answered", note="n", spared=2)])
    assert tally.spared == 2
    words = tally.told(OPTIONS)
    assert "would have been decided otherwise" in words
    assert "is not known" in words
    assert "1 of 1" not in words
    assert "4 prompts were put to the model; 2 more could change nothing, and were spared." in words


def test_parts_count_as_the_whole_does_and_survive_a_file() -> None:
    whole, parts = Tally(), [Tally(), Tally()]
    whole.add([YES, HALF, FAILED, REFUSED, YES])
    parts[0].add([YES, HALF])
    parts[1].add([FAILED, REFUSED, YES])
    parts[0].add_tally(Tally.from_dict(json.loads(json.dumps(parts[1].to_dict()))))
    assert parts[0] == whole
    assert whole.failed == 1
