"""Whom pruning touched, on the page: whom both models favour, group by group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanfair.comparison.schema.summary import Summary
from leanfair.comparison.schema.whom import Estimate, GroupingBeside, Shift, ValueBeside, Whom
from leanfair.html import formats as f
from leanfair.html.page import Tile

RATES: Mapping[str, str] = {
    "selection_rate": "Favourable decisions",
    "true_positive_rate": "Favourable, of those who merit it",
    "false_positive_rate": "Favourable, of all others",
    "accuracy": "Right",
    "answer_rate": "Answered",
    "refusal_rate": "Refused",
}
GAPS: Mapping[str, str] = {
    "accuracy_difference": "Accuracy",
    "demographic_parity_difference": "Demographic parity",
    "equal_opportunity_difference": "Equal opportunity",
    "average_odds_difference": "Average odds",
    "equalized_odds_difference": "Equalized odds",
}
SHOWN = ("selection_rate", "accuracy", "true_positive_rate")
"""The rates that are shown by group; the others are in summary.json."""


@dataclass(frozen=True)
class Table:
    """A table of the page: what it shows, its headings, and its rows, a name first."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def view(summary: Summary) -> Mapping[str, Any] | None:
    """What templates/whom.html.j2 is filled with; None where nothing was measured."""
    found = summary["whom"]
    if found is None:
        return None
    names = summary["parent"]["name"], summary["child"]["name"]
    tables = [_values(found, names), _overall(found, names)]
    for grouping in found["groupings"]:
        tables += [_gaps(grouping, names), *_groups(grouping, names)]
    return {
        "found": found,
        "tables": [table for table in tables if table is not None and table.rows],
        "pages": list(zip(names, found["pages"], strict=False)),
    }


def tiles(summary: Summary) -> list[Tile]:
    """The key number: the largest change of favour, or of a group against the rest."""
    found = summary["whom"]
    if found is None:
        return []
    if found["verdict"] == "unknown":
        return [Tile("Whom it favours", "unknown", note="too few answers")]
    if found["values"]:
        value = max(found["values"], key=lambda one: abs(one["change"]["value"] or 0.0))
        return [
            Tile(
                f"Favour of “{value['value']}”, points",
                signed(value["change"]["value"]),
                signed(value["favour_parent"]["value"]),
                signed(value["favour_child"]["value"]),
            )
        ]
    rate = "accuracy" if found["kind"] == "classes" else "selection_rate"
    shifts = [
        (abs(one["against_rest"]["value"] or 0.0), name, one)
        for grouping in found["groupings"]
        for name, group in grouping["groups"].items()
        if (one := group["rates"].get(rate)) is not None
    ]
    if not shifts:
        return []
    _, name, one = max(shifts, key=lambda each: each[:2])
    old, new = percent(one["parent"]["value"]), percent(one["child"]["value"])
    label = f"{RATES[rate]}, “{name}”"
    return [Tile(label, f"{signed(one['against_rest']['value'])} to the rest", old, new)]


# ---- tables -------------------------------------------------------------------------------------


def _values(found: Whom, names: tuple[str, str]) -> Table | None:
    if not found["values"]:
        return None
    what = " and ".join(found["attribute"] or ())
    return Table(
        f"Whom each favours when only the stated {what} changes",
        (
            "Stated", *(f"“{found['favourable']}”, {name}" for name in names),
            *(f"Favour, {name}" for name in names), "Change, points", "95 % interval",
            "p, adjusted", "Detectable",
        ),
        [_value(one) for one in found["values"]],
        f"Every one of {f.plural(found['values'][0]['n'], 'row')} was decided about with each "
        f"value. The favour of a value is its share of favourable decisions less the mean of the "
        f"others, in points.",
    )  # fmt: skip


def _value(one: ValueBeside) -> list[str]:
    return [
        one["value"],
        percent(one["parent"]["value"]),
        percent(one["child"]["value"]),
        signed(one["favour_parent"]["value"]),
        signed(one["favour_child"]["value"]),
        *_shift(one["change"]),
    ]


def _overall(found: Whom, names: tuple[str, str]) -> Table:
    flips, captured = found["flips"], found["captured"]
    each: list[tuple[str, Any]] = [(RATES[name], one) for name, one in found["rates"].items()]
    if flips is not None:
        each.append(("Flips with the attribute", flips["attribute"]))
        if flips["placebo"] is not None:
            each.append(("Flips with the placebo", flips["placebo"]))
    if captured is not None:
        each.append(("Probability on the options", captured))
    rows = [
        [
            name,
            percent(one["parent"]["value"]),
            percent(one["child"]["value"]),
            signed(one["change"]["value"]),
            _span(one["change"], signed),
            p_value(one["change"]["p"]),
            f.exact(one["lost"]) if "lost" in one else f.DASH,
            f.exact(one["won"]) if "won" in one else f.DASH,
        ]
        for name, one in each
    ]
    head = (
        "Share", *names, "Change, points", "95 % interval", "p, McNemar",
        f"Only {names[0]}", f"Only {names[1]}",
    )  # fmt: skip
    return Table("All rows, under both models", head, rows)


def _gaps(grouping: GroupingBeside, names: tuple[str, str]) -> Table:
    rows = [
        [
            GAPS.get(name, name),
            _with_span(one["parent"]),
            _with_span(one["child"]),
            signed(one["change"]["value"]),
            _span(one["change"], signed) if one["change"]["value"] is not None
            else one["change"].get("reason", ""),
        ]
        for name, one in grouping["gaps"].items()
    ]  # fmt: skip
    return Table(
        f"Largest gap between groups by {grouping['name']}, points",
        ("Gap", *names, "Change", "95 % interval"),
        rows,
    )


def _groups(grouping: GroupingBeside, names: tuple[str, str]) -> list[Table]:
    head = (
        "Group", "Rows", *names, "Change, points", "95 % interval", "Lost", "Won",
        "p, McNemar, adjusted", "Change less that of the rest", "95 % interval", "p, adjusted",
        "Detectable",
    )  # fmt: skip
    told = [
        text
        for text in (
            f"{f.plural(grouping['unknown'], 'row')} of an unknown group are in none."
            if grouping["unknown"]
            else "",
            f"Groups of one row have no rate: {', '.join(grouping['alone'])}."
            if grouping["alone"]
            else "",
        )
        if text
    ]
    return [
        Table(
            f"{RATES[rate]}, by {grouping['name']}",
            head,
            [_group(name, group["rates"][rate]) for name, group in grouping["groups"].items()],
            " ".join(told),
        )
        for rate in SHOWN
        if all(rate in group["rates"] for group in grouping["groups"].values())
    ]


def _group(name: str, one: Any) -> list[str]:
    return [
        name,
        f.exact(one["n"]),
        percent(one["parent"]["value"]),
        percent(one["child"]["value"]),
        signed(one["change"]["value"]),
        _span(one["change"], signed),
        f.exact(one["lost"]),
        f.exact(one["won"]),
        p_value(one["change"]["p_adjusted"]),
        *_shift(one["against_rest"]),
    ]


def _shift(one: Shift) -> list[str]:
    """A change, its interval, its p-value, and what would have been found."""
    return [
        signed(one["value"]),
        _span(one, signed) if one["value"] is not None else one.get("reason", ""),
        p_value(one["p_adjusted"]),
        size(one["detectable"]),
    ]


# ---- numbers ------------------------------------------------------------------------------------


def _with_span(one: Estimate) -> str:
    """A gap with its interval."""
    return f.DASH if one["value"] is None else f"{size(one['value'])} ({_span(one, size)})"


def percent(value: float | None) -> str:
    """A share; a dash where there is none."""
    return f.percent(value)


def signed(value: float | None) -> str:
    """A difference of shares in points, with its sign."""
    return f.DASH if value is None else f.signed(100 * value, 1)


def size(value: float | None) -> str:
    """A difference that has no sign, in points."""
    return f.DASH if value is None else f"{100 * value:.1f}"


def _span(one: Estimate, form: Callable[[float | None], str]) -> str:
    """An interval; a dash where there is none."""
    return f.DASH if one["low"] is None else f"{form(one['low'])} to {form(one['high'])}"


def p_value(value: float | None) -> str:
    """A p-value with no more digits than are meaningful."""
    if value is None:
        return f.DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"
