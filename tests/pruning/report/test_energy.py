"""Energy on the page of a run and in the terminal: an estimate is called one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from leanfair.cli.pruning.result import print_result
from leanfair.evaluation.energy.reading import Energy, Kind
from leanfair.pruning.report import energy
from leanfair.pruning.report.page import render
from leanfair.pruning.schema import Summary
from tests.support.summaries import produced


def told(kwh: float | None, kind: Kind, at_least: bool = False) -> Summary:
    """A summary whose run took so much."""
    summary = produced("plain")
    found = summary["energy"]
    assert found is not None
    found["total"] = Energy(60.0, kwh, kind, "By <hand>.", at_least).to_json()
    found |= {"scoring": None, "candidates": None, "recovery": None, "rest": kwh}
    found["grams"] = None if kwh is None else found["grid"]["grams_per_kwh"] * kwh
    return summary


def terminal(summary: Summary) -> str:
    out = io.StringIO()
    print_result(Console(file=out, width=300), summary, "run")
    return out.getvalue().replace("\u00a0", " ")


@pytest.mark.parametrize("kind", ["estimated", "measured"])
def test_page_facts_and_terminal_say_how_it_is_known(kind: Kind) -> None:
    summary = told(0.0123, kind)
    page = render(summary).replace("\u00a0", " ")
    assert f"12.3 Wh ({kind})" in page
    assert "5.84 g of CO2 at 475 g for a kWh" in page
    assert "By &lt;hand&gt;." in page
    assert f"12.3 Wh ({kind})" in terminal(summary)
    assert dict(energy.facts(summary))["energy"].endswith(f"({kind})")


def test_a_part_without_a_measure_is_told_everywhere() -> None:
    summary = told(0.0123, "estimated", at_least=True)
    assert "at least 12.3" in render(summary).replace("\u00a0", " ")
    assert "at least 12.3" in terminal(summary)


def test_energy_that_is_not_known_is_said_not_to_be() -> None:
    summary = told(None, "unknown")
    said = "What energy the run took is not known. By"
    assert said in render(summary)
    assert said in terminal(summary)
    assert "carbon" not in dict(energy.facts(summary))


def test_shares_of_phases_are_of_their_sum() -> None:
    summary = told(0.004, "measured")
    found = summary["energy"]
    assert found is not None
    found |= {"scoring": 0.001, "candidates": None, "recovery": 0.003, "rest": 0.0}
    assert "(scoring 25%, recovery 75%)" in energy.energy(summary)
