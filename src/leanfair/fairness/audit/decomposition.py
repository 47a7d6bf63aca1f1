"""The part of a gap between two groups that stating the attribute causes, and the rest.

Let Y be the decision about a row of group a or b, and Y(v) the decision when it states the value v
instead, everything else unchanged. The gap, the mean of Y in a minus the mean of Y in b, is the sum
of two parts, each averaged over both reference groups (Kitagawa 1955,
https://doi.org/10.1080/01621459.1955.10501299):

- direct: what stating the other value changes, (mean_a[Y - Y(b)] + mean_b[Y(a) - Y]) / 2. A rule
  that treats all variations alike removes it.
- rest: the difference between the groups when both state the same value,
  (mean_a[Y] - mean_b[Y(a)] + mean_a[Y(b)] - mean_b[Y]) / 2. It is due to everything else that
  differs between the rows, proxies of the attribute among them. No rule over variations removes it.

The decision about a row that does not tell the attribute is the same for every value, so it adds to
the rest alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit.entries import interval_entry
from leanfair.fairness.audit.evidence import favourable_by_value
from leanfair.fairness.audit.flips import values_of
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.types import Varied
from leanfair.statistics import (
    Bools,
    Floats,
    Interval,
    Rates,
    Resampling,
    linear_interval,
    resampled,
)

_AGREE = 0.9
"""The share of a group's rows that have to state one value for it to be the group's."""


def parts_of_gaps(
    grouping: Grouping,
    reference: int,
    sets: Sequence[Sequence[Varied]],
    observed: Bools,
    favourable: str,
    resampling: Resampling,
    rng: np.random.Generator,
) -> dict[str, schema.GapParts]:
    """For each group but the reference, its gap to the reference, the direct part and the rest.

    `observed` [n]: whether each row got the favourable decision as it came in.
    """
    values = values_of(sets)
    stated = [_stated(grouping, g, sets) for g in range(len(grouping.names))]
    by_value = favourable_by_value(sets, values, favourable)
    filled = np.where(np.isnan(by_value), observed[:, None], by_value)
    hits = np.hstack([observed[:, None], filled])
    rates = resampled(hits, np.ones_like(hits), grouping.codes, resampling, rng)
    return {
        name: _parts(rates, values, stated, g, reference, grouping.names, resampling.confidence)
        for g, name in enumerate(grouping.names)
        if g != reference
    }


def _stated(grouping: Grouping, group: int, sets: Sequence[Sequence[Varied]]) -> str | None:
    """The value of the attribute that a group's rows state; None where they state none, or many."""
    counts = Counter(
        one.value
        for i in np.flatnonzero(grouping.codes == group).tolist()
        for one in sets[i]
        if one.original and len(sets[i]) > 1
    )
    if not counts:
        return None
    value, many = counts.most_common(1)[0]
    return value if many >= _AGREE * sum(counts.values()) else None


def _parts(
    rates: Rates,
    values: Sequence[str],
    stated: Sequence[str | None],
    group: int,
    reference: int,
    names: Sequence[str],
    confidence: float,
) -> schema.GapParts:
    def measured(weights: Floats) -> schema.Interval:
        return interval_entry(linear_interval(rates, weights, confidence))

    gap = np.zeros(rates.hits.shape)
    gap[0, group], gap[0, reference] = 1.0, -1.0
    one, other = stated[group], stated[reference]
    if one is None or other is None:
        name = names[group if one is None else reference]
        unknown = interval_entry(
            Interval.none(f"the rows of group {name!r} do not state one value of the attribute")
        )
        return {
            "reference": names[reference],
            "gap": measured(gap),
            "direct": unknown,
            "rest": unknown,
        }
    direct = np.zeros(rates.hits.shape)
    direct[0, group], direct[0, reference] = 0.5, -0.5
    direct[1 + values.index(other), group] -= 0.5
    direct[1 + values.index(one), reference] += 0.5
    if one == other:  # the few rows that state another value than their group's do not count
        direct[:] = 0.0
    return {
        "reference": names[reference],
        "gap": measured(gap),
        "values": [one, other],
        "direct": measured(direct),
        "rest": measured(gap - direct),
    }
