"""Rates of groups and the gaps between them, with intervals of the very statistic that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.metrics.groupings import Grouping as Grouping
    from leanfair.fairness.metrics.groupings import grouping_of as grouping_of
    from leanfair.fairness.metrics.rates import DIFFERENCES as DIFFERENCES
    from leanfair.fairness.metrics.rates import GAPS as GAPS
    from leanfair.fairness.metrics.rates import KINDS as KINDS
    from leanfair.fairness.metrics.rates import METRICS as METRICS
    from leanfair.fairness.metrics.rates import RATIO as RATIO
    from leanfair.fairness.metrics.rates import Decided as Decided
    from leanfair.fairness.metrics.rates import GroupRates as GroupRates

_HOMES = {
    "DIFFERENCES": "rates",
    "Decided": "rates",
    "GAPS": "rates",
    "GroupRates": "rates",
    "Grouping": "groupings",
    "KINDS": "rates",
    "METRICS": "rates",
    "RATIO": "rates",
    "grouping_of": "groupings",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
