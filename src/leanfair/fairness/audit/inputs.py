"""Everything that the numbers of an audit are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit.evidence import Evidence, decided
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.metrics.outcomes import OutcomeRates
from leanfair.fairness.metrics.rates import Decided, GroupRates
from leanfair.fairness.rules import Outcome
from leanfair.fairness.tables.table import Table
from leanfair.fairness.types import Varied
from leanfair.statistics import Bools, Floats, Resampling, benjamini_hochberg, fisher

Tests: TypeAlias = Sequence[tuple["float | None", "float | None"]]
"""For each group the p-value and the adjusted p-value, None where there is no test."""


@dataclass(frozen=True, eq=False)
class AuditInput:
    """The table, the answers of the judge, and how they are to be evaluated.

    `judge`: its description. `rules`: "none" first; `rule`: the audited judge's own. `attributes`:
    the names of what was varied, None without an attribute, and `lexicons` the versions of their
    lexicons. `reference`: the group that others are compared with, None for the largest.
    """

    table: Table
    judge: schema.Judge
    evidence: Evidence
    rules: tuple[str, ...]
    rule: str
    favourable: str
    attributes: Sequence[str] | None
    lexicons: Mapping[str, str]
    reference: str | None
    resampling: Resampling

    @cached_property
    def outcomes(self) -> Mapping[str, list[Outcome]]:
        """Rule -> its decision about each row."""
        return {rule: self.evidence.outcomes(rule) for rule in self.rules}

    @cached_property
    def decided(self) -> Mapping[str, Decided]:
        """Rule -> its decisions as arrays."""
        return {
            rule: decided(outcomes, self.table.truth, self.favourable)
            for rule, outcomes in self.outcomes.items()
        }

    @cached_property
    def positive(self) -> Bools | None:
        """Whether each row's label is the favourable option, [n]; None without labels."""
        if self.table.truth is None:
            return None
        return np.array([label == self.favourable for label in self.table.truth], bool)

    @cached_property
    def people(self) -> Floats:
        """How many people each row counts for, [n]."""
        weights = self.resampling.weights
        return np.ones(len(self.table)) if weights is None else weights

    def tests_of(self, grouping: Grouping, hits: Bools) -> Tests:
        """Fisher's exact test of each group's rate of `hits` [n] against that of all others,
        adjusted over the groups. It needs independent rows, each of as many people as are counted.
        """
        alike = self.resampling.weights is None or self.resampling.counted
        independent = len(np.unique(self.table.clusters)) == len(self.table)
        if not (alike and independent) or len(grouping.names) < 2:
            return [(None, None)] * len(grouping.names)
        found = []
        for g in range(len(grouping.names)):
            here, others = grouping.codes == g, (grouping.codes != g) & (grouping.codes >= 0)
            cells = [rows & cell for rows in (here, others) for cell in (hits, ~hits)]
            found.append(fisher(*(round(self.people[cell].sum()) for cell in cells)))
        return list(zip(found, benjamini_hochberg(found), strict=True))

    @cached_property
    def answer_tests(self) -> list[Mapping[str, Tests]]:
        """The same of answers, for each grouping and rule."""
        return [
            {rule: self.tests_of(grouping, rates[rule].hits("answer_rate")) for rule in self.rules}
            for grouping, rates in zip(self.table.groupings, self.outcome_rates, strict=True)
        ]

    def scores(self, rule: str) -> Floats:
        """The score of each row, [n]: that of the table, or the probability of the favourable
        option that a rule decided by; NaN where there is none."""
        if self.table.scores is not None:
            return self.table.scores
        found = [told.get(self.favourable) for _, told, _ in self.outcomes[rule]]
        return np.array([np.nan if one is None else one for one in found], float)

    @cached_property
    def outcome_rates(self) -> list[Mapping[str, OutcomeRates]]:
        """How often groups are answered, refused and scored high: grouping by grouping, by rule."""
        return [
            {
                rule: OutcomeRates(
                    grouping,
                    [status for _, _, status in self.outcomes[rule]],
                    self.scores(rule),
                    self.resampling,
                    self.resampling.rng(300, i, k),
                )
                for k, rule in enumerate(self.rules)
            }
            for i, grouping in enumerate(self.table.groupings)
        ]

    @cached_property
    def failed_rows(self) -> int:
        """Rows of which a request about the row itself, or about a variation of it, failed."""
        failed = np.array([_has_failed(found) for found in self.evidence.sets], bool)
        if self.evidence.blinded is not None:
            failed |= np.array([_has_failed([one]) for one in self.evidence.blinded], bool)
        return int(failed.sum())

    @cached_property
    def group_rates(self) -> list[GroupRates]:
        """The rates of each grouping."""
        return [
            GroupRates(
                grouping,
                self.positive,
                self.decided,
                self.resampling,
                self.resampling.rng(i),
                self.favourable,
            )
            for i, grouping in enumerate(self.table.groupings)
        ]


def _has_failed(found: Sequence[Varied]) -> bool:
    return any(one.answer.status == "failed" for one in found)
