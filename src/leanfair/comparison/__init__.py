"""The bridge between both halves: two models that answer the same task, side by side.

What pruning cost, what it won, and whom it touched. `evaluation/` and the wings measure; here two
models are opened, put beside each other, and shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.comparison.comparing import compare as compare
    from leanfair.comparison.pair import Pair as Pair
    from leanfair.comparison.pair import Pixels as Pixels
    from leanfair.comparison.pair import Side as Side
    from leanfair.comparison.result import Comparison as Comparison
    from leanfair.comparison.result import ComparisonEvent as ComparisonEvent
    from leanfair.comparison.whom.people import People as People

_HOMES = {
    "Comparison": "result",
    "ComparisonEvent": "result",
    "Pair": "pair",
    "People": "whom.people",
    "Pixels": "pair",
    "Side": "pair",
    "compare": "comparing",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
