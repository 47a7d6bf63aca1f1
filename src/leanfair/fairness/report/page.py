"""The report of an audit: the content of summary.json as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanfair.fairness import schema
from leanfair.fairness.report import rows, story, views
from leanfair.fairness.report import words as w
from leanfair.fairness.report.examples import examples
from leanfair.fairness.report.facts import facts
from leanfair.fairness.report.reading import answering
from leanfair.fairness.report.tiles import tiles
from leanfair.files import write_text
from leanfair.html.formats import moment
from leanfair.html.page import environment, twice

SEEN = {"exact": 94, "placebo": 9}
"""Of 100 simulated audits with a planted bias under noise, how many each comparison finds at 0.05:
`benchmarks/placebo_power.py` repeats it."""


def write_report(summary: schema.Summary, target: Path) -> Path:
    """Write the page about `summary` (the content of summary.json) to `target`, in one piece.

    Raises RunDirectoryError where it cannot be written.
    """
    return write_text(Path(target), render(summary))


def render(summary: schema.Summary) -> str:
    """The page about `summary`: HTML that needs no network and no scripts."""
    rule, lead = w.shown_rule(summary), w.lead(summary)
    pairs = story.favours(summary)
    audited = summary["rule"]
    ordered = sorted(summary["groupings"], key=lambda grouping: grouping["name"] != lead["name"])
    return environment(__package__).get_template("audit.html.j2").render(
        summary=summary,
        attribute=w.attribute(summary),
        headline=story.headline(summary),
        tone=story.tone(summary),
        verdict=story.verdict(summary),
        answering=answering(summary),
        note=story.rule_note(summary),
        tiles=tiles(summary),
        moment=moment(summary["created"]),
        sure=w.confidence(summary),
        rule=rule,
        audited=audited,
        favourable=summary["settings"]["favourable"],
        lead=lead,
        rate_charts=twice(views.rates_chart, summary, "rates"),
        pair_charts=twice(views.pairs_chart, (summary, pairs), "pairs"),
        pairs_shown=min(len(pairs), views.PAIRS),
        pairs=rows.pair_rows(pairs, w.alpha(summary)),
        placebo=summary["flips"]["placebo"],
        groupings=[
            _grouping(summary, grouping, f"g{place}", rule)
            for place, grouping in enumerate(ordered)
        ],
        statuses=rows.statuses(summary, audited),
        frontier=twice(views.frontier, (summary, lead), "frontier"),
        effects=[story.effect(summary, rule)] if rule else [],
        facts=facts(summary),
        prompt=summary["judge"].get("prompt", ""),
        system=summary["judge"].get("system"),
        examples=examples(summary),
        titled=w.titled,
        seen=SEEN,
        no_flips=story.no_flips(summary),
    )  # fmt: skip


def _grouping(
    summary: schema.Summary, grouping: schema.Grouping, identity: str, rule: str | None
) -> dict[str, Any]:
    """All that is shown of a grouping."""
    parity = grouping["metrics"]["demographic_parity_difference"]["none"]
    found = (grouping["decomposition"] or {}) if w.span(parity) else {}
    other = "none" if summary["rule"] != "none" else rule
    return {
        "name": grouping["name"],
        "reference": grouping["reference"],
        "charts": twice(views.groups_chart, (summary, grouping, rule), f"{identity}-groups"),
        "rows": rows.group_rows(summary, grouping, summary["rule"]),
        "other": other,
        "other_rows": [] if other is None else rows.group_rows(summary, grouping, other),
        "other_statuses": [] if other is None else rows.statuses(summary, other),
        "table": rows.rule_table(summary, grouping),
        "decomposition": rows.part_rows(found),
        "parts": story.parts(summary, found) if found else "",
        "part_charts": twice(views.parts_chart, found, f"{identity}-parts") if found else [],
    }
