"""The tables of Local Law 144 as a CSV and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanfair.data.tables import write_table
from leanfair.fairness import schema
from leanfair.fairness.ll144.tables import ll144_rows
from leanfair.files.writing import write_text
from leanfair.html import formats as f
from leanfair.html.formats import moment
from leanfair.html.page import Tile, environment

LL144 = ("ll144.csv", "ll144.html")
TITLES = {
    "sex": "Sex categories",
    "race/ethnicity": "Race and ethnicity categories",
    "intersections": "Intersectional categories",
}


def write_ll144(summary: schema.Summary, folder: Path) -> list[Path]:
    """Write ll144.csv and ll144.html into `folder`. Raises InputError where the groups are not
    those of sex and of race and ethnicity."""
    rows = ll144_rows(summary)
    table, page = (folder / name for name in LL144)
    return [write_table(table, rows), write_text(page, rendered(summary, rows))]


def rendered(summary: schema.Summary, rows: list[dict[str, Any]]) -> str:
    """The page: a table each for sex, for race and ethnicity, and for both."""
    scored = any(row["scoring_rate"] is not None for row in rows)
    tables = [
        (title, [_shown(row) for row in rows if row["table"] == kind])
        for kind, title in TITLES.items()
    ]
    judge, rule = summary["judge"].get("identity", {}), summary["rule"]
    return environment(__package__).get_template("ll144.html.j2").render(
        summary=summary,
        headline="Bias audit in the form of New York City’s Local Law 144",
        note=f"Decided by: {summary['model'] or judge.get('kind') or 'not known'}"
        + ("" if rule == "none" else f", under the rule {rule}")
        + f". Data: {summary['data']['name']}, {f.exact(summary['n'])} rows.",
        tiles=[Tile("Assessed", f.exact(summary["n"]), note="rows of the table")],
        moment=moment(summary["created"]),
        favourable=summary["settings"]["favourable"],
        minimum=f"{summary['settings']['minimum_share']:.0%}",
        scored=scored,
        tables=tables,
        notes=summary["notes"],
    )  # fmt: skip


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """A row as it is read: shares in percent, ratios in two digits, a dash where there is none."""
    rates, ratios = (
        ("share", "selection_rate", "scoring_rate"),
        ("impact_ratio", "scoring_impact_ratio"),
    )
    return {
        name: f.DASH if value is None
        else f.percent(value) if name in rates
        else f"{value:.2f}" if name in ratios
        else str(value)
        for name, value in row.items()
    }  # fmt: skip
