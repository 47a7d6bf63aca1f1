"""The rows of a bias audit by New York City's Local Law 144 (6 RCNY 5-301).

For each category of sex, of race and ethnicity, and of their intersections: how many were assessed
and how many selected, the selection rate or the scoring rate, and the impact ratio, which is the
rate over that of the category with the highest one. Categories of less than 2 % of the data may be
left out of the ratios; how many are of an unknown category is told.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from leanfair.errors import InputError
from leanfair.fairness import schema
from leanfair.fairness.unknown import plain

Kind: TypeAlias = Literal["sex", "race/ethnicity", "intersections"]
SEX = ("sex", "gender")
RACE = ("race", "ethnicity", "ethnic")


def check_ll144(groups: list[str]) -> tuple[str, str]:
    """The columns of sex and of race and ethnicity among those of groups. Raises InputError where
    they are not just these two."""
    sex = [name for name in groups if any(word in plain(name) for word in SEX)]
    race = [name for name in groups if any(word in plain(name) for word in RACE)]
    if len(groups) != 2 or len(sex) != 1 or len(race) != 1 or sex == race:
        raise InputError(
            f"The tables of Local Law 144 are of two columns of groups, one of sex or gender and "
            f"one of race or ethnicity, called so: groups are by {', '.join(groups)}."
        )
    return sex[0], race[0]


def ll144_rows(summary: schema.Summary) -> list[dict[str, Any]]:
    """One row a category, those of a table together, as a CSV holds them. `in_ratio` says whether a
    category is large enough to count; a last row of each table has those who are of no known one.
    """
    sex, race = check_ll144(summary["settings"]["group"])
    kinds: dict[tuple[str, ...], Kind] = {(sex,): "sex", (race,): "race/ethnicity"}
    found = []
    for grouping in summary["groupings"]:
        kind = kinds.get(tuple(grouping["columns"]), "intersections")
        found += [_row(summary, grouping, kind, name) for name in grouping["groups"]]
        found += [_alone(kind, name) for name in grouping["alone"]]
        found.append(_without(kind, "unknown", grouping["unknown"]))
    return found


def _row(
    summary: schema.Summary, grouping: schema.Grouping, kind: Kind, name: str
) -> dict[str, Any]:
    group = summary["groups"][name]
    if "by_rule" not in group:
        return _alone(kind, name)
    own = group["by_rule"][summary["rule"]]
    remark = ""
    if not group["in_ratio"]:
        remark = f"less than {summary['settings']['minimum_share']:.0%} of the data"
    elif own["impact_ratio"]["value"] is not None and own["impact_ratio"]["value"] < 0.8:
        remark = "impact ratio below four fifths"
    return {
        "table": kind,
        "category": " & ".join(group["values"][column] for column in grouping["columns"]),
        "assessed": group["n"],
        "share": group["share"],
        "selected": own["favourable"],
        "not_answered": group["n"] - own["answered"],
        "selection_rate": own["selection_rate"]["value"],
        "impact_ratio": own["impact_ratio"]["value"],
        "scoring_rate": own["scoring_rate"]["value"],
        "scoring_impact_ratio": own["scoring_ratio"]["value"],
        "in_ratio": group["in_ratio"],
        "remark": remark,
    }


def _alone(kind: Kind, name: str) -> dict[str, Any]:
    return _without(kind, name, 1) | {"remark": "one person: no rate follows from it"}


def _without(kind: Kind, name: str, people: int) -> dict[str, Any]:
    """A row of people of whom there are no rates."""
    none = dict.fromkeys((
        "share", "selected", "not_answered", "selection_rate", "impact_ratio", "scoring_rate",
        "scoring_impact_ratio",
    ))  # fmt: skip
    return {"table": kind, "category": name, "assessed": people, **none, "in_ratio": False,
            "remark": "not in any rate"}  # fmt: skip
