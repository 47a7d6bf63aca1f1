"""The structures told by a small twin are those that are found in the whole network."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.data.batches import Batch
from leanfair.models.streamed import streamed
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.structures.repeated import trace_repeated
from leanfair.pruning.structures.supported import twin_of
from tests.support.marks import mostly_real
from tests.support.shelves import MAKERS, ids, saved


@pytest.mark.parametrize(
    "case",
    mostly_real([(kind, free) for kind in MAKERS for free in (False, True)], [("tied", True)]),
)
def test_they_are_equal_in_every_word(case: tuple[str, bool], tmp_path: Path) -> None:
    kind, free = case
    whole = saved(tmp_path, kind)
    sample = Batch({"input_ids": ids(8)})
    assert trace_repeated(streamed(tmp_path), sample, free) == trace(twin_of(whole), sample, free)
