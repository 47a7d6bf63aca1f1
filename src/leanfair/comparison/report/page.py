"""The report of a comparison: the content of summary.json as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leanfair.comparison.report import cost, energy, quality, robustness, whom
from leanfair.comparison.report.facts import facts
from leanfair.comparison.schema.summary import Summary
from leanfair.files import write_text
from leanfair.html import formats as f
from leanfair.html.formats import moment
from leanfair.html.page import Tile, environment

ALL_SAID = "All that was measured is below, with intervals of the difference."
"""What stands below the headline where that is one sentence."""


def write_report(summary: Summary, target: Path) -> Path:
    """Write the page about `summary` (the content of summary.json) to `target`, in one piece.

    Raises RunDirectoryError where it cannot be written.
    """
    return write_text(Path(target), render(summary))


def render(summary: Summary) -> str:
    """The page about `summary`: HTML that needs no network and no scripts."""
    return environment(__package__).get_template("templates/comparison.html.j2").render(
        summary=summary,
        headline=summary["headline"][0],
        rest=" ".join(summary["headline"][1:]) or ALL_SAID,
        moment=moment(summary["created"]),
        note=_note(summary),
        tiles=tiles(summary),
        sections=sections(summary),
        facts=facts(summary),
    )  # fmt: skip


def sections(summary: Summary) -> dict[str, Mapping[str, Any]]:
    """Section -> what its template, templates/<section>.html.j2, is filled with (`view`), in the
    order of the page. Sections that were not measured are not there."""
    views = {
        "quality": quality.view(summary),
        "whom": whom.view(summary),
        "robustness": robustness.view(summary),
        "cost": cost.view(summary),
        "energy": energy.view(summary),
    }
    return {name: view for name, view in views.items() if view is not None}


def tiles(summary: Summary) -> list[Tile]:
    """The key numbers of all sections, parent beside child."""
    params = summary["parent"]["params"], summary["child"]["params"]
    return [
        *quality.tiles(summary),
        *whom.tiles(summary),
        *robustness.tiles(summary),
        *cost.tiles(summary),
        *energy.tiles(summary),
        Tile("Parameters", f.change(*params), *map(f.parameters, params)),
    ]


def _note(summary: Summary) -> str:
    data = summary["data"]
    on = "" if data is None else f" on {f.plural(data['samples'], 'test sample')}"
    return (
        f"{summary['child']['name']} beside {summary['parent']['name']}{on}. Intervals are "
        f"those of the difference, paired, at 95 %."
    )
