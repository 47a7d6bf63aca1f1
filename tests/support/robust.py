"""Two networks for digits side by side, under few attacks and corruptions."""

from __future__ import annotations

from functools import cache
from typing import Any

from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.result import Comparison
from leanfair.comparison.sides.fitting import fitted
from leanfair.data.images import load
from leanfair.data.raw.image_set import Images
from leanfair.evaluation.robustness.adversarial import Attacks
from leanfair.evaluation.robustness.under_corruptions import Corruptions
from tests.support.pictures import trained

ATTACKS = Attacks(radii=(4 / 255, 16 / 255), steps=2, samples=40)
CORRUPTIONS = Corruptions(names=("contrast", "fog"), severities=(1, 4), samples=50)


def digits() -> Images:
    return load("digits").test.subset(range(60))


def digit_pair(test: Any = None, child: Any = None) -> Pair:
    parent, other, _ = trained()
    data = digits() if test is None else test
    small = other.model if child is None else child
    return fitted(Side("Parent", parent.model), Side("Child", small), data)


@cache
def robust_comparison() -> Comparison:
    """What `compare` says of them."""
    parent, child, _ = trained()
    return compare(
        parent.model, child.model, test=digits(), attacks=ATTACKS, corruptions=CORRUPTIONS,
        extra={"<again>": digits()}, seconds=0,
    )  # fmt: skip
