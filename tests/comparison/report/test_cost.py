"""Cost on the page."""

from __future__ import annotations

from copy import deepcopy

from leanfair.comparison.report.cost import rows, tiles, view
from leanfair.comparison.report.page import render
from tests.support.pages import Page
from tests.support.pairs import small_comparison


def test_every_cost_has_its_line() -> None:
    cost = small_comparison().summary["cost"]
    assert cost is not None
    labels = [row.label for row in rows(cost)]
    assert labels == [
        "MACs, one sample", "Parameters", "Weights in memory", "Peak memory, one sample",
        "Latency, batch 1", "Latency, batch 16", "Samples in a second, batch 16",
    ]  # fmt: skip


def test_files_and_writing_have_lines_where_they_are_known() -> None:
    cost = deepcopy(small_comparison().summary["cost"])
    assert cost is not None
    cost["files"] = {"parent": 3_000_000, "child": None}
    cost["writing"] = {
        "prompt_tokens": 128, "new_tokens": 32,
        "prefill": {"batch_size": 1, "parent": 50.0, "child": 75.0},
        "token": {**cost["latency"][0]},  # type: ignore[typeddict-item]
    }  # fmt: skip
    found = {row.label: row for row in rows(cost)}
    assert found["File size"].parent == "3.00\u00a0MB"
    assert found["File size"].child == "—"
    assert found["Prompt tokens in a second, prompt of 128"].change == "+50.0%"
    assert "Each new token" in found


def test_spreads_that_overlap_are_told_beside_the_time() -> None:
    summary = deepcopy(small_comparison().summary)
    assert summary["cost"] is not None
    for overlap in (True, False):
        for each in summary["cost"]["latency"]:
            each["overlap"] = overlap
        notes = {row.note for row in rows(summary["cost"]) if "Latency" in row.label}
        assert notes == {"the spreads overlap" if overlap else ""}
        assert (tiles(summary)[1].note != "") == overlap


def test_the_section_is_on_the_page_where_it_was_measured() -> None:
    summary = deepcopy(small_comparison().summary)
    assert "What each costs" in Page(render(summary)).all("h2")
    summary["cost"] = None
    assert view(summary) is None
    assert tiles(summary) == []
    assert "What each costs" not in Page(render(summary)).all("h2")
