"""Energy on the page: an estimate is called one wherever it stands."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from leanfair.comparison.report.energy import break_even, lines, tiles, view
from leanfair.comparison.report.page import render
from leanfair.comparison.schema.energy import BreakEven, Pruning
from leanfair.comparison.schema.summary import Summary
from leanfair.evaluation.energy.reading import Energy
from tests.support.pages import EVIL, Page
from tests.support.pairs import small_comparison


def told(kind: Any = "estimated", kwh: float | None = 2.0) -> Summary:
    """A comparison whose inference takes so much of the parent, and half of it of the child."""
    summary = deepcopy(small_comparison().summary)
    energy = summary["energy"]
    assert energy is not None
    for work in (energy["inference"], energy["fine_tuning"]):
        assert work is not None
        work["kind"], work["basis"] = kind, f"Said of it: {EVIL}"
        work["energy_ratio"] = None if kwh is None else {"value": 0.5, "low": 0.4, "high": 0.6}
        for side, share in (("parent", 1.0), ("child", 0.5)):
            own = None if kwh is None else share * kwh
            grams = None if own is None else 475 * own
            found = {"kwh": own, "processor": own, "grams": grams, "seconds": 60.0}
            work[side] = found  # type: ignore[literal-required]
    return summary


def making(kwh: float | None = 1.0, at_least: bool = False) -> Pruning:
    whole = Energy(9.0, kwh, "unknown" if kwh is None else "measured", "By hand.", at_least)
    grams = None if kwh is None else 475 * kwh
    return {"total": whole.to_json(), "recovery": 0.25, "grams": grams, "recorded": True}


def test_an_estimate_is_called_one_in_the_heading_the_rows_and_the_tile() -> None:
    summary = told("estimated")
    page = Page(render(summary))
    assert "What energy each takes (an estimate)" in page.all("h2")
    (tile,) = tiles(summary)
    assert (tile.change, tile.note) == ("−50.0%", "an estimate")
    found = view(summary)
    assert found is not None
    assert found["rows"][0]["note"] == "estimated"
    assert EVIL not in render(summary)
    assert "What energy each takes" in Page(render(told("measured"))).all("h2")


def test_energy_that_is_not_known_leaves_time() -> None:
    summary = told("unknown", None)
    found = view(summary)
    assert found is not None
    assert [row["label"] for row in found["rows"]] == [
        "A million inferences: time", "Fine-tuning, an epoch of 1,000 samples: time",
    ]  # fmt: skip
    assert all(row["note"] == "energy is not known" for row in found["rows"])
    assert tiles(summary)[0].change == "unknown"
    assert "energy is not known" in render(summary)


def test_the_grid_and_its_source_are_named() -> None:
    summary = told()
    assert summary["energy"] is not None
    summary["energy"]["grid"] = {"region": "FRA", "grams_per_kwh": 56.0, "source": "a table"}
    assert "56 g of CO2 for a kWh, that of the region FRA (a table)" in render(summary)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"samples": 2e6, "low": 1e6, "high": 4e6, "saved": 1.0},
         "after 2.00 M inferences (95 % interval 1.00 M to 4.00 M)"),
        ({"samples": 2e6, "low": 1e6, "high": None, "saved": 1.0},
         "from 1.00 M, without an end: the saving may be nothing"),
        ({"samples": 2e6, "low": None, "high": None, "saved": 1.0}, "after 2.00 M inferences."),
        ({"samples": None, "low": None, "high": None, "saved": -1.0}, "It never pays"),
        (None, "cannot be reckoned"),
    ],
)  # fmt: skip
def test_the_break_even_is_told_with_its_interval(found: BreakEven | None, words: str) -> None:
    assert words in break_even(found, making()).replace("\u00a0", " ")


def test_a_run_of_which_a_part_is_not_known_pays_back_at_least_so_late() -> None:
    even: BreakEven = {"samples": 2e6, "low": 1e6, "high": 4e6, "saved": 1.0}
    assert "after at least" in break_even(even, making(at_least=True))


def test_what_it_took_to_make_the_child_is_told_or_why_not() -> None:
    summary = told()
    assert summary["energy"] is not None
    for found, words in (
        (making(), "Making the child took 1.00 kWh (measured), 250 Wh of them for recovery, 475 g"),
        (making(at_least=True), "took at least 1.00 kWh"),
        (making(None), "is not known. By hand."),
        (None, "it is not the end of a pruning run"),
    ):
        summary["energy"]["pruning"] = found
        assert words in render(summary).replace("\u00a0", " ")
    assert break_even(None, None) == ""


def test_what_was_not_measured_is_not_there() -> None:
    summary = told()
    summary["energy"] = None
    assert view(summary) is None
    assert tiles(summary) == []
    assert "What energy each takes" not in render(summary)


def test_the_terminal_calls_an_estimate_one_and_says_why_energy_is_not_known() -> None:
    said = " ".join(lines(told("estimated"))).replace("\u00a0", " ")
    assert "take 1.00 kWh instead of 2.00 kWh (estimated), 475 g of CO2 instead of 950 g" in said
    assert lines(told("unknown", None)) == [f"Said of it: {EVIL}"]
    summary = told()
    summary["energy"] = None
    assert lines(summary) == []
