"""Claims in words."""

from __future__ import annotations

import torch

from leanfair.comparison.robustness.claims import never_falls_claim, rises_claim
from leanfair.evaluation.robustness.adversarial import Attacks, units

ATTACKS = Attacks(radii=(1 / 255,), samples=200)
CLEAN = torch.ones(2, 200, dtype=torch.bool)


def under(parent: int, child: int) -> dict:  # type: ignore[type-arg]
    both = torch.stack([torch.arange(200) < parent, torch.arange(200) < child])
    return dict.fromkeys(units(ATTACKS, 2), both)


def test_the_row_that_decides_is_named_with_its_interval_and_the_change_without_attack() -> None:
    claim = never_falls_claim(CLEAN, under(100, 60), ATTACKS, True)
    assert claim["verdict"] == "does not hold"
    assert "FGSM within 1/255" in claim["words"] or "PGD within 1/255" in claim["words"]
    assert "−20.00 points" in claim["words"]
    assert "as they are it changes by 0.00 points" in claim["words"]


def test_with_masked_gradients_nothing_can_be_said() -> None:
    claim = never_falls_claim(CLEAN, under(60, 150), ATTACKS, False)
    assert claim["verdict"] == "cannot be said"
    assert "masked" in claim["words"]
    assert never_falls_claim(CLEAN, under(60, 150), ATTACKS, True)["verdict"] == "holds"


def test_where_nothing_is_right_that_is_said() -> None:
    claim = never_falls_claim(CLEAN, under(0, 0), ATTACKS, True)
    assert claim["verdict"] == "cannot be said"
    assert claim["value"] is None
    assert claim["words"].startswith("Neither network")


def test_a_rise_is_told_with_its_interval() -> None:
    right = torch.stack([torch.arange(200) < 80, torch.arange(200) < 120]).view(1, 1, 2, 200)
    claim = rises_claim(CLEAN, right)
    assert claim["verdict"] == "holds"
    assert claim["words"].startswith("In the mean it changes by +20.00 points")
