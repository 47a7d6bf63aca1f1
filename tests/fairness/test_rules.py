"""Decision rules: no joint rule depends on which variation came in, and each decides as it says."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.rules import RULES, decide_by, is_flipped, outcome_of, rule_named
from leanfair.fairness.types import BLIND, Answer, Status, Varied

OPTIONS = ("yes", "no", "maybe")


def varied(*answers: Answer | tuple[float, ...] | Status, original: int = 0) -> list[Varied]:
    """Variations with these answers: probabilities of OPTIONS, or a status."""
    made = []
    for i, answer in enumerate(answers):
        if isinstance(answer, str):
            answer = Answer(answer, captured=0.0)
        elif isinstance(answer, tuple):
            answer = Answer("answered", dict(zip(OPTIONS, answer, strict=True)))
        p = answer.probabilities
        label = max(OPTIONS, key=lambda o: p[o]) if answer.status == "answered" else None
        made.append(Varied(f"v{i}", f"text {i}", (), i == original, label, answer))
    return made


probabilities = st.lists(st.integers(0, 4), min_size=3, max_size=3).map(
    lambda w: tuple((x + 1e-3) / (sum(w) + 3e-3) for x in w)
)
outcomes = st.one_of(
    probabilities, probabilities, st.sampled_from(["refused", "unparsed", "abstained", "failed"])
)


@given(st.lists(outcomes, min_size=1, max_size=6), st.randoms(), st.integers(0, 5))
@settings(max_examples=300)
def test_a_joint_rule_looks_neither_at_order_nor_at_which_is_the_original(
    given_: list[Any], shuffler: random.Random, original: int
) -> None:
    one = varied(*given_)
    two = varied(*given_, original=original % len(given_))
    shuffler.shuffle(two)
    for rule in ("mean", "vote", "abstain"):
        assert decide_by(rule, one, OPTIONS) == decide_by(rule, two, OPTIONS)


@given(st.lists(outcomes, min_size=1, max_size=6))
def test_a_label_comes_with_probabilities_and_nothing_else_does(given_: list[Any]) -> None:
    for rule in RULES:
        told = varied(*given_)
        blind = Varied(BLIND, "", (), False, None, told[0].answer)
        label, chances, status = decide_by(rule, [*told, blind], OPTIONS)
        assert (label is None) == (status != "answered") == (not chances)
        if label is not None:
            assert label in OPTIONS
            assert math.fsum(chances.values()) == pytest.approx(1)


@given(st.lists(probabilities, min_size=1, max_size=6))
def test_where_all_agree_every_joint_rule_decides_as_they_do(given_: list[Any]) -> None:
    told = varied(*given_)
    labels = {v.label for v in told}
    for rule in ("mean", "vote", "abstain"):
        label, _, status = decide_by(rule, told, OPTIONS)
        if len(labels) == 1:
            assert label in labels
        assert (status == "abstained") == (rule == "abstain" and len(labels) > 1)


# ---- each rule ------------------------------------------------------------------------------


def test_mean_takes_the_most_probable_option_of_the_mean() -> None:
    told = varied((0.9, 0.1, 0.0), (0.3, 0.7, 0.0), (0.4, 0.6, 0.0))
    label, chances, status = decide_by("mean", told, OPTIONS)
    assert (label, status) == ("yes", "answered")
    assert chances == pytest.approx({"yes": 1.6 / 3, "no": 1.4 / 3, "maybe": 0})


def test_vote_takes_the_commonest_label() -> None:
    told = varied((0.9, 0.1, 0.0), (0.3, 0.7, 0.0), (0.4, 0.6, 0.0))
    assert decide_by("vote", told, OPTIONS)[0] == "no"


def test_a_tied_vote_goes_to_the_higher_mean_and_then_to_the_option_named_first() -> None:
    for order in itertools.permutations([(0.9, 0.1, 0.0), (0.3, 0.7, 0.0)]):
        assert decide_by("vote", varied(*order), OPTIONS)[0] == "yes"
    for order in itertools.permutations([(0.6, 0.4, 0.0), (0.1, 0.9, 0.0)]):
        assert decide_by("vote", varied(*order), OPTIONS)[0] == "no"
    for order in itertools.permutations([(0.75, 0.25, 0.0), (0.25, 0.75, 0.0)]):
        assert decide_by("vote", varied(*order), OPTIONS)[0] == "yes"
        assert decide_by("vote", varied(*order), ("no", "yes", "maybe"))[0] == "no"


def test_abstain_hands_over_where_not_all_agree() -> None:
    agree, other = (0.9, 0.1, 0.0), (0.1, 0.9, 0.0)
    assert decide_by("abstain", varied(agree, agree), OPTIONS)[0] == "yes"
    assert decide_by("abstain", varied(agree, other), OPTIONS) == (None, {}, "abstained")
    assert decide_by("abstain", varied(agree, "refused"), OPTIONS) == (None, {}, "abstained")
    assert decide_by("abstain", varied("refused", "refused"), OPTIONS) == (None, {}, "refused")


@pytest.mark.parametrize("rule", ["mean", "vote"])
def test_half_of_the_variations_have_to_be_answered(rule: str) -> None:
    yes = (0.9, 0.1, 0.0)
    assert decide_by(rule, varied(yes, "refused"), OPTIONS)[0] == "yes"
    assert decide_by(rule, varied(yes, "refused", "refused"), OPTIONS)[2] == "refused"
    assert decide_by(rule, varied(yes, "refused", "unparsed", "unparsed"), OPTIONS)[2] == "unparsed"
    assert decide_by(rule, varied(yes, "refused", "unparsed"), OPTIONS)[2] == "refused"


@pytest.mark.parametrize("rule", ["mean", "vote", "abstain"])
def test_a_failed_variation_fails_the_decision_for_it_would_come_out_otherwise_again(
    rule: str,
) -> None:
    told = varied((0.9, 0.1, 0.0), (0.9, 0.1, 0.0), "failed")
    assert decide_by(rule, told, OPTIONS) == (None, {}, "failed")


def test_none_decides_as_the_original_and_blind_as_what_does_not_tell() -> None:
    told = varied((0.9, 0.1, 0.0), (0.3, 0.7, 0.0), "failed", original=1)
    assert decide_by("none", told, OPTIONS)[0] == "no"
    blind = Varied(BLIND, "", (), False, None, told[0].answer)
    assert decide_by("blind", [*told, blind], OPTIONS)[0] == "yes"
    assert decide_by("none", [*told, blind], OPTIONS)[0] == "no"
    with pytest.raises(InputError, match="needs, among the variations"):
        decide_by("blind", told, OPTIONS)
    with pytest.raises(InputError, match="needs, among the variations, the original"):
        decide_by("none", [blind], OPTIONS)


def test_an_unknown_rule_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no rule 'median'"):
        decide_by("median", varied((0.9, 0.1, 0.0)), OPTIONS)


# ---- comparing ------------------------------------------------------------------------------


def test_a_flip_is_another_label_or_a_refusal_where_the_original_is_answered() -> None:
    yes, no = (0.9, 0.1, 0.0), (0.1, 0.9, 0.0)
    assert is_flipped(varied(yes, no)) is True
    assert is_flipped(varied(yes, yes)) is False
    assert is_flipped(varied(yes, "refused")) is True
    assert is_flipped(varied("refused", yes)) is True
    assert is_flipped(varied(yes, "failed")) is None
    assert is_flipped(varied("failed", yes, no)) is None
    assert is_flipped(varied("refused", "unparsed")) is None
    assert is_flipped(varied(yes)) is None


# ---- old spellings ----------------------------------------------------------------------------


def test_the_rule_gate_is_mean_and_says_so() -> None:
    told = varied((0.9, 0.1, 0.0), (0.3, 0.7, 0.0), (0.4, 0.6, 0.0))
    with pytest.warns(DeprecationWarning, match="use 'mean'"):
        assert decide_by("gate", told, OPTIONS) == decide_by("mean", told, OPTIONS)
    base = leanfair.Judge(lambda texts: [[0.6, 0.4]] * len(texts), "{text}", ["yes", "no"])
    with pytest.warns(DeprecationWarning, match="use 'mean'"):
        fair = mitigate(base, "race", "gate")  # type: ignore[arg-type]
    assert fair.rule == "mean"
    assert "gate" not in RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_called_by_its_name(rule: str) -> None:
    assert rule_named(rule) == rule


def test_a_refusal_and_an_option_called_refused_are_different_outcomes() -> None:
    named = Varied("v", "", (), True, "refused", Answer("answered", {"refused": 1.0}))
    declined = Varied("v", "", (), True, None, Answer("refused"))
    assert outcome_of(named) != outcome_of(declined)
