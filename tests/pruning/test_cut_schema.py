"""A cut in JSON is what the schema says, and makes the cut again."""

from __future__ import annotations

import json

import pytest

from leanfair.pruning.cut_schema import CutEntry
from leanfair.pruning.types import Cut
from tests.support.schemas import misfits
from tests.support.summaries import produced


@pytest.mark.parametrize("kind", ["images", "language", "vision"])
def test_every_cut_of_a_run_is_as_the_schema_says_and_comes_back(kind: str) -> None:
    cuts = [step["cut"] for step in produced(kind)["steps"]]
    assert {cut["kind"] for cut in cuts} == {"layer", "neurons"}
    for cut in cuts:
        assert misfits(cut, CutEntry, "cut") == []
        assert json.loads(json.dumps(Cut.from_json(cut).to_json())) == cut
