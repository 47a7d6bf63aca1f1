"""The metrics of plain arrays: labels, decisions and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leanfair.fairness.metrics.groupings import grouping_of
from leanfair.fairness.metrics.rates import METRICS, Among, Decided, GroupRates
from leanfair.statistics import Interval, Resampling


def measure(
    labels: Any,
    decisions: Any,
    groups: Sequence[str],
    *,
    answered: Any = None,
    among: Among = "all",
    seed: int = 0,
    draws: int = 2000,
) -> dict[str, Interval]:
    """METRICS where each row's label, and its decision, is favourable or not."""
    positive, favourable = np.asarray(labels, bool), np.asarray(decisions, bool)
    replied = np.ones(len(positive), bool) if answered is None else np.asarray(answered, bool)
    resampling = Resampling(np.arange(len(positive)), seed, draws)
    rates = GroupRates(
        grouping_of("group", ["group"], [list(groups)]),
        positive,
        {"none": Decided(favourable & replied, replied, (favourable == positive) & replied)},
        resampling,
        resampling.rng(),
    )
    return {name: rates.metric(name, "none", among) for name in METRICS}
