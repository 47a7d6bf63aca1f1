"""The pictures of robustness: everything lies inside, and says what it shows."""

from __future__ import annotations

import re

import pytest

from leanfair.comparison.report.robustness_charts import (
    Curve,
    Heat,
    Panel,
    attack_chart,
    heat_chart,
)

CURVE = Curve((0.9, 0.4, 0.0), (0.8, 0.3, 0.0), (1.0, 0.5, 0.1))
PANELS = [Panel(name, ("none", "1/255", "<8>"), CURVE, CURVE) for name in ("FGSM", "PGD")]


@pytest.mark.parametrize("width", [350.0, 880.0])
def test_the_curves_lie_inside_the_picture(width: float) -> None:
    drawn = str(attack_chart(PANELS, width, "a", "wide"))
    assert drawn.count("<polygon") == 4
    assert "&lt;8&gt;" in drawn
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    assert box is not None
    wide, high = map(float, box.groups())
    for points in re.findall(r'points="([^"]+)"', drawn):
        for spot in points.split():
            x, y = map(float, spot.split(","))
            assert 0 <= x <= wide
            assert 0 <= y <= high


@pytest.mark.parametrize("width", [350.0, 880.0])
def test_each_cell_tells_its_change_and_the_clear_ones_are_bold(width: float) -> None:
    rows = [Heat("fog", ((0.8, 0.7, True), (0.5, 0.52, False)))]
    drawn = str(heat_chart((rows, (1, 3)), width, "h", "wide"))
    assert "−10.00" in drawn
    assert "+2.00" in drawn
    assert drawn.count('class="count"') == 1
    assert "fog, severity 3: 50.0% to 52.0%" in drawn


def test_nothing_to_draw_draws_nothing() -> None:
    assert attack_chart([], 880, "a", "wide") is None
    assert heat_chart(([], (1,)), 880, "h", "wide") is None
