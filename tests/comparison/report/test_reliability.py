"""The reliability diagram: a mark for each bin with samples, at its place."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import torch

from leanfair.comparison.measures.classifiers import calibration_entry
from leanfair.comparison.report.reliability import reliability_chart

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("width", [880.0, 350.0])
def test_each_bin_with_samples_is_a_mark_inside_the_picture(width: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = [2 * torch.randn(80, 4, generator=generator) for _ in range(2)]
    found = calibration_entry(*logits, torch.arange(80) % 4, seed=0)
    picture = ET.fromstring(str(reliability_chart(found, width, "a", "wide")))
    for bins, tag, style in (
        (found["parent_bins"], "rect", "kept"),
        (found["child_bins"], "circle", "layer"),
    ):
        shapes = [each for each in picture.iter(f"{SVG}{tag}") if each.get("class") == style]
        marks = [each for each in shapes if tag == "circle" or each.get("width") == "8.4"]
        assert len(marks) == sum(each["samples"] > 0 for each in bins)
        for each in marks:
            x = float(each.get("cx") or each.get("x") or -1)
            assert 0 <= x <= width
