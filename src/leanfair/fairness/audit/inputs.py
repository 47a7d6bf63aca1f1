"""Everything that the numbers of an audit are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit.evidence import Evidence, decided
from leanfair.fairness.metrics.rates import Decided, GroupRates
from leanfair.fairness.rules import Outcome
from leanfair.fairness.tables.table import Table
from leanfair.fairness.types import Varied
from leanfair.statistics import Bools, Floats, Resampling


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
