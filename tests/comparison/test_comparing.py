"""compare: from two models to a summary, step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.comparison.comparing import compare
from leanfair.comparison.result import ComparisonEvent
from leanfair.errors import RunDirectoryError
from tests.support.nets import samples, tiny
from tests.support.quantised import dense, quantised


def test_nothing_is_measured_where_there_is_no_place_for_the_result(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    heard: list[ComparisonEvent] = []
    with pytest.raises(RunDirectoryError, match="did not write"):
        compare(tiny(), tiny(), test=samples(8), out=tmp_path, on_event=heard.append)
    assert heard == []
    assert (tmp_path / "report.html").read_text() == "mine"


def test_without_test_data_it_says_what_is_missing() -> None:
    found = compare(tiny(), tiny(seed=1))
    assert found.summary["quality"] is None
    assert found.summary["missing"]["quality"] == "No test data were given."


def test_it_writes_where_it_is_asked_to(tmp_path: Path) -> None:
    compare(
        tiny(),
        tiny(seed=1),
        test=samples(8),
        out=tmp_path / "c",
        seconds=0,
        attacks=False,
        corruptions=False,
    )
    names = {path.name for path in (tmp_path / "c").iterdir()}
    assert {"summary.json", "report.html", "leanfair.json"} <= names


def test_a_model_that_torch_quantised_is_measured_as_far_as_it_can_be() -> None:
    found = compare(dense(), quantised(), test=samples(40), seconds=0.02).summary
    assert found["quality"] is not None
    assert found["child"]["params"] == found["parent"]["params"]
    assert any("keeps quantised" in note or "keep quantised" in note for note in found["notes"])
    assert found["cost"] is not None or "cannot be counted" in found["missing"]["cost"]
