"""Decision rules: from the answers to every variation of a text to one decision.

Each rule but `none` and `blind` treats all variations alike: it is a function of the set of pairs
(value, answer), with exact sums (`math.fsum`), so that not even the last bit depends on which
variation came in. The probabilities are the mean, also for `vote`. Where some variations are not
answered:

=========  =========================================  ============================================
rule       all answered                               some not answered
=========  =========================================  ============================================
mean       the most probable option of the mean       the same over those answered, if they are at
           probabilities                              least half; else the commonest other status
vote       the commonest label; of equally common     as for mean
           ones the one with the higher mean
abstain    the label on which all agree; else         "abstained", unless none is answered and all
           "abstained"                                have the same status: that status
blind      the decision about the text without the    its own status
           attribute
none       the decision about the text as it came in  its own status
=========  =========================================  ============================================

If the request of some variation failed, the decision is "failed" (except for `blind` and `none`,
which use one answer): the next run asks again, and half a set would not decide alike both times. Of
equal probabilities, the option named first wins; of equally common statuses, the one first in
`types`.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import fsum
from typing import Literal, TypeAlias

from leanfair.errors import InputError
from leanfair.fairness.types import BLIND, Answer, Status, Variation, Varied

Rule = Literal["mean", "vote", "abstain", "blind", "none"]
RULES: tuple[Rule, ...] = ("mean", "vote", "abstain", "blind", "none")

Probabilities: TypeAlias = Mapping[str, float]
Outcome: TypeAlias = tuple["str | None", Probabilities, Status]
"""A label (None where there is none), the probabilities that decided, and the status."""

SETTLED_EARLY: tuple[Rule, ...] = ("vote", "abstain")
"""The rules whose decision may be certain before all variations are answered."""

_UNANSWERED: tuple[Status, ...] = ("refused", "unparsed", "abstained", "failed")


def decide_by(rule: str, varied: Sequence[Varied], options: Sequence[str]) -> Outcome:
    """The decision of `rule` about a text from the answers to its variations.

    `varied` holds every variation once; for `none` one of them is the original, for `blind` one has
    the value BLIND. Raises InputError for an unknown rule, or where there is nothing to decide by.
    """
    rule = rule_named(rule)
    if rule == "blind":
        return _of_one(_only([v for v in varied if v.value == BLIND], "blind"), options)
    stated = [v for v in varied if v.value != BLIND]
    if rule == "none":
        return _of_one(_only([v for v in stated if v.original], "none"), options)
    if not stated:
        raise InputError("There is no variation to decide by.")
    answers = [v.answer for v in stated]
    if any(answer.status == "failed" for answer in answers):
        return None, {}, "failed"
    return _JOINT[rule](answers, options)


def least_more(rule: Rule, answers: Sequence[Answer], left: int, options: Sequence[str]) -> int:
    """How many of the `left` answers that are not there yet have to come before the label and the
    status of a decision by `rule` may be certain; 0 where they are, whatever those say."""
    if not left or any(answer.status == "failed" for answer in answers):
        return 0
    if rule == "abstain":
        outcomes = {(answer.status, label_of(answer, options)) for answer in answers}
        return 0 if len(outcomes) > 1 else min(left, max(1, 2 - len(answers)))
    if rule == "vote":
        votes = Counter(label_of(a, options) for a in answers if a.status == "answered")
        first, second, *_ = sorted((votes[option] for option in options), reverse=True)
        missing = max(
            (second + left - first) // 2 + 1,  # so many for the first, and none can overtake it
            (len(answers) + left + 1) // 2 - sum(votes.values()),  # half have to be answered
        )
        return min(left, max(0, missing))
    return left


def rule_named(name: str) -> Rule:
    """The rule of that name. Raises InputError where there is none."""
    if name == "gate":
        warnings.warn(
            "The rule 'gate' decides exactly as 'mean' does and is removed in the next release: "
            "use 'mean'.",
            DeprecationWarning,
            stacklevel=3,
        )
        return "mean"
    for rule in RULES:
        if rule == name:
            return rule
    raise InputError(f"There is no rule {name!r}: take one of {', '.join(RULES)}.")


def label_of(answer: Answer, options: Sequence[str]) -> str | None:
    """The most probable option, of equals the one named first; None where nothing is answered."""
    if answer.status != "answered":
        return None
    return _best(answer.probabilities, options)


def mean_of(answers: Sequence[Answer], options: Sequence[str]) -> dict[str, float]:
    """The mean probabilities; summed exactly, so that their order does not matter."""
    return {o: fsum(a.probabilities[o] for a in answers) / len(answers) for o in options}


def _mean(answers: Sequence[Answer], options: Sequence[str]) -> Outcome:
    answered = _enough(answers)
    if not answered:
        return None, {}, _commonest(answers)
    mean = mean_of(answered, options)
    return _best(mean, options), mean, "answered"


def _vote(answers: Sequence[Answer], options: Sequence[str]) -> Outcome:
    answered = _enough(answers)
    if not answered:
        return None, {}, _commonest(answers)
    mean = mean_of(answered, options)
    votes = Counter(label_of(answer, options) for answer in answered)
    label = max(options, key=lambda option: (votes[option], mean[option]))
    return label, mean, "answered"


def _abstain(answers: Sequence[Answer], options: Sequence[str]) -> Outcome:
    outcomes = {(answer.status, label_of(answer, options)) for answer in answers}
    if len(outcomes) > 1:
        return None, {}, "abstained"
    status, label = outcomes.pop()
    return label, {} if label is None else mean_of(answers, options), status


_JOINT: dict[str, Callable[[Sequence[Answer], Sequence[str]], Outcome]] = {
    "mean": _mean,
    "vote": _vote,
    "abstain": _abstain,
}


def _of_one(varied: Varied, options: Sequence[str]) -> Outcome:
    answer = varied.answer
    label = label_of(answer, options)
    return label, {} if label is None else answer.probabilities, answer.status


def _only(varied: Sequence[Varied], rule: str) -> Varied:
    if not varied:
        needed = f"one of value {BLIND!r}" if rule == "blind" else "the original"
        raise InputError(f"The rule {rule!r} needs, among the variations, {needed}.")
    return varied[0]


def _enough(answers: Sequence[Answer]) -> list[Answer]:
    """The answered ones, if they are at least half."""
    answered = [answer for answer in answers if answer.status == "answered"]
    return answered if 2 * len(answered) >= len(answers) else []


def _commonest(answers: Sequence[Answer]) -> Status:
    counts = Counter(answer.status for answer in answers)
    return max(_UNANSWERED, key=lambda status: counts[status])


def _best(probabilities: Probabilities, options: Sequence[str]) -> str:
    return max(options, key=lambda option: probabilities[option])


def is_flipped(varied: Sequence[Varied]) -> bool | None:
    """Whether some variation has another outcome than the original.

    None where nothing can be compared: there is no other variation, none is answered, or the
    original failed. Failed variations are left out.
    """
    known = [v for v in varied if v.value != BLIND and v.answer.status != "failed"]
    original = [v for v in known if v.original]
    if len(known) < 2 or not original or all(v.label is None for v in known):
        return None
    return any(outcome_of(v) != outcome_of(original[0]) for v in known)


def outcome_of(varied: Varied) -> tuple[Status, str | None]:
    """What counts as the same outcome: the same label, or the same status without a label."""
    return varied.answer.status, varied.label


def varied_of(variation: Variation, answer: Answer, options: Sequence[str]) -> Varied:
    """A variation with its answer and the label that follows from it."""
    label = label_of(answer, options)
    return Varied(
        variation.value, variation.text, variation.spans, variation.original, label, answer
    )
