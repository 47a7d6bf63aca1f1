"""Drawings: every text is escaped, scales are exact at their ends, ticks are round numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from math import log10

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leanfair.html.svg import (
    LogScale,
    Scale,
    digits_for,
    drawing,
    mark,
    path,
    shortened,
    spread,
    text,
    ticks,
)

VALUES = st.floats(-1e6, 1e6, allow_subnormal=False)
SHOWN = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn", "Co"]), max_size=20)


@given(words=SHOWN, title=SHOWN)
def test_any_text_comes_back_from_the_xml(words: str, title: str) -> None:
    made = ET.fromstring(drawing("a", "chart", 10, 20.5, title, "about", text(1, 2, words)))
    found = [element.text or "" for element in made.iter() if element.tag.endswith("text")]
    assert found == [words]
    assert (made[0].text or "") == title
    assert made.attrib["viewBox"] == "0 0 10 20.5"
    assert made.attrib["aria-labelledby"] == "a-title a-desc"


def test_shapes_are_told_apart_and_an_unknown_one_is_a_diamond() -> None:
    tags = [mark(shape, 5, 5, 2, "x").split()[0] for shape in ("circle", "square", "diamond")]
    assert tags == ["<circle", "<rect", "<polygon"]
    assert path([(0, 1.5), (2.25, 3)]) == "0,1.5 2.25,3"


@given(low=VALUES, high=VALUES)
def test_a_scale_is_exact_at_its_ends_and_its_ticks_lie_inside(low: float, high: float) -> None:
    assume(high - low > 1e-3)
    scale = Scale(low, high, 10, 90)
    assert scale(low) == pytest.approx(10)
    assert scale(high) == pytest.approx(90)
    for value in scale.ticks(5):
        assert 10 - 1e-3 <= scale(value) <= 90 + 1e-3


def test_on_a_log_scale_equal_ratios_are_equally_far_apart() -> None:
    scale = LogScale(1, 1000, 0, 300)
    assert [scale(value) for value in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])
    assert set(scale.ticks(5)) >= {1, 10, 100, 1000}
    assert len(LogScale(1e-6, 1e9, 0, 1).ticks(4)) <= 8


@given(low=VALUES, width=st.floats(1e-3, 1e6), about=st.integers(2, 9))
def test_ticks_span_the_range_in_round_steps(low: float, width: float, about: int) -> None:
    found = ticks(low, low + width, about)
    step = found[1] - found[0]
    near = 1e-6 * max(step, 1e-3)
    assert found[0] <= low + near
    assert found[-1] >= low + width - near
    assert len(found) <= about + 2
    leading = step / 10 ** round(log10(step) // 1)
    assert any(leading == pytest.approx(each, rel=1e-3) for each in (1, 2, 5, 10))


def test_digits_tell_ticks_apart() -> None:
    assert digits_for([0, 1, 2]) == 0
    assert digits_for([0, 0.5, 1]) == 1
    assert digits_for([0.1, 0.125]) == 3


@given(
    positions=st.lists(st.floats(0, 100), max_size=8),
    gap=st.floats(0.1, 20),
)
def test_labels_are_moved_apart_in_their_order_and_not_further_than_needed(
    positions: list[float], gap: float
) -> None:
    placed = spread(positions, gap)
    order = sorted(range(len(positions)), key=positions.__getitem__)
    for one, other in pairwise(order):
        assert placed[other] - placed[one] >= gap - 1e-6
    assert sum(placed) == pytest.approx(sum(positions), abs=1e-6)
    if all(positions[b] - positions[a] >= gap for a, b in pairwise(order)):
        assert placed == pytest.approx(positions)


def test_long_words_lose_their_beginning() -> None:
    assert shortened("layer.0.attention", 1000) == "layer.0.attention"
    assert shortened("layer.0.attention", 10 * 6.4) == "…attention"
