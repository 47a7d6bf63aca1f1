"""What is decided early is what all answers would have decided, and nobody is asked in vain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from sklearn.base import clone

from leanfair.errors import InputError
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.rules import decide_by, least_more
from leanfair.fairness.types import Answer, Varied
from tests.fairness.test_mitigate import TEXTS, judge

OPTIONS = ("yes", "no", "maybe")
SAID = {
    "yes": Answer("answered", {"yes": 0.8, "no": 0.1, "maybe": 0.1}),
    "no": Answer("answered", {"yes": 0.05, "no": 0.95, "maybe": 0.0}),
    "maybe": Answer("answered", {"yes": 0.3, "no": 0.3, "maybe": 0.4}),
    "nothing": Answer("refused"),
}
EARLY = ("vote", "abstain")


def outcome(rule: str, said: Sequence[str]) -> tuple[Any, Any]:
    answers = [SAID[one] for one in said]
    varied = [Varied(str(i), "", (), i == 0, None, answer) for i, answer in enumerate(answers)]
    label, _, status = decide_by(rule, varied, OPTIONS)
    return label, status


@pytest.mark.parametrize("rule", EARLY)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_no_answer_that_is_spared_could_change_the_decision(rule: Any, n: int) -> None:
    spared = 0
    for size in range(n + 1):
        for known in product(SAID, repeat=size):
            if size and least_more(rule, [SAID[k] for k in known], n - size, OPTIONS) == 0:
                whole = {outcome(rule, (*known, *rest)) for rest in product(SAID, repeat=n - size)}
                assert len(whole) == 1, known
                spared += n - size
    assert (spared > 0) == (n > 2)


@pytest.mark.parametrize("rule", EARLY)
def test_fewer_answers_than_are_asked_for_settle_nothing(rule: Any) -> None:
    n = 5
    for size in range(n):
        for known in product(SAID, repeat=size):
            more = least_more(rule, [SAID[k] for k in known], n - size, OPTIONS)
            assert 0 <= more <= n - size
            for rest in product(SAID, repeat=max(0, more - 1)):
                answers = [SAID[k] for k in (*known, *rest)]
                left = n - len(answers)
                assert more == 0 or least_more(rule, answers, left, OPTIONS) > 0


@pytest.mark.parametrize("rule", ["mean", "blind", "none"])
def test_rules_that_need_all_answers_are_refused(rule: Any) -> None:
    assert least_more(rule, [SAID["yes"]] * 2, 3, OPTIONS) == 3
    with pytest.raises(InputError, match=f"early_stop goes with rule vote or abstain: {rule}"):
        mitigate(judge(), "race", rule, early_stop=True)


@pytest.mark.parametrize("rule", EARLY)
def test_label_and_status_are_those_of_all_variations_with_fewer_prompts(rule: Any) -> None:
    whole, early = judge(), judge()
    every = mitigate(whole, "race", rule).decide(TEXTS)
    some = mitigate(early, "race", rule, early_stop=True).decide(TEXTS)
    assert [(d.label, d.status) for d in some] == [(d.label, d.status) for d in every]
    assert early.forward_passes < whole.forward_passes
    for one, other in zip(some, every, strict=True):
        assert one.forward_passes + one.spared == other.forward_passes == len(other.variations)
        assert one.variations == other.variations[: one.forward_passes]
        assert one.flipped in ((None, True) if one.spared else (other.flipped,))


def test_whichever_variation_comes_in_the_same_ones_are_asked() -> None:
    fair = mitigate(judge(), "race", "vote", early_stop=True)
    found = set()
    for variation in fair.decide([TEXTS[0]])[0].variations:
        d = fair.decide([variation.text])[0]
        found.add((d.label, d.status, tuple(d.probabilities.items()), d.spared))
    assert len(found) == 1


def test_a_failed_request_is_not_paid_for_with_more() -> None:
    failed = Answer("failed", captured=0.0)
    for rule in EARLY:
        assert least_more(rule, [failed], 4, OPTIONS) == 0


def test_it_is_told_and_kept_by_a_copy() -> None:
    fair = mitigate(judge(), "race", "vote", early_stop=True)
    assert fair.describe()["early stop"] is True
    assert "early stop" not in mitigate(judge(), "race", "vote").describe()
    assert clone(fair).early_stop
    assert repr(fair).endswith("'vote', early_stop=True)")
