"""How important each structure of a network is: criteria, from a model and batches to scores.

The larger a score, the more would be lost. Every criterion is for layers and for neurons alike, and
none needs labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.criteria.criteria import CRITERIA as CRITERIA
    from leanfair.pruning.criteria.criteria import Criterion as Criterion
    from leanfair.pruning.criteria.criteria import cka as cka
    from leanfair.pruning.criteria.criteria import contribution as contribution
    from leanfair.pruning.criteria.criteria import criterion_named as criterion_named
    from leanfair.pruning.criteria.criteria import fisher as fisher
    from leanfair.pruning.criteria.criteria import kl as kl
    from leanfair.pruning.criteria.criteria import l1 as l1
    from leanfair.pruning.criteria.criteria import random as random

_HOMES = {
    "CRITERIA": "criteria",
    "Criterion": "criteria",
    "cka": "criteria",
    "contribution": "criteria",
    "criterion_named": "criteria",
    "fisher": "criteria",
    "kl": "criteria",
    "l1": "criteria",
    "random": "criteria",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES, {"energy": "contribution"})
