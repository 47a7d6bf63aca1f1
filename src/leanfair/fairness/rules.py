"""The named rules: from what a model says of every variation to one decision.

Each rule but `none` and `blind` treats all variations alike: it is a function of the set of pairs
(value, answer), summed exactly (`math.fsum`), so that not even a last bit depends on which of them
came in. The probabilities are the mean, also of `vote`. Where some variations are not answered:

=========  =========================================  ============================================
rule       all answered                               some not answered
=========  =========================================  ============================================
mean       the most probable option of the mean       the same over those answered, if they are at
           probabilities                              least half; else the commonest other status
vote       the commonest label; of equally common     as for mean
           ones the one with the higher mean
gate       the label on which all agree; else mean    as for mean
abstain    the label on which all agree; else         "abstained", unless none is answered and all
           "abstained"                                have the same status: that status
blind      what is said of the text without the       its own status
           attribute
none       what is said of the text as it came in     its own status
=========  =========================================  ============================================

A variation whose request failed makes the decision "failed" (but for `blind` and `none`, which look
at one answer): the next run asks again, and half a set would not decide alike both times. Of equal
probabilities, the option named first wins; of equally common statuses, the one first in `types`.

Where all variations agree, the mean has the same label: `gate` decides as `mean` does, and is there
to be named. Its probabilities are the mean as well, since the original's own would tell which
variation came in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import fsum
from typing import TYPE_CHECKING

from leanfair.errors import InputError
from leanfair.fairness.types import BLIND, Answer, Variation, Varied

if TYPE_CHECKING:
    pass


from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from leanfair.fairness.types import Status

Rule = Literal["mean", "vote", "gate", "abstain", "blind", "none"]
RULES: tuple[Rule, ...] = ("mean", "vote", "gate", "abstain", "blind", "none")


Probabilities: TypeAlias = Mapping[str, float]
Outcome: TypeAlias = tuple["str | None", Probabilities, Status]
"""A label (None where there is none), the probabilities that decided, and the status."""

_UNANSWERED: tuple[Status, ...] = ("refused", "unparsed", "abstained", "failed")


def decide_by(rule: str, varied: Sequence[Varied], options: Sequence[str]) -> Outcome:
    """What `rule` decides about a text whose variations were answered so.

    `varied` holds every variation once; for `none` one of them is the original, for `blind` one has
    the value BLIND. Raises InputError for an unknown rule, or where there is nothing to decide by.
    """
    check_rule(rule)
    if rule == "blind":
        return _of_one(_only([v for v in varied if v.value == BLIND], "blind"), options)
    told = [v for v in varied if v.value != BLIND]
    if rule == "none":
        return _of_one(_only([v for v in told if v.original], "none"), options)
    if not told:
        raise InputError("There is no variation to decide by.")
    answers = [v.answer for v in told]
    if any(answer.status == "failed" for answer in answers):
        return None, {}, "failed"
    return _JOINT[rule](answers, options)


def check_rule(rule: str) -> None:
    """Raises InputError where there is no such rule."""
    if rule not in RULES:
        raise InputError(f"There is no rule {rule!r}: take one of {', '.join(RULES)}.")


def label_of(answer: Answer, options: Sequence[str]) -> str | None:
    """The most probable option, of equals the one named first; None where nothing is answered."""
    if answer.status != "answered":
        return None
    return _best(answer.probabilities, options)


def mean_of(answers: Sequence[Answer], options: Sequence[str]) -> dict[str, float]:
    """The mean of answered probabilities; exact, so that their order is nothing."""
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
    "gate": _mean,
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
    """Those that are answered, if they are at least half."""
    answered = [answer for answer in answers if answer.status == "answered"]
    return answered if 2 * len(answered) >= len(answers) else []


def _commonest(answers: Sequence[Answer]) -> Status:
    counts = Counter(answer.status for answer in answers)
    return max(_UNANSWERED, key=lambda status: counts[status])


def _best(probabilities: Probabilities, options: Sequence[str]) -> str:
    return max(options, key=lambda option: probabilities[option])


def compare(varied: Sequence[Varied]) -> bool | None:
    """Whether some variation came out otherwise than the original, where being refused is coming
    out otherwise than being answered. None where nothing can be compared: there is no other, none
    was answered, or the original failed. Failed ones are no evidence."""
    told = [v for v in varied if v.value != BLIND and v.answer.status != "failed"]
    original = [v for v in told if v.original]
    if len(told) < 2 or not original or all(v.label is None for v in told):
        return None
    return any(_outcome(v) != _outcome(original[0]) for v in told)


def _outcome(varied: Varied) -> str:
    return varied.answer.status if varied.label is None else f"={varied.label}"


def varied_of(variation: Variation, answer: Answer, options: Sequence[str]) -> Varied:
    label = label_of(answer, options)
    return Varied(
        variation.value, variation.text, variation.spans, variation.original, label, answer
    )
