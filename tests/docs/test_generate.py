"""The documentation of run directories says what the schemas say."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from docs.generate import PAGE, documentation, generated, words

from leanfair.pruning.measured_schema import Latency
from tests.support.places import ROOT

SOURCE = ROOT / "src"
SCHEMAS = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for pattern in ("*/*schema.py", "*/schema/[!_]*.py")
    for path in (SOURCE / "leanfair").glob(pattern)
)


def test_the_page_is_what_is_generated() -> None:
    page = PAGE.read_text("utf-8")
    assert generated(page) == page, "run make docs"


@pytest.mark.parametrize("module", SCHEMAS)
def test_every_schema_is_on_the_page(module: str) -> None:
    assert f"<!-- keys of {module} -->" in PAGE.read_text("utf-8")


def test_every_key_is_documented() -> None:
    rows = re.findall(r"^\| `.*$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


def test_links_lead_to_a_section() -> None:
    page = PAGE.read_text("utf-8")
    assert set(re.findall(r"\(#([\w-]+)\)", page)) <= set(re.findall(r'<a id="([\w-]+)">', page))


def test_what_stands_below_a_key_is_its_documentation() -> None:
    found = documentation("leanfair.pruning.schema", "WidthEntry")
    assert list(found) == ["name", "count", "unit", "queries"]
    assert found["count"] == "How many there are."


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (int, "whole number"),
        (float | None, "number or null"),
        (list[str | None], "list of (text or null)"),
        (dict[str, Latency], "mapping to [Latency](#pruning-latency)"),
        (Literal["a", 1], '`"a"` or `1`'),
        (dict[str, Any], "mapping to any"),
    ],
)
def test_types_are_told_in_the_words_of_json(kind: Any, told: str) -> None:
    assert words(kind) == told
