"""mitigate: a judge whose decisions do not depend on the stated attribute is a judge again.

For each item, in this order:

1. Vary: write it once for each value of the protected attribute.
2. Forward: let the judge answer every variation.
3. Compare: was some variation decided otherwise than the original?
4. Decide, by the named rule (see `rules`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from leanfair.errors import InputError
from leanfair.fairness.early_stop import answers_until_settled, check_early_stop, with_spared
from leanfair.fairness.judge.decider import Decider, Prepared
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.prompt import as_items
from leanfair.fairness.lexicon.protected import Attributes, attributes_of, with_old_settings
from leanfair.fairness.rules import Rule, decide_by, is_flipped, rule_named, varied_of
from leanfair.fairness.types import BLIND, Answer, Decision, Item, Variation, Varied
from leanfair.fairness.variations.varier import Varier

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BLIND", "MitigatedJudge", "Rule", "decide_by", "mitigate"]


def mitigate(
    judge: Decider,
    attribute: Attributes,
    rule: Rule = "mean",
    *,
    values: Sequence[str] | None = None,
    field: str | Sequence[str] | None = None,
    protect: Sequence[str] = (),
    early_stop: bool = False,
) -> MitigatedJudge:
    """`judge`, with decisions by `rule` over the variations of `attribute`.

    `attribute`: a name, a YAML file, what `leanfair.attribute` makes of it with values, fields and
    protected phrases, or a list of them for all their combinations. `values`, `field` and `protect`
    are old spellings. `early_stop`, with the rules `vote` and `abstain`: no variation is asked
    about once the others settle the decision. Label and status are those of all; probabilities and
    `flipped` rest on what was asked. Raises InputError where there is no such rule or attribute.
    """
    rule = rule_named(rule)
    if early_stop:
        check_early_stop(rule)
    if not judge.varies:
        raise InputError(
            "Decisions that exist cannot be asked about variations: mitigate the judge that made "
            "them, or audit them with the column of pairs that differ in the attribute alone."
        )
    given = with_old_settings(attribute, values, field, protect)
    attributes_of(given)
    return MitigatedJudge(judge, given, rule, early_stop)


class MitigatedJudge(Decider):
    """What `mitigate` makes: `base`, watched over by `rule`.

    A scikit-learn classifier as `base` is. `base_`, after `fit`: a fitted copy of `base`, which is
    itself not changed.
    """

    def __init__(
        self,
        base: Decider,
        attribute: Attributes,
        rule: Rule = "mean",
        early_stop: bool = False,
    ) -> None:
        self.base = base
        self.attribute = attribute
        self.rule: Rule = rule
        self.early_stop = early_stop

    def decide(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Decision]:
        """One decision for each item, with the answers to its variations as evidence."""
        rule_named(self.rule)
        found = as_items(items)
        return self._decisions(found, rows or range(1, len(found) + 1))

    def decide_part(self, items: Sequence[Item], rows: Sequence[int]) -> list[Decision]:
        """As `decide`, for some rows of a table: see `Decider`."""
        rule_named(self.rule)
        return self._decisions(items, rows, part=True)

    def strangeness(self, items: Sequence[Item], rows: Sequence[int]) -> InputError | None:
        """See `Decider`."""
        return self.varier.strangeness(items, rows)

    # ---- the method ---------------------------------------------------------------------------

    def prepared(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> Prepared:
        """`decide` up to where the model is asked: the variations of all items. Raises InputError
        where one cannot be varied or its variations cannot be asked about."""
        rule_named(self.rule)
        found = as_items(items)
        numbers = rows or range(1, len(found) + 1)
        self.judge.prepared(found, rows=numbers)  # what is too long is not even varied
        made = self._prepared(found, numbers)
        made.judge.prepared(made.asked, rows=made.rows)
        return made

    def _prepared(self, items: Sequence[Item], rows: Sequence[int], part: bool = False) -> Prepared:
        sets = self._vary(items, rows, part)
        of_each = [row for row, found in zip(rows, sets, strict=True) for _ in found]
        asked = [v.item for found in sets for v in found]
        return Prepared(self.judge, asked, of_each, lambda given: self._compare(sets, given))

    def _decisions(
        self, items: Sequence[Item], rows: Sequence[int], part: bool = False
    ) -> list[Decision]:
        """All variations go to the base judge at once, so that it computes what they have in common
        only once; with `early_stop` those that may settle a decision first."""
        if self.early_stop:
            return self._settled(items, rows, part)
        made = self._prepared(items, rows, part)
        return made.decided(made.judge.answers(made.asked, rows=made.rows))

    def _settled(self, items: Sequence[Item], rows: Sequence[int], part: bool) -> list[Decision]:
        """As `_decisions`, by the variations alone that settle each decision."""
        check_early_stop(self.rule)
        sets = self._vary(items, rows, part)
        answers = answers_until_settled(self.judge, sets, rows, self.rule)
        asked = [found[: len(known)] for found, known in zip(sets, answers, strict=True)]
        decisions = self._compare(asked, [answer for known in answers for answer in known])
        return [
            with_spared(decided, len(found) - len(known))
            for decided, found, known in zip(decisions, sets, answers, strict=True)
        ]

    def _vary(
        self, items: Sequence[Item], rows: Sequence[int], part: bool = False
    ) -> list[tuple[Variation, ...]]:
        """The variations of each item; for the rule `blind`, the item without the attribute."""
        found = self.varier.sets(items, rows, part=part)
        if self.rule != "blind":
            return found
        return [(self.varier.blinded(item),) for item in items]

    def _compare(
        self, sets: Sequence[Sequence[Variation]], answers: Sequence[Answer]
    ) -> list[Decision]:
        """The decision about each item by the answers to its variations."""
        decisions, flat = [], iter(answers)
        for found in sets:
            varied = [varied_of(v, next(flat), self.option_names) for v in found]
            decided = self._decide(varied, is_flipped(varied), _note_of(found))
            decisions.append(replace(decided, unread=found[0].unread))
        return decisions

    def _decide(self, varied: Sequence[Varied], flipped: bool | None, alone: str) -> Decision:
        """The decision by the rule. `alone`: why there are no variations, where there are none."""
        label, probabilities, status = decide_by(self.rule, varied, self.option_names)
        deciding = [v for v in varied if v.original] if self.rule == "none" else varied
        return Decision(
            label,
            probabilities,
            status,
            captured=fsum(v.answer.captured for v in deciding) / len(deciding),
            flipped=flipped,
            variations=tuple(varied),
            forward_passes=len(varied),
            note=alone or _unanswered(varied),
        )

    # ---- as the base judge has it -------------------------------------------------------------

    @property
    def judge(self) -> Decider:
        """The judge that is asked: the fitted copy of `base`, or `base` where there is none."""
        return self.base_ if hasattr(self, "base_") else self.base

    @property
    def varier(self) -> Varier:
        """What writes the variations."""
        known = self.__dict__.get("_varier")
        if known is None or known[0] is not self.attribute or known[1] is not self.base:
            made = Varier(self.attribute, self.base.token_count, self.base.fields)
            known = (self.attribute, self.base, made)
            self._varier = known
        varier: Varier = known[2]
        return varier

    @property
    def options(self) -> Any:
        """What is decided among."""
        return self.base.options

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of the options."""
        return self.base.option_names

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The fields that the base judge's prompt shows."""
        return self.base.fields

    @property
    def fitted(self) -> bool:
        """Whether the judge that is asked is fitted."""
        return self.judge.fitted

    @property
    def forward_passes(self) -> int:
        """How many prompts the model was really given so far, by whoever asked the base judge."""
        return self.judge.forward_passes

    def check(self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None) -> None:
        """Raise InputError where an item cannot be varied or decided about."""
        rule_named(self.rule)
        found = as_items(items)
        self._vary(found, rows or range(1, len(found) + 1))
        self.base.check(found, rows=rows)

    def forget(self, most: int) -> None:
        """Keep at most so many answers in memory, the latest; those in a file stay."""
        self.judge.forget(most)

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """The decisions as answers, so that another rule can watch over this one."""
        rule_named(self.rule)
        found = as_items(items)
        decided = self._decisions(found, rows or range(1, len(found) + 1))
        return [Answer(d.status, d.probabilities, d.captured, d.note) for d in decided]

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Estimate the calibration of a copy of the base judge over all variations of `X`, so that
        it does not depend on which of them came in either. `y` is not looked at."""
        rule_named(self.rule)
        _ = self.varier  # an attribute that is none is told now
        base: Decider = clone(self.base)
        if X is None or base.fitted:
            self.base_ = base.fit()
            return self
        items = as_items(X)
        sets = self._vary(items, range(1, len(items) + 1))
        self.base_ = base.fit([v.item for found in sets for v in found])
        return self

    def fit_parts(self, parts: Iterable[tuple[Sequence[Item], Sequence[int]]]) -> Self:
        """`fit` to a table that comes in parts, each items and the numbers of their rows."""
        rule_named(self.rule)
        base: Decider = clone(self.base)
        if base.fitted:
            self.base_ = base.fit()
            return self
        prepared = (self._prepared(items, rows, part=True) for items, rows in parts)
        self.base_ = base.fit_parts((made.asked, made.rows) for made in prepared)
        return self

    def describe(self) -> dict[str, Any]:
        """All that the decisions depend on, in plain JSON types."""
        early = {"early stop": True} if self.early_stop else {}
        return {**self.judge.describe(), **self.varier.describe(), "rule": self.rule, **early}

    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""
        return self.base.token_count(text)

    def __getstate__(self) -> dict[str, Any]:
        """Without what writes the variations, which is made again where this is unpickled."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_varier"}

    def __repr__(self) -> str:
        early = ", early_stop=True" if self.early_stop else ""
        return f"mitigate({self.base!r}, {self.attribute!r}, {self.rule!r}{early})"


def _note_of(variations: Sequence[Variation]) -> str:
    """Why there are no variations, where there are none; of a blinded item nothing."""
    return variations[0].note if len(variations) == 1 else ""


def _unanswered(varied: Sequence[Varied]) -> str:
    """How many of several variations were not answered, by their status."""
    counts = Counter(v.answer.status for v in varied if v.answer.status != "answered")
    told = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return f"of {len(varied)} variations {told}" if told and len(varied) > 1 else ""


def asked_judge(decider: Decider) -> Decider:
    """The judge that a model is behind, under however many rules."""
    while isinstance(decider, MitigatedJudge):
        decider = decider.judge
    return decider


Judge.register(MitigatedJudge)
