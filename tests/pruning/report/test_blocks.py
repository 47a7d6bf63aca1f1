"""The picture of the blocks: one group a block, and the outcome of each in its title."""

from __future__ import annotations

import pytest

from leanfair.pruning.report.architecture import Stage, removed_in, stages
from leanfair.pruning.report.blocks import blocks_chart
from leanfair.pruning.schema import Summary
from tests.support.pages import Page
from tests.support.summaries import deeper, produced


def of(summary: Summary) -> tuple[Stage, ...]:
    return stages(summary["architecture"], removed_in(summary["steps"]))


def drawn(found: tuple[Stage, ...], width: float) -> Page:
    page = Page(blocks_chart(found, width, "one", "blocks"))
    assert len(page.drawings) == 1
    return page


@pytest.mark.parametrize("width", [320.0, 960.0])
def test_every_block_is_drawn_and_crossed_out_where_it_went(width: float) -> None:
    found = of(produced("images"))
    page, blocks = drawn(found, width), [block for stage in found for block in stage.blocks]
    assert sorted(page.all("title")[1:]) == sorted(block.words for block in blocks)
    gone = sum(block.removed for block in blocks)
    assert len(page.all("g", class_="removed")) == gone > 0


def test_the_title_counts_the_blocks_that_are_left() -> None:
    found = of(produced("images"))
    kept, total = sum(stage.kept for stage in found), sum(len(stage.blocks) for stage in found)
    assert drawn(found, 960.0).all("title")[0].endswith(f"{kept} of {total} blocks left")


def test_a_stage_too_long_for_a_line_goes_on_in_another() -> None:
    found = of(deeper(produced("images"), 40))
    page = drawn(found, 320.0)
    assert any(label.endswith(", continued") for label in page.all("text", class_="stage-label"))
    assert len(page.all("g", class_="block")) == 40 * len(found)
    for bar in page.drawings[0].iter():
        if bar.tag.endswith("rect"):
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= 320.5
