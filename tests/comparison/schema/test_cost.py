"""What `compare` says of cost is what the schema says."""

from __future__ import annotations

from leanfair.comparison.schema.cost import Cost
from tests.support.pairs import small_comparison
from tests.support.schemas import misfits


def test_the_section_is_as_the_schema_says() -> None:
    assert misfits(small_comparison().summary["cost"], Cost, "cost") == []
