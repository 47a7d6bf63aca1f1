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
from math import fsum
from typing import TYPE_CHECKING, Any

from leanfair.errors import InputError
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.prompt import as_items, name_rows
from leanfair.fairness.rules import Rule, check_rule, compare, decide_by, varied_of
from leanfair.fairness.types import BLIND, Answer, Decision, Item, Variation, Varied
from leanfair.fairness.variations.varier import Attributes, Varier

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BLIND", "MitigatedJudge", "Rule", "compare", "decide_by", "mitigate"]


def mitigate(
    judge: Decider,
    attribute: Attributes,
    rule: Rule = "mean",
    *,
    values: Sequence[str] | None = None,
    field: str | Sequence[str] | None = None,
    protect: Sequence[str] = (),
) -> MitigatedJudge:
    """`judge`, with decisions by `rule` over the variations of `attribute`.

    `attribute`: the name of a lexicon, a YAML file, an Attribute, or a list of them for all their
    combinations. `values`: only these; `field`: the record's fields that tell it; `protect`:
    phrases that are not touched.
    """
    return MitigatedJudge(judge, attribute, rule, values=values, field=field, protect=protect)


class MitigatedJudge(Decider):
    """What `mitigate` makes: `base`, watched over by `rule`."""

    def __init__(
        self,
        base: Decider,
        attribute: Attributes,
        rule: Rule = "mean",
        *,
        values: Sequence[str] | None = None,
        field: str | Sequence[str] | None = None,
        protect: Sequence[str] = (),
    ) -> None:
        check_rule(rule)
        self.base = base
        self.attribute = attribute
        self.rule: Rule = rule
        self._params = {"values": values, "field": field, "protect": protect}
        self.varier = Varier(attribute, values, field, tuple(protect), base.token_count)

    def decide(self, items: Iterable[Item] | Any) -> list[Decision]:
        """One decision for each item, with the answers to its variations as evidence."""
        rows = as_items(items)
        return self._decisions(rows, range(1, len(rows) + 1))

    # ---- the method ---------------------------------------------------------------------------

    def _decisions(self, items: Sequence[Item], rows: Sequence[int]) -> list[Decision]:
        decisions = []
        variations = self._vary(items, rows)
        answered = self._forward(variations, rows)
        for item, varied in zip(items, answered, strict=True):
            flipped = compare(varied)
            decisions.append(self._decide(item, varied, flipped))
        return decisions

    def _vary(self, items: Sequence[Item], rows: Sequence[int]) -> list[tuple[Variation, ...]]:
        """The variations of each item; for the rule `blind`, the item without the attribute."""
        sets = []
        for row, item in zip(rows, items, strict=True):
            try:
                blind = self.rule == "blind"
                sets.append((self.varier.blinded(item),) if blind else self.varier.variations(item))
            except InputError as error:
                raise InputError(f"{name_rows([row])} of the table: {error}") from error
        return sets

    def _forward(
        self, sets: Sequence[Sequence[Variation]], rows: Sequence[int]
    ) -> list[tuple[Varied, ...]]:
        """The variations with their answers. All go to the base judge at once, so that it computes
        what they have in common only once."""
        of_each = [row for row, found in zip(rows, sets, strict=True) for _ in found]
        flat = iter(self.base.answers([v.item for found in sets for v in found], rows=of_each))
        return [tuple(varied_of(v, next(flat), self.options) for v in found) for found in sets]

    def _decide(self, item: Item, varied: Sequence[Varied], flipped: bool | None) -> Decision:
        """The decision by the rule."""
        label, probabilities, status = decide_by(self.rule, varied, self.options)
        deciding = [v for v in varied if v.original] if self.rule == "none" else varied
        return Decision(
            label,
            probabilities,
            status,
            captured=fsum(v.answer.captured for v in deciding) / len(deciding),
            flipped=flipped,
            variations=tuple(varied),
            forward_passes=len(varied),
            note=self._note(item, varied),
        )

    def _note(self, item: Item, varied: Sequence[Varied]) -> str:
        if len(varied) == 1:
            blinded = self.rule == "blind" and not varied[0].original
            return "" if blinded else self.varier.why_alone(item)
        counts = Counter(v.answer.status for v in varied if v.answer.status != "answered")
        told = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
        return f"of {len(varied)} variations {told}" if told else ""

    # ---- as the base judge has it -------------------------------------------------------------

    @property
    def options(self) -> tuple[str, ...]:
        """What is decided among."""
        return self.base.options

    @property
    def forward_passes(self) -> int:
        """How many prompts the model was really given so far, by whoever asked the base judge."""
        return self.base.forward_passes

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """The decisions as answers, so that another rule can watch over this one."""
        found = as_items(items)
        decided = self._decisions(found, rows or range(1, len(found) + 1))
        return [Answer(d.status, d.probabilities, d.captured, d.note) for d in decided]

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Estimate the base judge's calibration over all variations of `X`, so that it does not
        depend on which of them came in either."""
        items = [] if X is None else as_items(X)
        sets = self._vary(items, range(1, len(items) + 1))
        self.base.fit(None if X is None else [v.item for found in sets for v in found])
        return self

    def describe(self) -> dict[str, Any]:
        """All that the decisions depend on, in plain JSON types."""
        return {**self.base.describe(), **self.varier.describe(), "rule": self.rule}

    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""
        return self.base.token_count(text)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that this was made with."""
        own = {"base": self.base, "attribute": self.attribute, "rule": self.rule}
        return {**own, **self._params}

    def __repr__(self) -> str:
        return f"mitigate({self.base!r}, {self.varier.name!r}, {self.rule!r})"


Judge.register(MitigatedJudge)
