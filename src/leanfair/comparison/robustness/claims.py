"""Two claims of the paper on pruning, held against what was measured, in words."""

from __future__ import annotations

from torch import Tensor

from leanfair.comparison.robustness.entries import both_under
from leanfair.comparison.schema.robustness import ClaimEntry
from leanfair.evaluation.robustness.adversarial import Attacks, Right, level
from leanfair.evaluation.robustness.claims import Ruling, never_falls, rises
from leanfair.evaluation.robustness.intervals import Paired, difference
from leanfair.html import formats as f

NEVER_FALLS = "Accuracy under attack never falls below the parent's"
RISES = "Accuracy under corruptions rises"
MASKED = "gradients may be masked, so robustness cannot be read from these numbers"


def never_falls_claim(clean: Tensor, right: Right, attacks: Attacks, trusted: bool) -> ClaimEntry:
    """What FGSM and PGD say of the claim about attacks. `clean`: what both get right without one,
    bool [2, n]."""
    rows = [
        (f"{attack.upper()} within {level(radius)}", *both_under(right, attack, radius))
        for attack in ("fgsm", "pgd")
        for radius in attacks.radii
    ]
    ruling = never_falls(rows)
    if not trusted:
        return _claim(NEVER_FALLS, Ruling("cannot be said", ruling.decisive, ""), f"Here {MASKED}.")
    if ruling.decisive is None:
        words = "Neither network gets anything right under any of these attacks."
    elif ruling.verdict == "does not hold":
        words = (
            f"Under {ruling.where} it changes by {_span(ruling.decisive)}, at 95 % for all rows."
        )
    elif ruling.verdict == "holds":
        words = f"The row that bears it least is {ruling.where}: {_span(ruling.decisive)}."
    else:
        words = f"It may fall: under {ruling.where} it changes by {_span(ruling.decisive)}."
    return _claim(NEVER_FALLS, ruling, f"{words} {_untouched(clean[0], clean[1])}")


def rises_claim(clean: Tensor, right: Tensor) -> ClaimEntry:
    """What corruptions say of the claim about them. `clean`: bool [2, n]; `right`: bool
    [corruptions, severities, 2, n]."""
    means = right.double().mean(dim=(0, 1))
    ruling = rises(means[0], means[1])
    assert ruling.decisive is not None
    words = f"In the mean it changes by {_span(ruling.decisive)}."
    return _claim(RISES, ruling, f"{words} {_untouched(clean[0], clean[1])}")


def _claim(claim: str, ruling: Ruling, words: str) -> ClaimEntry:
    found = ruling.decisive
    return {
        "claim": claim, "verdict": ruling.verdict, "words": words,
        "value": None if found is None else found.value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
    }  # fmt: skip


def _untouched(before: Tensor, after: Tensor) -> str:
    """What the change has to be held against: that on images to which nothing is done."""
    return f"On the same images as they are it changes by {_span(difference(before, after))}."


def _span(found: Paired) -> str:
    low, high = f.points(0, found.low), f.points(0, found.high)
    return f"{f.points(0, found.value)} points ({low} to {high})"
