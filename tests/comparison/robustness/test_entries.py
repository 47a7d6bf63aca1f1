"""What was measured, as summary.json holds it, against counts by hand."""

from __future__ import annotations

import pytest
import torch

from leanfair.comparison.robustness.entries import attacks_entry, both_under, corruptions_entry
from leanfair.evaluation.robustness.adversarial import Attacks, Unit, units
from leanfair.evaluation.robustness.masking import Check
from leanfair.evaluation.robustness.under_corruptions import Corruptions

ATTACKS = Attacks(radii=(0.1,), samples=30)
GENERATOR = torch.Generator().manual_seed(0)
RIGHT = {unit: torch.rand(2, 30, generator=GENERATOR) < 0.5 for unit in units(ATTACKS, 2)}
CLEAN = torch.rand(2, 30, generator=GENERATOR) < 0.9


@pytest.mark.parametrize(
    ("attack", "parent", "child"),
    [
        ("noise", (None, 0), (None, 1)),
        ("fgsm", (0, 0), (1, 1)),
        ("pgd", (0, 0), (1, 1)),
        ("transfer", (1, 0), (0, 1)),
    ],
)
def test_each_network_stands_under_its_own_attack_and_under_the_other_s_when_transferred(
    attack: str, parent: tuple[int | None, int], child: tuple[int | None, int]
) -> None:
    kind = "pgd" if attack == "transfer" else attack
    old, new = both_under(RIGHT, attack, 0.1)
    for found, (against, row) in ((old, parent), (new, child)):
        assert torch.equal(found, RIGHT[Unit(kind, 0.1, against)][row])  # type: ignore[arg-type]


@pytest.mark.parametrize("holds", [True, False])
def test_one_check_that_fails_takes_the_trust(holds: bool) -> None:
    tests = [Check("a", "Parent", True, ""), Check("b", "Child", holds, "seen")]
    entry = attacks_entry(CLEAN, RIGHT, ATTACKS, tests)
    assert entry["trusted"] is holds
    assert [row["attack"] for row in entry["rows"]] == ["noise", "fgsm", "pgd", "transfer"]


def test_means_errors_and_drops_belong_together() -> None:
    asked = Corruptions(names=("fog", "snow"), severities=(1, 3, 5), samples=30)
    right = torch.rand(2, 3, 2, 30, generator=GENERATOR) < 0.6
    entry = corruptions_entry(CLEAN, right, asked)
    for name, place in (("parent", 0), ("child", 1)):
        mean = float(right[:, :, place].double().mean())
        assert entry["accuracy"][name] == pytest.approx(mean)  # type: ignore[literal-required]
        assert entry["error"][name] == pytest.approx(1 - mean)  # type: ignore[literal-required]
        drop = float(CLEAN[place].double().mean()) - mean
        assert entry["drop"][name] == pytest.approx(drop)  # type: ignore[literal-required]
    value, low, high = (entry["drop"][key] for key in ("value", "low", "high"))  # type: ignore[literal-required]
    assert low < value < high
    assert [len(row["accuracy"]) for row in entry["rows"]] == [3, 3]
