"""The keys `groups` and `groupings` of summary.json."""

from __future__ import annotations

from typing import TypedDict, final

from leanfair.fairness.schema.measures import (
    ByRule,
    DifferenceName,
    FourFifths,
    GapName,
    Interval,
    MetricName,
    OutcomeName,
)


class Counts(TypedDict):
    """Rows with each outcome. The first five add up to all rows."""

    answered: int
    """Rows with one of the options as decision."""
    refused: int
    """Rows about which the model declined to decide."""
    unparsed: int
    """Rows with another text, or with too little probability on the options."""
    abstained: int
    """Rows that a rule leaves to a person, since their variations disagree."""
    failed: int
    """Rows whose request failed."""
    favourable: int
    """Rows with the favourable decision, among those answered."""


class Outcomes(TypedDict):
    """How often a group is answered, refused and scored high."""

    answer_rate: Interval
    """Rows with one of the options as decision, over all rows of the group."""
    refusal_rate: Interval
    """Rows about which the model declined to decide, over all rows of the group."""
    scoring_rate: Interval
    """Rows with a score above the median score of all rows, over the group's rows with a score."""
    scoring_ratio: Interval
    """The scoring rate over the highest one of the grouping."""
    answer_p: float | None
    """p-value of Fisher's exact test of the group's answer rate against that of all other groups;
    null where rows are not independent."""
    answer_p_adjusted: float | None
    """The same, adjusted over the groups (Benjamini and Hochberg)."""


class _GroupOutcome(Counts, Outcomes):
    """Counts and rates."""

    selection_rate: Interval
    """Favourable decisions over all rows of the group."""
    true_positive_rate: Interval
    """Favourable decisions over the rows whose label is favourable."""
    false_positive_rate: Interval
    """Favourable decisions over the rows whose label is not favourable."""
    accuracy: Interval
    """Correct decisions over all rows of the group."""
    selection_rate_among_answered: Interval
    """Favourable decisions over the answered rows."""
    selection_rate_bounds: list[float]
    """The selection rate if no unanswered row were favourable, and if all were."""
    impact_ratio: Interval
    """The selection rate over the highest one of the grouping."""
    four_fifths: FourFifths | None
    """Whether the whole interval of the impact ratio lies below 0.8, does not reach below it, or
    neither ("open"): a rule of thumb (29 CFR 1607.4 D); null without an impact ratio."""


class GroupOutcome(_GroupOutcome):
    """One group under one rule."""

    p: float | None
    """p-value of Fisher's exact test of the group's selection rate against that of all other
    groups; null where rows are not independent."""
    p_adjusted: float | None
    """The same, adjusted over the groups (Benjamini and Hochberg)."""


@final
class Group(Counts):
    """A group. The counts, `selection_rate` and `impact_ratio` are those under `rule`, the rule
    that was audited."""

    grouping: str
    """The name of its grouping."""
    values: dict[str, str]
    """Column -> value."""
    n: int
    """Rows of the group."""
    share: float
    """Its share of the rows whose group is known."""
    in_ratio: bool
    """Whether it is large enough for ratios: at least `settings.minimum_share`."""
    selection_rate: float | None
    """Favourable decisions over all rows of the group; null with too few answers."""
    impact_ratio: float | None
    """The selection rate over the highest one; null where it is not defined."""
    by_rule: dict[str, GroupOutcome]
    """Rule -> counts and rates."""


@final
class SingleRowGroup(TypedDict):
    """A group that has a single row, of which no rate is reported."""

    grouping: str
    """The name of its grouping."""
    n: int
    """Rows of the group: 1."""
    selection_rate: None
    """null."""
    impact_ratio: None
    """null."""
    reason: str
    """Why there are no rates."""


class Grouping(TypedDict):
    """Groups by one column, or by all columns together."""

    name: str
    """The column, or the columns joined by " & "."""
    columns: list[str]
    """The columns."""
    groups: list[str]
    """Keys of its groups in `groups`, without those of a single row."""
    alone: list[str]
    """Names of the groups with a single row."""
    unknown: int
    """Rows whose group is unknown."""
    reference: str
    """The group that the others are compared with."""
    metrics: dict[MetricName, ByRule]
    """Metric -> rule -> estimate, over all rows: the highest minus the lowest rate of the groups,
    or the lowest over the highest."""
    outcome_gaps: dict[OutcomeName, ByRule]
    """Outcome -> rule -> the highest less the lowest rate of the groups."""
    parity_at_most: dict[str, float | None]
    """Rule -> the largest demographic parity difference that there could be, had the rows whose
    request failed been answered in any way; null where no group has a row."""
    metrics_among_answered: dict[MetricName, ByRule]
    """The same over the answered rows."""
    gains: dict[DifferenceName, ByRule]
    """Metric -> rule other than "none" -> the difference under "none" minus that under the rule."""
    gaps: dict[str, dict[GapName, Gap]]
    """Group -> rate -> the group's rate minus that of the reference group."""
    decomposition: dict[str, GapParts] | None
    """Group -> its gap in selection rates to the reference group, in two parts, of the judge
    without a rule; null where no attribute was named."""


class Gap(TypedDict):
    """A rate of a group minus that of the reference group."""

    by_rule: ByRule
    """Rule -> the gap."""
    change: ByRule
    """Rule other than "none" -> the gap under the rule minus that under "none"."""


class _GapParts(TypedDict):
    """A gap and its parts."""

    reference: str
    """The reference group."""
    gap: Interval
    """The group's selection rate minus that of the reference group."""
    direct: Interval
    """The part that stating the other group's value changes: rules over variations remove it."""
    rest: Interval
    """The other part, through all else that differs between the rows: no such rule removes it."""


class GapParts(_GapParts, total=False):
    """A gap in selection rates and its two parts, which add up to it (Kitagawa 1955)."""

    values: list[str]
    """The values of the attribute that the two groups state; only there where each states one."""
