"""What `leanfair compare` asks two language models about people, in the manner of `leanfair audit`,
and the groups of a classifier's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from leanfair.cli.fairness.options import (
    Cluster,
    Fields,
    MinCaptured,
    Protect,
    Reference,
    System,
    Values,
)
from leanfair.errors import InputError, OptionError
from leanfair.fairness.judge.calibration import Calibration
from leanfair.options import Help


@dataclass(frozen=True)
class AboutPeople:
    """Whom both models decide about, and how they are asked."""

    people: Annotated[
        str | None,
        Help("Language models: a table of people to decide about, as audit --in.", default="none"),
    ] = None
    prompt: Annotated[
        str | None,
        Help("With --people: the file of the prompt, with a slot {FIELD} for a column."),
    ] = None
    choices: Annotated[
        tuple[str, ...] | None,
        Help("With --people: what is decided among, as in yes,no.", flags="--options"),
    ] = None
    favourable: Annotated[
        str | None,
        Help(
            "The option that people want; of a classifier of two classes, the class.",
            default="none; of a classifier its second class",
        ),
    ] = None
    group: Annotated[
        tuple[str, ...] | None,
        Help("The columns of groups, with commas: of --people, or of the table in --data."),
    ] = None
    attribute: Annotated[
        tuple[str, ...] | None,
        Help("With --people: what must not count, as audit --attribute.", default="nothing"),
    ] = None
    values: Values = None
    field: Fields = None
    protect: Protect = None
    positive: Annotated[
        str | None,
        Help("The value of --label that means the favourable option.", default="the option itself"),
    ] = None
    cluster: Cluster = None
    reference: Reference = None
    calibration: Annotated[
        Calibration | None,
        Help("contextual or batch: divide out what a model leans to anyway.", default="none"),
    ] = None
    system: System = None
    min_captured: MinCaptured = None
    refusals: Annotated[
        tuple[str, ...] | None,
        Help("A phrase by which the models decline; may be repeated.", default="none",
             flags="--refusal", repeat=True),
    ] = None  # fmt: skip
    chat: Annotated[
        bool | None, Help("Whether the chat template is used.", default="where there is one")
    ] = None
    encoding: Annotated[
        str | None, Help("Of a table that is not UTF-8, such as cp1252.", default="UTF-8")
    ] = None


OF_DATA = ("group", "favourable")
"""Options that also mean something without people."""
SETTINGS = (
    "favourable", "cluster", "reference", "calibration", "system", "min_captured", "refusals",
    "chat",
)  # fmt: skip


def people_asked(given: Mapping[str, Any], label: str | None) -> Any:
    """The options as `leanfair.comparison.People`, None where there is no --people. `label`: the
    column that says what is right. Raises OptionError where options do not go together."""
    if "people" not in given:
        for name in given:
            if name not in OF_DATA:
                raise OptionError(
                    f"{{{name}}} says how people are decided about: name {{people}}, a table of "
                    f"them.", name, "people",
                )  # fmt: skip
        if "favourable" in given and "group" not in given:
            raise OptionError(
                "{favourable} needs {group}: the groups that are to be compared.",
                "favourable", "group",
            )  # fmt: skip
        return None
    for name in ("prompt", "choices", "favourable", "group"):
        if name not in given:
            raise OptionError(
                f"{{{name}}} is missing: two models decide about {{people}} with {{prompt}}, "
                f"{{choices}}, {{favourable}} and {{group}}.",
                name, "people", "prompt", "choices", "favourable", "group",
            )  # fmt: skip

    from leanfair.cli.fairness import judging
    from leanfair.cli.places import is_there
    from leanfair.comparison.whom.people import People

    prompt = given["prompt"]
    if "{" not in prompt and not is_there(prompt):
        raise InputError(
            f"There is no --prompt file {prompt:.200}: give one, with a slot like {{text}}."
        )
    judging.check_attribute(given)
    rows = judging.rows_of({**given, "table": given["people"]})
    return People(
        rows,
        prompt,
        list(given["choices"]),
        group=list(given["group"]),
        attribute=judging.protected(given),
        label=label,
        labels=given.get("positive"),
        **{name: given[name] for name in SETTINGS if name in given},
    )
