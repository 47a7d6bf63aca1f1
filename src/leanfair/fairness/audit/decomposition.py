"""How much of a gap between two groups the stated attribute makes, and how much is the rest.

Let Y be the decision that a row of group a or b got, and Y(v) the one that it gets when it states
the value v instead, everything else as it is. The gap, mean of Y in a less mean of Y in b, is the
sum of two parts, each the mean over both ways of taking it (Kitagawa 1955,
https://doi.org/10.1080/01621459.1955.10501299):

- direct: what stating the other value changes, (mean_a[Y - Y(b)] + mean_b[Y(a) - Y]) / 2. A rule
  that treats all variations alike takes it away.
- rest: what is left between the groups where both state the same value,
  (mean_a[Y] - mean_b[Y(a)] + mean_a[Y(b)] - mean_b[Y]) / 2. It comes through everything else that
  differs between the rows, what stands for the attribute (proxies) and what does not. No rule over
  variations takes it away.

A row that does not tell the attribute decides alike whatever the value: it adds to the rest alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from leanfair.fairness.audit.evidence import favourable_by_value
from leanfair.fairness.audit.flips import values_of
from leanfair.fairness.metrics.rates import Grouping
from leanfair.fairness.types import Varied
from leanfair.statistics import Bools, Interval, Rates, Resampling, linear_interval, resampled

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
) -> dict[str, Any]:
    """For each group but the reference its gap to that, the direct part and the rest.

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
) -> dict[str, Any]:
    gap = np.zeros(rates.hits.shape)
    gap[0, group], gap[0, reference] = 1.0, -1.0
    found: dict[str, Any] = {
        "reference": names[reference],
        "gap": linear_interval(rates, gap, confidence).to_json(),
    }
    one, other = stated[group], stated[reference]
    if one is None or other is None:
        name = names[group if one is None else reference]
        none = Interval.none(f"the rows of group {name!r} do not state one value of the attribute")
        return {**found, "direct": none.to_json(), "rest": none.to_json()}
    direct = np.zeros(rates.hits.shape)
    direct[0, group], direct[0, reference] = 0.5, -0.5
    direct[1 + values.index(other), group] -= 0.5
    direct[1 + values.index(one), reference] += 0.5
    if one == other:  # nothing but rows that state another value than their group's would be left
        direct[:] = 0.0
    return {
        **found,
        "values": [one, other],
        "direct": linear_interval(rates, direct, confidence).to_json(),
        "rest": linear_interval(rates, gap - direct, confidence).to_json(),
    }
