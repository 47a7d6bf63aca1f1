"""Asking about no variation that can change nothing any more.

A vote is settled once no option can overtake the first, and unanimity once two answers differ. What
is then decided, label and status, is what all answers would have decided; the rest is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leanfair.errors import OptionError
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.rules import SETTLED_EARLY, Rule, least_more, outcome_of
from leanfair.fairness.types import Answer, Decision, Variation


def check_early_stop(rule: Rule) -> None:
    """Raise OptionError where `rule` needs every answer."""
    if rule not in SETTLED_EARLY:
        raise OptionError(
            f"{{early_stop}} goes with {{rule}} {' or '.join(SETTLED_EARLY)}: {rule} needs the "
            f"answer to every variation that it decides by.",
            "early_stop",
            "rule",
        )


def answers_until_settled(
    judge: Decider, sets: Sequence[Sequence[Variation]], rows: Sequence[int], rule: Rule
) -> list[list[Answer]]:
    """For each set of variations the answers to the first of them that settle the decision.

    They are asked in waves: of each set, as many more as may settle it. The order is that of the
    values, so that it does not matter which variation came in.
    """
    answers: list[list[Answer]] = [[] for _ in sets]
    while True:
        wave = []
        for place, (found, known) in enumerate(zip(sets, answers, strict=True)):
            more = least_more(rule, known, len(found) - len(known), judge.option_names)
            wave += [(place, v) for v in found[len(known) : len(known) + more]]
        if not wave:
            return answers
        asked = judge.answers([v.item for _, v in wave], rows=[rows[place] for place, _ in wave])
        for (place, _), answer in zip(wave, asked, strict=True):
            answers[place].append(answer)


def with_spared(decided: Decision, spared: int) -> Decision:
    """The decision about an item of which `spared` variations were not asked about: that the others
    agree says nothing of those."""
    if not spared:
        return decided
    outcomes = {outcome_of(v) for v in decided.variations if v.answer.status != "failed"}
    flipped = True if len(outcomes) > 1 else None
    told = f"{spared} of {spared + len(decided.variations)} variations were not asked about"
    note = f"{decided.note}; {told}" if decided.note else told
    return replace(decided, spared=spared, flipped=flipped, note=note)
