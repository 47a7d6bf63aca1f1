"""`summary.json` as a whole, the judge, the data and the settings."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from leanfair.fairness.schema.coverage import Coverage
from leanfair.fairness.schema.flips import Flips
from leanfair.fairness.schema.groups import Counts, Group, Grouping, SingleRowGroup
from leanfair.fairness.schema.measures import ByRule, DifferenceName, SummaryMetricName


class Summary(TypedDict):
    """`summary.json`: the result of an audit."""

    kind: Literal["audit"]
    """What the file is about."""
    format: int
    """Version of this format."""
    leanfair: str
    """Version of the library."""
    created: str
    """When the audit was made: ISO 8601, in UTC."""
    model: str | None
    """Name of the model; null where the judge does not tell."""
    revision: str | None
    """Fingerprint or revision of the model; null where it is not known."""
    prompt_hash: str | None
    """Hash of the prompt template; null for a judge without one."""
    options: list[str]
    """The options of the decision."""
    attribute: list[str] | None
    """Names of the attributes that were varied; null where none was named."""
    lexicons: dict[str, str]
    """Attribute -> version of its lexicon."""
    judge: Judge
    """What the decisions depend on."""
    data: Data
    """The table."""
    settings: Settings
    """How it was measured."""
    n: int
    """Rows of the table."""
    rule: str
    """The rule that was audited: the judge's own, "none" for a plain judge."""
    rules: list[str]
    """All rules that were computed, "none" first."""
    coverage: Coverage | None
    """How much of the table was understood; null where no attribute was named."""
    outcomes: dict[str, Counts]
    """Rule -> number of rows with each outcome."""
    flip_rate: dict[str, float | None]
    """Rule -> the value of `metrics.flip_rate`."""
    flip_rate_at_most: dict[str, float | None]
    """Rule -> the largest flip rate that there could be, had the variations whose request failed
    been answered in any way; null where nothing was varied."""
    failed_rows: int
    """Rows of which a request about the row itself or a variation of it failed."""
    placebo_flip_rate: float | None
    """The value of `flips.placebo.flip_rate`."""
    accuracy: dict[str, float | None]
    """Rule -> the value of `metrics.accuracy`."""
    metrics: dict[SummaryMetricName, ByRule]
    """Metric -> rule -> estimate. The fairness metrics are those of the last grouping; `accuracy`
    is correct decisions over all rows, `accuracy_among_answered` over answered ones; `flip_rate` is
    the share of varied rows whose decision depends on the variation that came in."""
    gains: dict[Literal[DifferenceName, "accuracy"], ByRule]
    """Metric -> rule other than "none" -> improvement over "none", paired on the same rows: a
    difference before minus after, accuracy after minus before. Above 0 is better."""
    groups: dict[str, Group | SingleRowGroup]
    """Group -> its numbers. Where two columns have a group of one name, the key is
    "column: group"."""
    groupings: list[Grouping]
    """One for each column of groups, and, of several columns, a last one for their
    intersections."""
    flips: Flips
    """How decisions change with the attribute."""
    forward_passes: int
    """Distinct prompts that the audit needs."""
    forward_passes_by_rule: dict[str, int]
    """Rule -> prompts that a judge under this rule needs for these rows."""
    forward_passes_now: int
    """Prompts that the model was given in this audit; fewer where a store had the answers."""
    asking_seconds: float
    """Time spent asking the model, in seconds."""
    notes: list[str]
    """What a reader has to know before the numbers, in sentences."""
    seconds: float
    """Time spent in all, in seconds."""


class Judge(TypedDict, total=False):
    """What the decisions depend on, as far as the judge tells. The keys from `attribute` on are
    there where an attribute is varied."""

    model: str | None
    """Name of the model."""
    fingerprint: str | None
    """Hash of the model's files, its commit or the revision that was given; null if unknown."""
    identity: dict[str, Any]
    """What tells the model from others: `kind` of back end, `model`, `fingerprint` and what that
    kind of back end adds."""
    prompt: str
    """The prompt template."""
    system: str | None
    """The system prompt; null where there is none."""
    options: dict[str, list[str]]
    """Option -> the forms in which the model may write it."""
    prompt_hash: str
    """Hash of the prompt template."""
    calibration: Literal["contextual", "batch"] | None
    """How the leaning of the model is divided out; null where it is not."""
    min_captured: float
    """The least probability that the options have to hold together for a row to be answered."""
    refusals: list[str]
    """Phrases that count as refusals beside those that are known."""
    prior: dict[str, float] | None
    """Option -> the share of the probability that the model gives it whatever the text, which
    calibration divides out; null without calibration."""
    versions: dict[str, str]
    """Package -> version, of those that answers can depend on."""
    attribute: list[str]
    """Names of the attributes that were varied."""
    lexicons: dict[str, str]
    """Attribute -> version of its lexicon."""
    values: list[str] | None
    """The values that were varied; null for all of the lexicon."""
    field: str | list[str] | None
    """The fields of a record that tell the attribute; null where they were looked for."""
    names: dict[str, str]
    """Attribute -> what became of people's names that tell it, where that was asked for: "turn",
    they changed with its words, or "keep", they stayed."""
    protect: list[str]
    """Phrases that were left as they are."""
    rule: str
    """The rule of the judge below, where a mitigated judge was mitigated once more."""


class Data(TypedDict):
    """The table that was audited."""

    name: str
    """Name of the file; "table" for a data frame or records."""
    rows: int
    """Rows of the table."""
    persons: int
    """Clusters: distinct values of the column `settings.cluster`, or rows without one."""


class Settings(TypedDict):
    """How it was measured."""

    favourable: str
    """The option that people want."""
    group: list[str]
    """The columns of groups."""
    placebo: str | None
    """What the placebo changes; null where there is none."""
    seed: int
    """The seed of the bootstrap and of the placebo."""
    bootstrap: int
    """Bootstrap resamples."""
    confidence: float
    """The level of all intervals, such as 0.95."""
    minimum_answered: int
    """With fewer answered rows, no rate of a group is reported."""
    minimum_share: float
    """Groups with a smaller share of the rows are left out of ratios."""
    four_fifths: float
    """The threshold of `four_fifths`, 0.8."""
    denominators: str
    """What rates are shares of, in words."""
    label: str | None
    """The column of labels; null where none says what is right: then nothing that needs one is
    known."""
    pair: str | None
    """The column of pairs of rows that differ in the attribute alone; null where there is none."""
    weight: str | None
    """The column of survey weights; null where each row counts 1."""
    count: str | None
    """The column that says how many people a row stands for; null where each is one."""
    cuts: dict[str, list[float]]
    """Column of groups -> cut points of its classes."""
    cluster: str | None
    """The column that tells which rows are of one person; null where rows are independent."""
