"""Everything that the numbers of an audit are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit.evidence import Evidence, decided
from leanfair.fairness.audit.table import Table
from leanfair.fairness.metrics.rates import Decided, GroupRates
from leanfair.fairness.rules import Outcome
from leanfair.statistics import Bools, Resampling


@dataclass(frozen=True, eq=False)
class AuditInput:
    """The table, the answers of the judge, and how they are to be evaluated.

    `label`, `cluster`: the columns of labels and of clusters. `judge`: its description. `rules`:
    "none" first; `rule`: the audited judge's own. `attributes`: the names of what was varied, None
    without an attribute, and `lexicons` the versions of their lexicons. `reference`: the group that
    others are compared with, None for the largest.
    """

    table: Table
    label: str
    cluster: str | None
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
    def positive(self) -> Bools:
        """Whether each row's label is the favourable option, [n]."""
        return np.array([label == self.favourable for label in self.table.truth], bool)

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
